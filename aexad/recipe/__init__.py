"""Recipes: everything that defines a method, from ``config/methods.yaml``.

A run is fixed by its data set, category, scenario and seed, and by the recipe of its method. So a
benchmark never changes a recipe: a shorter training, say, is a method with a name of its own.
"""

from aexad.recipe.methods import ForeignMaps, Method, read_methods, read_recipe, trained_as
from aexad.recipe.parts import (
    PIXELS,
    SMALLEST_DISTANCE_TO_TARGET,
    Facet,
    HeatMap,
    Optimiser,
    ProjectionKind,
    Target,
)
from aexad.recipe.recipe import Recipe

__all__ = [
    "PIXELS",
    "SMALLEST_DISTANCE_TO_TARGET",
    "Facet",
    "ForeignMaps",
    "HeatMap",
    "Method",
    "Optimiser",
    "ProjectionKind",
    "Recipe",
    "Target",
    "read_methods",
    "read_recipe",
    "trained_as",
]
