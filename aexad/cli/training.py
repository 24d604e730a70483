"""Verbs of training: train a method, share the model of another one."""

from __future__ import annotations

import argparse
from pathlib import Path

from aexad.cli.arguments import (
    AddVerb,
    above_zero,
    add_country,
    add_machine,
    add_method,
    add_output,
    add_seed,
    add_weights,
    positive,
    recipe_of,
)


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    parser = add(train)
    add_method(parser)
    add_machine(parser, threads=1)
    add_country(parser)
    add_seed(parser)
    parser.add_argument("--training-set", type=Path, required=True, help="from augment, .npz")
    add_output(parser, "folder of the run")
    parser.add_argument(
        "--feature-memory-mb",
        type=positive,
        help="memory for the features of a frozen encoder; default: a quarter of the free memory",
    )
    parser.add_argument(
        "--step-memory-mb",
        type=positive,
        default=8000,
        help="memory for what a step keeps for the gradient; larger batches are taken in parts",
    )
    parser.add_argument(
        "--checkpoint-epochs", type=positive, default=10, help="epochs between two checkpoints"
    )
    parser = add(weights)
    parser.add_argument("encoder", help="timm name of the encoder, with its tag")
    add_weights(parser)
    parser.add_argument(
        "--timeout", type=above_zero, default=10, help="seconds that the hub has to answer"
    )
    parser.add_argument(
        "--if-reachable",
        action="store_true",
        help="if no weights are found, print one line, write nothing and exit with status 0",
    )
    parser.add_argument("--revision", help="commit of the hub's repository; default: the newest")
    add_output(parser, "record of their source and sha256, .json")
    parser = add(share)
    parser.add_argument(
        "--run-folder", type=Path, required=True, help="folder of the run with the model"
    )
    add_output(parser, "folder of the run")


def train(args: argparse.Namespace) -> Path:
    """Train one method on one training set; an interrupted training goes on."""
    from aexad.runtime.provenance import peak_memory_mb, record, versions

    recipe = recipe_of(args)

    from aexad.data.training_set import read_training_set
    from aexad.methods.base import Reconstruction
    from aexad.methods.model import build_model, method_digest
    from aexad.runtime.device import peak_gpu_memory_mb, use_device
    from aexad.runtime.energy import INTERRUPTED, energy_of
    from aexad.runtime.files import sha256_of, write_csv, write_json
    from aexad.runtime.locks import only_one
    from aexad.runtime.scratch import free_scratch, keep_trained, restore_trained
    from aexad.training.checkpoint import Checkpoints
    from aexad.training.model_store import save_model
    from aexad.training.train import train as train_model

    with only_one(args.output, "training"):
        device = use_device(args.device, args.threads)
        data = read_training_set(args.training_set)
        model = build_model(recipe, data.size, args.seed, args.weights_dir)
        origin = {
            "recipe": recipe.training,
            "seed": args.seed,
            "encoder": model.encoder,
            "data_sha256": sha256_of(args.training_set),
            "library": method_digest(recipe),
        }
        here = {"device": str(device), "threads": args.threads, "versions": versions()}
        if restore_trained(args.output, origin | here):
            free_scratch(args.training_set)
            return args.output
        path = args.output / "checkpoint.safetensors"
        checkpoints = Checkpoints(path, args.checkpoint_epochs, origin)
        with energy_of(args.country) as energy:
            trained = train_model(
                model,
                data,
                device,
                feature_memory_mb=args.feature_memory_mb,
                step_memory_mb=args.step_memory_mb,
                checkpoints=checkpoints,
            )
        if trained.resumed_after and energy["kwh"] is not None:
            energy = {"kwh": None, "co2_g": None, "reason": INTERRUPTED}
        save_model(model, args.output / "model.safetensors")
        write_csv(args.output / "training.csv", trained.history)
        provenance = {
            **origin,
            **record(args.method, args.seed),
            "features": model.features,
            "parameters": model.parameters,
            "seconds": trained.seconds,
            "energy": energy,
            "training": trained.settings,
            "uses_labels": model.network.uses_labels,
            "rebuilds": isinstance(model.network, Reconstruction),
            "collapse": trained.collapse,
            "collapsed": trained.collapsed,
            "peak_mb": peak_memory_mb(),
            "peak_gpu_mb": peak_gpu_memory_mb(device),
            **here,
        }
        write_json(args.output / "provenance.json", provenance)
        keep_trained(args.output)
        checkpoints.remove()
        free_scratch(args.training_set)
    return args.output


def weights(args: argparse.Namespace) -> Path | None:
    """Fetch the pre-trained weights of an encoder, so that trainings need no network."""
    from aexad.config.weights import weights_folder
    from aexad.encoders.weights import fetch_weights
    from aexad.runtime.errors import WeightsError
    from aexad.runtime.files import write_json

    folder = weights_folder(args.weights_dir)
    try:
        record = fetch_weights(args.encoder, folder, revision=args.revision, timeout=args.timeout)
    except WeightsError as error:
        if not args.if_reachable:
            raise
        print(error)
        return None
    write_json(args.output, record)
    print(f"{args.encoder}: {record['source']}")
    return args.output


def share(args: argparse.Namespace) -> Path:
    """Copy the model of a method that differs only in the heat map."""
    from aexad.runtime.files import copy_file
    from aexad.runtime.scratch import MODEL_FILES

    for name in MODEL_FILES:
        copy_file(args.run_folder / name, args.output / name)
    return args.output
