"""The training set: labelled anomalies as they are, and pasted in new places.

Source: Angiulli et al., "Explaining anomalies through semi-supervised autoencoders", the data
augmentation of AE-XAD. Its amounts (5 copies, 10 pasted images) are from the paper; the paper names
the random zoom, rotation and translation without their ranges, which are chosen here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from aexad.config.catalogue import Tile
from aexad.data.image_files import image_size
from aexad.data.images import Levels, load_image
from aexad.data.masks import load_mask
from aexad.data.rng import generator
from aexad.data.tables import TRAINED_ROLES
from aexad.data.tiles import tiles_of
from aexad.data.training_set import Photo
from aexad.runtime.errors import DataError

ZOOM = (0.7, 1.4)
"""Least and greatest zoom of a pasted region; its logarithm is uniformly distributed."""

KEPT = 0.5
"""Least share of the zoomed region that is visible after pasting."""

TRIALS = 20  # draws until a region is visible enough; after that it is only moved


def augment(
    split_table: pd.DataFrame,
    root: str | os.PathLike[str],
    size: int,
    scenario: str,
    seed: int,
    copies: int = 5,
    pasted: int = 10,
    levels: Levels | None = None,
    tile: Tile | None = None,
) -> dict[str, np.ndarray]:
    """Make the training set of a split.

    Every labelled anomaly counts ``copies`` times as it is. ``pasted`` further images each show its
    anomalous region, cut along the mask, on a randomly chosen normal image, after a random zoom
    (:data:`ZOOM`), rotation (any angle) and translation (inside the frame, where it fits); the
    mask moves with it. At the boundary of the region, and only there, the two images are blended
    over about a pixel. Under ``anomalies_only`` the base is another labelled anomaly and the masks
    are joined; the only labelled anomaly of a category is its own base.

    Parameters
    ----------
    split_table
        As from :func:`aexad.data.split.split`.
    root
        Folder of the data set, to which the table's paths are relative.
    size
        Size S of the images in pixels; regions are cut and pasted at that size.
    scenario
        ``standard``, ``anomalies_only`` or ``one_class`` (normal images only).
    seed
        The run's seed. Each labelled anomaly has its own random numbers.
    copies, pasted
        See above.
    levels
        The levels of 16 bits that become black and white, see
        :func:`aexad.data.images.load_image`.
    tile
        Side in pixels of the tiles that images are cut into, see :mod:`aexad.data.tiles`; each is
        then an image of the training set; ``whole``: images are padded to a square. Default: they
        are squashed to S x S.

    Returns
    -------
    dict of numpy.ndarray
        images uint8 [N, S, S, 3]; masks bool [N, S, S]; weight int64 [N], how many times an image
        counts; source str [N], the path of the image, or ``<anomaly> -> <base>`` where pasted;
        validation bool [N], images that are not trained on. Normal images come first, then labelled
        anomalies, then pasted ones, then validation images.

    Raises
    ------
    aexad.runtime.errors.DataError
        An image or mask that cannot be read, a mask of another size than its image, a labelled
        anomaly without an anomalous pixel at working size, or a split without the required images.
    """
    rows = split_table[split_table["role"].isin((*TRAINED_ROLES[scenario], "validation"))]
    photos: dict[str, list[Photo]] = {"normal": [], "labelled": [], "validation": []}
    for row in tqdm(rows.to_dict("records"), "reading", unit="image", disable=None):
        if tile is None:
            photos[row["role"]].append(_whole(row, Path(root), size, levels))
        else:
            photos[row["role"]] += tiles_of(row, Path(root), tile, size, seed, levels)
    for role in TRAINED_ROLES[scenario]:
        if not photos[role]:
            raise DataError(f"the split has no {role} image, which scenario '{scenario}' needs")
    normals, labelled = photos["normal"], photos["labelled"]
    moved = []
    for anomaly in labelled:
        rng = generator(seed, "augmentation", anomaly.source)
        others = [photo for photo in labelled if photo.source != anomaly.source]
        bases = normals or others or [anomaly]
        moved += [paste(anomaly, bases[rng.integers(len(bases))], rng) for _ in range(pasted)]
    groups = [normals, labelled, moved, photos["validation"]]
    lengths = [len(group) for group in groups]
    ordered = [photo for group in groups for photo in group]
    return {
        "images": np.stack([photo.image for photo in ordered]),
        "masks": np.stack([photo.mask for photo in ordered]),
        "weight": np.repeat(np.array([1, copies, 1, 1], dtype=np.int64), lengths),
        "source": np.array([photo.source for photo in ordered], dtype=np.str_),
        "validation": np.repeat([False, False, False, True], lengths),
    }


def paste(anomaly: Photo, base: Photo, rng: np.random.Generator) -> Photo:
    """Paste the anomalous region of one image onto another, at a random place, angle and size.

    The masks are joined. At least half (:data:`KEPT`) of the region stays inside the frame.
    """
    region, cover = _moved(anomaly, rng)
    # The region is black outside of its mask, so it already carries its coverage.
    blended = region + base.image * (1 - cover[..., None] / np.float32(255))
    image = np.rint(np.minimum(blended, 255)).astype(np.uint8)
    mask = (cover > 127) | base.mask
    return Photo(f"{anomaly.source} -> {base.source}", image, mask)


def _whole(row: dict[Any, str], root: Path, size: int, levels: Levels | None) -> Photo:
    """Read the image and the mask of a row of a split, squashed to the working size."""
    pixels, marked = load_image(root / row["image"], size, levels), load_mask(None, size)
    if row["mask"]:
        shape = image_size(root / row["image"])
        marked = load_mask(root / row["mask"], size, shape, row["marks"])
        if not marked.any():
            if not load_mask(root / row["mask"], marks=row["marks"]).any():
                raise DataError(
                    f"{root / row['mask']}: this mask of a labelled anomaly marks nothing; correct "
                    f"it, or remove it and {root / row['image']}, and make the index again"
                )
            raise DataError(
                f"{root / row['mask']}: no anomalous pixel is left at working size {size}; raise "
                "'size' ('--size' of 'fit'), set 'masks: covered', correct the mask, or exclude "
                f"the image: remove {root / row['image']} and its mask, and make the index again"
            )
    return Photo(row["image"], pixels, marked)


def _moved(anomaly: Photo, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The region after zoom, rotation and translation: its pixels and its coverage.

    Returns
    -------
    tuple of numpy.ndarray
        uint8 [S, S, 3], black outside of the region and darker where it covers a pixel in part; and
        uint8 [S, S], 255 where a pixel lies wholly in the region.
    """
    area = int(anomaly.mask.sum())
    for _ in range(TRIALS):
        zoom = float(np.exp(rng.uniform(*np.log(ZOOM))))
        angle = float(rng.uniform(0, 2 * np.pi))
        cosine, sine = np.cos(angle), np.sin(angle)
        # The matrix takes an offset (y, x) in the source to an offset in the result.
        matrix = zoom * np.array([[cosine, sine], [-sine, cosine]])
        region, cover = _warped(anomaly, matrix, _shift(anomaly.mask, matrix, rng))
        visible = int((cover > 127).sum())
        if visible >= max(1, KEPT * area * zoom**2):
            return region, cover
    # A region of one or two pixels can vanish between the pixels of a rotated grid; without
    # rotation it cannot.
    matrix = np.eye(2)
    return _warped(anomaly, matrix, np.rint(_shift(anomaly.mask, matrix, rng)))


def _shift(mask: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random shift (y, x) that keeps the transformed region inside the frame, where it fits.

    A region larger than the frame covers it from edge to edge instead.
    """
    points = matrix @ np.argwhere(mask).T  # (2, area)
    at_start = -points.min(axis=1)  # the shift that brings the region to the first edge
    at_end = len(mask) - 1 - points.max(axis=1)
    return at_start + rng.random(2) * (at_end - at_start)


def _warped(anomaly: Photo, matrix: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transform region and mask by ``matrix`` and ``shift``, with bilinear interpolation."""
    inverse = np.linalg.inv(matrix)
    # Pillow counts from the corner of the first pixel, the shift from its centre: hence the halves.
    centre = np.array([0.5, 0.5])
    y, x = centre - inverse @ (shift + centre)
    (yy, yx), (xy, xx) = inverse
    # Cut first, so that no colour from outside of the region is mixed into its boundary.
    region = anomaly.image * anomaly.mask[..., None].astype(np.uint8)
    transformed = [
        Image.fromarray(pixels).transform(
            anomaly.mask.shape,
            Image.Transform.AFFINE,
            (xx, xy, x, yx, yy, y),
            resample=Image.Resampling.BILINEAR,
        )
        for pixels in (region, anomaly.mask.astype(np.uint8) * 255)
    ]
    return np.asarray(transformed[0]), np.asarray(transformed[1])
