"""Where a result comes from: digest of the code, versions of packages, memory of the process.

The digest of a module covers its syntax tree and, by way of its imports, the syntax trees of all
library modules that it uses. Comments, docstrings, messages and the names of modules are left out,
so that documenting or moving code repeats no training.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import resource
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OURS = ("aexad", "studies")
"""Packages in :data:`ROOT` whose imports are followed."""

# No result depends on these modules: the classes of errors, the checks of configuration files and
# their keys (the rules have their values as parameters), and this module. So a new method or a new
# key of recipes makes no training due; tests/config/test_defaults.py holds the defaults, also those
# of the options of methods.
WITHOUT_EFFECT = frozenset(
    {
        "aexad.runtime.errors",
        "aexad.config.kinds",
        "aexad.config.own_code",
        "aexad.config.recipe",
        "aexad.config.schema",
        "aexad.runtime.provenance",
    }
)
# Files in the folder of a module that are not part of its code. YAML files hold recipes and data
# sets, whose values are parameters of the rules.
NOT_TEMPLATES = (".py", ".pyc", ".yaml")
MESSAGES = (ast.Constant, ast.JoinedStr, ast.BinOp, ast.IfExp)  # arguments of exceptions
PACKAGES = ("aexad", "torch", "torchvision", "timm", "numpy", "scipy", "scikit-image", "pillow")


@cache
def code_digest(*modules: str, root: Path = ROOT) -> str:
    """Digest of the code of library modules and of all library modules that they import.

    It changes when code changes that a verb may run. It does not change with comments, docstrings,
    descriptions of configuration keys, error messages, log messages, names of modules or time
    stamps. The workflow passes it to each rule as a parameter.

    Parameters
    ----------
    *modules : str
        Dotted names, such as ``aexad.training.train``.
    root : path
        Folder that contains the packages :data:`OURS`.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> code_digest("aexad.evaluation.metrics") == code_digest("aexad.evaluation.metrics")
    True
    """
    digests: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in digests and module not in WITHOUT_EFFECT and module not in OURS:
            try:
                digests[module], imported = _analysed(module, root)
            except RecursionError:
                raise ImportError(
                    f"{module} or its imports import each other in a circle; "
                    "'pytest tests/test_house.py' names them"
                ) from None
            # Importing a module also runs the packages that contain it.
            packages = {name.rpartition(".")[0] for name in imported}
            waiting += imported | {name for name in packages if _is_ours(name, root)}
    return _sha256(*sorted(set(digests.values())))[:16]


def modules_among(names: Iterable[str]) -> list[str]:
    """Keep the dotted names that are modules of the library, and sort them."""
    return sorted(name for name in names if _is_ours(name, ROOT))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = "not installed as a package"
    return installed


def record(method: str, seed: int) -> dict[str, Any]:
    """The part of ``provenance.json`` that all runs share: the run, the code and the day."""
    return {
        "method": method,
        "seed": seed,
        "commit": commit(),
        "versions": versions(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def commit() -> str:
    """The commit of the checkout that this code runs from, ``-dirty`` if files were changed.

    Empty for an installed package, or without git.
    """
    if not (ROOT / ".git").exists():
        return ""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB (1e6 bytes)."""
    return _peak_mb(resource.RUSAGE_SELF)


def children_peak_memory_mb() -> float:
    """Largest resident memory of an ended child of this process, in MB."""
    return _peak_mb(resource.RUSAGE_CHILDREN)


def _peak_mb(who: int) -> float:
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(who).ru_maxrss * unit / 1e6, 1)


@cache
def _analysed(module: str, root: Path) -> tuple[str, frozenset[str]]:
    """Digest of one module, with the digests of what it imports, and the names of its imports."""
    path = _source(module, root)
    reader = _CodeReader(root)
    text = ast.dump(reader.visit(ast.parse(path.read_bytes())))
    parts = [text, *sorted(reader.bindings)]
    if "id='__file__'" in text:  # the module reads files in its folder
        parts += [_sha256(file.read_bytes()) for file in _templates(path.parent)]
    return _sha256(*parts), frozenset(reader.modules)


def _templates(folder: Path) -> list[Path]:
    """Templates and scripts in a folder and its sub-folders; other packages are excluded."""
    entries = sorted(folder.iterdir())
    files = [path for path in entries if path.is_file() and path.suffix not in NOT_TEMPLATES]
    for path in entries:
        if path.is_dir() and not (path / "__init__.py").exists():
            files += _templates(path)
    return files


def _sha256(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    return digest.hexdigest()


@cache
def _source(module: str, root: Path) -> Path:
    # importlib's find_spec would run the packages that contain the module, and import torch.
    path = root.joinpath(*module.split("."))
    package = path / "__init__.py"  # a folder without it may hold pictures beside a module
    return package if package.is_file() else path.with_suffix(".py")


@cache
def _is_ours(name: str, root: Path) -> bool:
    return name.split(".")[0] in OURS and _source(name, root).is_file()


class _CodeReader(ast.NodeTransformer):
    """Remove text for people, and name each library object by the digest of its module.

    Attributes
    ----------
    modules : set of str
        Library modules that are imported, also inside functions.
    bindings : set of str
        Digests of the imported modules with the imported names.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules: set[str] = set()
        self.bindings: set[str] = set()
        self.scope: dict[str, str] = {}  # local name of a library object -> digest and name

    def visit_Import(self, node: ast.Import) -> ast.AST:
        self.modules |= {alias.name for alias in node.names if _is_ours(alias.name, self.root)}
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if not node.module or not _is_ours(node.module, self.root):
            return node
        for alias in node.names:
            local = alias.asname or alias.name
            module, name = f"{node.module}.{alias.name}", ""
            if not _is_ours(module, self.root):
                module, name = node.module, alias.name
            content = name
            if module not in WITHOUT_EFFECT:
                self.modules.add(module)
                content = f"{_analysed(module, self.root)[0]} {name}"
            self.scope[local] = content
            self.bindings.add(f"{content} {local if name else ''}")  # other modules may import it
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        outer, self.scope = self.scope, dict(self.scope)
        self.generic_visit(node)
        self.scope = outer
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.scope.get(node.id, node.id), node.ctx)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return None  # the docstring of a module, class, function or attribute
        if isinstance(value, ast.Call) and ast.unparse(value.func).startswith("logger."):
            return None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc.args = [arg for arg in node.exc.args if not isinstance(arg, MESSAGES)]
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "Field":
            node.keywords = [word for word in node.keywords if word.arg != "description"]
        return self.generic_visit(node)
