"""What every figure starts from: a data set under one scenario, its runs, and how methods look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.data.split import read_split
from aexad.report.images.pictures import choose_images
from aexad.report.labels import DAGGER
from aexad.report.method_roles import CNN, TRANSFORMER, not_pretrained
from aexad.report.run_files import read_per_image
from aexad.report.style import MethodStyle, method_styles
from aexad.report.text.captions import data_phrase


class Drawing(NamedTuple):
    """A figure that is still to be drawn, and the words that go with it."""

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[], Figure]


class Look(NamedTuple):
    """How methods look and are called: the same in every figure."""

    styles: dict[str, MethodStyle]
    names: dict[str, str]
    note: str


@dataclass(frozen=True)
class Group:
    """One data set under one scenario.

    ``runs`` are those that trained a model, if any; ``metrics`` has the rows of all methods, and
    ``methods`` is ``methods.csv`` by method.
    """

    dataset: str
    scenario: str
    title: str
    runs: list[Run]
    metrics: pd.DataFrame
    methods: pd.DataFrame
    look: Look
    results: Path
    root: Path
    size: int
    native: bool

    @property
    def where(self) -> str:
        """``<dataset>_<scenario>``, for file names."""
        return f"{self.dataset}_{self.scenario}"

    @property
    def place(self) -> str:
        """Data set and scenario, for titles."""
        return f"{self.title}, {self.scenario}"

    @property
    def phrase(self) -> str:
        """The sentence that says which data are behind the figure."""
        return data_phrase(self.metrics, {self.dataset: self.title})

    @property
    def seed(self) -> int:
        """The lowest seed: pictures are of its runs."""
        return min(run.seed for run in self.runs)

    def runs_of(self, method: str, seed: int | None = None) -> list[Run]:
        """The runs of a method, in the order of the categories; of one seed, or of all."""
        return [
            run for run in self.runs if run.method == method and (seed is None or run.seed == seed)
        ]

    def folder(self, run: Run) -> Path:
        """The folder of a run."""
        return self.results / run.folder

    def split(self, run: Run) -> pd.DataFrame:
        """The rows of the run's ``split.csv``."""
        return read_split(self.results / run.data_folder / "split.csv")

    def one_image(self, run: Run) -> pd.DataFrame:
        """The anomalous test image that stands for a run, one row; none where there are no masks.

        It is chosen by :data:`~aexad.report.images.pictures.RULE`.
        """
        split = self.split(run)
        return choose_images(split[split["mask"] != ""], 1)

    def per_image(self, methods: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of every run's ``per_image.csv``, with category, method and seed; of all seeds.

        Of ``methods``, or of all that trained a model.
        """
        tables = [
            read_per_image(self.folder(run) / "per_image.csv")
            .reset_index()
            .assign(category=run.category, method=run.method, seed=run.seed)
            for run in self.runs
            if methods is None or run.method in methods
        ]
        return pd.concat(tables, ignore_index=True)

    def trained_methods(self, **wanted: str) -> list[str]:
        """Methods with runs whose row of ``methods.csv`` has these values, in its order."""
        own = {run.method for run in self.runs}
        rows = self.methods
        for column, value in wanted.items():
            rows = rows[rows[column] == value]
        return [str(method) for method in rows.index if method in own]

    def known(self, metric: str) -> bool:
        """Whether any run has a value of this metric."""
        rows = self.metrics[self.metrics["metric"] == metric]
        return bool(rows["value"].notna().any())

    def shown(self, method: str) -> str:
        """The method's name in figures, with a dagger where its encoder was not pre-trained."""
        return self.look.names[method]


def read_groups(
    runs: Sequence[Run],
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    catalogue: Mapping[str, Dataset],
    results: Path,
    data: Path,
) -> Iterator[Group]:
    """Yield a group for each data set and scenario of ``metrics``."""
    look = _look(methods)
    for keys, part in metrics.groupby(["dataset", "scenario"]):
        dataset, scenario = map(str, keys)
        entry = catalogue.get(dataset)
        yield Group(
            dataset=dataset,
            scenario=scenario,
            title=entry.full_title if entry else dataset,
            runs=[run for run in runs if (run.dataset, run.scenario) == (dataset, scenario)],
            metrics=part,
            methods=methods.set_index("method"),
            look=look,
            results=results,
            root=data / ((entry.files if entry else None) or dataset),
            size=entry.stored if entry else 0,
            native=entry is not None and entry.evaluation.size == "native",
        )


def cnn_and_transformer(group: Group) -> tuple[str, str] | None:
    """The two methods that stand for their kinds of encoder, or None without such a pair.

    The first of each kind that AE-XAD's loss trains, in the order of the benchmark: the choice
    does not look at the scores.
    """
    cnns, transformers = (
        group.trained_methods(model="aexad", loss="aexad", family=family)
        for family in (CNN, TRANSFORMER)
    )
    return (cnns[0], transformers[0]) if cnns and transformers else None


def _look(methods: pd.DataFrame) -> Look:
    names = list(methods["method"])
    random = not_pretrained(names, methods)
    return Look(
        styles=method_styles(names),
        names={name: name + (DAGGER if name in random else "") for name in names},
        note=f" {DAGGER} Encoder not pre-trained (random weights)." if random else "",
    )
