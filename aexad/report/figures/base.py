"""The parts that all figures share: the results of a data set, and the look of methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.data.images import Levels
from aexad.data.tables import read_split
from aexad.evaluation.run_files import read_images
from aexad.report.images.pictures import (
    Photograph,
    Picture,
    choose_images,
    read_photographs,
    read_pictures,
)
from aexad.report.labels import DAGGER
from aexad.report.method_roles import (
    collapsed_runs,
    first_of_each_family,
    not_pretrained,
    shown_titles,
)
from aexad.report.stats.aggregate import GROUP
from aexad.report.style import MethodStyle, method_styles
from aexad.report.text.captions import data_phrase


class Drawing(NamedTuple):
    """A figure that is not drawn yet, and its texts."""

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[], Figure]


class Look(NamedTuple):
    """Style and title of each method: the same in every figure."""

    styles: dict[str, MethodStyle]
    titles: dict[str, str]
    note: str

    def handles(self, methods: Iterable[str]) -> list[Line2D]:
        """The entries of these methods in a legend."""
        shown = set(methods)
        return [
            style.handle(self.titles[method])
            for method, style in self.styles.items()
            if method in shown
        ]


@dataclass(frozen=True)
class Group:
    """The results of one data set under one scenario.

    ``runs`` are the runs that trained a model, if any. ``metrics`` has the rows of all methods, and
    ``methods`` is ``methods.csv`` indexed by method. ``root`` is the folder of the data set,
    ``size`` the working size, and ``native`` says whether masks are compared at their own size.
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
    levels: Levels | None = None
    """The levels of 16 bits that become black and white."""
    external: Sequence[Run] = ()
    """The runs with external maps."""

    @property
    def phrase(self) -> str:
        """The sentence that says which data are behind the figure."""
        return data_phrase(self.metrics, {self.dataset: self.title}, self.look.titles)

    @property
    def seed(self) -> int:
        """The lowest seed; pictures are of its runs."""
        return min(run.seed for run in self.runs)

    @property
    def categories(self) -> list[str]:
        """The categories that have runs."""
        return list(dict.fromkeys(run.category for run in self.runs))

    def drawing(
        self,
        kind: str,
        title: str,
        caption: str,
        alt: str,
        draw: Callable[[], Figure],
        end: str = "",
    ) -> Drawing:
        """A figure ``<kind>_<dataset>_<scenario><end>``; the caption explains the dagger."""
        return Drawing(
            f"{kind}_{self.dataset}_{self.scenario}{end}",
            f"{title}: {self.title}, {self.scenario}",
            caption + self.look.note,
            alt,
            draw,
        )

    @property
    def pictured(self) -> Group:
        """The same with all runs that have heat maps: imported ones have numbers alone."""
        every = [*self.runs, *self.external]
        return replace(self, runs=[run for run in every if not run.is_imported(self.results)])

    def runs_of(
        self, method: str, seed: int | None = None, category: str | None = None
    ) -> list[Run]:
        """The runs of a method in the order of the categories, of all seeds unless one is given."""
        return [
            run
            for run in self.runs
            if run.method == method
            and seed in (None, run.seed)
            and category in (None, run.category)
        ]

    def common(self, *methods: str) -> Group:
        """The same with the runs that compare these methods: of one seed, in their categories.

        It is the lowest seed with which all of them have a run in the same category; there are no
        runs if there is none.
        """
        places = [{(run.seed, run.category) for run in self.runs_of(name)} for name in methods]
        shared = set.intersection(*places)
        lowest = min((seed for seed, _ in shared), default=None)
        own = [run for run in self.runs if run.method in methods and run.seed == lowest]
        return replace(self, runs=[run for run in own if (run.seed, run.category) in shared])

    def folder(self, run: Run) -> Path:
        """The folder of a run, imported or not."""
        return run.folder_in(self.results)

    def split(self, run: Run) -> pd.DataFrame:
        """The rows of the run's ``split.csv``."""
        return read_split(self.folder(run).parent / "split.csv")

    def choose(self, run: Run, count: int, masked: bool = True) -> pd.DataFrame:
        """Choose test images of a run by :data:`~aexad.report.images.pictures.RULE`.

        They have masks, unless ``masked`` is false: no rows where there are no masks.
        """
        split = self.split(run)
        return choose_images(split[split["mask"] != ""] if masked else split, count)

    def photographs(self, rows: pd.DataFrame) -> list[Photograph]:
        """Read the images of some rows of a split."""
        return read_photographs(rows, self.root, self.size, self.levels)

    def pictures(self, run: Run, rows: pd.DataFrame) -> list[Picture]:
        """Read the maps of a run for some rows of its split."""
        return read_pictures(self.folder(run), list(rows["image"]))

    def per_image(self, methods: Sequence[str] | None = None) -> pd.DataFrame:
        """Read the values of each test image of these methods; default: of all runs."""
        runs = [run for run in self.runs if methods is None or run.method in methods]
        return read_images(runs, self.results)

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
        """The method's title, with a dagger where its encoder was not pre-trained."""
        return self.look.titles[method]


def read_groups(
    runs: Sequence[Run],
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    catalogue: Mapping[str, Dataset],
    results: Path,
    data: Path,
    external: Sequence[Run] = (),
) -> Iterator[Group]:
    """Yield a group for each data set and scenario of ``metrics``.

    ``runs`` trained a model; ``external`` are runs with external maps.
    """

    def within(every: Sequence[Run], dataset: str, scenario: str) -> list[Run]:
        return [run for run in every if (run.dataset, run.scenario) == (dataset, scenario)]

    random = not_pretrained(list(methods["method"]), methods)
    notes = [
        f"{DAGGER} Encoder not pre-trained (random weights)." if random else "",
        collapsed_runs(methods),
    ]
    look = Look(
        styles=method_styles(list(methods["method"])),
        titles=shown_titles(methods),
        note="".join(f" {note}" for note in notes if note),
    )
    for keys, part in metrics.groupby(GROUP):
        dataset, scenario = map(str, keys)
        entry = catalogue.get(dataset)
        yield Group(
            dataset=dataset,
            scenario=scenario,
            title=entry.full_title if entry else dataset,
            runs=within(runs, dataset, scenario),
            metrics=part,
            methods=methods.set_index("method"),
            look=look,
            results=results,
            root=data / ((entry.files if entry else None) or dataset),
            size=entry.stored if entry else 0,
            native=entry is not None and entry.evaluation.size == "native",
            levels=entry.levels if entry else None,
            external=within(external, dataset, scenario),
        )


def cnn_and_transformer(group: Group) -> tuple[str, str] | None:
    """The CNN and the Transformer of the comparison, of the methods with runs in the group."""
    return first_of_each_family(group.methods.reset_index(), group.trained_methods())
