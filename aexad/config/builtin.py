"""Where configuration files are looked for: the built-in ones, then those of the current folder.

Recipes and the catalogue of data sets are part of the package, so that ``aexad fit`` works in any
folder. In a checkout they are the files of ``config/`` themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aexad.runtime.errors import ConfigError

PACKAGE = Path(__file__).parents[1]
OWN = Path("config")
"""Folder of further files, below the current folder."""


def method_paths(further: Iterable[Path] = ()) -> list[Path]:
    """Files and folders of recipes: built-in, ``config/methods`` here, and ``further`` ones."""
    return _paths("methods", further)


def catalogue_paths(further: Iterable[Path] = ()) -> list[Path]:
    """Files of data sets: built-in, ``config/datasets.yaml`` here, and ``further`` ones."""
    if (misnamed := OWN / "datasets.yml").exists():
        raise ConfigError(f"{misnamed}: the file of data sets ends in .yaml; rename it")
    return _paths("datasets.yaml", further)


def is_builtin(path: Path) -> bool:
    """Whether a file is built in; files of the user may replace its entries."""
    return path.resolve().is_relative_to(_folder().resolve())


def _folder() -> Path:
    packaged = PACKAGE / "builtin"
    return packaged if packaged.exists() else PACKAGE.parent / "config"


def _paths(name: str, further: Iterable[Path]) -> list[Path]:
    builtin = _folder() / name
    own = [OWN / name] if (OWN / name).exists() else []
    # In a checkout, the current folder's files are the built-in ones: named as the user knows them.
    same = bool(own) and own[0].resolve() == builtin.resolve()
    return [*([] if same else [builtin]), *own, *further]
