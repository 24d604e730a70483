"""Model files that onnxruntime runs, without torch; ``aexad.app.export`` writes them.

The file ends with a seal: one more entry of its metadata, the digest of all bytes before it. (What
is appended to a file of protocol buffers belongs to the message.)
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from aexad.app.card import KEY, ModelCard, read_card
from aexad.runtime.errors import ConfigError, WeightsError

INPUT, OUTPUT = "images", "reconstructions"
SEAL = "aexad sha256"
"""Under which the metadata hold the digest."""


class OnnxNetwork:
    """A network that onnxruntime runs, on the CPU."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def rebuild(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images float32 [B, 3, S, S] and their reconstructions."""
        return images, self.session.run([OUTPUT], {INPUT: images})[0]


def sealed(content: bytes) -> bytes:
    """An ONNX model's bytes with the digest of them behind."""
    return content + _seal(content)


def load_onnx(path: Path, threads: int | None = None) -> tuple[OnnxNetwork, ModelCard]:
    """Load a file of ``aexad export``.

    Raises
    ------
    WeightsError
        If it is missing, damaged, or not one of ours.
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
    # Threads that spin while they wait take the cores from the heat map's: half as fast at worst.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; they are raised too
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
    except Exception as error:  # its exceptions share no base of their own
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(
            f"{path}: not a readable ONNX model ({reason}); export it again, or name another"
        ) from None
    if KEY not in metadata:
        raise WeightsError(
            f"{path}: an ONNX model of something else (it has no card of aexad); name a file of "
            "'aexad export'"
        )
    body = content[: -len(_seal(b""))]
    if content != sealed(body):
        raise WeightsError(
            f"{path}: changed after it was written, its digest does not match; export it again"
        )
    return OnnxNetwork(session), read_card(metadata[KEY], path)


def _seal(content: bytes) -> bytes:
    """Field 14 of ONNX's ModelProto, metadata_props: a key (field 1) and a value (field 2)."""
    digest = hashlib.sha256(content).hexdigest().encode()
    entry = _field(1, SEAL.encode()) + _field(2, digest)
    return _field(14, entry)


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes in a protocol buffer; number below 16, content below 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
