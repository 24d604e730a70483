"""A category of a data set is listed alone: what is wrong or new beside it touches nothing."""

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.workflow


def write_category(folder):
    rng = np.random.default_rng(0)
    for place, count in (("train/good", 4), ("test/good", 2), ("test/dent", 3)):
        (folder / place).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / place / f"{i}.png")
    (folder / "ground_truth/dent").mkdir(parents=True)
    for i in range(3):
        mask = np.zeros((64, 64), np.uint8)
        mask[20:40, 20:40] = 255
        Image.fromarray(mask).save(folder / f"ground_truth/dent/{i}_mask.png")


def test_a_broken_and_a_changed_category_do_not_touch_another(project):
    source = project.folder / "mine"
    for category in ("nuts", "bolts"):
        write_category(source / category)
    (source / "bolts/train/good/0.png").write_bytes(b"no image")
    (project.folder / "config/benchmarks/mine.yaml").write_text(
        "{title: Mine, datasets: {mine: all}, methods: [ae-smoke], seeds: [0]}"
    )
    with (project.folder / "config/datasets.yaml").open("a") as file:
        file.write(
            "\nmine: {title: Mine, adaptor: mvtec_layout, categories: [nuts, bolts], size: 64, "
            "labelled: 1}\n"
        )
    config = ("benchmark=mine", "sources={mine: mine}")
    split = "results/runs/mine/{}/standard/seed0/split.csv"
    assert project.snakemake(split.format("nuts"), config=config)
    failed = project.snakemake(split.format("bolts"), config=config, check=False)
    assert failed.returncode
    assert "bolts/train/good/0.png" in failed.stdout
    # The broken image is mended, and the other category knows nothing of it.
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(source / "bolts/train/good/0.png")
    assert project.snakemake(split.format("bolts"), config=config)
    planned = project.planned(split.format("nuts"), config=config)
    assert set(planned) <= {"fetch"}
