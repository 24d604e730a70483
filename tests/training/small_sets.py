"""Drawn sets of 12 good and 4 defective images of one object, on grounds of five kinds."""

import numpy as np
from scipy import ndimage

from aexad.data.training_set import TrainingSet

SIDE = 32
GROUNDS = {
    "bright": (250, 250, 250),
    "dark": (8, 8, 8),
    "textured": (120, 110, 100),
    "coloured": (40, 90, 200),
    "grey": (128, 128, 128),
}


def small_set(kind, seed, good=12, bad=4):
    """A training set as ``augment`` makes it: the defective images count five times."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for i in range(good + bad):
        image, thing = _photograph(kind, rng)
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        if i >= good:
            mask = _disc(rng.uniform(13, 19, 2), rng.uniform(2, 3)) & thing
            image[mask] = 0.35 * image[mask] + 0.65 * rng.choice([15, 220])
        images.append(image.clip(0, 255).astype(np.uint8))
        masks.append(mask)
    weight = np.array([1] * good + [5] * bad)
    source = np.array([f"{kind} {i}" for i in range(good + bad)])
    none = np.zeros(good + bad, dtype=bool)
    return TrainingSet(np.stack(images), np.stack(masks), weight, source, none, SIDE)


def _photograph(kind, rng):
    """An image, float [S, S, 3], and where its object is, bool [S, S]."""
    image = np.full((SIDE, SIDE, 3), GROUNDS[kind], dtype=float)
    if kind == "textured":
        grain = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1)
        image += 60 * (grain / grain.std())[..., None]
    thing = _disc(rng.uniform(15, 17, 2), rng.uniform(9, 10))
    grain = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1)
    image[thing] = np.array([110, 85, 60]) + 12 * (grain / grain.std())[thing][:, None]
    return image + rng.normal(0, 2, (SIDE, SIDE, 1)), thing


def _disc(centre, radius):
    y, x = np.mgrid[:SIDE, :SIDE]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
