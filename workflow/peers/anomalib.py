"""Run an image model of anomalib as a method of aexad's benchmark.

It runs in an environment of its own (pip install anomalib); a recipe names it::

    patchcore-anomalib:
      command: python workflow/peers/anomalib.py {split} {output} {seed} {device} Patchcore
      environment: /path/to/the/environment
      uses_labels: false

Options of the model follow as ``name=value``, for example ``backbone=resnet18``; ``epochs=20`` for
models that are trained. Of a timm backbone, ``<name>.safetensors`` in the folder that AEXAD_WEIGHTS
names is used before the hub.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.pop(0)  # the folder of this file, whose name would hide the package

import numpy as np
import timm
from anomalib.data import Folder, PredictDataset
from anomalib.engine import Engine
from anomalib.models import get_model
from lightning.pytorch import seed_everything
from torch.utils.data import DataLoader


def main(split: str, output: str, seed: str, device: str, name: str, *options: str) -> None:
    """Fit the model to the normal images of a split, and write a map of each test image."""
    seed_everything(int(seed), workers=True)
    settings = {key: _value(text) for key, _, text in (each.partition("=") for each in options)}
    epochs = settings.pop("epochs", None)
    timm.create_model = _from_folder(timm.create_model)
    # Without its normalisation and thresholds, which look at test images.
    model = get_model(name, post_processor=False, evaluator=False, visualizer=False, **settings)
    accelerator = {"cuda": "gpu", "cpu": "cpu"}.get(device, "auto")
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(
            default_root_dir=folder,
            accelerator=accelerator,
            devices=1,
            logger=False,
            limit_val_batches=0,
            **({"max_epochs": epochs} if epochs else {}),
        )
        data = Folder(
            "split",
            root=split,
            normal_dir="train/good",
            train_batch_size=1 if "efficient" in name.lower() else 16,
            num_workers=0,
            test_split_mode="none",
            val_split_mode="none",
            seed=int(seed),
        )
        engine.fit(model, datamodule=data)
        images = PredictDataset(path=Path(split, "test"))
        loader = DataLoader(images, batch_size=8, collate_fn=images.collate_fn)
        scores = []
        for batch in engine.predict(model, dataloaders=loader) or []:
            for path, score, heat_map in zip(
                batch.image_path, batch.pred_score, batch.anomaly_map, strict=True
            ):
                stem = Path(path).stem
                np.save(Path(output, f"{stem}.npy"), heat_map.squeeze().float().cpu().numpy())
                scores.append((stem, float(score)))
    with Path(output, "scores.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "score"), *scores])


def _from_folder(create: Any) -> Any:
    """Timm's create_model, with pre-trained weights from the folder of AEXAD_WEIGHTS first."""

    def created(name: str, *args: Any, **settings: Any) -> Any:
        folder = os.environ.get("AEXAD_WEIGHTS")
        found = sorted(Path(folder).glob(f"{name}*.safetensors")) if folder else []
        if found and settings.get("pretrained"):
            settings["pretrained_cfg_overlay"] = {"file": str(found[0])}
        return create(name, *args, **settings)

    return created


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main(*sys.argv[1:])
