"""The report page: one complete file that needs no network and marks random encoders."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_results import Tree, make_tree
from PIL import Image

from aexad.config.benchmark import Run
from aexad.report.collect import read_metrics, write_collection
from aexad.report.html.page import _panels, parameters_range, write_report
from aexad.runtime.errors import DataError

METHODS = ("aexad-resnet18", "aexad-vit_tiny")


class Page(HTMLParser):
    """The elements and the text of the page; ``open`` lists elements that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("page")
    tree = make_tree(root, categories=("brick", "grass"), methods=METHODS)
    tree.draw_figures()
    tree.draw_panels(tree.runs)
    return tree


def report(tree: Tree, runs: list[Run] | None = None) -> str:
    inputs = tree.inputs("Does <it> help?", runs)
    write_report(inputs, tree.read_results(), tree.results, tree.benchmark)
    return (tree.benchmark / "report.html").read_text()


@pytest.fixture(scope="module")
def html(tree: Tree) -> str:
    return report(tree)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


LINKED = {"tables/", "metrics.csv", "methods.csv", "explorer/index.html"}
"""Files beside the page, which it names in its section on provenance."""


def test_the_page_loads_no_other_file(html: str, page: Page) -> None:
    for tag, attributes in page.elements:
        if tag == "a" and not attributes["href"].startswith("#"):
            assert attributes["href"] in LINKED  # opened by a click alone
            continue
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert re.match(r"data:|#", attributes.get(name) or "#"), attributes
    assert page.all("script") == []
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_every_picture_has_an_alternative_text(page: Page) -> None:
    images = page.all("img")
    assert len(images) == 8 + 3 + 4  # charts and strips, galleries, one panel per run
    assert all(len(image["alt"] or "") > 20 for image in images)
    kinds = [re.match(r"data:image/(\w+)", image["src"] or "") for image in images]
    assert [kind[1] for kind in kinds if kind] == ["svg"] * 11 + ["jpeg"] * 4


def test_the_page_starts_with_question_and_answer(html: str, page: Page) -> None:
    assert "<h1>Does &lt;it&gt; help?</h1>" in html
    start = page.text[: page.text.index("Summary")]
    assert (
        "2 methods on 2 categories of Textures (brick and grass), 1 seed: 4 training runs" in start
    )
    assert "judged on 20 test images. A trial." in start
    assert "X-AUC: aexad-resnet18 is best with" in start
    assert "Not pre-trained, started from random weights: aexad-vit_tiny†" in start
    assert "not a comparison of architectures alone" in start


def test_tables_and_provenance(tree: Tree, page: Page) -> None:
    metrics = read_metrics(tree.benchmark / "metrics.csv")
    best = metrics.query("metric == 'xauc' and method == 'aexad-resnet18' and category == 'brick'")
    assert f"{best['value'].item():.3f}" in page.text
    for words in (
        "CC BY-NC-SA 4.0",
        "Bergmann et al. 2019",
        "folder: resnet18.tv_in1k.safetensors",
        "5c4f" * 16,
        "random weights",
        "timm 1.0.31",
        "cpu, 1 thread",
        "20.2",
    ):
        assert words in page.text
    assert str(tree.results) not in page.text
    scopes = [header.get("scope") for header in page.all("th")]
    assert set(scopes) == {"col", "row"}


def test_the_page_shows_titles(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, categories=("brick",), methods=METHODS)
    titles = {"aexad-resnet18": "AE-XAD, ResNet-18", "aexad-vit_tiny": "AE-XAD, <ViT>"}
    write_collection(tree.runs, tree.results, tree.benchmark, titles=titles)
    tree.draw_figures()
    tree.draw_panels(tree.runs)
    html = report(tree)
    for row in (
        "AE-XAD, ResNet-18 <code>aexad-resnet18</code>",  # methods
        "AE-XAD, &lt;ViT&gt;<sup>†</sup> <code>aexad-vit_tiny</code>",
        'AE-XAD, &lt;ViT&gt;</th><td class="long">random weights',  # weights
        "AE-XAD, &lt;ViT&gt;</th><td>cpu, 1 thread",  # costs
    ):
        assert f'<th scope="row">{row}' in html
    folder = "runs/textures/brick/standard/seed0/aexad-vit_tiny/panels"
    assert f"<h3>AE-XAD, &lt;ViT&gt; <code>{folder}</code></h3>" in html
    assert 'alt="AE-XAD, &lt;ViT&gt; on ' in html


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [("", ""), ("2782784", "2,782,784"), ("9984384; 842880; 9984384", "842,880 to 9,984,384")],
)
def test_numbers_of_parameters_that_differ_are_a_range(numbers: str, shown: str) -> None:
    assert parameters_range(numbers) == shown


def test_equal_inputs_give_an_equal_page(tree: Tree, html: str) -> None:
    assert report(tree) == html


@pytest.mark.parametrize("missing", ["captions.json", "metrics_textures_standard.png"])
def test_a_missing_figure_is_an_error_that_names_it(tree: Tree, missing: str) -> None:
    path = tree.benchmark / "figures" / missing
    content = path.read_bytes()
    try:
        path.unlink()
        with pytest.raises(DataError, match="make it with 'aexad figures'") as caught:
            report(tree)
    finally:
        path.write_bytes(content)
    assert f"{path}: no such file" in str(caught.value)


def test_missing_panels_are_an_error_that_names_the_run(tree: Tree) -> None:
    folder = tree.results / tree.runs[0].folder / "panels"
    folder.rename(folder.with_name("elsewhere"))
    try:
        with pytest.raises(DataError, match="no panels; make them with 'aexad panels'"):
            report(tree)
    finally:
        folder.with_name("elsewhere").rename(folder)


def test_panels_are_of_the_first_seed_of_each_data_set(tmp_path: Path) -> None:
    runs = [
        Run("x", "nut", "standard", 0, "m"),
        Run("x", "nut", "standard", 1, "m"),
        Run("y", "nut", "standard", 1, "m"),
        Run("y", "nut", "standard", 2, "m"),
    ]
    for run in runs:
        folder = tmp_path / run.folder / "panels"
        folder.mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / "bent_0.png")
    panels = _panels(runs, tmp_path, {}, {})
    assert {group: [each.folder for each in of_one] for group, of_one in panels.items()} == {
        "x, nut, standard": ["runs/x/nut/standard/seed0/m/panels"],
        "y, nut, standard": ["runs/y/nut/standard/seed1/m/panels"],
    }


def test_external_maps_alone_make_figures_and_a_page(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, categories=("brick",), methods=("theirs", "ours"))
    write_collection([], tree.results, tree.benchmark, tree.runs)
    folder = tree.draw_figures([])
    kinds = ("aexad_figure4", "aexad_figure5", "gallery", "metrics")  # without a trained model
    names = [f"{kind}_textures_standard" + "_brick" * (kind == "gallery") for kind in kinds]
    assert sorted(path.stem for path in folder.glob("*.png")) == names
    tree.draw_panels(tree.runs)
    html = report(tree, [])
    assert "2 methods on 1 category of Textures (brick), 1 seed, judged on 10 test images." in html
    assert "Panels" in html
    assert "Mean cost of a run" not in html
    assert "<p>Seeds: 0.</p>" in html


def test_a_method_with_external_maps_has_no_dagger(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, categories=("brick",), methods=("aexad-vit_tiny", "theirs"))
    write_collection(tree.runs[:1], tree.results, tree.benchmark, tree.runs[1:])
    folder = tree.draw_figures(tree.runs[:1])
    captions = json.loads((folder / "captions.json").read_text())
    assert "theirs" in captions[0]["alt"]
    with_theirs = [caption["name"][:13] for caption in captions if "theirs" in caption["alt"]]
    assert with_theirs == ["metrics_textu", "aexad_figure4", "aexad_figure5", "gallery_textu"]
    tree.draw_panels(tree.runs)
    html = report(tree, tree.runs[:1])
    assert '<th scope="row">aexad-vit_tiny<sup>†</sup></th>' in html
    assert '<th scope="row">theirs</th>' in html
    assert "theirs<sup>" not in html
    assert "theirs†" not in html
