"""How many trainings on small sets collapse, with the paper's recipe and with gentler starts.

The tests draw the same sets: 12 good and 4 defective images of one object, on five kinds of ground.
The encoder is timm's tiny ResNet with random weights. Run: python benchmarks/collapse.py
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from pathlib import Path

import torch
from tabulate import tabulate

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.training.train import train

sys.path.append(str(Path(__file__).parents[1] / "tests/training"))
from small_sets import GROUNDS, small_set

SEEDS = 3
SHARED = {"encoder": "test_resnet.r160_in1k", "weights": "none", "epochs": 1}
SHARED |= {"least_updates": 600, "on_collapse": "go_on"}
RECIPES = {
    "paper": {},
    "a fifth of the rate": {"optimiser": {"learning_rate": 2e-4}},
    "F = -1": {"target": "minus_one"},
    "gentle start, 300 updates": {"gentle_start": 300},
}


def main() -> None:
    """Print one row per recipe: collapsed trainings of each ground."""
    logging.disable(logging.WARNING)
    rows = []
    for title, recipe in RECIPES.items():
        collapsed: Counter[str] = Counter()
        for ground in GROUNDS:
            for seed in range(SEEDS):
                data = small_set(ground, seed)
                model = build_model(Recipe(**SHARED, **recipe), data.size, seed)
                result = train(model, data, torch.device("cpu"), compiled=False)
                collapsed[ground] += bool(result.collapse)
        rows.append([title, *(f"{collapsed[ground]} of {SEEDS}" for ground in GROUNDS)])
    print(tabulate(rows, ["recipe", *GROUNDS], tablefmt="github"))


if __name__ == "__main__":
    main()
