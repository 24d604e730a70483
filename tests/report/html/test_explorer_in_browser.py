"""The explorer in a browser, used with mouse and keyboard and without a network."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from explorer_reader import Reader
from fake_results import Tree, make_tree
from PIL import Image
from test_page_in_browser import CHROMIUM

from aexad.report.collect import read_methods_table
from aexad.report.html.explorer.page import write_explorer
from aexad.report.images.strips import draw_strips
from aexad.runtime.files import write_csv

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
        tree.inputs("Does it help?"),
        read_methods_table(tree.benchmark / "methods.csv"),
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


@pytest.fixture
def reader(browser: Any, index: Path) -> Iterator[Reader]:
    reader = Reader(browser, index, viewport={"width": 1280, "height": 800})
    yield reader.open()
    assert reader.wrong == []
    reader.context.close()


def images(tree: Tree, category: str, method: str) -> pd.DataFrame:
    folder = tree.results / f"runs/textures/{category}/standard/seed0/{method}"
    table = pd.read_csv(folder / "per_image.csv")
    table["name"] = [f"{row.defect}/{row.image[-7:-4]}" for row in table.itertuples()]
    return table.set_index("name")


def test_the_first_view_shows_all_images_with_the_largest_differences_first(
    reader: Reader, tree: Tree
) -> None:
    state = reader.state()
    assert (state["a"], state["b"]) == METHODS[:2]
    assert (state["by"], state["of"], state["order"]) == ("iou", "distance", "highest")
    assert len(reader.names()) == ALL
    a, b = (images(tree, "brick", method)["iou"] for method in METHODS[:2])
    differences = (a - b).abs().dropna().sort_values(ascending=False)
    # B has not run on grass: these images have no difference and come last, like good images.
    assert reader.names()[: len(differences)] == [f"brick {name}" for name in differences.index]
    status = reader.page.locator("#status").inner_text()
    assert f"20 images, 6 with a defect to be found: mean IoU {a.mean():.3f} (A)" in status


def test_images_are_selected_and_sorted(reader: Reader, tree: Tree) -> None:
    reader.choose(category="grass", defect="stain", a="aexad-resnet18", b="ae", of="a")
    iou = images(tree, "grass", "aexad-resnet18")["iou"].filter(like="stain")
    assert reader.names() == list(iou.sort_values(ascending=False, kind="stable").index)
    reader.choose(order="lowest")
    assert reader.names() == list(iou.sort_values(kind="stable").index)
    reader.choose(defect="", by="rank", of="b")
    scores = images(tree, "grass", "ae")["score"]
    assert reader.names() == list(scores.sort_values().index)
    ranks = reader.page.locator(".b").all_inner_texts()
    assert (ranks[0], ranks[-1]) == ("0 %", "100 %")
    reader.choose(defect="good", by="rank", of="difference")
    assert set(reader.names()) == {name for name in scores.index if name.startswith("good")}
    assert reader.options("by") == ["rank"]  # good images have no other value
    reader.choose(defect="*")
    assert len(reader.names()) == 6


def test_a_method_without_a_run_is_marked(reader: Reader) -> None:
    reader.choose(category="grass")
    assert reader.options("a") == ["aexad-resnet18", "ae"]
    reader.choose(category="", b="aexad-vit_tiny")
    grass = reader.page.locator(".card", has_text="grass stain/000")
    assert grass.locator(".blank").inner_text() == "not run"
    assert "–" in grass.locator(".b").inner_text()
    reader.choose(a="aexad-vit_tiny", of="a", by="xauc")
    names = reader.names()
    assert all(name.startswith("brick") for name in names[:6])


def test_a_menu_with_one_option_is_hidden(
    reader: Reader,
) -> None:
    before = reader.page.locator(".values").all_inner_texts()
    assert reader.options("seed") == ["0", "1"]
    assert reader.page.locator("select[name=seed]").is_visible()
    assert reader.page.locator("select[name=scenario]").is_hidden()
    reader.choose(seed="1")
    assert reader.page.locator(".values").all_inner_texts() != before


def test_without_masks_images_are_sorted_by_their_score(reader: Reader) -> None:
    reader.choose(dataset="labels")
    assert reader.options("by") == ["rank"]
    texts = reader.page.locator(".blank").all_inner_texts()
    assert {"no mask", "no defect"} <= set(texts)
    reader.page.locator(".card", has_text="brick stain/001").click()
    rows = reader.page.locator("#numbers tbody tr").all_inner_texts()
    assert rows[0].split() == ["IoU", "–", "–", "–"]
    assert reader.page.locator("#sides .blank").all_inner_texts() == ["no mask", "no mask"]


def test_a_click_opens_both_methods_with_their_numbers(reader: Reader, tree: Tree) -> None:
    reader.choose(category="brick")
    reader.page.locator(".card", has_text="stain/001").click()
    assert reader.is_open()
    assert reader.title().startswith("brick stain/001 (")
    captions = reader.page.locator("#sides section").first.locator("figcaption").all_inner_texts()
    assert captions == ["input", "reconstruction", "error", "heat map", "binary", "truth"]
    assert reader.page.locator("#sides section").count() == 2
    loaded = "all => Promise.all(all.map(i => i.decode().then(() => [i.naturalWidth, i.alt])))"
    pictures = reader.page.locator("#sides img").evaluate_all(loaded)
    assert len(pictures) == 12
    assert all(width in (64, 128) and len(alt) > 10 for width, alt in pictures)
    rows = reader.page.locator("#numbers tbody tr").all_inner_texts()
    a, b = (images(tree, "brick", method).loc["stain/001"] for method in METHODS[:2])
    sign = "+" if a["iou"] > b["iou"] else "\u2212"
    expected = [
        "IoU",
        f"{a['iou']:.3f}",
        f"{b['iou']:.3f}",
        f"{sign}{abs(a['iou'] - b['iou']):.3f}",
    ]
    assert rows[0].split() == expected
    assert rows[-1].split()[:4] == ["filter", "k", "3", "3"]


def test_arrow_keys_move_and_escape_returns_to_the_last_image(reader: Reader) -> None:
    names, keyboard = reader.names(), reader.page.keyboard
    reader.page.locator(".card").first.focus()
    for key, place in (("ArrowRight", 1), ("ArrowDown", 7), ("ArrowLeft", 6), ("ArrowUp", 0)):
        keyboard.press(key)
        assert reader.focused().startswith(f"{names[place]},"), key  # six columns
    keyboard.press("End")
    assert reader.focused().startswith(f"{names[-1]},")
    keyboard.press("Home")
    keyboard.press("Enter")
    assert reader.is_open()
    assert reader.focused() == "viewer-title"
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    assert reader.title() == f"{names[2]} (3 of {ALL})"
    for _ in range(3):
        keyboard.press("ArrowLeft")
    assert reader.title() == f"{names[-1]} ({ALL} of {ALL})"  # from the first image to the last one
    keyboard.press("Escape")
    assert not reader.is_open()
    # Not wait_for_function: it evaluates text in the page, which the page's policy forbids.
    playwright.expect(reader.page).not_to_have_url(re.compile("image="))
    assert reader.focused().startswith(f"{names[-1]},")


def test_tab_passes_the_grid_in_one_step_and_stays_in_the_viewer(reader: Reader) -> None:
    keyboard = reader.page.keyboard
    reader.page.locator("input[name=cut]").focus()
    keyboard.press("Tab")
    assert reader.focused().startswith(f"{reader.names()[0]},")
    keyboard.press("Tab")
    assert "," not in reader.focused()
    reader.page.locator(".card").nth(2).click()
    for _ in range(6):  # after its last element, the browser itself has the focus
        keyboard.press("Tab")
        assert reader.page.evaluate(INSIDE)


def test_the_address_contains_the_view(reader: Reader, browser: Any, index: Path) -> None:
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


def test_the_back_button_closes_the_viewer(reader: Reader) -> None:
    reader.page.locator(".card").first.click()
    reader.page.go_back()
    assert not reader.is_open()
    assert len(reader.names()) == ALL
    reader.page.go_forward()
    assert reader.is_open()


@pytest.mark.parametrize(
    "hash_", ["#dataset=no&a=gone&by=x&seed=9", "#image=brick:none.png", "#%%%", "#a=ae&b=ae"]
)
def test_an_impossible_address_shows_the_default_view(reader: Reader, hash_: str) -> None:
    reader.open("")
    reader.page.evaluate("hash => { location.hash = hash; }", hash_)
    reader.page.locator(".card").first.wait_for()
    assert not reader.is_open()
    assert len(reader.names()) == ALL
    state = reader.page.evaluate("toAddress(fromAddress())")
    assert "dataset=textures" in state
    assert "a=ae&b=ae&" not in state


def test_verdicts_at_a_share_of_false_alarms(reader: Reader, tree: Tree) -> None:
    reader.choose(category="brick", a="aexad-resnet18", b="ae")
    assert reader.options("verdict") == [""]
    assert reader.page.locator("select[name=verdict]").is_hidden()
    reader.slide(alarms=25)  # one of the four good images
    status = reader.page.locator("#status").inner_text()
    missed = {}
    for method, letter in (("aexad-resnet18", "A"), ("ae", "B")):
        table = images(tree, "brick", method)
        good = table["defect"] == "good"
        above = table["score"] > table.loc[good, "score"].nlargest(2).min()
        found = f"{letter} finds {(above & ~good).sum()} of 6 defects"
        assert f"{found} and calls {(above & good).sum()} of 4 good images anomalous." in status
        missed[letter] = set(table.index[~above & ~good])
    reader.choose(verdict="missed")
    assert set(reader.names()) == missed["A"]
    reader.choose(verdict="alarm")
    assert len(reader.names()) == 1
    assert "false alarm" in reader.page.locator(".values").first.inner_text()
    reader.choose(verdict="differ")
    state = reader.state()
    assert (state["alarms"], state["verdict"]) == ("25", "differ")
    names = reader.names()
    reader.page.reload()
    assert reader.names() == names
    reader.slide(alarms=-1)
    assert len(reader.names()) == 10
    assert "finds" not in reader.page.locator("#status").inner_text()


def test_defects_are_chosen_by_their_size(reader: Reader, tree: Tree) -> None:
    reader.choose(category="brick", b="")
    areas = images(tree, "brick", "aexad-resnet18")["anomalous_pixels"]
    areas = areas[areas > 0].sort_values()
    thirds = []
    for third in "012":
        reader.choose(size=third)
        thirds.append(set(reader.names()))
    assert set.union(*thirds) == set(areas.index)
    assert areas.index[0] in thirds[0]
    assert areas.index[-1] in thirds[2]
    assert sum(map(len, thirds)) == len(areas)


def test_a_heat_map_cut_at_1_is_its_binary_map(reader: Reader) -> None:
    reader.choose(category="brick", defect="stain", b="")
    reader.page.locator(".card").first.click()
    heat = reader.page.locator("#sides img.heat")
    binary = reader.page.locator("#sides img[alt^=binary]")

    def pixels(picture: Any) -> np.ndarray:
        picture.evaluate("image => image.decode()")
        shot = Image.open(io.BytesIO(picture.screenshot())).convert("L")
        return np.asarray(shot)[4:-4, 4:-4]

    plain = pixels(heat)
    assert len(np.unique(plain)) > 20
    reader.page.keyboard.press("Escape")
    reader.slide(cut=1)
    assert reader.state()["cut"] == "1"
    reader.page.locator(".card").first.click()
    cut, truth = pixels(heat), pixels(binary) > 127
    assert ((cut < 20) | (cut > 235)).mean() > 0.98
    assert ((cut > 127) == truth).mean() > 0.97
    reader.page.keyboard.press("Escape")
    reader.slide(cut=4.5)
    reader.page.locator(".card").first.click()
    assert (pixels(heat) > 127).mean() < truth.mean() / 2


def test_what_is_done_while_an_image_closes_is_kept(reader: Reader) -> None:
    """The browser goes back some time after the image is closed; users can be faster."""
    at_once = """next => new Promise(resolve => {
      const viewer = document.querySelector('#viewer');
      const slider = document.querySelector('input[name=cut]');
      const actions = {
        cut: () => {
          slider.value = 1;
          slider.dispatchEvent(new Event('input', { bubbles: true }));
        },
        open: () => document.querySelectorAll('.card')[1].click(),
      };
      addEventListener('popstate', () => setTimeout(resolve), { once: true });
      viewer.addEventListener('close', actions[next], { once: true });
      viewer.close();
    })"""
    before = reader.page.evaluate("history.length")
    reader.page.locator(".card").first.click()
    reader.page.evaluate(at_once, "cut")
    assert reader.state()["cut"] == "1"
    assert "image" not in reader.state()
    assert not reader.is_open()

    reader.page.locator(".card").first.click()
    reader.page.evaluate(at_once, "open")
    assert reader.is_open()
    assert reader.title().endswith(f"(2 of {ALL})")
    assert reader.page.evaluate("history.length") == before + 1
    reader.page.go_back()
    assert not reader.is_open()
    assert reader.state()["cut"] == "1"


def test_one_method_can_be_shown_alone(reader: Reader) -> None:
    reader.choose(b="")
    assert reader.options("of") == ["a"]
    reader.page.locator(".card").first.click()
    assert reader.page.locator("#sides section").count() == 1
    assert len(reader.page.locator("#numbers thead").inner_text().split()) == 2


def test_an_opened_image_shows_the_heat_maps_of_all_other_methods(reader: Reader) -> None:
    others = reader.page.locator("#others figure")
    reader.choose(category="brick")
    reader.page.locator(".card").first.click()
    assert others.count() == 1  # two of three methods are shown in full
    reader.page.keyboard.press("Escape")
    reader.choose(b="")
    reader.page.locator(".card").first.click()
    assert others.count() == 2
    caption = others.last.locator("figcaption").inner_text()
    assert re.fullmatch(r".+: (IoU|X-AUC|F1|score rank) \S+( %)?", caption)
    assert others.last.locator("img.heat").evaluate("image => image.decode().then(() => true)")
    reader.page.keyboard.press("Escape")
    reader.choose(category="grass")  # where the second method has not run
    reader.page.locator(".card").first.click()
    assert others.count() == 1


def test_pictures_far_away_are_not_loaded(browser: Any, index: Path) -> None:
    reader = Reader(browser, index, viewport={"width": 390, "height": 300}).open()
    reader.page.locator(".card").first.scroll_into_view_if_needed()
    reader.page.locator(".card img").first.wait_for()
    assert 0 < reader.page.locator(".card img").count() < ALL
    assert 0 < len({url for url in reader.requests if url.endswith(".webp")}) < ALL * 3
    assert reader.wrong == []
    reader.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_page_without_horizontal_scrolling(
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
