"""Verbs for one's own images: fit a model, explain images with it, take it elsewhere."""

from __future__ import annotations

import argparse
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aexad.runtime.errors import ConfigError, DataError

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)


def fit(args: argparse.Namespace) -> Path:
    """Train a model on a folder of one's own images; the file is all that 'explain' needs."""
    from aexad.config.methods import read_recipe

    recipe = read_recipe(args.methods, args.method)
    output: Path = args.output
    if output.suffix != ".safetensors":
        raise ConfigError(f"{output}: a model file ends in .safetensors; name it so")

    _check_torch()
    from aexad.app.fit import choose_images
    from aexad.app.fit import fit as fit_model

    images = choose_images(
        args.folder,
        recipe,
        defects=args.defects,
        masks=args.masks,
        labelled=args.labelled,
        size=args.size,
        seed=args.seed,
    )
    card = fit_model(
        images,
        recipe,
        args.method,
        output,
        _device(args),
        size=args.size,
        seed=args.seed,
        false_alarms=args.false_alarms,
        weights_dir=args.weights_dir,
    )
    if card.threshold and card.labelled is not None:
        print(
            f"{output}: trained on {card.normals} good images and {len(card.labelled)} defects; "
            f"threshold {card.threshold.value:.4g}, for at most {card.threshold.false_alarms:.1%} "
            f"false alarms, from {card.threshold.held_out_normals} held-out good images"
        )
    return output


def explain(args: argparse.Namespace) -> Path:
    """Show where images are anomalous: overlays, heat maps, masks, verdicts."""
    from tqdm import tqdm

    from aexad.app.explain_folder import explain_files, image_names, in_words
    from aexad.app.explainer import load

    images = image_names(args.images, args.output)
    device = "cpu"
    if args.model.suffix.lower() != ".onnx":
        _check_torch()
        device = str(_device(args))
    explainer = load(
        args.model,
        device=device,
        threads=args.threads,
        threshold=args.threshold,
        weights_dir=args.weights_dir,
    )

    def tell(row: dict[str, Any]) -> None:
        tqdm.write(json.dumps(row, allow_nan=False) if args.json else in_words(row))
        if "error" in row:
            logger.error("%s", row["error"])

    rows = explain_files(explainer, args.images, images, args.output, args.batch_size, tell)
    broken = sum("error" in row for row in rows)
    if broken:
        raise DataError(
            f"{broken} of {len(rows)} images were not explained, see above; the others are in "
            f"{args.output}"
        )
    return args.output


def export(args: argparse.Namespace) -> Path:
    """Write a model as ONNX, which 'explain' uses without torch."""
    _check_torch()
    from aexad.app.export import export as export_model

    export_model(args.model, args.output, args.weights_dir)
    return args.output


def _check_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ConfigError(
            "torch is not installed, and only 'explain' with an .onnx file works without it; "
            "install torch, or call this where it is"
        ) from None


def _device(args: argparse.Namespace) -> torch.device:
    from aexad.runtime.device import use_device

    return use_device(args.device, args.threads or len(os.sched_getaffinity(0)))
