"""Model files that onnxruntime runs without torch; ``aexad.app.export`` writes them.

The file ends with a seal: one more metadata entry, the digest of all bytes before it. (Bytes
that are appended to a protocol-buffer file become part of its message.)
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from aexad.app.card import KEY, ModelCard, read_card
from aexad.runtime.errors import ConfigError, WeightsError, one_line

INPUT = "images"
OUTPUTS = ("reconstructions", "maps", "scores")
"""Names of the outputs: reconstructions, with the probability that a pixel is anomalous as a fourth
channel if the method has one; or anomaly maps, alone or with scores."""
SEAL = "aexad sha256"
"""Key of the digest in the metadata."""


class OnnxNetwork:
    """A network that onnxruntime runs on the CPU."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def run(self, images: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the images, float32 [B, 3, S, S], and the output for them."""
        found = self.session.run(None, {INPUT: images})
        return images, found[0] if len(found) == 1 else tuple(found)


def sealed(content: bytes) -> bytes:
    """Append the digest of an ONNX model's bytes to them."""
    return content + _seal(content)


def load_onnx(path: Path, threads: int | None = None) -> tuple[OnnxNetwork, ModelCard]:
    """Load a file of ``aexad export``.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or not made by aexad.
    ConfigError
        If onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError(
            f"{path}: onnxruntime is not installed; install it: pip install 'aexad[onnx]'"
        ) from None
    if not path.is_file():
        raise WeightsError(f"{path}: no such model file; make it with 'aexad export'")
    content = path.read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: all cores
    # Threads that spin while they wait slow down the heat maps, by a factor of 2 at worst.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors, which are also raised
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
    except Exception as error:  # its exceptions have no common base class
        reason = one_line(error, 160)
        raise WeightsError(
            f"{path}: not a readable ONNX model ({reason}); export it again, or name another"
        ) from None
    if KEY not in metadata:
        raise WeightsError(
            f"{path}: an ONNX model that is not from aexad (it has no card); name a file of "
            "'aexad export'"
        )
    body = content[: -len(_seal(b""))]
    if content != sealed(body):
        raise WeightsError(
            f"{path}: changed after it was written, its digest does not match; export it again"
        )
    return OnnxNetwork(session), read_card(metadata[KEY], path)


def _seal(content: bytes) -> bytes:
    """Encode field 14 of ONNX's ModelProto, metadata_props: key (field 1), value (field 2)."""
    digest = hashlib.sha256(content).hexdigest().encode()
    entry = _field(1, SEAL.encode()) + _field(2, digest)
    return _field(14, entry)


def _field(number: int, content: bytes) -> bytes:
    """Encode a protocol-buffer field of bytes; number below 16, content below 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
