"""Verbs from a training set to the metrics of a run, and the pictures of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from aexad.errors import ConfigError
from aexad.verbs.data import check_there, root_of


def train(args: argparse.Namespace) -> Path:
    """Train one method on one training set; a training that was interrupted goes on."""
    from aexad.provenance import code_digest, peak_memory_mb, versions
    from aexad.recipe import read_recipe

    recipe = read_recipe(args.methods, args.method)

    from aexad.cluster_job import free_scratch, keep_trained, restore_trained
    from aexad.device import peak_gpu_memory_mb, use_device
    from aexad.energy import INTERRUPTED, energy_of
    from aexad.files import sha256_of, write_csv, write_json
    from aexad.locks import only_one
    from aexad.models import build_model, save_model
    from aexad.training import train as train_model
    from aexad.training.checkpoint import Checkpoints
    from aexad.training.data import read_training_set

    with only_one(args.output, "training"):
        device = use_device(args.device, args.threads)
        data = read_training_set(args.training_set)
        model = build_model(recipe, data.size, args.seed, args.weights_dir)
        origin = {
            "recipe": recipe.training,
            "seed": args.seed,
            "encoder": model.encoder,
            "data_sha256": sha256_of(args.training_set),
            "library": code_digest("aexad.training"),
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
    from aexad.files import copy_file

    for name in ("training.csv", "provenance.json", "model.safetensors"):
        copy_file(args.run_folder / name, args.output / name)
    return args.output


def infer(args: argparse.Namespace) -> Path:
    """Explain the test images of a split with a trained model."""
    from aexad.provenance import peak_memory_mb
    from aexad.recipe import read_recipe

    settings = read_recipe(args.methods, args.method).heat_map

    import time

    import numpy as np

    from aexad.data.catalogue import read_dataset
    from aexad.data.split import read_split
    from aexad.device import use_device
    from aexad.energy import energy_of
    from aexad.files import write_json, write_npz
    from aexad.inference import infer as make_maps
    from aexad.models import load_model

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


def criteria(args: argparse.Namespace) -> Path:
    """Tell of a trained model what can be told without test images."""
    from aexad.criteria import criteria as criteria_of
    from aexad.data.catalogue import read_dataset
    from aexad.data.split import read_split
    from aexad.device import use_device
    from aexad.files import write_json
    from aexad.models import load_model
    from aexad.recipe import read_recipe

    settings = read_recipe(args.methods, args.method).heat_map
    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    dataset = read_dataset(args.datasets, args.dataset)
    table, root = read_split(args.split), root_of(args, dataset)
    found = criteria_of(model, table, root, args.scenario, dataset.stored, settings, device)
    write_json(args.output, found)
    return args.output


def evaluate(args: argparse.Namespace) -> Path:
    """Score heat maps against masks: a run's, or anyone's."""
    from aexad.cluster_job import forget_trained
    from aexad.data.catalogue import read_dataset
    from aexad.evaluation import evaluate_run
    from aexad.foreign_maps import evaluate_maps, evaluate_split_maps

    size: Literal["model", "native"] = "native" if args.native else "model"
    check_there(args.maps, "a run's maps.npz, or a folder of maps")
    check_there(args.masks, "the run's split.csv, or the category's folder")
    if args.masks.is_dir():
        evaluate_maps(args.maps, args.masks, args.output, size)
        return args.output
    if args.dataset is None:
        raise ConfigError(f"{args.masks} is a split; say of which data set, with --dataset")
    root = root_of(args, read_dataset(args.datasets, args.dataset))
    evaluate_those = evaluate_split_maps if args.maps.is_dir() else evaluate_run
    evaluate_those(args.maps, args.masks, root, args.output, size)
    forget_trained(args.output)
    return args.output


def panels(args: argparse.Namespace) -> Path:
    """Draw input, reconstruction, error, heat map, binary map and truth of test images."""
    from aexad.reporting.panels import draw_panels

    return _drawn(args, draw_panels)


def strips(args: argparse.Namespace) -> Path:
    """Draw small pictures of a run's test images, for the explorer."""
    from aexad.reporting.explorer.strips import draw_strips

    return _drawn(args, draw_strips)


def _drawn(args: argparse.Namespace, draw: Callable[..., object]) -> Path:
    from aexad.data.catalogue import read_dataset

    dataset = read_dataset(args.datasets, args.dataset)
    root = root_of(args, dataset)
    draw(args.run_folder, args.split, root, dataset.stored, args.count, args.output)
    return args.output
