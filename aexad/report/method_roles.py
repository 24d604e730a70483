"""The role of each method in the comparisons of the sources, decided by its recipe and encoder.

So a benchmark on other data with other encoders has the same tables: its first convolutional
encoder takes the place that ResNet-50 has in the paper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from aexad.config.methods import Method, trained_as
from aexad.config.recipe import HeatMap, Recipe
from aexad.report.labels import COLLAPSED, DAGGER, counted, listed

CNN, TRANSFORMER, NOT_KNOWN = "CNN", "Transformer", "not known"
"""Values of the column ``family`` of ``methods.csv`` (others: ``hybrid``, ``none``)."""

ABLATION = {
    "AE": ("mse", "none"),
    "AE + filter": ("mse", "adaptive"),
    "AE-XAD without filter": ("aexad", "none"),
    "AE-XAD": ("aexad", "adaptive"),
}
"""Variant of the paper's table 1: its loss and filter; the rest of the recipe is the same."""


@dataclass(frozen=True)
class MethodRoles:
    """The methods that have each role, in the order in which they were given."""

    cnns: list[str] = field(default_factory=list)
    """AE-XAD with a convolutional encoder."""
    frozen: list[str] = field(default_factory=list)
    """AE-XAD with a frozen pre-trained Transformer."""
    trained: list[str] = field(default_factory=list)
    """AE-XAD with a Transformer that is trained, in part or as a whole."""
    ablation: dict[str, str] = field(default_factory=dict)
    """The variants of :data:`ABLATION` of the first of ``cnns`` that has two or more."""
    l2_cae: list[str] = field(default_factory=list)
    anovit: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str | None:
        """The convolutional method that the others are compared with."""
        return self.cnns[0] if self.cnns else None


def roles_of(
    recipes: Mapping[str, Method], names: Sequence[str], families: Mapping[str, str]
) -> MethodRoles:
    """Assign roles to methods by their recipes and the families of their encoders.

    Of methods that share a model and differ in the heat map only, the first has the role.

    Parameters
    ----------
    recipes : mapping of str to Method
        Method: its recipe, or its external maps, which have no role.
    names : sequence of str
        The methods that may have a role.
    families : mapping of str to str
        Method: family of its encoder, from ``methods.csv``. Encoders of other families than
        :data:`CNN` and :data:`TRANSFORMER` have no role in the comparison of the two.
    """
    known = _recipes(recipes, names)
    adaptive = {
        name: recipe
        for name, recipe in known.items()
        if recipe.is_aexad and recipe.heat_map.filter == "adaptive"
    }
    models = trained_as(adaptive)

    def of_family(family: str) -> list[str]:
        return [n for n in adaptive if models[n] == n and families.get(n) == family]

    transformers = of_family(TRANSFORMER)
    # With every heat map: a variant may come before the method that the ablation belongs to.
    ablations = [
        _ablation(recipe, known) for name, recipe in adaptive.items() if families.get(name) == CNN
    ]
    return MethodRoles(
        cnns=of_family(CNN),
        frozen=[name for name in transformers if adaptive[name].tuning == "frozen"],
        trained=[name for name in transformers if adaptive[name].tuning != "frozen"],
        ablation=next((variants for variants in ablations if len(variants) > 1), {}),
        l2_cae=[name for name, recipe in known.items() if recipe.model == "l2_cae"],
        anovit=[name for name, recipe in known.items() if recipe.model == "anovit"],
    )


def of_same_model(recipes: Mapping[str, Method], names: Sequence[str], method: str) -> list[str]:
    """Select the methods with the model of ``method``, itself included, whatever the heat map."""
    known = _recipes(recipes, names)
    return [name for name, recipe in known.items() if recipe.training == known[method].training]


def counterpart(
    recipes: Mapping[str, Method], names: Sequence[str], method: str, reference: str
) -> str | None:
    """Find the method with the model of ``reference`` and the heat map of ``method``."""
    known = _recipes(recipes, [method, *names])
    wanted = _effective(known[method].heat_map)
    same_model = of_same_model(recipes, names, reference)
    return next((n for n in same_model if _effective(known[n].heat_map) == wanted), None)


def same_heat_maps(
    recipes: Mapping[str, Method], names: Sequence[str], method: str, reference: str
) -> dict[str, str]:
    """Map each method with the model of ``method`` to its :func:`counterpart`, if it has one."""
    return {
        name: other
        for name in of_same_model(recipes, names, method)
        if (other := counterpart(recipes, names, name, reference)) is not None
    }


def _recipes(recipes: Mapping[str, Method], names: Sequence[str]) -> dict[str, Recipe]:
    return {name: r for name in names if isinstance(r := recipes.get(name), Recipe)}


def _effective(heat_map: HeatMap) -> dict[str, Any]:
    """The fields of a heat map that have an effect; a fixed filter, for example, has no extent."""
    used = {
        "sigma": heat_map.filter == "sigma",
        "extent": heat_map.filter == "adaptive",
        "target": heat_map.normalise == "target",
    }
    return heat_map.model_dump(exclude={key for key, is_used in used.items() if not is_used})


def _ablation(reference: Recipe, recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """Map each variant of :data:`ABLATION` to the method that differs in loss and filter only."""
    variants: dict[str, str] = {}
    for variant, (loss, kind) in ABLATION.items():
        training = reference.training | {"loss": loss}
        heat_map = reference.heat_map.model_copy(update={"filter": kind})
        for name, recipe in recipes.items():
            if recipe.training == training and recipe.heat_map == heat_map:
                variants.setdefault(variant, name)
    return variants


def first_of_each_family(methods: pd.DataFrame, names: Collection[str]) -> tuple[str, str] | None:
    """Choose the two methods that stand for a CNN and a Transformer as encoder.

    Each is the first of its family that AE-XAD's loss trains, in the order of the benchmark, whose
    file was written before the runs: the best of each by the test images would be compared on the
    images that chose it.

    Parameters
    ----------
    methods : DataFrame
        Rows of ``methods.csv``.
    names : collection of str
        The methods that may be chosen: those with results.

    Returns
    -------
    tuple of str, or None
        CNN and Transformer; None without such a pair.
    """
    ours = (methods["model"] == "aexad") & (methods["loss"] == "aexad")
    rows = methods[ours & methods["method"].isin(list(names))]
    first = rows.drop_duplicates("family").set_index("family")["method"].to_dict()
    return (first[CNN], first[TRANSFORMER]) if {CNN, TRANSFORMER} <= set(first) else None


def without_family(methods: pd.DataFrame) -> list[str]:
    """List the methods of ``methods.csv`` that have an encoder of a family that is not known."""
    unknown = (methods["family"] == NOT_KNOWN) & (methods["encoder"] != NOT_KNOWN)
    return list(methods.loc[unknown, "method"])


def not_pretrained(names: Sequence[str], methods: pd.DataFrame) -> list[str]:
    """Select the methods with a run whose encoder was not pre-trained."""
    # All values of runs that differ are named: "yes; no".
    some_random = methods["pretrained"].map(lambda value: "no" in str(value).split("; "))
    random = set(methods.loc[some_random, "method"])
    return [name for name in names if name in random]


def titles_of(methods: pd.DataFrame) -> dict[str, str]:
    """Map each method of ``methods.csv`` to the title that tables, figures and sentences show.

    The title of a method with a collapsed run ends with a mark.
    """
    columns = (methods[name] for name in ("method", "title", "collapsed"))
    return {
        method: title + COLLAPSED * bool(runs) for method, title, runs in zip(*columns, strict=True)
    }


def shown_titles(methods: pd.DataFrame) -> dict[str, str]:
    """Map each method to its title, with † where the encoder was not pre-trained."""
    titles = titles_of(methods)
    random = not_pretrained(list(titles), methods)
    return {name: title + DAGGER * (name in random) for name, title in titles.items()}


def collapsed_runs(methods: pd.DataFrame) -> str:
    """The sentence below every table and figure about runs that collapsed; empty without any."""
    named = zip(methods["title"], methods["collapsed"], strict=True)
    runs = [f"{title}: {run}" for title, own in named if own for run in own.split("; ")]
    if not runs:
        return ""
    return (
        f"{COLLAPSED} The training of {counted(len(runs), 'run')} collapsed to a network that does "
        f"not rebuild images ({listed(runs, most=3)}); the numbers of such a run say nothing about "
        "its method."
    )
