"""The verbs ``methods`` and ``check-method``: what may be named with ``--method``."""

from __future__ import annotations

import argparse

from aexad.cli.arguments import AddVerb, add_methods, add_weights, positive


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    add_methods(add(methods))
    parser = add(check_method)
    parser.add_argument("method", help="name of a recipe, or file.py:Class")
    add_methods(parser)
    add_weights(parser)
    parser.add_argument("--size", type=positive, default=64, help="working size; default: 64")


def methods(args: argparse.Namespace) -> None:
    """List the methods: name, title, encoder."""
    from tabulate import tabulate

    from aexad.config.builtin import method_paths
    from aexad.config.methods import read_methods

    rows = [
        (name, method.title or "", getattr(method, "encoder", None) or "")
        for name, method in read_methods(*method_paths(args.methods)).items()
    ]
    print(tabulate(rows, headers=["method", "title", "encoder"], disable_numparse=True))


def check_method(args: argparse.Namespace) -> None:
    """Try a method on eight textures, and say what is wrong with it."""
    from aexad.config.builtin import method_paths
    from aexad.config.methods import read_recipe
    from aexad.config.own_code import is_own
    from aexad.config.recipe import Recipe
    from aexad.config.schema import validate
    from aexad.runtime.errors import MethodError

    if is_own(args.method):
        recipe = validate(Recipe, {"class": args.method}, args.method)
    else:
        recipe = read_recipe(method_paths(args.methods), args.method)

    from aexad.app.check_method import check_method as problems_of

    problems = problems_of(recipe, args.size, args.weights_dir)
    if problems:
        raise MethodError(f"{args.method}: {'; '.join(problems)}")
    print(f"{args.method}: nothing wrong")
