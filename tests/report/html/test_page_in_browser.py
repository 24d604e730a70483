"""The report page in a browser: no error, every figure is loaded, the answer comes first."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from fake_results import make_tree
from PIL import Image

from aexad.report.html.page import write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium (apt install chromium)")

SCREEN = (1280, 800)
METHODS = ("aexad-resnet18", "aexad-vit_tiny", "ae")
# The page has no scripts and forbids them: this script inspects a copy that allows scripts.
INSPECT = """
<script>
addEventListener("load", () => {
  const answer = document.querySelector(".answer").getBoundingClientRect();
  const found = {
    images: [...document.images].map(i => [i.complete, i.naturalWidth, i.alt.length]),
    answer: [answer.top, answer.bottom],
    first: document.querySelector("main").firstElementChild.className,
    wide: document.documentElement.scrollWidth,
  };
  const out = document.createElement("output");
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>
"""


def chromium(folder: Path, *options: str, page: Path) -> subprocess.CompletedProcess[str]:
    """Open a page without a screen and without a network."""
    assert CHROMIUM is not None
    return subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={SCREEN[0]},{SCREEN[1]}",
            "--enable-logging=stderr",
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every kind of figure that a small benchmark has."""
    tree = make_tree(tmp_path_factory.mktemp("browser"), methods=METHODS, seeds=(0, 1))
    tree.draw_figures()
    tree.draw_panels(tree.runs)
    inputs = tree.inputs("Does it help?")
    write_report(inputs, tree.read_results(), tree.results, tree.benchmark)
    return tree.benchmark / "report.html"


def test_the_console_is_silent_and_the_screen_is_not_empty(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "screen.png"
    result = chromium(tmp_path, f"--screenshot={picture}", page=page)
    assert [line for line in result.stderr.splitlines() if "CONSOLE" in line] == []
    with Image.open(picture) as screen:
        assert screen.size == SCREEN
        assert np.unique(np.asarray(screen.convert("L"))).size > 50


def test_the_console_reports_an_error(page: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(page.read_text() + "<script>1</script>")  # the page forbids scripts
    result = chromium(tmp_path, "--dump-dom", page=broken)
    assert "CONSOLE" in result.stderr


def test_every_figure_loads_and_the_answer_is_visible_first(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    assert text.count("default-src 'none';") == 1
    copy = tmp_path / "copy.html"
    copy.write_text(
        text.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';")
        + INSPECT
    )
    dom = chromium(tmp_path, "--dump-dom", page=copy).stdout
    output = re.search(r"<output>(.*?)</output>", dom)
    assert output is not None
    found = json.loads(output[1])
    assert len(found["images"]) == text.count("<img ")
    assert len(found["images"]) > 10
    for complete, width, words in found["images"]:
        assert complete
        assert width > 100
        assert words > 20
    top, bottom = found["answer"]
    assert found["first"] == "answer"
    assert 0 < top < bottom <= SCREEN[1]
    assert found["wide"] <= SCREEN[0]
