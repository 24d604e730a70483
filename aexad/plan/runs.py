"""The runs of a benchmark: every method on every data set, scenario and seed that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from aexad.config.benchmark import NAMES, Benchmark, Run, Selection, Settings
from aexad.config.catalogue import Dataset
from aexad.config.methods import Method
from aexad.config.schema import nearest
from aexad.config.weights import weights_record
from aexad.data.validate import local_categories
from aexad.runtime.errors import ConfigError

RESULTS = Path("results")
"""Folder of all results of the workflow."""
COLUMN_ENDS = ("_std", "_published", "_improvement")
"""Ends of the columns that tables add to the column of a method."""


def runs_of(
    benchmark: Benchmark,
    catalogue: dict[str, Dataset],
    known_methods: Mapping[str, Method],
    settings: Settings,
    where: str,
) -> list[Run]:
    """List every run of the benchmark in a fixed order.

    A method has no run in a scenario without the images that its loss trains on, and a data set
    has none in a scenario that it does not allow. ``settings`` may narrow categories and methods.

    Parameters
    ----------
    where
        File of the benchmark, for messages.

    Raises
    ------
    ConfigError
        A name is unknown, no run is left, or a name cannot be the name of a folder.
    """
    every = [
        run
        for selection in (benchmark, *benchmark.also)
        for run in _selected(
            _with_weights(selection, benchmark.without_weights, known_methods, where),
            catalogue,
            known_methods,
            settings,
            where,
        )
    ]
    named = {run.category: None for run in every}, {run.method: None for run in every}
    categories, methods = (
        _narrowed(key, getattr(settings, key), list(known), where)
        for key, known in zip(("categories", "methods"), named, strict=True)
    )
    runs = [
        run for run in dict.fromkeys(every) if run.category in categories if run.method in methods
    ]
    if not runs:
        raise ConfigError(
            f"{where}: no run is left; a method runs only in scenarios with the images that it "
            "needs (loss mse: standard, one_class; loss aexad: standard, anomalies_only), and "
            "class_folders have one_class alone"
        )
    for kind in ("dataset", "category", "method"):
        for name in dict.fromkeys(getattr(run, kind) for run in runs):
            if not re.fullmatch(NAMES[kind], name):
                raise ConfigError(
                    f"{where}: the {kind} '{name}' names a folder too, and may have only letters, "
                    "digits and _ . - (no - first); rename it"
                )
    columns = {run.method for run in runs}
    for name in sorted(columns):
        for end in COLUMN_ENDS:
            if f"{name}{end}" in columns:
                raise ConfigError(
                    f"{where}: the method '{name}{end}' would share a column of tables with "
                    f"numbers of '{name}'; rename it"
                )
    return runs


def _with_weights(
    selection: Selection, replaced: Mapping[str, str], known: Mapping[str, Method], where: str
) -> Selection:
    """The selection, with other methods for those whose weights were not fetched."""
    for name in (*replaced, *replaced.values()):
        if name not in known:
            raise ConfigError(
                f"{where}: without_weights: no method '{name}'; {nearest(name, known)}"
            )

    def is_there(name: str) -> bool:
        record = weights_record(known[name], RESULTS)
        return record is None or record.is_file()

    methods = [
        replaced[name] if name in replaced and not is_there(name) else name
        for name in selection.methods
    ]
    return selection.model_copy(update={"methods": methods})


def known_categories(name: str, dataset: Dataset, settings: Settings) -> list[str]:
    """Categories of a data set: as the catalogue lists them, or as its local folder has them."""
    if dataset.categories is not None:
        return dataset.categories
    files = dataset.files or name
    source = settings.sources.get(files, dataset.source)
    if source is None:
        raise ConfigError(
            f"data set '{name}' has neither 'categories' nor a local folder; add it to 'sources' "
            f"(--config 'sources={{{files}: FOLDER}}')"
        )
    return local_categories(Path(source), dataset.adaptor)


def _narrowed(key: str, wanted: list[str] | None, known: list[str], where: str) -> list[str]:
    """The wanted names, or all of them; ``1`` stands for ``01`` too.

    Snakemake hands on ``--config categories=01`` as a number.
    """
    if wanted is None:
        return known
    numbers = {str(int(name)): name for name in known if name.isdecimal()}
    names = [name if name in known else numbers.get(name, name) for name in wanted]
    for name in names:
        if name not in known:
            raise ConfigError(f"{key}={name}: not in {where}; {nearest(name, known)}")
    return names


def _selected(
    selection: Selection,
    catalogue: dict[str, Dataset],
    known_methods: Mapping[str, Method],
    settings: Settings,
    where: str,
) -> list[Run]:
    for method in selection.methods:
        if method not in known_methods:
            hint = nearest(method, known_methods)
            raise ConfigError(f"{where}: no method '{method}'; {hint}")
    categories = {
        (dataset, category)
        for dataset, wanted in selection.datasets.items()
        for category in _categories(wanted, dataset, catalogue, settings, where)
    }
    return [
        Run(dataset, category, scenario, seed, method)
        for dataset, category in sorted(categories)
        for scenario in selection.scenarios
        for seed in selection.seeds
        for method in selection.methods
        if scenario in known_methods[method].scenarios
        if scenario in catalogue[dataset].scenarios
    ]


def _categories(
    wanted: Literal["all"] | list[str],
    name: str,
    catalogue: dict[str, Dataset],
    settings: Settings,
    where: str,
) -> list[str]:
    if name not in catalogue:
        raise ConfigError(f"{where}: no data set '{name}'; {nearest(name, catalogue)}")
    files = catalogue[name].files
    if files and name in settings.sources:
        raise ConfigError(
            f"sources: data set '{name}' uses the files of '{files}'; give the source of '{files}'"
        )
    known = known_categories(name, catalogue[name], settings)
    if wanted == "all":
        return known
    for category in wanted:
        if category not in known:
            hint = nearest(category, known)
            raise ConfigError(f"{where}: data set '{name}' has no category '{category}'; {hint}")
    return list(wanted)
