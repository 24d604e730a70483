"""A benchmark small enough to be worked out by hand: 3 methods, 2 categories, 3 seeds, 10 images.

X-AUC varies over the seeds, F1 over nothing, IoU over the images (of one category and method), so
that each interval has one source of chance, or none.

Two data sets of ``one_class`` stand beside it for AnoViT's tables.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.methods import Method, PublishedMethod
from aexad.config.recipe import Recipe
from aexad.evaluation.evaluate import NO_MASKS
from aexad.evaluation.run_files import IMAGE_COLUMNS
from aexad.report.collect import METHOD_COLUMNS, METRIC_COLUMNS
from aexad.report.published import CELL, WIN, Published
from aexad.report.results import Results

SEEDS = (0, 1, 2)
IMAGES = 5
VARIED, ZERO_FIRST = ("vit", "b"), [0.0, 0.5, 0.5, 0.5, 0.5]

# Method and category: what the seeds reach; one number: all reach it. None: no value.
Values = dict[tuple[str, str], Any]
XAUC: Values = {
    ("cnn", "a"): (0.7, 0.8, 0.9), ("cnn", "b"): (0.5, 0.6, 0.7),
    ("vit", "a"): 0.9, ("vit", "b"): (0.3, 0.4, 0.5),
    ("ae", "a"): 0.5, ("ae", "b"): 0.5,
}  # fmt: skip
F1: Values = {
    ("cnn", "a"): 0.6, ("cnn", "b"): 0.4,
    ("vit", "a"): 0.6, ("vit", "b"): 0.2,
    ("ae", "a"): 0.2, ("ae", "b"): 0.4,
}  # fmt: skip
IOU: Values = {
    ("cnn", "a"): 0.6, ("cnn", "b"): 0.3,
    ("vit", "a"): 0.6, ("vit", "b"): 0.4,  # the mean of ZERO_FIRST
    ("ae", "a"): 0.2, ("ae", "b"): 0.2,
}  # fmt: skip
PRO: Values = {
    ("cnn", "a"): (0.4, 0.5, 0.6), ("cnn", "b"): (0.4, 0.5, 0.6),
    ("vit", "a"): 0.6, ("vit", "b"): 0.6,
    ("ae", "a"): 0.1, ("ae", "b"): None,
}  # fmt: skip
IMAGE_AUROC: Values = {
    ("cnn", "a"): 1.0, ("cnn", "b"): 1.0,
    ("vit", "a"): 0.5, ("vit", "b"): 0.5,
    ("ae", "a"): 0.5, ("ae", "b"): 0.5,
}  # fmt: skip
SECONDS: Values = {
    ("cnn", "a"): 8.0, ("cnn", "b"): 12.0,
    ("vit", "a"): 30.0, ("vit", "b"): 30.0,
    ("ae", "a"): 10.0, ("ae", "b"): 10.0,
}  # fmt: skip
GRAMS: Values = {
    ("cnn", "a"): 2.0, ("cnn", "b"): 4.0,
    ("vit", "a"): 1.0, ("vit", "b"): 1.0,
    ("ae", "a"): None, ("ae", "b"): None,
}  # fmt: skip
INFERENCE_GRAMS: Values = dict.fromkeys(GRAMS)
MEASURED = {
    "xauc": (XAUC, IMAGES, ""),
    "f1": (F1, IMAGES, ""),
    "iou": (IOU, IMAGES, ""),
    "pro": (PRO, 8, "no anomalous region"),
    "image_auroc": (IMAGE_AUROC, 8, ""),
    "training_seconds": (SECONDS, 0, ""),
    "training_co2_g": (GRAMS, 0, "no meter"),
    "inference_co2_g": (INFERENCE_GRAMS, 8, "no meter"),
}
RECIPES: dict[str, Method] = {
    "cnn": Recipe(encoder="resnet18.tv_in1k"),
    "vit": Recipe(encoder="vit_tiny_patch16_224.augreg_in21k_ft_in1k"),
    "ae": Recipe(encoder="resnet18.tv_in1k", loss="mse"),
    "l2": Recipe(model="l2_cae", loss="mse"),
    "ano": Recipe(model="anovit", encoder="vit_base_patch16_224", loss="mse"),
}
FAMILIES = {"cnn": "CNN", "vit": "Transformer", "ae": "CNN", "l2": "none", "ano": "Transformer"}
PUBLISHED_METHODS = {
    "aexad": PublishedMethod(label="AE-XAD", ours=["cnn"]),
    "ae+filter": PublishedMethod(label="AE + filter", ours=["ae"]),
    "fcdd": PublishedMethod(label="FCDD"),
    "aexad_vit_b16_frozen": PublishedMethod(label="ViT-B/16 frozen", ours=["vit"]),
    "l2_cae": PublishedMethod(label="l2-CAE", ours=["l2"]),
    "anovit": PublishedMethod(label="AnoViT", ours=["ano"]),
}
PAPER, REPORT, ANOVIT = "angiulli2025aexad", "presta2025vitaexad", "lee2022anovit"
CELLS = [
    (PAPER, "table1", "standard", "bolts", "a", "ae+filter", "xauc", 0.5),
    (PAPER, "table2", "standard", "bolts", "a", "aexad", "xauc", 0.85),
    (PAPER, "table2", "standard", "bolts", "b", "aexad", "xauc", 0.5),
    (PAPER, "table2", "standard", "bolts", "a", "aexad", "f1", 0.5),
    (PAPER, "table2", "standard", "bolts", "a", "fcdd", "xauc", 0.55),
    (PAPER, "table2", "standard", "bolts", "b", "fcdd", "xauc", 0.45),
    (PAPER, "table7", "standard", "bolts", "a", "aexad", "tradeoff_f1", 1.5),
    (PAPER, "table7", "standard", "bolts", "b", "fcdd", "tradeoff_iou", math.inf),
    (PAPER, "table2", "standard", "elsewhere", "a", "aexad", "xauc", 0.9),
    (REPORT, "table1", "standard", "bolts", "a", "aexad_vit_b16_frozen", "xauc", 0.95),
    (REPORT, "table3", "standard", "bolts", "mean", "aexad_vit_b16_frozen", "xauc", 0.65),
    *(
        (ANOVIT, table, "one_class", "mnist", category, method, "image_auroc", value)
        for table, category, method, value in [
            ("table2", "0", "l2_cae", 0.8), ("table2", "0", "anovit", 0.9),
            ("table2", "1", "l2_cae", 0.6), ("table2", "1", "anovit", 0.6),
            ("table2", "mean", "l2_cae", 0.7), ("table2", "mean", "anovit", 0.75),
            ("table2", "std", "l2_cae", 0.14), ("table2", "std", "anovit", 0.21),
        ]
    ),
]  # fmt: skip
WINS = [
    (PAPER, "table3", "bolts", "aexad", "fcdd", "xauc", 0.75),
    (PAPER, "table3", "bolts", "fcdd", "aexad", "xauc", 0.25),
]
# Data set, method, category: image AUROC and pixel AUROC of one seed.
ONE_CLASS = {
    ("mnist", "l2", "0"): (0.8, None), ("mnist", "ano", "0"): (1.0, None),
    ("mnist", "l2", "1"): (0.5, None), ("mnist", "ano", "1"): (0.4, None),
    ("nuts", "l2", "x"): (0.5, 0.8), ("nuts", "ano", "x"): (0.6, 0.6),
}  # fmt: skip


def miniature() -> Results:
    """AE-XAD with a CNN and a ViT, and the plain autoencoder, on two categories."""
    rows = [
        ["bolts", category, "standard", method, seed, metric, value, n, reason * (value is None)]
        for metric, (values, n, reason) in MEASURED.items()
        for (method, category), reached in values.items()
        for seed, value in zip(SEEDS, _by_seed(reached), strict=True)
    ]
    return _measurements(rows, _images(), ["cnn", "vit", "ae"], {"bolts": "Bolts"})


def one_class() -> Results:
    """l2-CAE and AnoViT on two digits and one kind of part."""
    rows = [
        [dataset, category, "one_class", method, 0, metric, value, 4, NO_MASKS * (value is None)]
        for (dataset, method, category), values in ONE_CLASS.items()
        for metric, value in zip(("image_auroc", "pixel_auroc"), values, strict=True)
    ]
    titles = {"mnist": "MNIST", "nuts": "Nuts"}
    return _measurements(rows, pd.DataFrame(columns=IMAGE_COLUMNS), ["l2", "ano"], titles)


def published() -> Published:
    """What the sources of the miniature print."""
    return Published(
        pd.DataFrame(CELLS, columns=[*CELL, "value"]),
        pd.DataFrame(WINS, columns=[*WIN, "value"]),
        PUBLISHED_METHODS,
    )


def _measurements(
    rows: list[list[Any]], images: pd.DataFrame, names: list[str], titles: dict[str, str]
) -> Results:
    metrics = pd.DataFrame(rows, columns=METRIC_COLUMNS).astype({"value": float})
    methods = [
        dict.fromkeys(METHOD_COLUMNS, "")
        | {"method": name, "title": name, "family": FAMILIES[name], "pretrained": "yes"}
        | {"encoder": RECIPES[name].encoder}  # type: ignore[union-attr]
        | {"model": RECIPES[name].model, "loss": RECIPES[name].loss}  # type: ignore[union-attr]
        | {"tuning": "frozen", "trained_parameters": "250000", "frozen_parameters": "750000"}
        | {"labels": "yes" if RECIPES[name].loss == "aexad" else "no", "rebuilds": "yes"}  # type: ignore[union-attr]
        for name in names
    ]
    return Results(metrics, pd.DataFrame(methods), images, RECIPES, published(), titles)


def _by_seed(reached: Any) -> tuple[Any, ...]:
    return reached if isinstance(reached, tuple) else (reached,) * len(SEEDS)


def _images() -> pd.DataFrame:
    """Each image has its run's value, but for the IoU of ``vit`` on ``b``."""
    rows = [
        {
            **Run("bolts", category, "standard", seed, method)._asdict(),
            "image": f"{category}/test/bent/{image}.png",
            "defect": "bent",
            "score": 1.0,
            "anomalous_pixels": 10.0 * (image + 1),
            "xauc": _by_seed(XAUC[method, category])[seed],
            "f1": F1[method, category],
            "iou": ZERO_FIRST[image] if (method, category) == VARIED else IOU[method, category],
        }
        for method, category in XAUC
        for seed in SEEDS
        for image in range(IMAGES)
    ]
    return pd.DataFrame(rows)[IMAGE_COLUMNS]
