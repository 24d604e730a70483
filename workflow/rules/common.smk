# What the rules look up: settings, runs, recipes, digests. Functions only, no rules.
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from aexad.benchmark import Settings, read_benchmark, trained
from aexad.data.catalogue import read_catalogue
from aexad.data.index import listing_digest
from aexad.errors import AexadError
from aexad.provenance import code_digest, file_digest
from aexad.recipe import ForeignMaps, read_methods
from aexad.schema import nearest, validate

# Jobs run `python`: let it be the one that runs Snakemake, also where its environment is not active.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

RUN_DATA = "results/runs/{dataset}/{category}/{scenario}/seed{seed}"
RUN = f"{RUN_DATA}/{{method}}"

try:
    SETTINGS = validate(Settings, config, "config/config.yaml or --config")
    CATALOGUE = read_catalogue("config/datasets.yaml")
    METHODS = read_methods("config/methods.yaml")
    BENCHMARK = read_benchmark("config/benchmarks", SETTINGS.benchmark)
    WHERE = f"config/benchmarks/{SETTINGS.benchmark}.yaml"
    RUNS = BENCHMARK.runs(CATALOGUE, METHODS, SETTINGS, WHERE)
    # A narrowed call (categories=… or methods=…) makes runs; tables are always of all runs.
    EVERYTHING = SETTINGS.model_copy(update={"categories": None, "methods": None})
    ALL_RUNS = BENCHMARK.runs(CATALOGUE, METHODS, EVERYTHING, WHERE)
except AexadError as error:
    raise WorkflowError(str(error)) from None

TRAINED = trained(ALL_RUNS, METHODS)
RESULTS = f"results/{SETTINGS.benchmark}"
GPUS = int(
    SETTINGS.device == "cuda"
    or (SETTINGS.device == "auto" and shutil.which("nvidia-smi") is not None)
)


def of_runs(runs, *names):
    """Files of these names of all these runs."""
    return [f"results/{run.folder}/{name}" for run in runs for name in names]


def benchmark_options():
    """How the verbs of the report are told which benchmark, and where its local data lies."""
    sources = " ".join(
        option("--source", f"{name}={path}") for name, path in SETTINGS.sources.items()
    )
    return (
        f"--benchmark {SETTINGS.benchmark} {option('--data', SETTINGS.data)} {sources}"
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


def foreign_maps(wildcards):
    """Folder of somebody else's maps of a run."""
    return recipe(wildcards).maps.format(**wildcards)


def methods_of_class(kind):
    """Pattern of the names of all methods that are trained, or that are somebody else's maps."""
    names = [name for name, method in METHODS.items() if isinstance(method, kind)]
    return "|".join(map(re.escape, names)) or "(?!)"


def local_source(wildcards):
    """The local folder or archive of a data set, or nothing."""
    return SETTINGS.sources.get(wildcards.dataset, dataset_entry(wildcards).source)


def origin(wildcards):
    """What `fetch` depends on: a change of it fetches again."""
    entry = dataset_entry(wildcards)
    drawn = code_digest("aexad.data.textures") if entry.adaptor == "textures" else None
    download = entry.download.model_dump() if entry.download else None
    return [drawn, download, local_source(wildcards)]


def images_digest(wildcards):
    """Changes when files of a local folder come, go or change in size."""
    source = local_source(wildcards)
    return listing_digest(source) if source and Path(source).is_dir() else None


def option(name, value):
    """A command-line option, or nothing where there is no value."""
    return f"{name} {shlex.quote(str(value))}" if value is not None else ""
