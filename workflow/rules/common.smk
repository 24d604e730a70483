# The plan of this call (aexad/plan/plan.py), and functions of wildcards for the rules. No rules here.
import os
import sys
from contextlib import suppress
from pathlib import Path

from aexad.config.benchmark import NAMES
from aexad.config.weights import weights_folder
from aexad.plan.plan import RUN, RUN_DATA, option, plan
from aexad.runtime.errors import AexadError
from aexad.runtime.preflight import (
    check_no_file_at,
    check_writable,
    reset_future_file_times,
)
from aexad.runtime.provenance import code_digest
from aexad.runtime.signals import user_message

# Jobs run `python`: let it be the interpreter of Snakemake, also where its environment is not active.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

# Checked before the first rule, because Snakemake itself would stop with a traceback.
try:
    PLAN = plan(config)
    check_no_file_at("results")
    check_writable(".")
except (AexadError, OSError) as error:
    raise WorkflowError(user_message(error)) from None

SETTINGS = PLAN.settings
# External maps and imported runs have no steps to look at.
EXPLORER = [f"{PLAN.folder}/explorer/index.html"] if PLAN.pictured else []
# Not an option of the verbs: moving the same weights to another folder must not train again.
WEIGHTS = str(weights_folder(SETTINGS.weights_dir).resolve())
os.environ.update(AEXAD_WEIGHTS=WEIGHTS)

# Runs were deleted or replaced after the import, so that it is due again.
if not PLAN.import_holds:
    with suppress(OSError):
        Path(PLAN.import_record).unlink()


# Before the first job; not called in a dry run.
onstart:
    try:
        check_writable("results")
        changed = reset_future_file_times("results")
    except AexadError as error:
        raise WorkflowError(str(error)) from None
    if changed:
        logger.warning(
            f"results: {changed} file times in the future were set to now"
        )
    large = PLAN.large_downloads()
    if large and not SETTINGS.download:
        name = large[0].split()[0]
        raise WorkflowError(
            f"this would download {', '.join(large)}; allow it with --config download=true, or "
            f"name local copies with --config 'sources={{{name}: FOLDER}}'"
        )
    if PLAN.imported:
        logger.info(
            f"{SETTINGS.benchmark}: {len(PLAN.imported)} of {len(PLAN.all_runs)} runs were made "
            "elsewhere and are imported; to train them here: --config imports=false"
        )
    if reasons := PLAN.unfit_reasons:
        more = f" (and {len(reasons) - 1} more)" if reasons[1:] else ""
        logger.warning(f"{reasons[0]}{more}: these runs are made here")
    missing = PLAN.missing()
    if 0 < len(missing) < len(PLAN.all_runs) and not (
        SETTINGS.partial or PLAN.narrowed
    ):
        logger.info(
            f"{SETTINGS.benchmark}: {len(missing)} of {len(PLAN.all_runs)} runs are missing, for "
            f"example {missing[0].folder}. Tables and pages are made after them; for tables of the "
            "completed runs: --config partial=true"
        )


def of_wildcards(function):
    """Make a function of wildcards from one that may raise an error of the library."""

    def call(wildcards):
        try:
            return function(wildcards)
        except (AexadError, OSError) as error:
            raise WorkflowError(user_message(error)) from None

    return call


def times_attempt(amount):
    """A resource that grows each time a job is tried again."""
    return lambda wildcards, attempt: amount * attempt


@of_wildcards
def fetched(wildcards):
    """The file that `fetch` writes last for a data set."""
    return f"{SETTINGS.data}/{PLAN.files_of(wildcards.dataset)}.json"


@of_wildcards
def content(wildcards):
    return PLAN.content(wildcards.dataset, wildcards.category)


@of_wildcards
def stored_size(wildcards):
    return PLAN.dataset(wildcards.dataset).stored


@of_wildcards
def read_as(wildcards):
    """The size at which images are read; levels of 16 bits and tiles where they are given."""
    dataset = PLAN.dataset(wildcards.dataset)
    more = [
        *(dataset.levels or []),
        *([f"tile {dataset.tile}"] if dataset.tile else []),
    ]
    return [dataset.stored, *more] if more else dataset.stored


@of_wildcards
def training_code(wildcards):
    return PLAN.code(wildcards.method, "train")


@of_wildcards
def inference_code(wildcards):
    return PLAN.code(wildcards.method, "heat_map")


@of_wildcards
def training_recipe(wildcards):
    return PLAN.recipe(wildcards.method).stated_training


@of_wildcards
def heat_map_recipe(wildcards):
    return PLAN.recipe(wildcards.method).heat_map.model_dump()


@of_wildcards
def native_option(wildcards):
    return "--native" * (PLAN.dataset(wildcards.dataset).evaluation.size == "native")


# Snakemake takes a parameter that depends on `resources` for a property of the machine, and its
# change does not run a job again. So the next functions take `resources`, used or not.
def device(wildcards, resources):
    return PLAN.device(resources.gpu)


def recipe_options(wildcards, resources):
    return PLAN.recipe_options()


def country_option(wildcards, resources):
    return option("--country", SETTINGS.country)


def execution_options(wildcards, resources):
    memory = option("--feature-memory-mb", SETTINGS.feature_memory_mb)
    step = f"--step-memory-mb {SETTINGS.step_memory_mb}"
    return f"{memory} {step} --checkpoint-epochs {SETTINGS.checkpoint_epochs}".strip()
