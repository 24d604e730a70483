"""The verb ``infer``: heat maps of the test images of a split."""

from __future__ import annotations

import argparse
from pathlib import Path

from aexad.cli.arguments import (
    AddVerb,
    add_country,
    add_dataset,
    add_machine,
    add_method,
    add_output,
    add_split,
    dataset_of,
    recipe_of,
    root_of,
)


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    parser = add(infer)
    add_dataset(parser)
    add_method(parser)
    add_machine(parser, threads=1)
    add_country(parser)
    parser.add_argument("--model", type=Path, required=True, help="from train, .safetensors")
    add_split(parser)
    add_output(parser, "the maps, .npz; inference.json next to them records their cost")


def infer(args: argparse.Namespace) -> Path:
    """Explain the test images of a split with a trained model."""
    from aexad.runtime.provenance import peak_memory_mb

    settings = recipe_of(args).heat_map

    import time

    import numpy as np

    from aexad.data.split import read_split
    from aexad.explain.inference import infer as make_maps
    from aexad.runtime.device import use_device
    from aexad.runtime.energy import energy_of
    from aexad.runtime.files import write_json, write_npz
    from aexad.training.model_store import load_model

    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    dataset = dataset_of(args)
    table, root = read_split(args.split), root_of(args, dataset)
    with energy_of(args.country) as energy:
        start = time.perf_counter()
        maps = make_maps(model, table, root, settings, device, dataset.stored)
        seconds = time.perf_counter() - start
    # Stored with the maps, not with the model, so that another heat map never trains again.
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
