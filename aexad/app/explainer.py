"""A model that explains images: from a file of ``fit``, a run of the benchmark, or ONNX."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np

from aexad.app.card import ModelCard
from aexad.app.explanation import Explanation
from aexad.app.overlay import Picture, as_input, as_photograph, is_one
from aexad.explain.heatmap import heat_maps

BATCH = 16


class Rebuilding(Protocol):
    """The network behind an explainer."""

    def rebuild(self, images: np.ndarray) -> tuple[Any, Any]:
        """Images float32 [B, 3, S, S] and their reconstructions, as ``heat_maps`` takes them."""


class Explainer:
    """Explains images with one model; made by :func:`load`.

    Parameters
    ----------
    network
        What rebuilds images.
    card
        What the model is.
    threshold
        Score above which an image is anomalous; none: the card's.
    """

    def __init__(
        self, network: Rebuilding, card: ModelCard, threshold: float | None = None
    ) -> None:
        self.network, self.card = network, card
        calibrated = card.threshold.value if card.threshold else None
        self.threshold = calibrated if threshold is None else threshold

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
            A file, an array [H, W] or [H, W, 3]; or a batch: a list of these, of any sizes, or an
            array [B, H, W, 3]. Arrays are uint8, uint16, or real numbers in [0, 1].

        Returns
        -------
        Explanation or list of Explanation
            One for one image, a list for a batch.

        Raises
        ------
        aexad.runtime.errors.DataError
            A file that cannot be read.
        ValueError
            An array that is no image.
        """
        if is_one(images):
            return self._explained([as_photograph(images)])[0]  # type: ignore[arg-type]
        found = []
        for start in range(0, len(images), BATCH):  # type: ignore[arg-type]
            batch = images[start : start + BATCH]  # type: ignore[index]
            found += self._explained([as_photograph(picture) for picture in batch])
        return found

    def scores(self, images: Sequence[Picture]) -> np.ndarray:
        """The scores of images of any number, float64 [n]; no more than a batch is in memory."""
        batches = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
        return np.array([each.score for batch in batches for each in self(batch)])

    def __repr__(self) -> str:
        return (
            f"<Explainer: {self.card.method}, {self.card.size} pixels, threshold {self.threshold}>"
        )

    def _explained(self, photographs: Sequence[np.ndarray]) -> list[Explanation]:
        """Explain photographs uint8 [H, W, 3] in one batch."""
        start = time.perf_counter()
        images = as_input(photographs, self.card.size, self.card.stored)
        seen, rebuilt = self.network.rebuild(images)
        maps = heat_maps(seen, rebuilt, self.card.recipe.heat_map)
        milliseconds = 1000 * (time.perf_counter() - start) / len(photographs)
        pixels = np.asarray(rebuilt if isinstance(rebuilt, np.ndarray) else rebuilt.cpu())
        shown = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
        return [
            Explanation(
                image=photograph,
                heat_map=maps.heat_map[i],
                reconstruction=shown[i],
                score=float(maps.score[i]),
                threshold=self.threshold,
                k=int(maps.k[i]),
                milliseconds=milliseconds,
            )
            for i, photograph in enumerate(photographs)
        ]


def load(
    path: str | os.PathLike[str],
    *,
    device: str = "cpu",
    threads: int | None = None,
    threshold: float | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
) -> Explainer:
    """Load a model that explains images.

    Parameters
    ----------
    path
        A model file of ``aexad fit``; a folder of a run of the benchmark, or the
        ``model.safetensors`` in it; or an ``.onnx`` file of ``aexad export``, which needs no torch.
    device
        Of torch, to run on; ONNX runs on the CPU.
    threads
        Of onnxruntime; none: one a core. torch's are those of ``torch.set_num_threads``.
    threshold
        Score above which an image is anomalous; none: the model's own, if it has one.
    weights_dir
        Of a run, whose file lacks the frozen encoder: where to look for that first.

    Raises
    ------
    aexad.runtime.errors.WeightsError
        A file that is not one of ours, damaged, or of another version.
    aexad.runtime.errors.ConfigError
        For ONNX: onnxruntime is not installed.

    Examples
    --------
    A model that was fitted, and a photograph of a part with a scratch:

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

    >>> [each.verdict for each in explainer(["part.png", explanation.image])]
    ['anomalous', 'anomalous']
    """
    path = Path(path)
    if path.suffix.lower() == ".onnx":
        from aexad.app.onnx import load_onnx

        return Explainer(*load_onnx(path, threads), threshold)
    import torch

    from aexad.app.model_file import TorchNetwork, load_model_file

    model, card = load_model_file(path, weights_dir)
    return Explainer(TorchNetwork(model.network, torch.device(device)), card, threshold)
