"""Where a result comes from: digests of code, versions of packages, memory that a run used.

The digest of a module is a digest of its syntax tree and of those of all library modules that it
imports. Comments, docstrings, messages and module names are left out, so that an explanation can be
improved, or a file moved, without a training being due again.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import resource
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("aexad", "studies")
"""Packages below :data:`ROOT` whose imports are followed."""

# No result depends on these modules: how errors are worded, how files are validated, and this one.
WITHOUT_EFFECT = frozenset(
    {"aexad.runtime.errors", "aexad.config.schema", "aexad.runtime.provenance"}
)
PACKAGES = ("aexad", "torch", "torchvision", "timm", "numpy", "scipy", "scikit-image", "pillow")


@cache
def code_digest(*modules: str, root: Path = ROOT) -> str:
    """Digest of the code of library modules and of all library modules that they import.

    It changes when code changes that a verb may run. It does not change with comments, docstrings,
    descriptions of configuration keys, error messages, log messages, module names or time stamps.
    The workflow carries it as a parameter of each rule.

    Parameters
    ----------
    modules
        Dotted names, such as ``aexad.training.train``.
    root
        Folder that the packages :data:`OURS` lie in.

    Examples
    --------
    >>> code_digest("aexad.evaluation.metrics") == code_digest("aexad.evaluation.metrics")
    True
    """
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached and module not in WITHOUT_EFFECT:
            reached.add(module)
            waiting.extend(_imports(module, root))
    contents = {_tree_digest(module, root) for module in reached}
    return hashlib.sha256("\n".join(sorted(contents)).encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB (1e6 bytes)."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


@cache
def _parsed(module: str, root: Path) -> ast.Module:
    return ast.parse(_source(module, root).read_bytes())


def _source(module: str, root: Path) -> Path:
    # Not importlib's find_spec: it runs the packages above a module, and with them torch.
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_ours(name: str, root: Path) -> bool:
    return name.split(".")[0] in OURS and _source(name, root).is_file()


@cache
def _imports(module: str, root: Path) -> tuple[str, ...]:
    """Library modules that a module imports, also inside functions, and the packages above them."""
    names = set()
    for node in ast.walk(_parsed(module, root)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name for name in names if _is_ours(name, root)}
    parents = {name.rpartition(".")[0] for name in ours if name.count(".") > 1}
    return tuple(sorted((ours | parents) - set(OURS)))


@cache
def _tree_digest(module: str, root: Path) -> str:
    """Digest of one module; its imports of library modules are named by what these contain."""
    modules = {local: _own_digest(name, root) for local, name in _local_modules(module, root)}
    return _dumped(module, root, _WithoutWords(modules, root))


@cache
def _own_digest(module: str, root: Path) -> str:
    """Digest of one module without its library imports: a name for what it contains."""
    modules = {local: f"module {i}" for i, (local, _) in enumerate(_local_modules(module, root))}
    return _dumped(module, root, _WithoutWords(modules, None))


def _local_modules(module: str, root: Path) -> list[tuple[str, str]]:
    """Library modules that a module imports as names: ``from aexad.data import split``."""
    found = [
        (alias.asname or alias.name, f"{node.module}.{alias.name}")
        for node in ast.walk(_parsed(module, root))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    ]
    return [(local, name) for local, name in found if _is_ours(name, root)]


def _dumped(module: str, root: Path, transformer: ast.NodeTransformer) -> str:
    tree = transformer.visit(ast.parse(_source(module, root).read_bytes()))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


class _WithoutWords(ast.NodeTransformer):
    """Remove what only people read, and the names of library modules.

    ``local`` maps names of imported library modules to digests of these; without ``root``, imports
    of library modules are left out.
    """

    def __init__(self, local: dict[str, str], root: Path | None) -> None:
        self.local, self.root = local, root

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return None  # a docstring, of a module, class, function or attribute
        if isinstance(value, ast.Call) and ast.unparse(value.func).startswith("logger."):
            return None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "Field":
            node.keywords = [each for each in node.keywords if each.arg != "description"]
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if not node.module or node.module.split(".")[0] not in OURS:
            return node
        if self.root is None or node.module in WITHOUT_EFFECT:
            return None
        content = _own_digest(node.module, self.root)
        names = [
            ast.alias(self.local.get(alias.asname or alias.name, alias.name), alias.asname)
            for alias in node.names
        ]
        if all(alias.asname is None and alias.name in self.local.values() for alias in names):
            content = ""  # modules of a package: what they contain says it all
        return ast.ImportFrom(content, sorted(names, key=lambda alias: alias.name), 0)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.local.get(node.id, node.id), node.ctx)
