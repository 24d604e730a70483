"""The table of faults: every test that it names exists, and none is named twice."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs/reliability.md").read_text().splitlines()
ROWS = [line for line in LINES if line.startswith("| ") and not line.startswith("| fault ")]


def names_in(path):
    """Yield the names of the tests in a file; in a class, after the name of the class."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}::{part.name}" for part in node.body if hasattr(part, "name"))
        elif isinstance(node, ast.FunctionDef):
            yield node.name


def test_every_fault_has_a_test_that_exists():
    assert len(ROWS) >= 40
    for row in ROWS:
        _, fault, happens, test, _ = (cell.strip() for cell in row.split("|"))
        assert fault
        assert happens
        path, _, name = re.fullmatch(r"`(tests/[\w/]+\.py)(::)([\w:]+)(?:\[.+\])?`", test).groups()
        assert name in set(names_in(ROOT / path)), test


def test_no_fault_and_no_test_is_listed_twice():
    for column in (1, 3):
        cells = [row.split("|")[column].strip() for row in ROWS]
        assert sorted(set(cells)) == sorted(cells)
