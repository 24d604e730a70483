"""Sentences of the report: each is a template that is filled with values."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aexad.report.labels import counted, listed
from aexad.report.text.numbers import ends_text, number, p_text, quantity, signed

TEMPLATES = Path(__file__).parent / "templates"


def sentence(template: str, folder: Path = TEMPLATES, **values: Any) -> str:
    """Fill a template; line breaks and indentation in it are single spaces.

    Parameters
    ----------
    template : str
        ``<template>.j2`` in ``folder``. Filters: ``number``, ``signed``, ``quantity`` (printed
        digits), ``ends`` (of an interval), ``p_text`` (0.031, < 0.001), ``listed`` (a, b and c),
        ``counted`` (1 seed, 2 seeds).
    folder : Path
    values : object
        The names in the template; a name that is not given is an error.
    """
    text = _environment(folder).get_template(f"{template}.j2").render(values)
    return re.sub(r"\s+", " ", text).strip()


def document(template: str, **values: Any) -> str:
    """Fill the template of a whole file, whose line breaks stay."""
    return _environment(TEMPLATES).get_template(f"{template}.j2").render(values)


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(  # noqa: S701  (the texts are escaped where they are printed)
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "signed": signed,
        "quantity": quantity,
        "ends": ends_text,
        "p_text": p_text,
        "listed": listed,
        "counted": counted,
    }
    return environment
