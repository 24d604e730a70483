"""The results of a benchmark, read once for all tables, sentences and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from aexad.config.benchmark import Comparison, Run
from aexad.config.methods import Method
from aexad.evaluation.metrics.image_counts import ImageCounts
from aexad.report.method_roles import MethodRoles, roles_of, titles_of
from aexad.report.published import Published
from aexad.report.stats.aggregate import GROUP
from aexad.report.stats.intervals import Intervals
from aexad.report.stats.tradeoff import with_tradeoffs


@dataclass(frozen=True)
class Results:
    """The measured numbers, the methods behind them, and the published numbers."""

    metrics: pd.DataFrame
    """Rows of ``metrics.csv``."""
    methods: pd.DataFrame
    """Rows of ``methods.csv``."""
    images: pd.DataFrame
    """One row per run and test image: :data:`aexad.evaluation.run_files.IMAGE_COLUMNS`."""
    recipes: Mapping[str, Method]
    published: Published
    titles: Mapping[str, str]
    """Data set: its title, for captions."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """Data set with a limited number of images: the data set whose files it uses."""
    counts: Callable[[Run], ImageCounts | None] = lambda run: None
    """The counts of a run, for intervals of pooled metrics; None: not known."""
    limits: str = ""
    """A sentence at the end of every caption, for example that runs are missing."""
    comparisons: Sequence[Comparison] = ()
    """The questions of the benchmark."""

    @cached_property
    def families(self) -> dict[str, str]:
        """Method: family of its encoder."""
        return dict(zip(self.methods["method"], self.methods["family"], strict=True))

    @cached_property
    def roles(self) -> MethodRoles:
        """The role of each method, over all data sets together."""
        names = list(self.metrics["method"].unique())
        return roles_of(self.recipes, names, self.families)

    @cached_property
    def method_titles(self) -> dict[str, str]:
        """Method: the title that tables and sentences show."""
        return titles_of(self.methods)

    @cached_property
    def intervals(self) -> dict[tuple[str, str], Intervals]:
        """Data set and scenario: the intervals of its means, drawn at the first call."""
        images = dict(list(self.images.groupby(GROUP, sort=False)))
        return {
            (str(key[0]), str(key[1])): self.intervals_of(part, images.get(key, self.images[:0]))
            for key, part in self.metrics.groupby(GROUP, sort=False)
        }

    def intervals_of(self, metrics: pd.DataFrame, images: pd.DataFrame) -> Intervals:
        """The intervals of these rows of one data set and scenario."""
        dataset, scenario = metrics[GROUP].iloc[0]
        return Intervals(
            metrics,
            images,
            lambda category, method, seed: self.counts(
                Run(dataset, category, scenario, seed, method)
            ),
        )

    @cached_property
    def quantities(self) -> pd.DataFrame:
        """``metrics`` and the trade-offs computed from them."""
        return with_tradeoffs(self.metrics)
