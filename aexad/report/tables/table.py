"""A table as the report prints it, and its three forms: CSV, Markdown and LaTeX.

What a table says is decided once, in :mod:`aexad.report.tables.write`; the forms differ in syntax
alone. (The fourth form, HTML, is a template.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from aexad.report.labels import DAGGER
from aexad.runtime.files import write_csv, write_text

BEST, SECOND = "best", "second"
WIDE = 6
"""Columns of numbers from which a LaTeX table is scaled down to the width of the text."""


@dataclass(frozen=True)
class Cell:
    """A cell's plain text, its emphasis (``best``, ``second`` or none) and its footnote's mark."""

    text: str
    emphasis: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Note:
    """A footnote."""

    mark: str
    text: str


@dataclass(frozen=True)
class Table:
    """A table to be printed.

    ``blocks`` are groups of rows with a rule between them; the first ``words`` columns hold words
    (set left), the others numbers (set right). ``numbers`` is the same content for machines: plain
    numbers with all their digits, empty where undefined.
    """

    name: str
    title: str
    caption: str
    header: tuple[Cell, ...]
    blocks: tuple[tuple[tuple[Cell, ...], ...], ...]
    words: int
    notes: tuple[Note, ...]
    numbers: pd.DataFrame = field(compare=False)


def plain_columns(means: pd.DataFrame, key: str, names: Sequence[str]) -> dict[str, Any]:
    """``<name>`` and ``<name>_std`` of each of ``names``, the values of the column ``key``."""
    rows = means.set_index(key)[["mean", "std"]].reindex(list(names))
    return {
        column: value
        for name, mean, std in zip(names, rows["mean"], rows["std"], strict=True)
        for column, value in ((name, mean), (f"{name}_std", std))
    }


def plain_table(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a table; columns of a spread that no row has (one seed) are left out."""
    table = pd.DataFrame(records)
    empty = [name for name in table if str(name).endswith("_std") and table[name].isna().all()]
    return table.drop(columns=empty)


def write_table(table: Table, folder: Path) -> None:
    """Write ``<name>.csv``, ``<name>.md`` and ``<name>.tex`` into ``folder``."""
    write_csv(folder / f"{table.name}.csv", table.numbers)
    write_text(folder / f"{table.name}.md", to_markdown(table))
    write_text(folder / f"{table.name}.tex", to_latex(table))


def to_markdown(table: Table) -> str:
    """The table in GitHub's Markdown: bold best, italic runner-up, footnotes below."""
    rows = [[_markdown(cell) for cell in row] for block in table.blocks for row in block]
    lines = tabulate(
        rows,
        headers=[_markdown(cell) for cell in table.header],
        tablefmt="pipe",
        colalign=_alignment(table, "left", "right"),
        disable_numparse=True,
    )
    notes = [f"{_markdown_mark(note.mark)} {_markdown_text(note.text)}" for note in table.notes]
    parts = [f"**{_markdown_text(table.title)}.** {_markdown_text(table.caption)}", lines, *notes]
    return "\n\n".join(parts) + "\n"


def to_latex(table: Table) -> str:
    """The table as a LaTeX float that needs ``booktabs`` (and ``graphicx`` where it is wide)."""
    wide = len(table.header) - table.words > WIDE
    rules = "\n\\midrule\n".join("\n".join(map(_latex_row, block)) for block in table.blocks)
    tabular = (
        f"\\begin{{tabular}}{{{''.join(_alignment(table, 'l', 'r'))}}}\n\\toprule\n"
        f"{_latex_row(table.header)}\n\\midrule\n{rules}\n\\bottomrule\n\\end{{tabular}}"
    )
    notes = [f"{_latex_mark(note.mark)}~{_latex_text(note.text)}" for note in table.notes]
    below = (
        "\\par\\smallskip\n{\\footnotesize " + "\\\\\n".join(notes) + "\\par}\n" if notes else ""
    )
    return (
        f"% \\usepackage{{booktabs{',graphicx' if wide else ''}}}\n"
        "\\begin{table}\n\\centering\n"
        f"\\caption{{\\textbf{{{_latex_text(table.title)}.}} {_latex_text(table.caption)}}}\n"
        f"\\label{{tab:{table.name}}}\n"
        + (f"\\resizebox{{\\linewidth}}{{!}}{{%\n{tabular}}}\n" if wide else f"{tabular}\n")
        + below
        + "\\end{table}\n"
    )


def _alignment(table: Table, word: str, number: str) -> list[str]:
    return [word if i < table.words else number for i in range(len(table.header))]


def _markdown(cell: Cell) -> str:
    around = {BEST: "**", SECOND: "*", "": ""}[cell.emphasis]
    return around + _markdown_text(cell.text) + around + _markdown_mark(cell.mark)


def _markdown_text(text: str) -> str:
    # An underscore inside a word (vit_b16) is literal in GitHub's Markdown.
    text = re.sub(r"([\\`*|\[\]])|(?<![^\W_])(_)|(_)(?![^\W_])", r"\\\g<0>", text)
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _markdown_mark(mark: str) -> str:
    return mark if mark in ("", DAGGER) else f"<sup>{mark}</sup>"


def _latex_row(row: tuple[Cell, ...]) -> str:
    return " & ".join(map(_latex, row)) + r" \\"


def _latex(cell: Cell) -> str:
    command = {BEST: "\\textbf{%s}", SECOND: "\\textit{%s}", "": "%s"}[cell.emphasis]
    return command % _latex_text(cell.text) + _latex_mark(cell.mark)


def _latex_mark(mark: str) -> str:
    return f"\\textsuperscript{{{_latex_text(mark)}}}" if mark else ""


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "±": "$\\pm$",
    "×": "$\\times$",
    "–": "--",
    "†": "\\textdagger{}",
}
