"""Code of one's own, named in a recipe as ``file.py:name``: a class, a function, an encoder.

Wherever a recipe names something of the library (``class``, ``loss``, ``encoder``, the ``filter``
of the heat map), it may name an object in a Python file instead. The digest of that file belongs to
the recipes that name it, and to no others.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from aexad.runtime.errors import ConfigError, one_line
from aexad.runtime.provenance import modules_among

GROUP = "aexad.methods"
"""Entry points of installed packages that offer methods."""

REFERENCE = r"^[^:]+[.]py:\w+$"
"""Pattern of a reference to one's own code."""


def is_own(name: object) -> bool:
    """Whether a name refers to an object in a Python file.

    >>> is_own("my_file.py:MyMethod"), is_own("aexad"), is_own(3)
    (True, False, False)
    """
    return isinstance(name, str) and ".py:" in name


@cache
def load_own(reference: str) -> Any:
    """Load the object that ``file.py:name`` refers to.

    The file is searched in the current folder, and runs once.

    Raises
    ------
    ConfigError
        There is no such file or object, or the file fails when it runs.
    """
    file, _, name = reference.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ConfigError(f"{file}: no such file, which a recipe names as '{reference}'")
    module_name = f"own_code_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file}: not a Python file, which a recipe names as '{reference}'")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # classes of the file are looked up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # of the user's code
        reason = one_line(error, 200)
        raise ConfigError(
            f"{file}: fails when it is loaded ({type(error).__name__}: {reason}); correct it"
        ) from error
    if not hasattr(module, name):
        raise ConfigError(f"{file}: has no '{name}', which a recipe names as '{reference}'")
    return getattr(module, name)


def entry_point(name: str) -> Any:
    """Load the method that an installed package offers under this name; None if there is none."""
    for point in entry_points(group=GROUP, name=name):
        try:
            return point.load()
        except Exception as error:  # of the package's code
            reason = one_line(error, 200)
            raise ConfigError(
                f"method '{name}' of {point.value} fails when it is loaded "
                f"({type(error).__name__}: {reason})"
            ) from error
    return None


def package_of(name: str) -> str:
    """Name and version of the package that offers a method by an entry point; empty for none."""
    packages = {point.dist for point in entry_points(group=GROUP, name=name) if point.dist}
    return " ".join(sorted(f"{each.name} {each.version}" for each in packages))


def own_digest(references: Iterable[str]) -> str:
    """Digest of the code of the files that references name; empty without any.

    Modules of the current folder that they import belong to it. Comments do not count. A file that
    is missing or no Python is an error in :func:`load_own`.
    """
    trees = _trees(references)
    digest = hashlib.sha256()
    for tree in trees:
        digest.update(ast.dump(tree).encode() if tree else b"unreadable")
    return digest.hexdigest()[:16] if trees else ""


def library_modules(references: Iterable[str]) -> list[str]:
    """Modules of aexad that the files of :func:`own_digest` import, for a digest of their code.

    A class of one's own may be derived from a method of the library, and call its functions.
    """
    names = set().union(*(_imported(tree) for tree in _trees(references) if tree))
    return modules_among(name for name in names if name.partition(".")[0] == "aexad")


def _trees(references: Iterable[str]) -> list[ast.Module | None]:
    """The code of the files that references name, and of modules that they import from here."""
    waiting = sorted({reference.rpartition(":")[0] for reference in references})
    trees: list[ast.Module | None] = []
    for file in waiting:
        try:
            trees.append(tree := ast.parse(Path(file).read_bytes()))
        except (OSError, SyntaxError, ValueError):
            trees.append(None)
            continue
        waiting += sorted(_beside(tree) - set(waiting))
    return trees


def _imported(tree: ast.Module) -> set[str]:
    """Dotted names that a module imports: modules, and what may be one."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _beside(tree: ast.Module) -> set[str]:
    """Files of the current folder that a module imports; aexad has a digest of its own."""
    own = [name.replace(".", "/") for name in _imported(tree) if name.split(".")[0] != "aexad"]
    places = {place for name in own for place in (f"{name}.py", f"{name}/__init__.py")}
    return {place for place in places if Path(place).is_file()}
