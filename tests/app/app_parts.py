"""Make miniature photographs of parts, without and with a bright defect."""

import numpy as np
from PIL import Image

from aexad.cli.parser import main

SHAPE = (60, 72)  # height and width
BOX = (20, 14, 44, 34)  # left, top, right, bottom of every defect
RECIPE = """
tiny: {encoder: test_resnet.r160_in1k, weights: none, epochs: 60, batch_size: 6}
plain: {model: l2_cae, loss: mse, epochs: 1, heat_map: {normalise: mean, filter: sigma, score: max}}
"""


def run(*words):
    """Run a verb of the command line; returns its exit status."""
    return main([str(word) for word in words])


def photo(seed, defect=False):
    pixels = np.random.default_rng(seed).integers(90, 110, (*SHAPE, 3), dtype=np.uint8)
    if defect:
        left, top, right, bottom = BOX
        pixels[top:bottom, left:right] = (250, 240, 200)
    return pixels


def mask():
    marked = np.zeros(SHAPE, np.uint8)
    left, top, right, bottom = BOX
    marked[top:bottom, left:right] = 255
    return marked


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_category(folder, good=12, defects=4):
    """Write a category in MVTec AD's layout."""
    for i in range(good):
        save(folder / f"train/good/{i:02}.png", photo(i))
    for i in range(3):
        save(folder / f"test/good/{i}.png", photo(100 + i))
    for i in range(defects):
        save(folder / f"test/spot/{i}.png", photo(200 + i, defect=True))
        save(folder / f"ground_truth/spot/{i}_mask.png", mask())
