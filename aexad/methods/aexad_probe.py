"""AE-XAD beside a pixel probe on the same features: one heat map of both.

::

    features [B, C, g, g] -> AE-XAD's projection and decoder -> reconstructions x~ [B, 3, S, S]
                          -> the probe's head -> sigmoid     -> probabilities p    [B, 1, S, S]
      heat map: normalised error of x~, times p

The two share the frozen features and no trained parameter, so each is trained as it would be
alone, apart from ``gentle_start`` and ``gradient_clip``, which act on both. The product explains
better than either (``studies/layers/README.md``).
"""

from __future__ import annotations

import torch
from torch import Tensor

from aexad.methods.aexad import AEXAD
from aexad.methods.pixel_probe import PixelProbe


class AEXADProbe(AEXAD, PixelProbe):
    """Reconstructions, with the probability that a pixel is anomalous as a fourth channel."""

    def decode(self, encoded: Tensor) -> Tensor:
        """Features [B, C, g, g] to reconstructions and logits, [B, 4, S, S]."""
        return torch.cat([AEXAD.decode(self, encoded), PixelProbe.decode(self, encoded)], dim=1)

    def explain(self, decoded: Tensor) -> Tensor:
        """Logits become probabilities, [B, 4, S, S]."""
        return torch.cat([decoded[:, :3], decoded[:, 3:].sigmoid()], dim=1)

    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """AE-XAD's terms of three channels and the probe's of one, [B, 4, S, S].

        A loss of one's own with terms of another shape gives [B, …].
        """
        probe = PixelProbe.loss(self, x, decoded[:, 3:], mask)
        # The mean of AE-XAD's terms, if the recipe asks for it, is none of the probe's.
        rebuilding = self.rebuilding_loss(x, decoded[:, :3], mask)
        if rebuilding.shape[2:] != probe.shape[2:]:  # a loss of one's own, of whole images
            rebuilding, probe = (terms.reshape(len(x), -1) for terms in (rebuilding, probe))
        return torch.cat([rebuilding, probe * self.loss_terms], dim=1)

    def rebuilding_loss(self, x: Tensor, reconstruction: Tensor, mask: Tensor) -> Tensor:
        """AE-XAD's loss per pixel and channel, [B, 3, S, S]."""
        return AEXAD.loss(self, x, reconstruction, mask)
