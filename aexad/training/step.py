"""The forward pass and the loss of a batch, compiled where that pays."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from aexad.methods.base import GradientMethod
from aexad.runtime.device import is_out_of_memory
from aexad.runtime.errors import one_line
from aexad.training.precision import Precision, reduced_precision

logger = logging.getLogger(__name__)

# Compiling takes up to a minute and then saves about 50 ns per pixel (docs/benchmarks.md), so it
# pays for a training that shows the network more pixels than this.
PIXELS_WORTH_COMPILING = 1_000_000_000

Sums = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def pays_to_compile(images_shown: int, size: int) -> bool:
    """Whether compiling pays for a training that shows so many images of side ``size``."""
    pixels = images_shown * size**2
    pays = pixels >= PIXELS_WORTH_COMPILING
    logger.info(
        "%d images of %d x %d pixels in all epochs: compiling %s (from %.0e pixels on)",
        images_shown,
        size,
        size,
        "pays" if pays else "would take longer than it saves",
        PIXELS_WORTH_COMPILING,
    )
    return pays


def anomaly_weight(gentle_start: int, update: int) -> float:
    """The weight of anomalous pixels in ``update`` (1 …) of a training with a gentle start.

    It rises from 1/1000 to 1 by the same factor in each update. So the decoder first learns to
    rebuild images, and does not paint everything in the colour nearest to F. (A rise by the same
    amount is too fast at first: docs/protocol.md.)
    """
    return min(1.0, 1000 ** (update / gentle_start - 1)) if gentle_start else 1.0


class Step:
    """Forward pass and loss of batches; compiled for batches of ``batch_size`` images only."""

    def __init__(
        self, network: GradientMethod, precision: Precision, compiled: bool, batch_size: int
    ) -> None:
        self.network = network
        self.precision = precision
        self.batch_size = batch_size
        self.gentle = False
        """Whether the loss of anomalous pixels carries a gradient of its own, to be weighed."""
        self.compiled: Sums | None = None
        if compiled:
            self.compiled = torch.compile(self._from_encoded, dynamic=False)

    def __call__(self, features: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The loss summed over images, and its part on anomalous pixels.

        The part is detached unless :attr:`gentle` is set.

        ``features`` are the input of :meth:`GradientMethod.encode`, x images float [B, 3, S, S], y
        masks bool [B, 1, S, S].
        """
        with reduced_precision(x.device, self.precision):
            encoded = self.network.encode(features)
        if self.compiled is None or len(x) != self.batch_size:
            return self._from_encoded(encoded, x, y)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # meant for the compiler's own developers
                return self.compiled(encoded, x, y)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            logger.warning(
                "compiling failed (%s); training continues uncompiled", one_line(error, 200)
            )
            self.compiled = None
            return self._from_encoded(encoded, x, y)

    def _from_encoded(self, encoded: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        with reduced_precision(x.device, self.precision):
            decoded = self.network.decode(encoded)
        terms = self.network.loss(x, decoded.float(), y)
        part = terms if self.gentle else terms.detach()
        if terms.shape[2:] != y.shape[2:]:  # terms of whole images, not of pixels
            return terms.sum(), part[y.flatten(1).any(dim=1)].sum()
        return terms.sum(), (part * y).sum()
