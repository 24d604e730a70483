"""Explain images with a model from ``aexad fit``, a run of the benchmark, or an ONNX file."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np

from aexad.app.card import ModelCard
from aexad.app.explanation import Explanation
from aexad.app.photographs import Picture, as_input, as_photograph, is_one
from aexad.config.catalogue import Tile
from aexad.data.tiles import as_array, in_tiles
from aexad.explain.heatmap import HeatMaps, heat_maps
from aexad.runtime.errors import ConfigError

BATCH = 16
"""Images that the network takes at once."""


class Network(Protocol):
    """The network of an explainer, run by torch or by onnxruntime."""

    def run(self, images: np.ndarray) -> tuple[Any, Any]:
        """Return images, float32 [B, 3, S, S], and the output, as ``heat_maps`` takes them."""


class Explainer:
    """Explains images with one model; :func:`load` makes it.

    Parameters
    ----------
    network
        Turns images into reconstructions or anomaly maps.
    card
        The card of the model.
    threshold
        Score above which an image is anomalous. Default: the threshold of the card.
    batch_size
        Images that the network takes at once, if the model has no tiles.
    """

    def __init__(
        self,
        network: Network,
        card: ModelCard,
        threshold: float | None = None,
        batch_size: int = BATCH,
    ) -> None:
        self.network, self.card, self.batch_size = network, card, batch_size
        if threshold is None and card.threshold is not None:
            threshold = card.threshold.value
        self.threshold = threshold

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, images: str | os.PathLike[str]
    ) -> Explanation: ...
    @overload
    def __call__(self, images: Sequence[Picture]) -> list[Explanation]: ...
    @overload
    def __call__(self, images: np.ndarray) -> Explanation | list[Explanation]: ...

    def __call__(self, images: Picture | Sequence[Picture]) -> Explanation | list[Explanation]:
        """Explain an image, or a batch of images.

        Parameters
        ----------
        images
            A file or an array [H, W] or [H, W, 3]; or a batch: a list of these with any sizes, or
            an array [B, H, W, 3]. Arrays are uint8, uint16, or real numbers in [0, 1].

        Returns
        -------
        Explanation or list of Explanation
            One explanation for one image, a list for a batch.

        Raises
        ------
        aexad.runtime.errors.DataError
            A file cannot be read.
        ValueError
            An array is not an image.
        """
        if is_one(images):
            return self._explained([as_photograph(images, self.card.levels)])[0]  # type: ignore[arg-type]
        explanations: list[Explanation] = []
        for start in range(0, len(images), self.batch_size):  # type: ignore[arg-type]
            batch = images[start : start + self.batch_size]  # type: ignore[index]
            explanations += self._explained(
                [as_photograph(each, self.card.levels) for each in batch]
            )
        return explanations

    def scores(self, images: Sequence[Picture]) -> np.ndarray:
        """Compute the scores of n images, float64 [n], with only one batch in memory."""
        step = self.batch_size
        batches = (images[i : i + step] for i in range(0, len(images), step))
        return np.array([explanation.score for batch in batches for explanation in self(batch)])

    def __repr__(self) -> str:
        return (
            f"<Explainer: {self.card.method}, {self.card.size} pixels, threshold {self.threshold}>"
        )

    def _explained(self, photographs: Sequence[np.ndarray]) -> list[Explanation]:
        """Explain photographs uint8 [H, W, 3] in one batch, or each in tiles."""
        if self.card.tile is not None:
            return [self._tiled(photograph, self.card.tile) for photograph in photographs]
        start = time.perf_counter()
        images = as_input(photographs, self.card.size, self.card.stored)
        inputs, output = self.network.run(images)
        maps = heat_maps(inputs, output, self.card.recipe.heat_map)
        milliseconds = 1000 * (time.perf_counter() - start) / len(photographs)
        return self._explanations(photographs, maps, output, milliseconds)

    def _tiled(self, photograph: np.ndarray, tile: Tile) -> Explanation:
        """Explain a photograph uint8 [H, W, 3] in tiles; maps are of its scaled size."""
        start = time.perf_counter()
        inputs, output = in_tiles(
            photograph, tile, self.card.size, lambda tiles: self.network.run(tiles)[1]
        )
        maps = heat_maps(inputs, output, self.card.recipe.heat_map)
        del inputs  # of a large image it fills the memory
        milliseconds = 1000 * (time.perf_counter() - start)
        return self._explanations([photograph], maps, output, milliseconds)[0]

    def _explanations(
        self, photographs: Sequence[np.ndarray], maps: HeatMaps, output: Any, milliseconds: float
    ) -> list[Explanation]:
        """The explanations of photographs, from their maps and the output of the network."""
        rebuilds = not isinstance(output, tuple) and output.shape[1] >= 3
        rebuilt = _as_pictures(output[:, :3]) if rebuilds else None
        return [
            Explanation(
                image=photograph,
                heat_map=maps.heat_map[i],
                reconstruction=None if rebuilt is None else rebuilt[i],
                score=float(maps.score[i]),
                threshold=self.threshold,
                k=int(maps.k[i]),
                milliseconds=milliseconds,
            )
            for i, photograph in enumerate(photographs)
        ]


def _as_pictures(reconstructions: Any) -> np.ndarray:
    """Reconstructions [B, 3, S, S] as uint8 [B, S, S, 3]."""
    values = as_array(reconstructions)
    pictures = np.empty((len(values), *values.shape[2:], values.shape[1]), np.uint8)
    for channel in range(values.shape[1]):  # one at a time, because large images fill the memory
        pictures[..., channel] = np.rint(values[:, channel].clip(0, 1) * 255)
    return pictures


def load(
    path: str | os.PathLike[str],
    *,
    device: str = "cpu",
    threads: int | None = None,
    threshold: float | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
    batch_size: int = BATCH,
) -> Explainer:
    """Load a model that explains images.

    Parameters
    ----------
    path
        A model file of ``aexad fit``; the folder of a run of the benchmark, or the
        ``model.safetensors`` in it; or an ``.onnx`` file of ``aexad export``, which needs no torch.
    device
        Device of torch. ONNX models run on the CPU.
    threads
        Threads of onnxruntime. Default: one per core. For torch, use ``torch.set_num_threads``.
    threshold
        Score above which an image is anomalous. Default: the model's own threshold, if it has one.
    weights_dir
        For a run: the folder that is searched first for the frozen encoder, which the file of a run
        does not hold.
    batch_size
        Images that the network takes at once; less needs less memory.

    Raises
    ------
    aexad.runtime.errors.WeightsError
        The file is damaged, not made by aexad, or of another version.
    aexad.runtime.errors.ConfigError
        The file is an ONNX model and onnxruntime is not installed; or ``device`` or ``batch_size``
        cannot be used.

    Examples
    --------
    Explain a photograph of a part with a scratch:

    >>> import aexad
    >>> explainer = aexad.load("model.safetensors")
    >>> explanation = explainer("part.png")
    >>> explanation.verdict
    'anomalous'
    >>> explanation.score > explanation.threshold
    True
    >>> explanation.mask.shape == explanation.image.shape[:2]
    True
    >>> left, top, right, bottom = explanation.regions[0].box
    >>> paths = explanation.save("explained", "part")
    >>> [path.as_posix() for path in paths]
    ['explained/overlays/part.png', 'explained/heat_maps/part.npy', 'explained/masks/part.png']

    A batch is a list of files or arrays, or an array [B, H, W, 3]:

    >>> [result.verdict for result in explainer(["part.png", explanation.image])]
    ['anomalous', 'anomalous']
    """
    path = Path(path)
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; give 1 or more")
    if path.suffix.lower() == ".onnx":
        from aexad.app.onnx import load_onnx

        return Explainer(*load_onnx(path, threads), threshold, batch_size)
    import torch

    from aexad.app.model_file import TorchNetwork, load_model_file

    try:
        place = torch.device(device)
    except RuntimeError:
        raise ConfigError(f"device '{device}': not a device of torch; give cpu or cuda") from None
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device '{device}': torch sees no GPU; give cpu")
    model, card = load_model_file(path, weights_dir)
    network = TorchNetwork(model.network, place)
    return Explainer(network, card, threshold, batch_size)
