"""The training loop: batches, steps, checkpoints, and checks between epochs."""

from __future__ import annotations

import logging
import math
import time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from aexad.explain.resize import as_float, enlarged
from aexad.methods.model import Model
from aexad.runtime.errors import ConfigError, TrainingError
from aexad.training.affine import random_affine
from aexad.training.batches import TrainingSet, epoch_batches, pools
from aexad.training.checkpoint import Checkpoints, State, optimiser_tensors, restore_optimiser
from aexad.training.features import Features, features_of
from aexad.training.memory import images_at_once
from aexad.training.optimiser import learning_rate_factor, make_optimiser
from aexad.training.precision import feature_dtype, precision_on
from aexad.training.step import Step, pays_to_compile

logger = logging.getLogger(__name__)


class Trained(NamedTuple):
    """What a training returns; it changes the model in place."""

    history: pd.DataFrame
    """One row per epoch: epoch, learning_rate, loss, its parts on normal and anomalous pixels
    (means over images), validation_loss if there are validation images, seconds."""
    seconds: dict[str, float]
    """Seconds of the feature pass and of all epochs."""
    settings: dict[str, Any]
    """Choices for this machine: precision, compilation, place of the features, images per pass."""
    resumed_after: int
    """Epoch of the checkpoint that the training resumed from; 0 if there was none."""


class Training:
    """One training. Constructing it checks the recipe against the data; :meth:`run` does the work.

    Parameters
    ----------
    feature_memory_mb, step_memory_mb, checkpoints, compiled
        See :func:`aexad.training.train.train`.
    """

    def __init__(
        self,
        model: Model,
        data: TrainingSet,
        device: torch.device,
        feature_memory_mb: int | None,
        step_memory_mb: int,
        checkpoints: Checkpoints | None,
        compiled: bool | None,
    ) -> None:
        self.model, self.recipe, self.data, self.device = model, model.recipe, data, device
        self.network = model.network
        self.feature_memory_mb, self.checkpoints = feature_memory_mb, checkpoints
        self.step_memory_mb, self.compiled = step_memory_mb, compiled
        # The loss of an image is a sum of this many terms, or their mean.
        self.terms = 3 * data.size**2 if model.recipe.reduction == "mean" else 1
        self.pools = pools(data, model.recipe)
        self.validation = np.flatnonzero(data.validation)
        if model.recipe.select == "validation" and not len(self.validation):
            raise ConfigError(
                "the recipe selects the epoch by the validation loss, and the training set has no "
                "validation images; set 'validation' of the data set, or select: last"
            )
        self.precision = precision_on(model.recipe, device)
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self.resumed_after = 0

    def run(self) -> Trained:
        """Prepare data, features and optimiser, resume from a checkpoint, and train."""
        self._move_to_device()
        feature_seconds = self._compute_features()
        self._prepare_steps()
        self._train_epochs()
        if self.best:
            self.network.load_trained_state(self.best)
        self.network.eval()
        seconds = {
            "features": feature_seconds,
            "training": math.fsum(row["seconds"] for row in self.history),
        }
        settings = self.settings | {
            "features": self.features.kept if self.features else "none",
            "step_memory_mb": self.step_memory_mb,
            "images_at_once": self.at_once,
            "compiled": self.step.compiled is not None,
        }
        return Trained(pd.DataFrame(self.history), seconds, settings, self.resumed_after)

    def _move_to_device(self) -> None:
        """Move network, images and masks to the device once, so that no epoch copies an image."""
        logger.info("training in %s on %s", self.precision, self.device)
        self.network.to(self.device).to(memory_format=torch.channels_last).eval()
        self.pixels = torch.from_numpy(self.data.images).to(self.device).permute(0, 3, 1, 2)
        self.masks = torch.from_numpy(self.data.masks).to(self.device).unsqueeze(1)

    def _compute_features(self) -> float:
        """Compute the features of a frozen encoder; returns the seconds that this took."""
        start = time.perf_counter()
        self.features: Features | None = None
        if self.recipe.frozen_features:
            self.features = features_of(
                self.network,
                self._images,
                np.unique(np.concatenate([*self.pools, self.validation])),
                device=self.device,
                dtype=feature_dtype(self.precision),
                budget_mb=self.feature_memory_mb,
                folder=self.checkpoints.path.parent if self.checkpoints else None,
            )
        return time.perf_counter() - start

    def _prepare_steps(self) -> None:
        """Make the optimiser and the step; resume from a checkpoint if there is one."""
        self.network.train()
        self.optimiser = make_optimiser(self.network, self.recipe.optimiser)
        batch_size, epochs = self.recipe.batch_size, self.recipe.epochs
        first_epoch = list(epoch_batches(*self.pools, batch_size, self.model.seed, 1))
        compiled = self.compiled
        if compiled is None:
            shown = epochs * sum(len(batch) for batch in first_epoch)
            compiled = pays_to_compile(shown, self.data.size)
        self.settings: dict[str, Any] = {
            "precision": self.precision,
            "compiled": compiled,
            "device": self.device.type,
            "threads": torch.get_num_threads(),
        }
        self.at_once = self._resume() or images_at_once(
            self.network,
            lambda: self._loss_of(first_epoch[0][:1]),
            batch_size,
            self.step_memory_mb,
        )
        self.step = Step(self.model, self.precision, compiled, min(self.at_once, batch_size))

    def _train_epochs(self) -> None:
        """Train all epochs that are left."""
        epochs, done = self.recipe.epochs, len(self.history)
        bar = tqdm(
            range(done + 1, epochs + 1),
            desc="train",
            unit="epoch",
            initial=done,
            total=epochs,
            disable=None,
        )
        for epoch in bar:
            start = time.perf_counter()
            row = self._epoch(epoch)
            if len(self.validation):
                row["validation_loss"] = self._validation_loss()
            self._keep_best(row)
            self.history.append(row | {"seconds": time.perf_counter() - start})
            bar.set_postfix(loss=f"{row['loss']:.4g}")
            if epoch % max(1, epochs // 10) == 0:
                logger.info("epoch %d of %d: loss %.6g", epoch, epochs, row["loss"])
            if self.checkpoints and epoch % self.checkpoints.every == 0 and epoch < epochs:
                self.checkpoints.write(self._state(), self.settings)

    def _images(self, chosen: Tensor) -> Tensor:
        """Images as float32 [B, 3, S, S] in [0, 1], channels last."""
        return enlarged(as_float(self.pixels[chosen]), self.data.size)

    def _batch(
        self, chosen: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features, images and masks of a batch; the recipe may move images at random."""
        x, y = self._images(chosen), self.masks[chosen]
        if y.shape[-1] != x.shape[-1]:
            y = enlarged(y.float(), self.data.size) > 0.5
        if generator is not None and self.recipe.augmentation == "affine":
            x = random_affine(x, generator)
        return self.features.of(chosen) if self.features else self.network.features(x), x, y

    def _loss_of(self, batch: np.ndarray) -> Tensor:
        """Loss of some images, computed without compilation."""
        step = Step(self.model, self.precision, compiled=False, batch_size=len(batch))
        return step(*self._batch(torch.from_numpy(batch).to(self.device), None))[0]

    def _epoch(self, epoch: int) -> dict[str, float]:
        """Train one epoch; returns the loss and its two parts as means over images."""
        recipe = self.recipe
        rate = learning_rate_factor(recipe, epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = group["initial_lr"] * rate
        batches = list(epoch_batches(*self.pools, recipe.batch_size, self.model.seed, epoch))
        # All random numbers, here or in a layer, are functions of the seed and the epoch.
        seed = int(np.random.SeedSequence([self.model.seed, epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        order = torch.from_numpy(np.concatenate(batches)).to(self.device)
        sums = torch.zeros(len(batches), 2, dtype=torch.float64, device=self.device)
        for number, chosen in enumerate(order.split([len(batch) for batch in batches])):
            self.optimiser.zero_grad(set_to_none=True)
            for part in chosen.split(self.at_once):
                loss, anomalous = self.step(*self._batch(part, generator))
                (loss / (len(chosen) * self.terms)).backward()
                sums[number] += torch.stack([loss.detach(), anomalous])
            if recipe.optimiser.gradient_clip:
                torch.nn.utils.clip_grad_norm_(
                    self.network.parameters(), recipe.optimiser.gradient_clip
                )
            self.optimiser.step()
        # Checked once per epoch: a check in each step would wait for the device.
        totals = sums.cpu().numpy()
        broken = np.flatnonzero(~np.isfinite(totals[:, 0]))
        if len(broken):
            self._refuse(epoch, batches[broken[0]], totals[broken[0], 0])
        loss, anomalous = totals.sum(axis=0) / (len(order) * self.terms)
        return {
            "epoch": epoch,
            "learning_rate": recipe.optimiser.learning_rate * rate,
            "loss": float(loss),
            "loss_normal": float(loss - anomalous),
            "loss_anomalous": float(anomalous),
        }

    def _refuse(self, epoch: int, batch: np.ndarray, loss: float) -> None:
        raise TrainingError(
            f"the loss is {loss} in epoch {epoch} at learning rate "
            f"{self.optimiser.param_groups[-1]['lr']:.3g}, on the images "
            f"{', '.join(self.data.source[batch])}; lower optimiser.learning_rate or set "
            "optimiser.gradient_clip in the recipe"
        )

    def _validation_loss(self) -> float:
        """Mean loss of the validation images, which are not moved at random."""
        self.network.eval()
        size = self.recipe.batch_size
        total = 0.0
        with torch.no_grad():
            for batch in np.split(self.validation, range(size, len(self.validation), size)):
                total += float(self._loss_of(batch))
        self.network.train()
        return total / (len(self.validation) * self.terms)

    def _keep_best(self, row: dict[str, float]) -> None:
        if self.recipe.select != "validation":
            return
        if row["validation_loss"] < min(
            (past["validation_loss"] for past in self.history), default=math.inf
        ):
            state = self.network.trained_state()
            self.best = {name: tensor.detach().clone() for name, tensor in state.items()}

    def _state(self) -> State:
        return State(
            epoch=len(self.history),
            history=self.history,
            network=self.network.trained_state(),
            optimiser=optimiser_tensors(self.optimiser),
            best=self.best,
            images_at_once=self.at_once,
        )

    def _resume(self) -> int | None:
        """Resume from the checkpoint if there is one; returns its number of images per pass."""
        if self.checkpoints is None or (state := self.checkpoints.read(self.settings)) is None:
            return None
        logger.info("resumed after epoch %d, from %s", state.epoch, self.checkpoints.path)
        self.network.load_trained_state(state.network)
        restore_optimiser(self.optimiser, state.optimiser)
        self.history, self.best = state.history, state.best
        self.resumed_after = state.epoch
        return state.images_at_once
