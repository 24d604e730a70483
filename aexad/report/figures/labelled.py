"""What labelled defects are worth: metrics against their number per defect type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from aexad.config.catalogue import Dataset
from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import METRIC, listed
from aexad.report.stats.aggregate import category_means
from aexad.report.style import add_legend, grid_of

SHOWN = ("xauc", "pro", "f1", "iou")


def labelled_drawings(
    groups: Sequence[Group], catalogue: Mapping[str, Dataset]
) -> Iterator[Drawing]:
    """``labels``: of data sets that differ in the number of labelled defects alone."""
    families: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups:
        entry = catalogue.get(group.dataset)
        if entry is not None:
            rest = entry.model_dump_json(exclude={"title", "files", "labelled", "categories"})
            key = entry.files or group.dataset, group.scenario, rest
            families.setdefault(key, []).append(group)
    for (files, scenario, _), same in families.items():
        curves = labelled_curves(same, catalogue)
        if curves["labelled"].nunique() < 2:
            continue
        group = next((each for each in same if each.dataset == files), same[0])
        titles = [group.shown(name) for name in dict.fromkeys(curves["method"])]
        yield Drawing(
            f"labels_{group.dataset}_{scenario}",
            f"What labelled defects are worth: {catalogue[group.dataset].title}, {scenario}",
            "Mean over the categories that have a value for every number of labelled defects: "
            f"{listed(sorted(curves.attrs['categories']))}. Lines with marks: methods that train "
            "on the labelled defects, which then leave the test set; dashed lines: methods that "
            "ignore them, at their mean." + group.look.note,
            f"Line plots of {listed([METRIC[name].label for name in SHOWN])} against the number of "
            f"labelled defects of each type, for {listed(titles)}.",
            lambda curves=curves, look=group.look: labelled_figure(curves, look),  # type: ignore[misc]
        )


def labelled_curves(groups: Sequence[Group], catalogue: Mapping[str, Dataset]) -> pd.DataFrame:
    """Means by method, metric and number of labelled defects.

    Returns
    -------
    DataFrame
        Columns method, labels (``yes`` or ``no``), labelled, metric, value. Its attribute
        ``categories`` names the categories that are behind every value: those in which each
        method has one.
    """
    # A method may lack a metric, or a number of labelled defects, as a whole.
    tables = [
        (group, metric, values.dropna())
        for group in groups
        for metric in SHOWN
        if not (values := category_means(group.metrics, metric).dropna(axis=1, how="all")).empty
    ]
    shared = set.intersection(*(set(values.index) for *_, values in tables)) if tables else set()
    rows = [
        {
            "method": method,
            "labels": group.methods["labels"][str(method)],
            "labelled": catalogue[group.dataset].labelled,
            "metric": metric,
            "value": value,
        }
        for group, metric, values in tables
        for method, value in values.loc[sorted(shared)].mean().items()
        if shared
    ]
    curves = pd.DataFrame(rows, columns=["method", "labels", "labelled", "metric", "value"])
    curves.attrs["categories"] = shared
    return curves


def labelled_figure(curves: pd.DataFrame, look: Look) -> Figure:
    """Draw one panel per metric; ``curves`` as :func:`labelled_curves` returns them."""
    figure, panels = grid_of(len(SHOWN), 2, height=1.9, margin=0.7)
    numbers = sorted(curves["labelled"].unique())
    labelled = set(curves.loc[curves["labels"] != "no", "method"])
    for axes, metric in zip(panels, SHOWN, strict=True):
        for method, own in curves[curves["metric"] == metric].groupby("method", sort=False):
            style = look.styles[str(method)]
            if method not in labelled:
                axes.axhline(own["value"].mean(), color=style.colour, linestyle="--", linewidth=1)
                continue
            own = own.sort_values("labelled")
            places = [numbers.index(each) for each in own["labelled"]]
            axes.plot(places, own["value"], color=style.colour, marker=style.marker, markersize=4)
        axes.set_title(METRIC[metric].label)
        axes.set_xticks(range(len(numbers)), [str(each) for each in numbers])
        axes.set_xlim(-0.3, len(numbers) - 0.7)
        axes.set_xlabel("labelled defects of each type")
    handles, shown = look.handles(curves["method"]), set(curves["method"])
    for handle, method in zip(handles, filter(shown.__contains__, look.styles), strict=True):
        if method not in labelled:
            handle.set(linestyle="--", marker="")
    add_legend(figure, handles)
    return figure
