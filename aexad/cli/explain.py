"""The verbs ``infer`` and ``command``: heat maps of the test images of a split."""

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
    add_seed,
    add_split,
    dataset_of,
    recipe_of,
    root_of,
    usable_cores,
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
    parser = add(command)
    add_dataset(parser)
    add_method(parser)
    add_seed(parser)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_country(parser)
    add_split(parser)
    add_output(parser, "folder of the run")


def infer(args: argparse.Namespace) -> Path:
    """Explain the test images of a split with a trained model."""
    from aexad.runtime.provenance import peak_memory_mb

    settings = recipe_of(args).heat_map

    import time

    from aexad.data.tables import read_split
    from aexad.explain.inference import infer as make_maps
    from aexad.explain.run_maps import write_maps
    from aexad.runtime.device import use_device
    from aexad.runtime.energy import energy_of
    from aexad.runtime.files import write_json
    from aexad.training.model_store import load_model

    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    dataset = dataset_of(args)
    table, root = read_split(args.split), root_of(args, dataset)
    with energy_of(args.country) as energy:
        start = time.perf_counter()
        maps = make_maps(
            model, table, root, settings, device, dataset.stored, dataset.levels, dataset.tile
        )
        seconds = time.perf_counter() - start
    write_maps(args.output, maps, settings, dataset)
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


def command(args: argparse.Namespace) -> Path:
    """Train and run a method that is a command, in an environment of its own."""
    from aexad.config.builtin import method_paths
    from aexad.config.methods import read_command

    method = read_command(method_paths(args.methods), args.method)

    import tempfile
    import time

    import pandas as pd

    from aexad.config.recipe import HeatMap
    from aexad.data.tables import read_split
    from aexad.explain.command import about, read_output, run_command, write_view
    from aexad.explain.run_maps import MAPS, write_maps
    from aexad.runtime.energy import energy_of
    from aexad.runtime.files import sha256_of, write_csv, write_json
    from aexad.runtime.locks import only_one
    from aexad.runtime.provenance import children_peak_memory_mb, record

    dataset = dataset_of(args)
    root = root_of(args, dataset)
    with (
        only_one(args.output, "running a command"),
        tempfile.TemporaryDirectory(prefix="aexad-command-") as folder,
    ):
        view, output = Path(folder, "split"), Path(folder, "maps")
        split = read_split(args.split)
        images = write_view(
            split, root, dataset.size, args.seed, method.uses_labels, view, dataset.levels
        )
        with energy_of(args.country) as energy:
            start = time.perf_counter()
            run_command(method, view, output, args.seed, args.device)
            seconds = time.perf_counter() - start
        maps = read_output(output, images, dataset.stored)
        write_maps(args.output / MAPS, maps, HeatMap(filter="none", score="max"))
        cost = {
            "peak_mb": children_peak_memory_mb(),
            "energy": energy,
            "device": args.device,
            "threads": usable_cores(),
        }
        # One command trains and explains, so the time of the latter is not known by itself.
        write_json(args.output / "inference.json", cost | {"images": len(images), "seconds": None})
        write_csv(args.output / "training.csv", pd.DataFrame({"epoch": [1], "seconds": [seconds]}))
        provenance = about(method, seconds, sha256_of(args.split)) | cost
        write_json(args.output / "provenance.json", provenance | record(args.method, args.seed))
    return args.output
