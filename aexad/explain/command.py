"""Run a method that is a command: on a view of the split, in an environment of its own.

The view is a folder that tells nothing about the test images::

    train/good/00000.png        normal images
    train/defect/00000.png      labelled defects, with
    train/masks/00000.png       their masks: white where the defect is
    test/00000.png              test images, in an order drawn by the seed, without masks
    split.json                  seed, size, numbers of images, defect type of labelled images

The command writes ``<number>.npy`` (or ``.tiff``, ``.png``) for each test image, a map [H, W] of
any size, and may write ``scores.csv`` with the columns ``image`` (the number) and ``score``.
Without it, the highest value of a map is the score of its image.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from aexad.config.methods import Command
from aexad.data.images import Levels, load_image
from aexad.data.masks import load_mask
from aexad.data.resize import resized
from aexad.data.rng import generator
from aexad.explain.heatmap import binarised
from aexad.explain.map_files import ENDINGS, read_map
from aexad.runtime.errors import DataError, TrainingError, one_line
from aexad.runtime.files import write_json

VERSIONS = (
    "import importlib.metadata as m, json, platform; print(json.dumps({'python': "
    "platform.python_version()} | {d.metadata['Name']: d.version for d in m.distributions()}))"
)
LAST_LINES = 3
"""Lines of a failed command's output that its error shows."""


def write_view(
    split: pd.DataFrame,
    root: Path,
    size: int,
    seed: int,
    labels: bool,
    folder: Path,
    levels: Levels | None = None,
) -> dict[str, str]:
    """Write the view of a split; returns the number of each test image, in the split's order.

    Parameters
    ----------
    split
        Rows of ``split.csv``; paths are relative to ``root``.
    size
        Side of all images in pixels.
    labels
        Whether labelled defects and their masks are part of the view.
    levels
        The levels of 16 bits that become black and white.
    """
    normals = split[split["role"] == "normal"]
    labelled = split[(split["role"] == "labelled") & labels]
    test = list(split.loc[split["role"] == "test", "image"])
    if not test:
        raise DataError("the split has no test images; make it again with 'aexad split'")
    order = generator(seed, "view", *test).permutation(len(test))
    shown = [test[i] for i in order]
    for name, images in (
        ("train/good", list(normals["image"])),
        ("train/defect", list(labelled["image"])),
        ("test", shown),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i, image in enumerate(images):
            # Written anew: neither name, time stamp nor metadata tell where an image is from.
            Image.fromarray(load_image(root / image, size, levels)).save(
                folder / name / f"{i:05}.png"
            )
    (folder / "train/masks").mkdir()
    for i, (mask, marks) in enumerate(zip(labelled["mask"], labelled["marks"], strict=True)):
        marked = np.where(load_mask(root / mask, size, marks=marks), np.uint8(255), np.uint8(0))
        Image.fromarray(marked).save(folder / "train/masks" / f"{i:05}.png")
    about = {
        "seed": seed,
        "size": size,
        "normals": len(normals),
        "labelled": list(labelled["defect"]),
        "test": len(test),
    }
    write_json(folder / "split.json", about)
    numbers = {image: f"{i:05}" for i, image in enumerate(shown)}
    return {image: numbers[image] for image in test}


def run_command(method: Command, view: Path, output: Path, seed: int, device: str) -> None:
    """Run the command and wait for it.

    Raises
    ------
    TrainingError
        It cannot be started, fails, or takes longer than its recipe allows: it is stopped with all
        that it has started.
    """
    places = {"split": view.resolve(), "output": output.resolve(), "seed": seed, "device": device}
    arguments = method.arguments(**places)
    output.mkdir(parents=True, exist_ok=True)
    log = output.parent / "output.txt"
    told = f"the command '{arguments[0]}'"
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command
                arguments,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=_environment(method),
                start_new_session=True,
            )
        except OSError as error:
            raise TrainingError(f"{told} cannot be started ({error.strerror})") from None
        try:
            status = process.wait(timeout=60 * method.minutes)
        except subprocess.TimeoutExpired:
            raise TrainingError(
                f"{told} was stopped after {method.minutes:g} minutes; raise 'minutes' in its "
                f"recipe, or see why it hangs{_last(log)}"
            ) from None
        finally:
            _stop(process)
    if status:
        raise TrainingError(f"{told} ended with status {status}{_last(log)}")


def read_output(output: Path, images: Mapping[str, str], size: int) -> dict[str, np.ndarray]:
    """Read the maps of a command as the arrays of ``maps.npz``, in the order of ``images``.

    ``images`` has the number of each test image, as :func:`write_view` returns them.

    Raises
    ------
    DataError
        An image has no map or two maps, a map has a wrong shape or holds NaN, or a score is
        missing.
    """
    numbers = list(images.values())
    maps = [read_map(path) for path in _map_files(output, numbers)]
    heat_map = np.stack([resized(m.astype(np.float32), (size, size)) for m in maps])
    return {
        "image": np.array(list(images)),
        "heat_map": heat_map,
        "binary": binarised(heat_map),
        "score": _scores(output / "scores.csv", numbers, maps),
        "k": np.zeros(len(images), dtype=np.int64),
    }


def versions_of(method: Command) -> dict[str, str]:
    """Versions of the packages of the command's environment; empty if it has no Python."""
    try:
        done = subprocess.run(  # noqa: S603
            ["python", "-c", VERSIONS],  # noqa: S607 - the environment's
            env=_environment(method),
            capture_output=True,
            check=True,
            timeout=120,
        )
        found: dict[str, str] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    return found


def _environment(method: Command) -> dict[str, str]:
    own = [str(Path(method.environment).expanduser().resolve())] if method.environment else []
    folders = [str(Path(folder, "bin")) for folder in own] or [str(Path(sys.executable).parent)]
    path = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"PATH": path} | ({"VIRTUAL_ENV": own[0]} if own else {})


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and all processes that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f": {' / '.join(' '.join(line.split())[:160] for line in lines[-LAST_LINES:])}" * (
        len(lines) > 0
    )


def _map_files(output: Path, numbers: list[str]) -> list[Path]:
    """The file of the map of each number."""
    found: dict[str, list[Path]] = {number: [] for number in numbers}
    for path in sorted(output.iterdir()):
        if path.suffix.lower() in ENDINGS and path.stem in found:
            found[path.stem].append(path)
    missing = [number for number, files in found.items() if not files]
    if missing:
        raise DataError(
            f"the command wrote no map for {len(missing)} of {len(numbers)} test images, for "
            f"example {min(missing)}.npy"
        )
    for first, *others in found.values():
        if others:
            raise DataError(
                f"the command wrote two maps of one image, {first.name} and {others[0].name}; "
                "let it write one"
            )
    return [file for (file,) in found.values()]


def _scores(path: Path, numbers: list[str], maps: list[np.ndarray]) -> np.ndarray:
    if not path.is_file():
        return np.array([float(m.max()) for m in maps], dtype=np.float64)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("image")["score"]
        scores = np.array([float(score) for score in table.loc[numbers]], dtype=np.float64)
    except (ValueError, KeyError) as error:
        reason = one_line(error, 160)
        raise DataError(
            f"{path}: cannot be used ({reason}); let the command write the columns image and "
            "score, separated by commas, with one row per test image"
        ) from None
    if len(scores) != len(numbers) or not np.isfinite(scores).all():
        raise DataError(
            f"{path}: has two scores of one image, or one that is no finite number; let the "
            "command write one finite score per image"
        )
    return scores


def about(method: Command, seconds: float, split_sha256: str) -> dict[str, Any]:
    """The part of ``provenance.json`` that describes a command."""
    return {
        "recipe": method.model_dump() | {"model": "command", "tuning": "", "loss": "own"},
        "encoder": {
            "name": None,
            "family": "none",
            "weights": "none",
            "source": "",
            "sha256": None,
        },
        "parameters": None,
        "seconds": {"features": 0.0, "training": seconds},
        "split_sha256": split_sha256,
        "library": method.digest,
        "uses_labels": method.uses_labels,
        "rebuilds": False,
        "environment": versions_of(method),
    }
