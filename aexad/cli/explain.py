"""The verb ``infer``: heat maps of the test images."""

from __future__ import annotations

import argparse
from pathlib import Path

from aexad.cli.data import root_of


def infer(args: argparse.Namespace) -> Path:
    """Explain the test images of a split with a trained model."""
    from aexad.config.methods import read_recipe
    from aexad.runtime.provenance import peak_memory_mb

    settings = read_recipe(args.methods, args.method).heat_map

    import time

    import numpy as np

    from aexad.config.catalogue import read_dataset
    from aexad.data.split import read_split
    from aexad.explain.inference import infer as make_maps
    from aexad.runtime.device import use_device
    from aexad.runtime.energy import energy_of
    from aexad.runtime.files import write_json, write_npz
    from aexad.training.model_store import load_model

    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    dataset = read_dataset(args.datasets, args.dataset)
    table, root = read_split(args.split), root_of(args, dataset)
    with energy_of(args.country) as energy:
        start = time.perf_counter()
        maps = make_maps(model, table, root, settings, device, dataset.stored)
        seconds = time.perf_counter() - start
    # With the maps, not with the model: an edit of the heat map never trains again.
    write_npz(args.output, maps | {"settings": np.array([settings.model_dump_json()])})
    cost = {
        "images": len(maps["image"]),
        "seconds": seconds,
        "energy": energy,
        "peak_mb": peak_memory_mb(),
        "device": str(device),
        "threads": args.threads,
    }
    write_json(args.output.with_name("inference.json"), cost)
    return args.output
