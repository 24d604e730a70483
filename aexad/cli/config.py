"""The verb ``methods``: what may be named with ``--method``."""

from __future__ import annotations

import argparse

from aexad.cli.arguments import AddVerb, add_methods


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    add_methods(add(methods))


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
