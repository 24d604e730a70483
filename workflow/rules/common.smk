# What the rules look up: settings, runs, recipes, digests. Functions only, no rules.
import hashlib
import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

from aexad.config.benchmark import (
    NAMES,
    Settings,
    completed_runs,
    read_benchmark,
    trained_runs,
)
from aexad.config.catalogue import read_catalogue
from aexad.config.methods import ExternalMaps, read_methods, trained_as
from aexad.config.schema import nearest, validate
from aexad.data.index import listing_digest
from aexad.plan.runs import runs_of
from aexad.runtime.errors import AexadError
from aexad.runtime.files import sha256_of
from aexad.runtime.preflight import (
    bring_back_from_the_future,
    check_folder,
    check_workplace,
)
from aexad.runtime.provenance import code_digest

# Jobs run `python`: let it be the one that runs Snakemake, also where its environment is not active.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

# In a job of a cluster: there a group of rules is one job (aexad/runtime/scratch.py).
if workflow.remote_exec:
    os.environ.update(AEXAD_SCRATCH=os.environ.get("TMPDIR", ""))

RUN_DATA = "results/runs/{dataset}/{category}/{scenario}/seed{seed}"
RUN = f"{RUN_DATA}/{{method}}"


def option(name, value):
    """A command-line option, or nothing where there is no value."""
    return f"{name} {shlex.quote(str(value))}" if value is not None else ""


def one_of(names):
    """A wildcard's pattern for one of these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def all_but(*patterns):
    """A wildcard's pattern for a method that is none of these."""
    return f"(?!(?:{'|'.join(patterns)})/){NAMES['method']}"


try:
    SETTINGS = validate(Settings, config, "config/config.yaml or --config")
    CATALOGUE = read_catalogue("config/datasets.yaml")
    METHODS = read_methods("config/methods.yaml")
    BENCHMARK = read_benchmark("config/benchmarks", SETTINGS.benchmark)
    WHERE = f"config/benchmarks/{SETTINGS.benchmark}.yaml"
    RUNS = runs_of(BENCHMARK, CATALOGUE, METHODS, SETTINGS, WHERE)
    # A narrowed call (categories=… or methods=…) makes runs; tables are always of all runs.
    EVERYTHING = SETTINGS.model_copy(update={"categories": None, "methods": None})
    ALL_RUNS = runs_of(BENCHMARK, CATALOGUE, METHODS, EVERYTHING, WHERE)
    REPORTED = completed_runs(ALL_RUNS, Path("results")) if SETTINGS.partial else ALL_RUNS
    # Told here: Snakemake itself would end in a traceback.
    check_folder("results")
    if workflow.is_main_process:
        check_workplace(".")
except AexadError as error:
    raise WorkflowError(str(error)) from None


# Before the first job, and not where nothing is run.
onstart:
    try:
        check_workplace("results")
    except AexadError as error:
        raise WorkflowError(str(error)) from None
    late = bring_back_from_the_future("results")
    if late:
        logger.warning(f"results: {late} files were newer than now, and are of now")


# Wildcards of rules: somebody else's maps are evaluated, all other methods have a model; some have
# that of another method. (An unknown name counts as trained, so that `recipe` can tell what is
# known.)
TRAINED_AS = trained_as(METHODS)
EXTERNAL_METHOD = one_of(
    name for name, method in METHODS.items() if isinstance(method, ExternalMaps)
)
SHARING_METHOD = one_of(name for name, other in TRAINED_AS.items() if name != other)
MODEL_METHOD = all_but(EXTERNAL_METHOD)
TRAINED_METHOD = all_but(EXTERNAL_METHOD, SHARING_METHOD)
# Not an option of the verbs: weights that moved are the same weights, and train nothing again.
if SETTINGS.weights_dir is not None:
    os.environ.update(AEXAD_WEIGHTS=str(Path(SETTINGS.weights_dir).resolve()))
TRAINED = trained_runs(REPORTED, METHODS)
# Told here: where results are there already, Snakemake passes over an input that is missing.
for run in set(REPORTED) - set(TRAINED):
    folder = METHODS[run.method].folder(**run._asdict())
    if not Path(folder).is_dir():
        raise WorkflowError(
            f"config/methods.yaml: method '{run.method}': no folder {folder}; correct 'maps'"
        )
RESULTS = f"results/{SETTINGS.benchmark}"
# Somebody else's maps have no steps to look at.
EXPLORER = [f"{RESULTS}/explorer/index.html"] if TRAINED else []
# What 'auto' means here, so that naming the device that it chose anyway changes nothing. A profile
# that gives trainings a GPU, or none, speaks of where they run, which may be another machine.
GPU_GIVEN = workflow.resource_settings.overwrite_resources.get("train", {}).get("gpu")
GPU_HERE = (
    shutil.which("nvidia-smi") is not None
    if GPU_GIVEN is None
    else str(GPU_GIVEN.raw) != "0"
)
DEVICE = (
    ("cuda" if GPU_HERE else "cpu") if SETTINGS.device == "auto" else SETTINGS.device
)
GPUS = int(DEVICE == "cuda")


# The next two ask for `resources`, which they do not need: Snakemake takes a parameter that does for
# a consequence of the machine, and a change of it runs nothing again.
def country_option(wildcards, resources):
    """Where the machine stands; energy that is measured changes no result."""
    return option("--country", SETTINGS.country)


def execution_options(wildcards, resources):
    """How a training is carried out, which changes nothing of its result."""
    memory = option("--feature-memory-mb", SETTINGS.feature_memory_mb)
    return f"{memory} --checkpoint-epochs {SETTINGS.checkpoint_epochs}".strip()


def of_runs(runs, *names):
    """Files of these names of all these runs."""
    return [f"results/{run.folder}/{name}" for run in runs for name in names]


def benchmark_options():
    """How the verbs of the report are told which benchmark, and where its local data lies."""
    used = {files_of(run.dataset) for run in ALL_RUNS}
    partial = "--partial" if SETTINGS.partial else ""
    sources = " ".join(
        option("--source", f"{name}={path}")
        for name, path in SETTINGS.sources.items()
        if name in used
    )
    return (
        f"--benchmark {SETTINGS.benchmark} {option('--data', SETTINGS.data)} {sources} "
        f"{partial}"
    )


def recipes():
    """What the tables tell from the methods' recipes: which part each plays."""
    names = dict.fromkeys(run.method for run in ALL_RUNS)
    return {name: METHODS[name].model_dump() for name in names}


def tell_missing():
    """Say what tables and pages wait for, where some runs are there and others are not."""
    missing = [
        run
        for run in ALL_RUNS
        if not Path("results", run.folder, "metrics.json").is_file()
    ]
    if SETTINGS.partial or RUNS != ALL_RUNS or len(missing) in (0, len(ALL_RUNS)):
        return
    logger.info(
        f"{SETTINGS.benchmark}: {len(missing)} of {len(ALL_RUNS)} runs are missing, as "
        f"{missing[0].folder}. Tables and pages are made after them; of those that are there: "
        "--config partial=true"
    )


def described(*keys):
    """What tables and pages say of the benchmark's data sets: a change of it renders them again."""
    names = dict.fromkeys(run.dataset for run in ALL_RUNS)
    return {name: CATALOGUE[name].model_dump(include=set(keys)) for name in names}


def dataset_entry(wildcards):
    """Catalogue entry of a data set, or an error that says what there is."""
    if wildcards.dataset not in CATALOGUE:
        raise WorkflowError(
            f"config/datasets.yaml: no data set '{wildcards.dataset}'; "
            f"{nearest(wildcards.dataset, list(CATALOGUE))}"
        )
    return CATALOGUE[wildcards.dataset]


def recipe(wildcards):
    """Recipe of a method, or an error that names its nearest neighbour."""
    if wildcards.method not in METHODS:
        raise WorkflowError(
            f"config/methods.yaml: no method '{wildcards.method}'; "
            f"{nearest(wildcards.method, list(METHODS))}"
        )
    return METHODS[wildcards.method]


def training_recipe(wildcards):
    return recipe(wildcards).training


def heat_map_recipe(wildcards):
    return recipe(wildcards).heat_map.model_dump()


def native_option(wildcards):
    return "--native" if dataset_entry(wildcards).evaluation.size == "native" else ""


def external_maps(wildcards):
    """Folder of somebody else's maps of a run."""
    return METHODS[wildcards.method].folder(**wildcards)


def external_digest(wildcards):
    """Changes when one of the maps does."""
    folder = Path(external_maps(wildcards))
    files = [
        (path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()
    ]
    listing = [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in files]
    return hashlib.sha256(repr(listing).encode()).hexdigest()


def local_source(wildcards):
    """The local folder or archive of a data set, or nothing."""
    entry = dataset_entry(wildcards)
    return SETTINGS.sources.get(files_of(wildcards.dataset), entry.source)


def files_of(dataset):
    """The data set whose files another one uses: its own, or its base's."""
    return CATALOGUE[dataset].files or dataset


def fetched(wildcards):
    """The marker of the files of a data set."""
    dataset_entry(wildcards)
    return f"{SETTINGS.data}/{files_of(wildcards.dataset)}.json"


def origin(wildcards):
    """What `fetch` depends on: a change of it fetches again."""
    entry, source = dataset_entry(wildcards), local_source(wildcards)
    drawn = code_digest("aexad.data.sources.textures") if entry.adaptor == "textures" else None
    if source is not None:
        return [str(Path(source).resolve()), content(wildcards)]
    if entry.download is None:
        return [drawn, entry.torchvision]
    # Not the mirrors: they have the same bytes.
    return [drawn, entry.download.model_dump(exclude={"mirrors"})]


def content(wildcards):
    """What a run's data depends on: another address of the same data changes nothing."""
    entry, source = dataset_entry(wildcards), local_source(wildcards)
    if source is not None:
        return listed(source)
    if entry.adaptor == "textures":
        return code_digest("aexad.data.sources.textures")
    return entry.download.sha256 if entry.download else entry.torchvision


@cache
def listed(source):
    """Digest of the names and sizes in a folder; of an archive, its size and time."""
    path = Path(source)
    if path.is_dir():
        return listing_digest(path)
    return [path.stat().st_size, path.stat().st_mtime_ns] if path.is_file() else None
