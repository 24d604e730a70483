"""Which part each method plays in the sources' comparisons, told by its recipe.

So a benchmark on other data with other encoders has the same tables: its first convolutional
encoder stands where the paper has ResNet-50.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from aexad.config.methods import Method, trained_as
from aexad.config.recipe import PIXELS, Recipe

CNN, TRANSFORMER, NOT_KNOWN = "CNN", "Transformer", "not known"
"""Values of the column ``family`` of ``methods.csv``; hybrids and encoders of no family are others."""

TRANSFORMERS = ("vit", "deit", "swin", "beit", "cait", "eva")

ABLATION = {
    "AE": ("mse", "none"),
    "AE + filter": ("mse", "adaptive"),
    "AE-XAD without filter": ("aexad", "none"),
    "AE-XAD": ("aexad", "adaptive"),
}
"""Variant of the paper's table 1: its loss and filter; the rest of the recipe is the same."""


@dataclass(frozen=True)
class MethodRoles:
    """The methods that play each part, in the order in which they were given."""

    cnns: list[str] = field(default_factory=list)
    """AE-XAD with a convolutional encoder."""
    frozen: list[str] = field(default_factory=list)
    """AE-XAD with a Transformer that stays as it was pre-trained."""
    trained: list[str] = field(default_factory=list)
    """AE-XAD with a Transformer that is trained, in part or whole."""
    ablation: dict[str, str] = field(default_factory=dict)
    """The variants of :data:`ABLATION` of the first of ``cnns`` that has two or more."""
    l2_cae: list[str] = field(default_factory=list)
    anovit: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str | None:
        """The convolutional method that the others are compared with."""
        return self.cnns[0] if self.cnns else None


def is_transformer(encoder: str) -> bool:
    """Whether a timm name is that of a Vision Transformer.

    >>> [is_transformer(name) for name in ("crossvit_small_240.in1k", "resnet18.tv_in1k")]
    [True, False]
    """
    return any(word in encoder for word in TRANSFORMERS)


def is_cnn(encoder: str) -> bool:
    """Whether an encoder is a convolutional network: raw pixels are of neither kind.

    >>> [is_cnn(name) for name in ("resnet18.tv_in1k", "deit_small_patch16_224", "pixels")]
    [True, False, False]
    """
    return encoder != PIXELS and not is_transformer(encoder)


def roles_of(recipes: Mapping[str, Method], names: Sequence[str]) -> MethodRoles:
    """Sort the methods ``names`` by their recipes; somebody else's maps play no part.

    Of methods that share a model, and differ in the heat map alone, the first plays it.
    """
    own = _recipes(recipes, names)
    adaptive = {
        name: recipe
        for name, recipe in own.items()
        if recipe.is_aexad and recipe.heat_map.filter == "adaptive"
    }
    models = trained_as(adaptive)
    explained = {name: recipe for name, recipe in adaptive.items() if models[name] == name}
    transformers = {n: r for n, r in explained.items() if is_transformer(r.encoder or "")}
    cnns = [name for name, recipe in explained.items() if is_cnn(recipe.encoder or "")]
    # Of all heat maps: a variant may stand before the method that the ablation is of.
    ablations = [
        _ablation(recipe, own) for recipe in adaptive.values() if is_cnn(recipe.encoder or "")
    ]
    return MethodRoles(
        cnns=cnns,
        frozen=[name for name, recipe in transformers.items() if recipe.tuning == "frozen"],
        trained=[name for name, recipe in transformers.items() if recipe.tuning != "frozen"],
        ablation=next((each for each in ablations if len(each) > 1), {}),
        l2_cae=[name for name, recipe in own.items() if recipe.model == "l2_cae"],
        anovit=[name for name, recipe in own.items() if recipe.model == "anovit"],
    )


def of_same_model(recipes: Mapping[str, Method], names: Sequence[str], method: str) -> list[str]:
    """Those of ``names`` whose model is ``method``'s, itself included, whatever the heat map."""
    own = _recipes(recipes, names)
    return [name for name, recipe in own.items() if recipe.training == own[method].training]


def counterpart(
    recipes: Mapping[str, Method], names: Sequence[str], method: str, reference: str
) -> str | None:
    """The one of ``names`` with the model of ``reference`` and the heat map of ``method``."""
    wanted = _recipes(recipes, [method])[method].heat_map
    same = _recipes(recipes, of_same_model(recipes, names, reference))
    return next((name for name, recipe in same.items() if recipe.heat_map == wanted), None)


def same_heat_maps(
    recipes: Mapping[str, Method], names: Sequence[str], method: str, reference: str
) -> dict[str, str]:
    """Methods with the model of ``method``, each with the one :func:`counterpart` it."""
    return {
        name: same
        for name in of_same_model(recipes, names, method)
        if (same := counterpart(recipes, names, name, reference)) is not None
    }


def _recipes(recipes: Mapping[str, Method], names: Sequence[str]) -> dict[str, Recipe]:
    known = {name: recipes.get(name) for name in names}
    return {name: recipe for name, recipe in known.items() if isinstance(recipe, Recipe)}


def _ablation(reference: Recipe, recipes: Mapping[str, Recipe]) -> dict[str, str]:
    def rest(recipe: Recipe) -> dict[str, object]:
        return recipe.model_dump(exclude={"title": True, "loss": True, "heat_map": {"filter"}})

    return {
        variant: name
        for variant, (loss, kind) in ABLATION.items()
        for name, recipe in recipes.items()
        if (recipe.loss, recipe.heat_map.filter) == (loss, kind) and rest(recipe) == rest(reference)
    }


def families_of(methods: pd.DataFrame) -> dict[str, str]:
    """Map each method of ``methods.csv`` to the family of its encoder."""
    return dict(zip(methods["method"], methods["family"], strict=True))


def without_family(methods: pd.DataFrame) -> list[str]:
    """List the methods of ``methods.csv`` that have an encoder of a family that is not known."""
    unknown = (methods["family"] == NOT_KNOWN) & (methods["encoder"] != NOT_KNOWN)
    return list(methods.loc[unknown, "method"])


def not_pretrained(names: Sequence[str], methods: pd.DataFrame) -> list[str]:
    """Those of ``names`` with a run whose encoder was not pre-trained."""
    # Runs of a method that differ are all named: "yes; no".
    some_random = methods["pretrained"].map(lambda value: "no" in str(value).split("; "))
    random = set(methods.loc[some_random, "method"])
    return [name for name in names if name in random]


def titles_of(methods: pd.DataFrame) -> dict[str, str]:
    """Map each method to the title that tables, figures and sentences show.

    Parameters
    ----------
    methods : DataFrame
        Rows of ``methods.csv``.
    """
    return dict(zip(methods["method"], methods["title"], strict=True))
