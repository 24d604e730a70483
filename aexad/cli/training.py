"""Verbs of training: train a method, share the model of another one."""

from __future__ import annotations

import argparse
from pathlib import Path


def train(args: argparse.Namespace) -> Path:
    """Train one method on one training set; a training that was interrupted goes on."""
    from aexad.config.methods import read_recipe
    from aexad.runtime.provenance import code_digest, peak_memory_mb, versions

    recipe = read_recipe(args.methods, args.method)

    from aexad.methods.model import build_model
    from aexad.runtime.device import peak_gpu_memory_mb, use_device
    from aexad.runtime.energy import INTERRUPTED, energy_of
    from aexad.runtime.files import sha256_of, write_csv, write_json
    from aexad.runtime.locks import only_one
    from aexad.runtime.scratch import free_scratch, keep_trained, restore_trained
    from aexad.training.batches import read_training_set
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
            "library": code_digest("aexad.training.train"),
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
                checkpoints=checkpoints,
            )
        if trained.resumed_after and energy["kwh"] is not None:
            energy = {"kwh": None, "co2_g": None, "reason": INTERRUPTED}
        save_model(model, args.output / "model.safetensors")
        write_csv(args.output / "training.csv", trained.history)
        provenance = {
            **origin,
            "method": args.method,
            "features": model.features,
            "parameters": model.parameters,
            "seconds": trained.seconds,
            "energy": energy,
            "training": trained.settings,
            "peak_mb": peak_memory_mb(),
            "peak_gpu_mb": peak_gpu_memory_mb(device),
            **here,
        }
        write_json(args.output / "provenance.json", provenance)
        keep_trained(args.output)
        checkpoints.remove()
        free_scratch(args.training_set)
    return args.output


def share(args: argparse.Namespace) -> Path:
    """Copy the model of a method that differs in the heat map alone."""
    from aexad.runtime.files import copy_file

    for name in ("training.csv", "provenance.json", "model.safetensors"):
        copy_file(args.run_folder / name, args.output / name)
    return args.output
