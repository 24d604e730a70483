"""How large the explorer of 2,000 images is, and how fast it opens, sorts, scrolls and shows one.

The benchmark that it shows is drawn here: photographs of ``textures`` with drawn defects, and maps
such as two methods would make of them. Everything after the maps is the library's own. Needs
Chromium (apt install chromium) and Playwright (pip install playwright).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from scipy.ndimage import gaussian_filter
from skimage import data as photographs

from aexad.config.benchmark import Benchmark, Run
from aexad.config.catalogue import Dataset
from aexad.explain.run_maps import MAPS, write_maps
from aexad.report.collect import METHOD_COLUMNS
from aexad.report.html.explorer.page import write_explorer
from aexad.report.images.strips import draw_strips
from aexad.report.inputs import Inputs
from aexad.runtime.files import write_csv

SIZE = 224
METHODS = {"strong": 1.0, "weak": 0.4}
KINDS = {"good": 0.4, "spot": 0.3, "stain": 0.3}
PHOTOGRAPHS = ("brick", "grass", "gravel")
STILL = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
SEEN = """() => Promise.all([...document.querySelectorAll("#grid img")]
  .filter(i => i.getBoundingClientRect().top < innerHeight && i.getBoundingClientRect().bottom > 0)
  .map(i => i.decode())).then(all => all.length)"""
SCROLL = """async () => {
  const times = []; let last = performance.now();
  const end = document.documentElement.scrollHeight, step = innerHeight / 4;
  for (let y = 0; y < Math.min(end, 200 * step); y += step) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
    const now = performance.now(); times.push(now - last); last = now;
  }
  return times;
}"""


def draw_category(root: Path, category: str, count: int, number: int) -> tuple[Run, ...]:
    """Photographs, masks, the split, and the maps and values of two methods."""
    generator = np.random.default_rng(number)
    base = getattr(photographs, PHOTOGRAPHS[number % len(PHOTOGRAPHS)])()
    data = root / "data/drawn"
    runs = tuple(Run("drawn", category, "standard", 0, method) for method in METHODS)
    rows, maps = [], {method: _empty_maps(count) for method in METHODS}
    values: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
    kinds = [kind for kind, share in KINDS.items() for _ in range(round(share * count))]
    for i, kind in enumerate(sorted(kinds)):
        pixels, mask = _draw(base, kind, generator)
        row = {"role": "test", "defect": kind, "image": f"{category}/test/{kind}/{i:04}.png"}
        row["mask"] = f"{category}/truth/{kind}/{i:04}.png" if mask.any() else ""
        row["marks"] = "bright"
        rows.append(row)
        _save(data / row["image"], pixels)
        if mask.any():
            _save(data / row["mask"], np.where(mask, np.uint8(255), np.uint8(0)))
        for method, skill in METHODS.items():
            value = _explain(maps[method], i, pixels, mask, skill, generator)
            values[method].append({"image": row["image"], "defect": kind, "k": 3} | value)
    write_csv(root / "results" / runs[0].data_folder / "split.csv", pd.DataFrame(rows))
    for run in runs:
        folder = root / "results" / run.folder
        maps[run.method]["image"] = np.array([row["image"] for row in rows])
        write_maps(folder / MAPS, maps[run.method])
        write_csv(folder / "per_image.csv", pd.DataFrame(values[run.method]))
    return runs


def _empty_maps(count: int) -> dict[str, np.ndarray]:
    return {
        "heat_map": np.zeros((count, SIZE, SIZE), np.float32),
        "binary": np.zeros((count, SIZE, SIZE), bool),
        "reconstruction": np.zeros((count, SIZE, SIZE, 3), np.uint8),
    }


def _draw(base: np.ndarray, kind: str, generator: np.random.Generator) -> tuple[Any, np.ndarray]:
    y, x = generator.integers(0, 512 - SIZE, 2)
    tint = generator.uniform(0.7, 1.0, 3)  # coloured, as photographs of products are
    pixels = (base[y : y + SIZE, x : x + SIZE, None] * tint).astype(np.uint8)
    mask = np.zeros((SIZE, SIZE), bool)
    if kind != "good":
        radius = generator.integers(6, 14) if kind == "spot" else generator.integers(18, 40)
        row, column = np.ogrid[:SIZE, :SIZE]
        top, left = generator.integers(radius, SIZE - radius, 2)
        mask = (row - top) ** 2 + (column - left) ** 2 < radius**2
        pixels[mask] = pixels[mask] // 2 + np.uint8([70, 30, 20])
    return pixels, mask


def _explain(
    maps: dict[str, np.ndarray],
    i: int,
    pixels: np.ndarray,
    mask: np.ndarray,
    skill: float,
    generator: np.random.Generator,
) -> dict[str, float]:
    """Fill in the maps of one image, and return its values."""
    noise = gaussian_filter(generator.random((SIZE, SIZE)), 5)
    heat = gaussian_filter(mask.astype(float), 4) * skill * generator.random() + noise * 3
    binary = heat > heat.mean() + heat.std()
    rebuilt = gaussian_filter(pixels.astype(float), (1.5, 1.5, 0))
    rebuilt[binary] = 255 * (1 - 0.3 * noise[binary, None])
    maps["heat_map"][i], maps["binary"][i] = heat, binary
    maps["reconstruction"][i] = rebuilt.clip(0, 255).astype(np.uint8)
    overlap, union = (binary & mask).sum(), (binary | mask).sum()
    nothing = not mask.any()
    return {
        "score": float(heat.max()),
        "iou": np.nan if nothing else overlap / union,
        "f1": np.nan if nothing else 2 * overlap / (binary.sum() + mask.sum()),
        "xauc": np.nan if nothing else float((heat[mask].mean() > heat[~mask]).mean()),
    }


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=1)


def make_explorer(root: Path, categories: int, count: int) -> dict[str, float]:
    """Draw the benchmark and make its explorer; seconds of both steps."""
    runs = [
        run
        for number in range(categories)
        for run in draw_category(root, f"part{number}", count, number)
    ]
    start = time.perf_counter()
    for run in runs:
        folder, split = root / "results" / run.folder, run.data_folder / "split.csv"
        places = (root / "results" / split, root / "data/drawn", SIZE, count, folder / "strips")
        draw_strips(folder, *places)
    strips = time.perf_counter() - start
    start = time.perf_counter()
    empty = dict.fromkeys(METHOD_COLUMNS, "")
    methods = [empty | {"method": name, "title": name} for name in METHODS]
    benchmark = Benchmark(title="Drawn", datasets={"drawn": "all"}, methods=list(METHODS))
    catalogue = {"drawn": Dataset(title="Drawn", adaptor="mvtec_layout")}
    write_explorer(
        Inputs(benchmark, runs, [], [], catalogue, {}),
        pd.DataFrame(methods),
        results=root / "results",
        data=root / "data",
        count=count,
        folder=root / "explorer",
    )
    return {"strips_s": strips, "explorer_s": time.perf_counter() - start}


def size_of(explorer: Path) -> dict[str, float]:
    """How much there is to send."""
    files = [path for path in explorer.rglob("*") if path.is_file()]
    return {
        "files": len(files),
        "megabytes": sum(path.stat().st_size for path in files) / 1e6,
        "html_megabytes": (explorer / "index.html").stat().st_size / 1e6,
    }


def look(browser: Browser, index: Path) -> dict[str, float]:
    """Seconds and milliseconds that a reader waits, in a browser that has never seen the page."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    start = time.perf_counter()
    page.goto("data:text/html,<p class=card>empty")
    page.evaluate(STILL)
    result = {"empty_s": time.perf_counter() - start}
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    start = time.perf_counter()
    page.goto(index.as_uri(), wait_until="commit")
    page.locator(".card").first.wait_for()
    page.evaluate(STILL)
    seen = page.evaluate(SEEN)
    page.evaluate(STILL)
    result["open_s"] = time.perf_counter() - start
    assert seen >= 20, "the pictures of the first screen are there"
    spent = {
        each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]
    }
    result |= {"open_cpu_s": spent["TaskDuration"], "cards": page.locator(".card").count()}
    result["sort_ms"] = _milliseconds(page, lambda: page.select_option("select[name=by]", "xauc"))
    frames = page.evaluate(SCROLL)
    result["scroll_median_ms"] = statistics.median(frames)
    result["scroll_p95_ms"] = statistics.quantiles(frames, n=20)[-1]
    page.evaluate("scrollTo(0, 0)")
    result["view_ms"] = _milliseconds(page, lambda: page.locator(".card").first.click())
    result["arrow_ms"] = _milliseconds(page, lambda: page.keyboard.press("ArrowRight"))
    context.close()
    return result


def _milliseconds(page: Page, act: Any) -> float:
    start = time.perf_counter()
    act()
    page.evaluate(STILL)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Draw, make, look five times; medians."""
    one = argparse.ArgumentParser(description=__doc__)
    one.add_argument("--categories", type=int, default=10)
    one.add_argument("--images", type=int, default=200, help="of a category")
    one.add_argument("--rounds", type=int, default=5)
    one.add_argument("--keep", type=Path, help="keep the explorer in this new folder")
    one.add_argument("--look", type=Path, help="look at this one that was kept, and make none")
    arguments = one.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        explorer, made = arguments.look, {}
        if explorer is None:
            made = make_explorer(Path(folder), arguments.categories, arguments.images)
            explorer = Path(folder) / "explorer"
        made |= size_of(explorer)
        print(made, flush=True)
        if arguments.keep:
            shutil.copytree(explorer, arguments.keep)
        rounds = []
        for _ in range(arguments.rounds):
            browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            rounds.append(look(browser, explorer / "index.html"))
            print(rounds[-1], flush=True)
            browser.close()
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    print(json.dumps({name: round(value, 3) for name, value in (made | medians).items()}))


if __name__ == "__main__":
    main()
