"""Time from pixels to heat map and score: ours as torch and as ONNX, a plain loop, PatchCore.

    python -m aexad fit PARTS/metal_plate --method aexad-resnet18 -o model.safetensors
    python benchmarks/inference.py --model model.safetensors --images PARTS/metal_plate \
        --weights-dir WEIGHTS

Everybody gets the same photographs, already read, and the same cores, in turns: batch 1 and batch
16, medians. PatchCore is anomalib's with ResNet-18 (layers 2 and 3, a tenth of the patches, 9
neighbours: its defaults), its memory bank made of the same good images, at the same size. Choosing
those patches takes minutes; ``--memory-bank FILE`` keeps them for the next call. The last line is
one JSON object: milliseconds an image at batch 1, ``vs_plain`` the plain loop's over torch's; the
same of batch 16 below ``batch_16``. Without anomalib its places are null. Below ``cpu`` is the same
in processor time, which other jobs on the machine disturb less; it is of use with ``--threads 1``,
as threads that wait for each other spend it too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from plain import plain_heat_maps
from safetensors.torch import load_file

import aexad
from aexad.app.export import export
from aexad.data.images import load_image

PHOTOGRAPHS = 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
SHARE = 0.1  # of the patches that PatchCore keeps

Contestant = Callable[[Sequence[np.ndarray]], object]
"""Explains photographs uint8 [H, W, 3] in one batch."""


def main() -> None:
    """Time everybody, print a table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="from aexad fit")
    parser.add_argument("--images", type=Path, required=True, help="the category it was fitted to")
    parser.add_argument("--weights-dir", type=Path, help="with resnet18.tv_in1k.safetensors")
    parser.add_argument("--memory-bank", type=Path, help="of PatchCore, .npy; made if not there")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    tests = sorted(arguments.images.glob("test/*/*.png"))
    photographs = [load_image(path) for path in tests[:: max(1, len(tests) // PHOTOGRAPHS)]]
    photographs = photographs[:PHOTOGRAPHS]

    ours = aexad.load(arguments.model)
    contestants: dict[str, Contestant] = {"torch": ours}
    with tempfile.TemporaryDirectory() as folder:
        export(arguments.model, Path(folder, "model.onnx"))
        exported = aexad.load(Path(folder, "model.onnx"), threads=arguments.threads)
    contestants["onnx"] = exported
    contestants["plain"] = plain(ours)
    normals = sorted(arguments.images.glob("train/good/*.png"))
    peer = patchcore(normals, ours.card.size, arguments.weights_dir, arguments.memory_bank)
    if peer is not None:
        contestants["patchcore"] = peer

    for a, b in zip(ours(photographs), exported(photographs), strict=True):
        assert np.abs(a.heat_map - b.heat_map).max() < 1e-4
    print(
        f"{len(photographs)} photographs of {photographs[0].shape[1]} pixels, "
        f"{arguments.threads} threads; milliseconds an image, median of {arguments.rounds}"
    )
    one, many = (timed(contestants, photographs, size, arguments.rounds) for size in (1, 16))
    for name in contestants:
        print(
            f"{name:10} batch 1: {one.wall[name]:7.1f} (processor {one.cpu[name]:7.1f})"
            f"   batch 16: {many.wall[name]:7.1f} (processor {many.cpu[name]:7.1f})"
        )
    cpu = result(one.cpu) | {"batch_16": result(many.cpu)}
    print(json.dumps(result(one.wall) | {"batch_16": result(many.wall), "cpu": cpu}))


class Times(NamedTuple):
    """Milliseconds an image of each contestant: medians."""

    wall: dict[str, float]
    cpu: dict[str, float]


def result(times: dict[str, float]) -> dict[str, float | None]:
    """The line's numbers for one size of batch."""
    return {
        "ms_per_image_torch": round(times["torch"], 2),
        "ms_per_image_onnx": round(times["onnx"], 2),
        "vs_plain": round(times["plain"] / times["torch"], 2),
        "patchcore_ms": round(times["patchcore"], 2) if "patchcore" in times else None,
    }


def timed(
    contestants: dict[str, Contestant], photographs: Sequence[np.ndarray], size: int, rounds: int
) -> Times:
    """Time the contestants in turns, for some rounds."""
    batches = [photographs[i : i + size] for i in range(0, len(photographs), size)]
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, explain in contestants.items():
            batch = batches[number % len(batches)]
            wall, cpu = time.perf_counter(), time.process_time()
            explain(batch)
            took = (time.perf_counter() - wall, time.process_time() - cpu)
            if number:  # the first round warms up
                spent[name].append((1000 * took[0] / len(batch), 1000 * took[1] / len(batch)))
    return Times(
        *(
            {name: statistics.median(pair[i] for pair in pairs) for name, pairs in spent.items()}
            for i in (0, 1)
        )
    )


def resized(photograph: np.ndarray, size: int) -> np.ndarray:
    """A photograph as float32 [3, S, S] in [0, 1]."""
    small = Image.fromarray(photograph).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(small, np.float32).transpose(2, 0, 1) / 255


def plain(ours: aexad.app.explainer.Explainer) -> Contestant:
    """One image after the other through the same network, and a textbook's heat map."""
    network, size = ours.network.network, ours.card.size  # type: ignore[attr-defined]

    def explain(photographs: Sequence[np.ndarray]) -> list[object]:
        found = []
        for photograph in photographs:
            image = resized(photograph, size)[None]
            with torch.no_grad():
                rebuilt = network(torch.from_numpy(image)).numpy()
            found.append(plain_heat_maps(image, rebuilt))
        return found

    return explain


def patchcore(
    normals: Sequence[Path], size: int, weights_dir: Path | None, memory_bank: Path | None
) -> Contestant | None:
    """PatchCore of anomalib with a memory bank of the good images; none if it is not installed."""
    try:
        from anomalib.models.image.patchcore.torch_model import PatchcoreModel
    except ImportError as error:
        print(f"PatchCore is left out: {error}")
        return None
    model = PatchcoreModel(
        layers=("layer2", "layer3"), backbone="resnet18", pre_trained=weights_dir is None
    )
    if weights_dir is not None:
        weights = load_file(weights_dir / "resnet18.tv_in1k.safetensors")
        found = model.feature_extractor.feature_extractor.load_state_dict(weights, strict=False)
        assert not found.missing_keys
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (MEAN, STD))

    def batch_of(photographs: Sequence[np.ndarray]) -> torch.Tensor:
        images = np.stack([resized(photograph, size) for photograph in photographs])
        return (torch.from_numpy(images) - mean) / std

    if memory_bank is not None and memory_bank.is_file():
        model.memory_bank = torch.from_numpy(np.load(memory_bank, allow_pickle=False))
    else:
        model.train()
        model.feature_extractor.eval()
        torch.manual_seed(0)
        for start in range(0, len(normals), 16):
            model(batch_of([load_image(path) for path in normals[start : start + 16]]))
        model.subsample_embedding(SHARE)
        if memory_bank is not None:
            np.save(memory_bank, model.memory_bank.numpy())
    model.eval()
    print(f"PatchCore's memory bank: {list(model.memory_bank.shape)}")

    def explain(photographs: Sequence[np.ndarray]) -> object:
        with torch.inference_mode():
            return model(batch_of(photographs))

    return explain


if __name__ == "__main__":
    main()
