"""The training loop: batches, steps, checkpoints, and checks between epochs."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from aexad.methods.base import GradientMethod, Reconstruction
from aexad.methods.model import Model
from aexad.runtime.errors import ConfigError, TrainingError
from aexad.training.batches import epoch_batches
from aexad.training.checkpoint import Checkpoints, State, optimiser_tensors, restore_optimiser
from aexad.training.health import (
    EXAMINATIONS,
    EXAMINED,
    GENTLE_START,
    LEAST_UPDATES,
    MEANING,
    RESTART_FACTOR,
    RESTARTS,
    STUCK,
    Examiner,
    Health,
)
from aexad.training.images import TrainingImages
from aexad.training.memory import images_at_once
from aexad.training.optimiser import learning_rate_factor, make_optimiser
from aexad.training.precision import reduced_precision
from aexad.training.step import Step, anomaly_weight, pays_to_compile

logger = logging.getLogger(__name__)

REMEDY = "lower optimiser.learning_rate or set optimiser.gradient_clip in the recipe"


class Trained(NamedTuple):
    """What a training returns; it changes the model in place."""

    history: pd.DataFrame
    """One row per epoch: epoch, learning_rate, loss, its parts on normal and anomalous pixels
    (means over images), validation_loss if there are validation images, seconds; and at every tenth
    of the training the fields of :class:`aexad.training.health.Health`."""
    seconds: dict[str, float]
    """Seconds of the feature pass and of all epochs."""
    settings: dict[str, Any]
    """Choices for this machine: precision, compilation, place of the features, images per pass."""
    resumed_after: int
    """Epoch of the checkpoint that the training resumed from; 0 if there was none."""
    collapse: str
    """How the model has collapsed, see :attr:`aexad.training.health.Health.collapse`."""
    collapsed: list[dict[str, Any]]
    """Collapsed attempts before the one whose model is kept: learning_rate, gentle_start, epochs,
    seconds, collapse."""


class Training:
    """One training. Constructing it checks the recipe against the data; :meth:`run` does the work.

    Parameters
    ----------
    step_memory_mb, checkpoints, compiled
        See :func:`aexad.training.train.train`.
    """

    def __init__(
        self,
        model: Model,
        images: TrainingImages,
        step_memory_mb: int,
        checkpoints: Checkpoints | None,
        compiled: bool | None,
    ) -> None:
        if not isinstance(model.network, GradientMethod):
            raise TypeError(f"{type(model.network).__name__} is no GradientMethod")
        self.model, self.recipe, self.network = model, model.recipe, model.network
        self.images, self.data, self.device = images, images.data, images.device
        self.checkpoints, self.step_memory_mb, self.compiled = checkpoints, step_memory_mb, compiled
        self.terms = self.network.loss_terms
        self.pools = images.pools
        self.validation = np.flatnonzero(self.data.validation)
        if model.recipe.select == "validation" and not len(self.validation):
            raise ConfigError(
                "the recipe selects the epoch by the validation loss, and the training set has no "
                "validation images; set 'validation' of the data set, or select: last"
            )
        self.precision = images.precision
        self.history: list[dict[str, float]] = []
        self.collapsed: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = {}
        self.resumed_after = 0

    def run(self) -> Trained:
        """Prepare features and optimiser, resume from a checkpoint, and train."""
        logger.info("training in %s on %s", self.precision, self.device)
        self.images.compute_features()
        self._prepare_steps()
        while (collapse := self._train_epochs()) and self._may_restart:
            self._restart(collapse)
        if self.best:
            self.network.load_trained_state(self.best)
        self._check_weights()
        self.network.eval()
        seconds = {
            "features": self.images.feature_seconds,
            "training": math.fsum(row["seconds"] for row in [*self.collapsed, *self.history]),
        }
        settings = self.settings | {
            "epochs": self.epochs,
            "updates": self.epochs * self.updates_per_epoch,
            "features": self.images.kept,
            "step_memory_mb": self.step_memory_mb,
            "images_at_once": self.at_once,
            "compiled": self.step.compiled is not None,
        }
        history = pd.DataFrame(self.history)
        return Trained(history, seconds, settings, self.resumed_after, collapse, self.collapsed)

    def _prepare_steps(self) -> None:
        """Make the optimiser and the step; resume from a checkpoint if there is one."""
        self.network.train()
        self.initial = _copy_of(self.network.trained_state()) if self._may_restart else {}
        batch_size = self.recipe.batch_size
        first_epoch = self._batches(1)
        self.updates_per_epoch = len(first_epoch)
        self.examined = np.concatenate([_spread(np.unique(pool)) for pool in self.pools])
        self.examiner: Examiner | None = None
        if isinstance(self.network, Reconstruction):
            shown = self._on_device(self.examined)
            examined = self.images.images_of(shown), self.images.masks_of(shown)
            self.examiner = Examiner(self.network, *examined)
        compiled = self.compiled
        if compiled is None:
            seen = self.epochs * sum(len(batch) for batch in first_epoch)
            rebuilds = isinstance(self.network, Reconstruction)  # the time of others is not known
            compiled = rebuilds and pays_to_compile(seen, self.data.size)
        self.settings: dict[str, Any] = {
            "precision": self.precision,
            "compiled": compiled,
            "device": self.device.type,
            "threads": torch.get_num_threads(),
        }
        state = self.checkpoints.read(self.settings) if self.checkpoints else None
        if state is not None:
            self.collapsed = state.collapsed
        self.optimiser = make_optimiser(self.network, self.recipe.optimiser, self._factor_on_rates)
        if state is not None:
            self._resume(state)
        self.at_once = (
            state.images_at_once
            if state
            else images_at_once(
                self.network,
                lambda: self._loss_of(first_epoch[0][:1]),
                batch_size,
                self.step_memory_mb,
            )
        )
        self.step = Step(self.network, self.precision, compiled, min(self.at_once, batch_size))

    def _train_epochs(self) -> str:
        """Train all epochs that are left, or half of them if the network is stuck by then.

        Returns how the network has collapsed, or "".
        """
        epochs, done, updates = self.epochs, len(self.history), self.updates_per_epoch
        examined = {math.ceil(epochs * part / EXAMINATIONS) for part in range(1, EXAMINATIONS + 1)}
        halfway = math.ceil(epochs / 2)
        judged = epochs * updates >= LEAST_UPDATES
        self.step.gentle = self.gentle_start > 0
        collapse, stuck = "", False
        with tqdm(
            desc="train",
            unit="update",
            initial=done * updates,
            total=epochs * updates,
            disable=None,
        ) as bar:
            for epoch in range(done + 1, epochs + 1):
                start = time.perf_counter()
                row = self._epoch(epoch)
                if len(self.validation):
                    row["validation_loss"] = self._validation_loss()
                self._keep_best(row)
                if epoch in examined and self.examiner is not None:
                    health = self._examine(self.examiner)
                    row |= health._asdict()
                    collapse = health.collapse if judged else ""
                    stuck = collapse in STUCK and self._may_restart
                self.history.append(row | {"seconds": time.perf_counter() - start})
                bar.update(updates)
                bar.set_postfix(loss=f"{row['loss']:.4g}")
                if epoch in examined:
                    logger.info("epoch %d of %d: loss %.6g", epoch, epochs, row["loss"])
                if epoch == halfway and stuck:
                    break
                if self.checkpoints and epoch % self.checkpoints.every == 0 and epoch < epochs:
                    self.checkpoints.write(self._state(), self.settings)
        if collapse:
            logger.warning(
                "epoch %d of %d: the training has collapsed (%s)",
                *(len(self.history), epochs, MEANING[collapse]),
            )
        return collapse

    @property
    def _may_restart(self) -> bool:
        guarded = isinstance(self.network, Reconstruction)
        return guarded and self.recipe.on_collapse == "restart" and len(self.collapsed) < RESTARTS

    def _restart(self, collapse: str) -> None:
        """Start again from the seed, with other settings."""
        attempt = {
            "learning_rate": self._learning_rate,
            "gentle_start": self.gentle_start,
            "epochs": len(self.history),
            "seconds": math.fsum(row["seconds"] for row in self.history),
            "collapse": collapse,
        }
        self.collapsed.append(attempt)
        logger.warning(
            "the training starts again, with the learning rate %.3g and a gentle start of %d "
            "updates",
            self._learning_rate,
            self.gentle_start,
        )
        self.network.load_trained_state(self.initial)
        self.optimiser = make_optimiser(self.network, self.recipe.optimiser, self._factor_on_rates)
        self.history, self.best = [], {}

    @property
    def _factor_on_rates(self) -> float:
        """The factor on the learning rates of this attempt."""
        return RESTART_FACTOR ** len(self.collapsed) if self.recipe.loss == "mse" else 1.0

    @property
    def _learning_rate(self) -> float:
        """The initial learning rate of this attempt."""
        return self.recipe.optimiser.learning_rate * self._factor_on_rates

    @property
    def gentle_start(self) -> int:
        """Updates of the gentle start of this attempt."""
        own, restarts = self.recipe.gentle_start, len(self.collapsed)
        if self.recipe.loss == "mse" or not restarts:
            return own
        return int(max(own, GENTLE_START) * 2**restarts)

    @property
    def epochs(self) -> int:
        """Epochs of this attempt; a gentle start takes half of its updates at most."""
        least = max(self.recipe.least_updates, 2 * self.gentle_start)
        return max(self.recipe.epochs, math.ceil(least / self.updates_per_epoch))

    def _examine(self, examiner: Examiner) -> Health:
        """Examine the reconstructions of some training images, without a change of the network."""
        self.network.eval()
        parts = self._on_device(self.examined).split(self.at_once)
        with torch.no_grad(), reduced_precision(self.device, self.precision):
            features = [self.images.batch(part, None)[0] for part in parts]
            decoded = [self.network.decode(self.network.encode(each)) for each in features]
        self.network.train()
        return examiner.examine(torch.cat(decoded)[:, :3].float())

    def _batches(self, epoch: int) -> list[np.ndarray]:
        recipe = self.recipe
        share = recipe.anomalous_share
        return list(epoch_batches(*self.pools, recipe.batch_size, self.model.seed, epoch, share))

    def _on_device(self, indices: np.ndarray) -> Tensor:
        return torch.from_numpy(indices).to(self.device)

    def _loss_of(self, batch: np.ndarray) -> Tensor:
        """Loss of some images, computed without compilation."""
        step = Step(self.network, self.precision, compiled=False, batch_size=len(batch))
        return step(*self.images.batch(self._on_device(batch), None))[0]

    def _epoch(self, epoch: int) -> dict[str, float]:
        """Train one epoch; returns the loss and its two parts as means over images."""
        recipe = self.recipe
        rate = learning_rate_factor(recipe.optimiser, epoch, self.epochs)
        for group in self.optimiser.param_groups:
            group["lr"] = group["initial_lr"] * rate
        batches = self._batches(epoch)
        self.network.at_epoch(epoch, self.epochs)
        # All random numbers, here or in a layer, are functions of the seed and the epoch.
        seed = int(np.random.SeedSequence([self.model.seed, epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        order = self._on_device(np.concatenate(batches))
        sums = torch.zeros(len(batches), 2, dtype=torch.float64, device=self.device)
        for number, chosen in enumerate(order.split([len(batch) for batch in batches])):
            update = (epoch - 1) * len(batches) + number + 1
            weight = anomaly_weight(self.gentle_start, update)
            self.optimiser.zero_grad(set_to_none=True)
            for part in chosen.split(self.at_once):
                loss, anomalous = self.step(*self.images.batch(part, generator))
                trained = loss if weight == 1 else loss - (1 - weight) * anomalous
                (trained / (len(chosen) * self.terms)).backward()
                sums[number] += torch.stack([loss.detach(), anomalous.detach()])
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
            "learning_rate": self.optimiser.param_groups[-1]["lr"],
            "loss": float(loss),
            "loss_normal": float(loss - anomalous),
            "loss_anomalous": float(anomalous),
        }

    def _refuse(self, epoch: int, batch: np.ndarray, loss: float) -> None:
        raise TrainingError(
            f"the loss is {loss} in epoch {epoch} at learning rate "
            f"{self.optimiser.param_groups[-1]['lr']:.3g}, on the images "
            f"{', '.join(self.data.source[batch])}; {REMEDY}"
        )

    def _check_weights(self) -> None:
        """Refuse weights that are not finite: no loss is computed after the last update."""
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad and not parameter.isfinite().all():
                raise TrainingError(
                    f"'{name}' holds NaN or infinite values after the last update, at learning "
                    f"rate {self.optimiser.param_groups[-1]['lr']:.3g}; {REMEDY}"
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
            self.best = _copy_of(self.network.trained_state())

    def _state(self) -> State:
        return State(
            epoch=len(self.history),
            history=self.history,
            network=self.network.trained_state(),
            optimiser=optimiser_tensors(self.optimiser),
            best=self.best,
            images_at_once=self.at_once,
            collapsed=self.collapsed,
        )

    def _resume(self, state: State) -> None:
        """Resume from a checkpoint."""
        logger.info("resumed after epoch %d, from a checkpoint", state.epoch)
        self.network.load_trained_state(state.network)
        restore_optimiser(self.optimiser, state.optimiser)
        self.history, self.best = state.history, state.best
        self.resumed_after = state.epoch


def _copy_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _spread(pool: np.ndarray) -> np.ndarray:
    """At most :data:`EXAMINED` elements of a pool, at equal distances."""
    return pool[np.linspace(0, len(pool) - 1, min(EXAMINED, len(pool))).round().astype(int)]
