"""Export a model to ONNX: encoder and decoder in one graph, for batches of any size.

images float32 [B, 3, S, S] in [0, 1] -> reconstructions [B, 3, S, S], or
                                      -> maps [B, 1, S, S] and perhaps scores [B]

Heat map, score and verdict are computed outside of the graph (:mod:`aexad.explain.heatmap`), with
the settings in the card of the file.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from aexad.app.card import KEY, ModelCard
from aexad.app.model_file import load_model_file
from aexad.app.onnx import INPUT, OUTPUTS, sealed
from aexad.runtime.errors import ConfigError, one_line
from aexad.runtime.files import written_whole


def export(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    weights_dir: str | os.PathLike[str] | None = None,
) -> ModelCard:
    """Write a model as ONNX.

    Parameters
    ----------
    model
        A file of ``aexad fit``, or the folder of a run of the benchmark.
    output
        The ``.onnx`` file; it contains all that ``explain`` needs.
    weights_dir
        For a run: the folder that is searched for its encoder first.

    Raises
    ------
    WeightsError
        The model cannot be loaded.
    ConfigError
        ``output`` has another ending, the package ``onnx`` is missing, or the network cannot be
        expressed in ONNX.
    """
    output = Path(output)
    if output.suffix.lower() != ".onnx":
        raise ConfigError(f"{output}: an ONNX file ends in .onnx; name it so")
    loaded, card = load_model_file(Path(model), weights_dir)
    content = graph_of(loaded.network, card.size, {KEY: card.model_dump_json()})
    with written_whole(output) as temporary:
        temporary.write_bytes(sealed(content))
    return card


def graph_of(network: nn.Module, size: int, metadata: dict[str, str]) -> bytes:
    """Convert a network that takes images [B, 3, S, S] to the bytes of an ONNX model."""
    try:
        import onnxscript  # noqa: F401 - torch needs it
    except ImportError:
        raise ConfigError(
            "onnx and onnxscript are not installed; install them: pip install 'aexad[onnx]'"
        ) from None
    network = network.eval().requires_grad_(False)
    example = torch.zeros(2, 3, size, size)
    with torch.no_grad():
        output = network(example)
    names: Sequence[str] = OUTPUTS[1:]
    if not isinstance(output, tuple):
        names = OUTPUTS[:1] if output.shape[1] >= 3 else OUTPUTS[1:2]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # these are for the exporter's own developers
            # An example of one image would fix the size of the batch. strict: len() of a tensor
            # stays a symbol and does not become a constant.
            program = torch.export.export(
                network, (example,), dynamic_shapes=({0: torch.export.Dim("B")},), strict=True
            )
            made = torch.onnx.export(
                program, dynamo=True, input_names=[INPUT], output_names=list(names), verbose=False
            )
    except Exception as error:  # the exporter documents no class of errors
        reason = one_line(error, 200)
        raise ConfigError(f"this network cannot be written as ONNX ({reason})") from None
    if made is None:
        raise ConfigError("this network cannot be written as ONNX")
    proto = made.model_proto
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    return proto.SerializeToString(deterministic=True)
