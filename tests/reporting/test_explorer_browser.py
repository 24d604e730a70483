"""The explorer as its reader meets it: in a browser, by mouse and keyboard, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd
import pytest
from fake_results import Tree, make_tree
from test_browser import CHROMIUM

from aexad.benchmark import Benchmark
from aexad.files import write_csv
from aexad.reporting.collect import read_methods
from aexad.reporting.explorer.page import write_explorer
from aexad.reporting.explorer.strips import draw_strips

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no playwright: pip install playwright"
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium (apt install chromium)")

METHODS = ("aexad-resnet18", "aexad-vit_tiny", "ae")
ALL = 20  # images of two categories


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Two data sets, one without masks, and a method that has not run on one category."""
    root = tmp_path_factory.mktemp("explorer")
    tree = make_tree(root, methods=METHODS, seeds=(0, 1), datasets=("textures", "labels"))
    tree.runs[:] = [
        run for run in tree.runs if (run.category, run.method) != ("grass", "aexad-vit_tiny")
    ]
    for run in tree.runs:
        split = tree.results / run.data_folder / "split.csv"
        if run.dataset == "labels":
            write_csv(split, pd.read_csv(split, keep_default_na=False).assign(mask=""))
            scores = tree.results / run.folder / "per_image.csv"
            write_csv(scores, pd.read_csv(scores).assign(iou=None, xauc=None, f1=None))
        folder = tree.results / run.folder
        draw_strips(folder, split, tree.data / run.dataset, 32, 200, folder / "strips")
    return tree


@pytest.fixture(scope="module")
def index(tree: Tree) -> Path:
    write_explorer(
        Benchmark(title="Does it help?", datasets={"textures": "all"}, methods=[*METHODS]),
        tree.runs,
        tree.catalogue,
        read_methods(tree.benchmark / "methods.csv"),
        results=tree.results,
        data=tree.data,
        count=200,
        folder=tree.benchmark / "explorer",
    )
    return tree.benchmark / "explorer" / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Reader:
    """A page, and all that went wrong in it."""

    def __init__(self, browser: Any, index: Path, **options: Any) -> None:
        self.address = index.as_uri()
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url}"))
        self.page.on("request", self._note)
        self.requests: list[str] = []

    def _note(self, request: Any) -> None:
        self.requests.append(request.url)
        for _ in range(6):  # past its end comes the browser's own frame, where no element has focus
        keyboard.press("Tab")
        assert reader.page.evaluate(INSIDE)


def test_the_address_holds_the_view(reader: Reader, browser: Any, index: Path) -> None:
    reader.choose(category="brick", b="ae", by="xauc", of="difference", order="lowest", seed="1")
    reader.page.locator(".card").nth(3).click()
    reader.page.keyboard.press("ArrowRight")
    names, title, state = reader.names(), reader.title(), reader.state()
    reader.page.reload()
    assert reader.is_open()
    assert (reader.names(), reader.title(), reader.state()) == (names, title, state)
    other = Reader(browser, index, viewport={"width": 800, "height": 600})
    other.open(reader.page.evaluate("location.hash"))
    assert (other.names(), other.title(), other.state()) == (names, title, state)
    assert other.wrong == []
    other.context.close()


def test_the_browsers_way_back_closes_the_viewer(reader: Reader) -> None:
    reader.page.locator(".card").first.click()
    reader.page.go_back()
    assert not reader.is_open()
    assert len(reader.names()) == ALL
    reader.page.go_forward()
    assert reader.is_open()


@pytest.mark.parametrize(
    "hash_", ["#dataset=no&a=gone&by=x&seed=9", "#image=brick:none.png", "#%%%", "#a=ae&b=ae"]
)
def test_an_address_of_what_is_not_there_shows_what_is(reader: Reader, hash_: str) -> None:
    reader.open("")
    reader.page.evaluate("hash => { location.hash = hash; }", hash_)
    reader.page.wait_for_function("document.querySelectorAll('.card').length > 0")
    assert not reader.is_open()
    assert len(reader.names()) == ALL
    state = reader.page.evaluate("toAddress(fromAddress())")
    assert "dataset=textures" in state
    assert "a=ae&b=ae&" not in state


def test_one_method_can_be_looked_at_alone(reader: Reader) -> None:
    reader.choose(b="")
    assert reader.options("of") == ["a"]
    reader.page.locator(".card").first.click()
    assert reader.page.locator("#sides section").count() == 1
    assert len(reader.page.locator("#numbers thead").inner_text().split()) == 2


def test_pictures_far_away_are_not_loaded(browser: Any, index: Path) -> None:
    reader = Reader(browser, index, viewport={"width": 390, "height": 300}).open()
    reader.page.wait_for_load_state("load")
    assert 0 < len({url for url in reader.requests if url.endswith(".webp")}) < ALL * 3
    assert reader.wrong == []
    reader.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(
    browser: Any, index: Path, scheme: str
) -> None:
    options = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
    reader = Reader(browser, index, color_scheme=scheme, **options).open()
    width = "[document.documentElement.scrollWidth, document.querySelector('#viewer').scrollWidth]"
    assert reader.page.evaluate(width)[0] <= 360
    reader.page.locator(".card").first.tap()
    assert reader.page.evaluate(width)[1] <= 360
    size = reader.page.locator("#next").bounding_box()
    assert size["height"] >= 24  # WCAG 2.2, target size
    ratios = reader.page.evaluate(CONTRAST)
    assert len(ratios) > 20
    assert min(ratios) >= 4.5
    assert reader.wrong == []
    reader.context.close()


INSIDE = """document.activeElement === document.body
  || document.activeElement.closest("dialog") !== null"""

# The contrast of every text with the ground behind it (WCAG 2.2, 1.4.3).
CONTRAST = r"""() => {
  const parts = (text) => text.match(/[\d.]+/g).map(Number);
  const channel = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parts(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const hasText = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body :not(script, style, option)")]
    .filter((e) => e.offsetParent && hasText(e))
    .map((e) => {
      const pair = [light(parts(getComputedStyle(e).color)), light(ground(e))];
      return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    });
}"""
