"""Where a result comes from: digests of code and data, versions, and what a run took."""

from __future__ import annotations

import ast
import hashlib
import platform
import resource
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARY = Path(__file__).parent

# Modules that no result depends on: how mistakes are told, and this one.
WITHOUT_EFFECT = frozenset({"aexad.errors", "aexad.schema", "aexad.provenance"})
PACKAGES = ("aexad", "torch", "torchvision", "timm", "numpy", "scipy", "scikit-image", "pillow")


@cache
def code_digest(*modules: str) -> str:
    """Digest of the source of library modules and of all library modules that they import.

    It changes when a line changes that a verb may use, and with nothing else (not with time stamps,
    not with other modules), so the workflow carries it as a parameter of each rule.

    >>> code_digest("aexad.metrics") == code_digest("aexad.metrics")
    True
    """
    sources: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in sources or module in WITHOUT_EFFECT:
            continue
        sources[module] = _source(module).read_bytes()
        waiting.extend(_imports(module))
    digest = hashlib.sha256()
    for module in sorted(sources):
        digest.update(f"{module}\0".encode() + sources[module] + b"\0")
    return digest.hexdigest()[:16]


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


def _source(module: str) -> Path:
    # Not importlib's find_spec: it runs the packages above a module, and with them torch.
    path = LIBRARY.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Library modules that a module imports, also inside functions, and the packages above."""
    names = set()
    for node in ast.walk(ast.parse(_source(module).read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name for name in names if name.split(".")[0] == "aexad" and _source(name).is_file()}
    parents = {name.rpartition(".")[0] for name in ours if name.count(".") > 1}
    return tuple(sorted((ours | parents) - {"aexad"}))
