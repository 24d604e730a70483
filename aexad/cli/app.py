"""Verbs for your own images: fit a model, explain images with it, export it."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aexad.cli.arguments import (
    AddVerb,
    add_machine,
    add_method,
    add_output,
    add_seed,
    add_weights,
    check_exists,
    check_output,
    finite,
    positive,
    recipe_of,
    share,
    tile,
    usable_cores,
)
from aexad.runtime.errors import ConfigError, DataError

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

CLEAR = 2
"""From this many times the threshold on, ``fit`` tells how high the defects score."""


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    parser = add(fit)
    parser.add_argument(
        "folder", type=Path, help="a category in MVTec AD's layout, or a folder of good images"
    )
    parser.add_argument("--defects", type=Path, help="folder of images with a defect")
    parser.add_argument(
        "--masks",
        type=Path,
        help="folder of masks of the defects, or their annotations (LabelMe, COCO, Pascal VOC, "
        "YOLO or CVAT); default: beside the photographs, as STEM_mask.png or as annotations",
    )
    add_method(parser, default="aexad_probe-photographs")
    add_output(parser, "the model, .safetensors")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also write a model that finds less than half of its own labelled defects",
    )
    parser.add_argument(
        "--labelled", type=positive, help="labelled defects of each type; default: all"
    )
    parser.add_argument(
        "--false-alarms",
        type=share,
        default=0.01,
        help="share of good images that may exceed the threshold; default: 0.01",
    )
    parser.add_argument("--size", type=positive, default=224, help="working size in pixels")
    parser.add_argument(
        "--marks",
        choices=("bright", "any"),
        default="bright",
        help="pixels of a mask that are anomalous; any: every value but 0 (class numbers)",
    )
    parser.add_argument(
        "--tile",
        type=tile,
        metavar="PIXELS",
        help="cut photographs into overlapping tiles of this side, each seen at the working size: "
        "for large images with small defects, and for images that are not square; 'whole': one "
        "tile for each photograph, padded to a square; default: photographs are squashed to one",
    )
    parser.add_argument(
        "--levels",
        type=int,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="images of 16 bits: the levels that become black and white; default: 0 and 65535, or "
        "a wider range than that of the good images if nearly all contrast would be lost",
    )
    parser.add_argument(
        "--groups",
        metavar="PATTERN",
        help="regular expression that finds in a path what a good image belongs to, for example "
        "'clip[0-9]+' for frames of videos; groups are held out for the threshold as a whole",
    )
    add_seed(parser)
    add_machine(parser, threads=None)
    parser = add(explain)
    parser.add_argument("model", type=Path, help="from fit or export, or the folder of a run")
    parser.add_argument("images", type=Path, help="an image, or a folder of images")
    add_output(parser, "folder of overlays, heat maps and masks")
    parser.add_argument("--json", action="store_true", help="print one JSON object per image")
    parser.add_argument(
        "--report",
        action="store_true",
        help="also write report.html: verdicts, pictures, scores and the model on one offline page",
    )
    parser.add_argument(
        "--threshold",
        type=finite,
        help="score above which an image is anomalous; default: the model's",
    )
    parser.add_argument("--batch-size", type=positive, default=16, help="images per batch")
    add_machine(parser, threads=None)
    parser = add(export)
    parser.add_argument("model", type=Path, help="from fit, or the folder of a run")
    add_output(parser, "the model, .onnx")
    add_weights(parser)


def fit(args: argparse.Namespace) -> Path:
    """Train a model on your own images; 'explain' needs only the file that is written."""
    _cap_threads(args)
    recipe = recipe_of(args)
    output: Path = args.output
    if output.suffix != ".safetensors":
        raise ConfigError(f"{output}: a model file ends in .safetensors; name it so")
    check_output(output)
    for folder, what in ((args.defects, "images with a defect"), (args.masks, "their masks")):
        if folder is not None:
            check_exists(folder, f"the folder of {what}")

    _check_torch()
    from aexad.app.fit import choose_images
    from aexad.app.fit import fit as fit_model
    from aexad.data.annotations.drawing import masks_for
    from aexad.methods.model import uses_labels

    masks = args.masks
    if args.defects is not None and uses_labels(recipe):
        drawn_into = output.with_name(f"{output.stem}-masks")
        masks, drawn = masks_for(args.defects, masks, drawn_into)
        if drawn:
            print(f"{drawn_into}: {drawn}; look at them")
    images = choose_images(
        args.folder,
        recipe,
        defects=args.defects,
        masks=masks,
        labelled=args.labelled,
        size=args.size,
        seed=args.seed,
        marks=args.marks,
        groups=args.groups,
        levels=args.levels,
        tile=args.tile,
    )
    if images.levels:
        print("levels of 16 bits: {} becomes black, {} white".format(*images.levels))
    card = fit_model(
        images,
        args.method,
        output,
        _device(args),
        false_alarms=args.false_alarms,
        weights_dir=args.weights_dir,
        force=args.force,
    )
    if card.threshold:
        defects = (
            f" and {len(card.labelled)} defects, {card.found} of which it finds"
            if card.labelled
            else ""
        )
        print(
            f"{output}: trained on {card.normals} good images{defects}; "
            f"threshold {card.threshold.value:.4g}, for at most "
            f"{100 * card.threshold.false_alarms:.1f} % false alarms, from "
            f"{card.threshold.held_out_normals} held-out good images"
            + (f" in {groups} groups" if (groups := card.threshold.held_out_groups) else "")
        )
        weakest = min(card.threshold.defect_scores, default=0)
        if weakest > CLEAR * card.threshold.value:
            print(
                f"the weakest of these defects scores {weakest:.4g}: a threshold between the two "
                "(explain --threshold) gives fewer false alarms, but can miss fainter defects"
            )
    if images.warnings:  # once more, below the lines of a long training
        print(f"look again: {'; '.join(images.warnings)}")
    return output


def explain(args: argparse.Namespace) -> Path:
    """Show where images are anomalous: overlays, heat maps, masks, verdicts."""
    from tqdm import tqdm

    from aexad.app.explain_folder import (
        REPORT,
        contrast_warnings,
        explain_files,
        image_names,
        in_words,
        output_names,
        result_folders,
    )
    from aexad.app.explainer import load
    from aexad.data.layouts.folders import left_out

    _cap_threads(args)
    images = image_names(args.images, args.output)
    results = result_folders(args.output)
    passed_over = left_out(args.images, *results) if args.images.is_dir() else []
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
        batch_size=args.batch_size,
    )

    def report(row: dict[str, Any]) -> None:
        tqdm.write(json.dumps(row, allow_nan=False) if args.json else in_words(row))
        if "error" in row:
            logger.error("%s", row["error"])

    rows = explain_files(explainer, args.images, images, args.output, report)
    broken = sum("error" in row for row in rows)
    readable = [args.images / row["image"] for row in rows if "error" not in row]
    if not args.images.is_dir():
        readable = [args.images][: len(readable)]
    warnings = contrast_warnings(readable, explainer.card.levels)
    if passed_over:
        named = ", ".join(map(str, passed_over[:5]))
        more = f" and {len(passed_over) - 5} more" if len(passed_over) > 5 else ""
        warnings.append(f"not read, because their endings are not known: {named}{more}")
        logger.error("%s", warnings[-1])
    if args.report:
        from aexad.report.html.explained import write_explained

        write_explained(
            args.output / REPORT,
            args.images,
            rows,
            output_names(images),
            explainer.card,
            explainer.threshold,
            warnings,
            len(passed_over),
        )
    if broken or passed_over:
        count = f"{broken + len(passed_over)} of {len(rows) + len(passed_over)}"
        others = f"; the others are in {args.output}" if broken < len(rows) else ""
        raise DataError(f"{count} files were not explained, see above{others}")
    return args.output


def export(args: argparse.Namespace) -> Path:
    """Write a model as ONNX, which 'explain' runs without torch."""
    check_output(args.output)
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
            "install 'aexad[fit]'"
        ) from None


def _cap_threads(args: argparse.Namespace) -> None:
    """Use no more threads than cores: they would wait for each other for minutes."""
    cores = usable_cores()
    if args.threads is not None and args.threads > cores:
        logger.warning("--threads %d: only %d cores are here; using %d", args.threads, cores, cores)
        args.threads = cores


def _device(args: argparse.Namespace) -> torch.device:
    from aexad.runtime.device import use_device

    return use_device(args.device, args.threads or usable_cores())
