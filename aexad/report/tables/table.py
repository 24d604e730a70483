"""A table of the report, and its forms: CSV, Markdown and LaTeX (HTML is a template).

A table module computes one DataFrame of plain numbers, which is the ``.csv``, and declares the
columns that are printed from it. The printed forms differ in syntax alone.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tabulate import tabulate

from aexad.report.labels import DAGGER
from aexad.runtime.files import write_csv, write_text

BEST, SECOND = "best", "second"
WIDE = 6
"""Columns of numbers from which a LaTeX table is scaled down to the width of the text."""


class Note(NamedTuple):
    """A footnote."""

    mark: str
    text: str


class Cell(NamedTuple):
    """A cell's plain text, its emphasis (``best``, ``second`` or none) and its footnote's mark."""

    text: str
    emphasis: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """A printed column.

    Parameters
    ----------
    header : str
    texts : sequence of str
        The cells, one for each row of the table's data.
    emphasis : sequence of str
        :data:`BEST`, :data:`SECOND` or an empty text for each row; default: no row stands out.
    notes : sequence of str or Note
        The footnote of each row, or an empty text. A text gets the next letter as its mark; a
        :class:`Note` has its own mark. Default: no footnotes.
    header_note : str or Note
        The footnote of the header.
    words : bool
        Whether the column holds words (set left) and not numbers (set right).
    """

    header: str
    texts: Collection[str]
    emphasis: Collection[str] | None = None
    notes: Collection[str | Note] | None = None
    header_note: str | Note = ""
    words: bool = False

    def cells(self) -> Iterator[tuple[str, str, str | Note]]:
        """Text, emphasis and footnote of the header and of each row."""
        nothing = [""] * len(self.texts)
        emphasis = nothing if self.emphasis is None else self.emphasis
        notes = nothing if self.notes is None else self.notes
        yield self.header, "", self.header_note
        yield from zip(self.texts, emphasis, notes, strict=True)


@dataclass(frozen=True)
class Table:
    """A table to be printed.

    Parameters
    ----------
    name, title, caption : str
    columns : sequence of Column
        The printed columns; columns of words come first.
    data : DataFrame
        One row for each printed row: plain numbers with all their digits, NaN where undefined.
    blocks_of : sequence of hashable
        The block of each row; a rule is printed between neighbouring blocks. Default: one block.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    data: pd.DataFrame = field(compare=False)
    blocks_of: Sequence[Hashable] | None = None

    @property
    def numbers(self) -> pd.DataFrame:
        """What the ``.csv`` holds: ``data`` without spreads that no row has (one seed)."""
        spreads = [name for name in self.data if str(name).endswith("_std")]
        return self.data.drop(columns=[name for name in spreads if self.data[name].isna().all()])

    @property
    def words(self) -> int:
        """The number of columns that hold words."""
        return sum(column.words for column in self.columns)

    @property
    def header(self) -> list[Cell]:
        """The cells of the header."""
        return self._printed[0][0]

    @property
    def blocks(self) -> list[list[list[Cell]]]:
        """The cells of each row of each block."""
        rows = self._printed[0][1:]
        pairs = zip(self.blocks_of or [0] * len(rows), rows, strict=True)
        return [[row for _, row in block] for _, block in groupby(pairs, lambda pair: pair[0])]

    @property
    def notes(self) -> tuple[Note, ...]:
        """Every footnote, in the order in which a reader meets the marks."""
        return tuple(Note(mark, text) for text, mark in self._printed[1].items())

    @cached_property
    def _printed(self) -> tuple[list[list[Cell]], dict[str, str]]:
        """The header and the rows as cells; each footnote's text and its mark."""
        marks: dict[str, str] = {}
        rows = zip(*(column.cells() for column in self.columns), strict=True)
        cells = [
            [Cell(text, emphasis, _mark(note, marks)) for text, emphasis, note in row]
            for row in rows
        ]
        return cells, marks


def _mark(note: str | Note, marks: dict[str, str]) -> str:
    """The mark of a footnote, entered into ``marks`` (text: mark) where the text is new."""
    if isinstance(note, Note):
        return marks.setdefault(note.text, note.mark)
    if not note:
        return ""
    letters = sum(mark != DAGGER for mark in marks.values())
    again, letter = divmod(letters, len(string.ascii_lowercase))
    return marks.setdefault(note, string.ascii_lowercase[letter] * (again + 1))


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


def _latex_row(row: Sequence[Cell]) -> str:
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
