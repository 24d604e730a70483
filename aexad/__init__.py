"""aexad: a benchmark of explainable image anomaly detection, and the library that it is made of."""

from __future__ import annotations

from typing import Any

__all__ = ["load"]


def __dir__() -> list[str]:
    """The public names, for completion: ``load`` is no attribute before it is asked for."""
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    """``aexad.load``, imported when it is asked for: every verb imports this package first."""
    if name != "load":
        raise AttributeError(f"module 'aexad' has no attribute '{name}'")
    from aexad.app.explainer import load

    return load
