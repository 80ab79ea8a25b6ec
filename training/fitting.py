"""Fits one network to examples, and can be stopped and continued at any epoch.

The recipe of the fit: AdamW with a cosine learning rate, label smoothing, noise on the vectors,
mixup (Zhang et al. 2018, arXiv:1710.09412), and an exponential moving average of the weights, which
is what is kept.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.arrays import Float32
from training.examples import Examples
from training.features.mfcc import pool
from training.features.standardisation import Standardisation
from training.networks import NETWORKS
from training.settings import TrainingSettings
from training.storage.checkpoints import (
    CheckpointError,
    Identity,
    read_checkpoint,
    write_checkpoint,
)
from training.storage.code_digest import code_digest

WARM_UP_STEPS = 50
CODE = ("training.fitting", "training.networks", "training.features.standardisation")


class FitError(ValueError):
    """A fit that came to nothing; the message says why."""


Progress = Callable[[int, float], None]  # called after each epoch with its number and its loss


@dataclass(frozen=True)
class Fitted:
    """A network with the standardisation that it was fitted under."""

    network: str
    labels: tuple[str, ...]
    standardisation: Standardisation
    module: nn.Module  # standardised vectors (N, 25) to logits (N, L); in evaluation mode
    losses: Float32  # (epochs,)

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Frames of N clips, float32 (T, 25) each, to logits float32 (N, L)."""
        return self.logits_of_vectors(np.stack([pool(frames) for frames in clips]))

    def logits_of_vectors(self, vectors: Float32) -> Float32:
        """Vectors float32 (N, 25), not standardised, to logits float32 (N, L)."""
        with torch.inference_mode():
            standardised = torch.from_numpy(self.standardisation.apply(vectors))
            logits: Float32 = self.module(standardised).numpy()
        return logits


class Fit:
    """A fit in progress: everything that the next epoch depends on."""

    def __init__(self, network: str, examples: Examples, settings: TrainingSettings) -> None:
        torch.set_num_threads(1)  # such small networks gain nothing, and sums keep their order
        torch.manual_seed(settings.seed)
        self.network, self.settings, self.labels = network, settings, examples.labels
        self.standardisation = Standardisation.fit(examples.vectors)
        vectors = self.standardisation.apply(examples.vectors)
        self._vectors = torch.from_numpy(vectors)  # (N, variants, 25)
        self._targets = _smooth(examples, settings.label_smoothing)  # (N, L)
        self._weights = _class_weights(examples)  # (N,)
        self.module = NETWORKS[network](len(examples.labels), settings.dropout)
        average = get_ema_multi_avg_fn(settings.average_decay)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.module, multi_avg_fn=average)
        self.optimiser = torch.optim.AdamW(
            self.module.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        steps_per_epoch = math.ceil(len(examples.targets) / settings.batch_size)
        self._steps = settings.epochs * steps_per_epoch
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate)
        self.losses: list[float] = []  # the mean loss of each epoch done
        self.identity = identity(network, examples, settings)

    def _rate(self, step: int) -> float:
        warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
        return warm_up * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self._steps)))

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.losses)

    @property
    def done(self) -> bool:
        """Whether every epoch has been run."""
        return self.epoch >= self.settings.epochs

    def run_epoch(self) -> float:
        """Sees every utterance once, in one of its variants; gives the mean loss."""
        self.module.train()
        loss = float(np.mean([self._step(batch) for batch in self._batches()]))
        self.losses.append(loss)
        if not math.isfinite(loss):
            raise FitError(f"the loss of epoch {self.epoch} is {loss}; try a lower learning rate")
        return loss

    def _batches(self) -> tuple[Tensor, ...]:
        return torch.split(torch.randperm(len(self._targets)), self.settings.batch_size)

    def _step(self, batch: Tensor) -> float:
        variants = torch.randint(self._vectors.shape[1], (len(batch),))
        vectors, targets = self._vectors[batch, variants], self._targets[batch]
        vectors = vectors + self.settings.noise * torch.randn_like(vectors)
        vectors, targets = self._mixed(vectors, targets * self._weights[batch, None])
        log_probabilities = functional.log_softmax(self.module(vectors), dim=1)
        loss = -(targets * log_probabilities).sum(dim=1).mean()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.module)
        return loss.item()

    def _mixed(self, vectors: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mixup: convex combinations of pairs of examples, and of their targets."""
        if not self.settings.mixup:
            return vectors, targets
        alpha = torch.full((len(vectors), 1), self.settings.mixup)
        share = torch.distributions.Beta(alpha, alpha).sample()
        other = torch.randperm(len(vectors))
        return share * vectors + (1 - share) * vectors[other], (
            share * targets + (1 - share) * targets[other]
        )

    def state(self) -> dict[str, Any]:
        """All that `load` needs to continue bit for bit."""
        return {
            "losses": self.losses,
            "module": self.module.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continues from `state`.

        Raises:
            CheckpointError: it is of another network, other settings or other recordings.
        """
        self.identity.check(state)
        self.module.load_state_dict(state["module"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.losses = list(state["losses"])
        torch.set_rng_state(state["random"])

    def result(self) -> Fitted:
        """The averaged weights as they stand now."""
        module = self.average.module.eval()
        losses = np.array(self.losses, np.float32)
        return Fitted(self.network, self.labels, self.standardisation, module, losses)


def identity(network: str, examples: Examples, settings: TrainingSettings) -> Identity:
    """All that a fit depends on."""
    return Identity(network, examples.digest(), code_digest(CODE), settings.of_the_fit())


def fit(
    network: str,
    examples: Examples,
    settings: TrainingSettings,
    checkpoint: Path | None = None,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> Fitted:
    """Fits `network`; with `checkpoint`, that file holds the last whole epoch at every moment.

    With `resume` it continues from the checkpoint, where there is one.

    Raises:
        CheckpointError: `resume`, and the checkpoint is of another run.
    """
    run = Fit(network, examples, settings)
    if resume and checkpoint and checkpoint.exists():
        run.load(read_checkpoint(checkpoint))
    while not run.done:
        loss = run.run_epoch()
        if checkpoint:
            write_checkpoint(checkpoint, run.identity, run.state())
        if progress:
            progress(run.epoch, loss)
    return run.result()


def load_fitted(
    network: str, examples: Examples, settings: TrainingSettings, checkpoint: Path
) -> Fitted:
    """What a finished `fit` on the same examples and settings left in `checkpoint`.

    Raises:
        CheckpointError: there is none, it is of another run, or it was stopped before its end.
    """
    run = Fit(network, examples, settings)
    run.load(read_checkpoint(checkpoint))
    if not run.done:
        raise CheckpointError(
            f"{checkpoint}: stopped after {run.epoch} of {settings.epochs} epochs; "
            "continue with: python -m training fit --resume"
        )
    return run.result()


def _smooth(examples: Examples, smoothing: float) -> Tensor:
    """One-hot targets (N, L) with `smoothing` of the mass spread evenly."""
    labels = len(examples.labels)
    one_hot = functional.one_hot(torch.from_numpy(examples.targets), labels)
    return (1 - smoothing) * one_hot.float() + smoothing / labels


def _class_weights(examples: Examples) -> Tensor:
    """A weight (N,) for each utterance, so that every emotion counts alike, as in the recall."""
    counts = np.bincount(examples.targets, minlength=len(examples.labels))
    weights = len(examples.targets) / np.count_nonzero(counts) / np.maximum(counts, 1)
    return torch.from_numpy(weights[examples.targets].astype(np.float32))
