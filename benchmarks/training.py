"""Time of training: the plain loop and ours, same data, same seeds, in one run.

    python benchmarks/training.py                 # ViT-B/16 and ResNet-50, batch 32: some minutes
    python benchmarks/training.py --quick         # fewer steps
    python benchmarks/training.py --device cuda
    python benchmarks/training.py --mvtec-sized   # as much work as MVTec AD

Encoders have random weights, which take the same time. A run of 200 epochs is extrapolated from
timed steps, everything included: the feature pass, compiling, checkpoints. The last line is one
JSON object; its ratios are plain seconds over ours.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from plain_training import PlainTraining

from aexad.config.recipe import Recipe
from aexad.data.resize import as_float
from aexad.data.training_set import TrainingSet
from aexad.evaluation import metrics
from aexad.explain.heatmap import heat_maps
from aexad.methods.model import Model, build_model
from aexad.runtime.device import peak_gpu_memory_mb, use_device
from aexad.runtime.provenance import peak_memory_mb
from aexad.training.batches import epoch_batches, pools
from aexad.training.checkpoint import Checkpoints
from aexad.training.train import train

ENCODERS = {
    "vit_b16": "vit_base_patch16_224.augreg_in21k_ft_in1k",
    "resnet50": "resnet50.tv_in1k",
}
SIZE, BATCH, EPOCHS = 224, 32, 200
CHECKPOINT_EPOCHS = 10
# A category of middling size: MVTec AD has 242 normals and 5 defect types on average, so
# 15 labelled anomalies and 150 pasted ones.
NORMALS, LABELLED, PASTED = 242, 15, 150
# good images for training, test images and defect types of MVTec AD
MVTEC = {
    "bottle": (209, 83, 3),
    "cable": (224, 150, 8),
    "capsule": (219, 132, 5),
    "carpet": (280, 117, 5),
    "grid": (264, 78, 5),
    "hazelnut": (391, 110, 4),
    "leather": (245, 124, 5),
    "metal_nut": (220, 115, 4),
    "pill": (267, 167, 7),
    "screw": (320, 160, 5),
    "tile": (230, 117, 5),
    "toothbrush": (60, 42, 1),
    "transistor": (213, 100, 4),
    "wood": (247, 79, 5),
    "zipper": (240, 151, 7),
}


class Ours(NamedTuple):
    """What our training takes, in seconds."""

    feature: float
    """Of one image."""
    step: float
    compiling: float
    checkpoint: float

    def run(self, images: int, steps: int) -> float:
        """A run of 200 epochs."""
        written = EPOCHS // CHECKPOINT_EPOCHS - 1
        return (
            self.feature * images
            + self.compiling
            + self.step * steps * EPOCHS
            + self.checkpoint * written
        )


def training_set(normals: int, labelled: int, pasted: int, seed: int = 0) -> TrainingSet:
    """Noise with a brighter rectangle where it is anomalous."""
    rng = np.random.default_rng(seed)
    number = normals + labelled + pasted
    images = rng.integers(0, 200, (number, SIZE, SIZE, 3), dtype=np.uint8)
    masks = np.zeros((number, SIZE, SIZE), dtype=bool)
    masks[normals:, 60:90, 80:130] = True
    images[masks] += 55
    weight = np.repeat([1, 5, 1], [normals, labelled, pasted])
    source = np.array([f"image {i}" for i in range(number)])
    return TrainingSet(images, masks, weight, source, np.zeros(number, dtype=bool), SIZE)


def model_of(encoder: str, device: torch.device, **recipe: object) -> Model:
    """An untrained model with a random encoder."""
    content = {"encoder": ENCODERS[encoder], "weights": "none", "batch_size": BATCH} | recipe
    model = build_model(Recipe.model_validate(content), SIZE, seed=0)
    model.network.to(device)
    return model


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that the clock does not run ahead of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_ours(
    encoder: str, data: TrainingSet, device: torch.device, epochs: int, folder: Path
) -> Ours:
    """Time a short training of ours, with a checkpoint after each epoch."""
    model = model_of(encoder, device, epochs=epochs)
    checkpoints = Checkpoints(folder / "checkpoint.safetensors", 1, {"encoder": encoder})
    start = time.perf_counter()
    trained = train(model, data, device, compiled=True, checkpoints=checkpoints)
    seconds = time.perf_counter() - start
    first, *others = trained.history["seconds"]
    epoch = statistics.median(others)
    steps = len(list(epoch_batches(*pools(data, model.recipe.uses_labels), BATCH, 0, 1)))
    beside = seconds - trained.seconds["features"] - trained.seconds["training"]
    print(f"  ours: {trained.settings}, epochs {[round(first, 2), *np.round(others, 2)]} s")
    return Ours(
        feature=trained.seconds["features"] / len(data.images),
        step=epoch / steps,
        compiling=max(0.0, first - epoch),
        checkpoint=beside / (epochs - 1),
    )


def time_plain(
    encoder: str, data: TrainingSet, device: torch.device, steps: int, decoder_only: bool
) -> float:
    """Median seconds of a plain step."""
    model = model_of(encoder, device)
    images, masks = (torch.from_numpy(a).to(device) for a in (data.images, data.masks))
    x = images.permute(0, 3, 1, 2).float().contiguous() / 255
    y = masks.unsqueeze(1).float()
    features = None
    if decoder_only:
        with torch.no_grad():
            features = torch.cat([model.network.features(part) for part in x.split(BATCH)])
    plain = PlainTraining(model, x, y, features)
    seconds = []
    batches = epoch_batches(*pools(data, model.recipe.uses_labels), BATCH, 0, 1)
    for batch in [batch for batch in batches if len(batch) == BATCH][:steps]:
        start = time.perf_counter()
        plain.step(torch.from_numpy(batch).to(device))
        synchronise(device)
        seconds.append(time.perf_counter() - start)
    print(f"  plain{' decoder' if decoder_only else ''}: {np.round(seconds, 2)} s a step")
    return statistics.median(seconds[1:])


def loss_difference(device: torch.device, steps: int = 20) -> float:
    """Largest relative difference of the two loops' losses, step by step, in float32.

    An epoch of ours is one step, so that its history has the loss of each.
    """
    data = training_set(BATCH * 2 // 3, 2, 3)
    ours = model_of("resnet50", device, epochs=steps, precision="fp32")
    plain = PlainTraining(
        model_of("resnet50", device),
        torch.from_numpy(data.images).to(device).permute(0, 3, 1, 2).float() / 255,
        torch.from_numpy(data.masks).to(device).unsqueeze(1).float(),
    )
    losses = []
    for epoch in range(1, steps + 1):
        (batch,) = epoch_batches(*pools(data, ours.recipe.uses_labels), BATCH, 0, epoch)
        losses.append(plain.step(torch.from_numpy(batch).to(device)))
    history = train(ours, data, device, compiled=False).history
    return float((history["loss"] / losses - 1).abs().max())


def compare(device: torch.device, quick: bool) -> dict[str, float]:
    """Ratios of plain to ours, for a run of 200 epochs on a category of middling size."""
    normals = (BATCH - 11) * (3 if quick else 6)
    data = training_set(normals, 3, 30)
    number = NORMALS + LABELLED + PASTED
    recipe = model_of("resnet50", device).recipe
    whole = pools(training_set(NORMALS, LABELLED, PASTED), recipe.uses_labels)
    steps = len(list(epoch_batches(*whole, BATCH, 0, 1)))
    print(f"extrapolated to {number} images, {steps} steps an epoch, {EPOCHS} epochs")
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        for encoder in ENCODERS:
            print(encoder)
            plain = time_plain(encoder, data, device, 3 if quick else 5, decoder_only=False)
            ours = time_ours(encoder, data, device, 4 if quick else 6, Path(folder))
            run = ours.run(number, steps)
            print(
                f"  a plain step {plain:.3f} s, ours {ours.step:.3f} s; compiling "
                f"{ours.compiling:.0f} s, features {ours.feature * number:.0f} s, a checkpoint "
                f"{ours.checkpoint:.3f} s; a run {plain * steps * EPOCHS / 60:.0f} min and "
                f"{run / 60:.1f} min"
            )
            ratios[encoder] = plain * steps * EPOCHS / run
        alone = time_plain(encoder, data, device, 5, decoder_only=True)
        without_features = ours._replace(feature=0.0)
        ratios["decoder_only"] = alone * steps * EPOCHS / without_features.run(number, steps)
    return ratios


def mvtec_sized(device: torch.device, epochs: int) -> float:
    """Seconds of one method on as many images as MVTec AD has, from training to metrics."""
    start = time.perf_counter()
    for category, (normals, tests, defects) in MVTEC.items():
        data = training_set(normals, 3 * defects, 30 * defects)
        model = model_of("vit_b16", device, epochs=epochs)
        train(model, data, device)
        test = training_set(tests // 4, tests - tests // 4, 0, seed=1)
        maps, scores = [], []
        for part in torch.from_numpy(test.images).split(BATCH):
            images = as_float(part.to(device).permute(0, 3, 1, 2))
            with torch.inference_mode():
                reconstructions = model.network(images)
            found = heat_maps(images, reconstructions, model.recipe.heat_map)
            maps.append(found.heat_map)
            scores.append(found.score)
        summary = metrics.pixel_summary(np.concatenate(maps), test.masks)
        metrics.image_auroc(np.concatenate(scores), test.masks.any(axis=(1, 2)))
        print(f"  {category}: PRO {summary.pro}, {time.perf_counter() - start:.0f} s so far")
    return time.perf_counter() - start


def main() -> None:
    """Print the times, then one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--mvtec-sized", action="store_true", help="as much work as MVTec AD")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of --mvtec-sized")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="  %(message)s")
    device = use_device(args.device, args.threads)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    told: dict[str, object] = {"device": f"{name}, {args.threads} threads"}
    if args.mvtec_sized:
        told |= {"mvtec_sized_seconds": round(mvtec_sized(device, args.epochs), 1)}
        told["epochs"] = args.epochs
    else:
        told = (
            {k: float(f"{ratio:.4g}") for k, ratio in compare(device, args.quick).items()}
            | {
                "max_loss_diff_fp32": loss_difference(device),
                "peak_mb": peak_gpu_memory_mb(device) or peak_memory_mb(),
            }
            | told
        )
    print(json.dumps(told))


if __name__ == "__main__":
    main()
