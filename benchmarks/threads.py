"""Two jobs of one thread, or one job of two? Steps and feature passes, in one run.

    python benchmarks/threads.py            # about two minutes on two cores

Each job trains AE-XAD on random images of 224 pixels with random weights, which take the same time,
in a process of its own. The jobs of a case start together. The profile is of the training of one
job. The last line is one JSON object.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import statistics
import sys
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from aexad.config.recipe import Recipe
from aexad.data.training_set import TrainingSet
from aexad.methods.model import build_model
from aexad.runtime.device import use_device
from aexad.training.train import train

RECIPES: dict[str, dict[str, Any]] = {
    "ResNet-18": {"encoder": "resnet18"},
    "ViT-Tiny blocks 0-2, 448 px": {
        "encoder": "vit_tiny_patch16_224",
        "features": [0, 1, 2],
        "input_size": 448,
        "token_norm": True,
    },
}
CASES = {"1 job of 1 thread": (1, 1), "2 jobs of 1 thread": (2, 1), "1 job of 2 threads": (1, 2)}
NORMAL, ANOMALOUS, EPOCHS = 55, 25, 4
STEPS = 5  # of an epoch: 55 normal images, 11 in a batch of 16
SHOWN = 8


def job(name: str, threads: int, start: Any, results: Any, profiled: bool = False) -> None:
    """Train, and tell the images per second of the feature pass and the seconds of a step."""
    device = use_device("cpu", threads)
    rng = np.random.default_rng(0)
    count = NORMAL + ANOMALOUS
    images = rng.integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)
    masks = np.zeros((count, 224, 224), bool)
    masks[NORMAL:, 50:90, 50:90] = True
    data = TrainingSet(
        images, masks, np.ones(count, int), np.arange(count).astype(str), np.zeros(count, bool), 224
    )
    recipe = Recipe(weights="none", epochs=EPOCHS, on_collapse="go_on", **RECIPES[name])
    model = build_model(recipe, 224, 0)
    start.wait()
    if profiled:
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            train(model, data, device)
        events = profiler.key_averages()
        total = sum(event.self_cpu_time_total for event in events)
        largest = sorted(events, key=lambda event: -event.self_cpu_time_total)[:SHOWN]
        results.put({event.key: event.self_cpu_time_total / total for event in largest})
        return
    trained = train(model, data, device)
    step = statistics.median(trained.history["seconds"].iloc[1:]) / STEPS
    results.put({"images/s": count / trained.seconds["features"], "step": step})


def together(name: str, jobs: int, threads: int, profiled: bool = False) -> list[dict[str, float]]:
    """Run jobs at the same time; what each of them tells."""
    context = mp.get_context("spawn")
    start, results = context.Barrier(jobs), context.Queue()
    processes = [
        context.Process(target=job, args=(name, threads, start, results, profiled))
        for _ in range(jobs)
    ]
    for process in processes:
        process.start()
    told = [results.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    return told


def main() -> None:
    """Measure all cases of all encoders."""
    summary = {}
    for name in RECIPES:
        for case, (jobs, threads) in CASES.items():
            told = together(name, jobs, threads)
            rate = sum(each["images/s"] for each in told)
            steps = sum(1 / each["step"] for each in told)
            print(f"{name} | {case} | {rate:.1f} images/s | {steps:.2f} steps/s", flush=True)
            summary[f"{name}, {case}"] = {"images/s": round(rate, 1), "steps/s": round(steps, 2)}
        for operation, share in together(name, 1, 1, profiled=True)[0].items():
            print(f"    {100 * share:4.1f} %  {operation}")
    print(json.dumps(summary | {"cores": torch.get_num_threads()}))


if __name__ == "__main__":
    sys.exit(main())
