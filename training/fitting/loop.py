"""The training loop: every network of every system is fitted by it.

A fit is a sequence of objectives, one for each member of an ensemble. An objective is a network,
its batches in an epoch, and the loss of a batch. The loop does the rest: optimiser,
learning rate, class weights, label smoothing, mixup, gradient clipping, the moving average of the
weights, and a checkpoint after each epoch from which the fit continues bit for bit.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.errors import UserError
from training.examples import Examples
from training.fitting.targets import Targets, cross_entropy
from training.storage.checkpoints import Checkpoint

WARM_UP_STEPS = 50  # of the cosine schedule

Inputs = tuple[Tensor, ...]  # of a network: (n, ...) each
Progress = Callable[[int, float], None]  # after each epoch: its number, from 1, and its mean loss
Optimiser = Literal["adam", "adamw", "rmsprop", "sgd"]
OPTIMISERS: Mapping[Optimiser, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


class FitError(UserError):
    """A fit whose loss is not finite; the message names the epoch."""


@dataclass(frozen=True)
class Optimisation:
    """How the loop fits one network; the defaults switch off all that is optional."""

    epochs: int
    batch_size: int
    learning_rate: float  # the highest of the schedule
    optimiser: Optimiser = "adamw"
    schedule: Literal["constant", "cosine", "one cycle"] = "constant"
    warm_up: float = 0.0  # share of the steps of one cycle
    weight_decay: float = 0.0
    decay_vectors: bool = True  # False: weight decay on matrices and kernels alone
    gradient_norm: float | None = None  # gradients are scaled down to this norm
    average_decay: float | None = None  # of the moving average of the weights, per step
    class_weights: bool = False  # every emotion of a corpus has the same total weight
    label_smoothing: float = 0.0  # share of the target that is spread over the corpus's emotions
    mixup: float = 0.0  # both parameters of the Beta distribution; 0 mixes nothing
    mixup_of: Literal["clips", "batches"] = "clips"  # draws one share for each of these
    mixup_share: float = 1.0  # of the batches that are mixed, if a share is drawn for each batch
    accelerator: bool = False  # whether to use a GPU where there is one

    @classmethod
    def of(cls, hyperparameters: Any, **others: Any) -> "Optimisation":
        """From the fields of the same names of a system's hyperparameters, and from others."""
        names = {field.name for field in fields(cls)} & {f.name for f in fields(hyperparameters)}
        return cls(**{name: getattr(hyperparameters, name) for name in names}, **others)

    @property
    def device(self) -> torch.device:
        """Where the network is fitted."""
        return torch.device("cuda" if self.accelerator and torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Batch:
    """The inputs of one step: n utterances."""

    rows: Tensor  # (n,), indices of the utterances
    inputs: Inputs

    def to(self, device: torch.device) -> "Batch":
        """The same, with the inputs on a device."""
        return Batch(self.rows, tuple(part.to(device) for part in self.inputs))


class Objective(ABC):
    """The network, batches and loss of one fit."""

    def __init__(
        self,
        network: nn.Module,
        examples: Examples,
        optimisation: Optimisation,
        random: np.random.Generator | None = None,  # that `batches` draws from
    ) -> None:
        self.network, self.optimisation = network, optimisation
        self.targets = Targets.of(
            examples, smoothing=optimisation.label_smoothing, balanced=optimisation.class_weights
        )
        self.random = random or np.random.default_rng(0)
        self.auxiliary: nn.Module = nn.ModuleList()  # fitted beside the network, and not kept

    @abstractmethod
    def batches(self) -> Iterator[Batch]:
        """The batches of one epoch."""

    def mixed(self, inputs: Inputs, other: Tensor, share: Tensor | float) -> Inputs:
        """`share` of each row, and the rest of row `other` (n,)."""
        return tuple(share * part + (1 - share) * part[other] for part in inputs)

    def loss(self, batch: Batch, targets: Targets, share: float) -> Tensor:  # noqa: ARG002
        """The loss of a batch.

        Args:
            batch: its inputs are mixed already.
            targets: of its n rows, mixed as the inputs are.
            share: of the batch's own rows in the mixture.
        """
        return cross_entropy(self.network(*batch.inputs), targets)


@dataclass(frozen=True)
class FittedModule:
    """The result of one objective."""

    network: nn.Module  # in evaluation mode, on the CPU; averaged weights where they are averaged
    losses: list[float]  # the mean loss of each epoch


def fit_all(
    objectives: Iterable[Objective], progress: Progress, checkpoint: Checkpoint | None = None
) -> list[FittedModule]:
    """Fits one objective after the other; epochs are counted over all of them.

    Args:
        objectives: made one by one, so that each may seed the random numbers when it is made.
        progress: called after each epoch.
        checkpoint: rewritten after each epoch, and read first where it is to be resumed.

    Raises:
        FitError: a loss is not finite.
        CheckpointError: the checkpoint cannot be resumed, or is of another fit.
    """
    torch.set_num_threads(1)  # such small networks gain nothing, and sums keep their order
    saved = checkpoint.resumed() if checkpoint else []
    finished: list[dict[str, Any]] = []
    fitted: list[FittedModule] = []
    epochs = 0  # of the objectives before
    for index, objective in enumerate(objectives):
        fit = Fit(objective)
        if index < len(saved):
            fit.load(saved[index])
        for loss in fit.remaining_epochs():
            if checkpoint:
                checkpoint.write([*finished, fit.state()])
            progress(epochs + fit.epoch, loss)
        epochs += fit.epoch
        finished.append(fit.finished_state())
        fitted.append(fit.result())
    return fitted


class Fit:
    """The fit of one objective in progress: everything that its next epoch depends on."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.optimisation = objective, objective.optimisation
        self.device = self.optimisation.device
        self.network = objective.network.to(self.device)
        self.auxiliary = objective.auxiliary.to(self.device)
        self.targets = objective.targets.to(self.device)
        self.average = _average(self.network, self.optimisation)
        self.optimiser = _optimiser([self.network, self.auxiliary], self.optimisation)
        steps = math.ceil(len(self.targets.shares) / self.optimisation.batch_size)
        self.schedule = _schedule(
            self.optimiser, self.optimisation.epochs * steps, self.optimisation
        )
        self.losses: list[float] = []

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.losses)

    def remaining_epochs(self) -> Iterator[float]:
        """Runs them one by one; gives the mean loss of each."""
        self.network.train()
        while self.epoch < self.optimisation.epochs:
            loss = float(np.mean([self._step(batch) for batch in self.objective.batches()]))
            self.losses.append(loss)
            if not math.isfinite(loss):
                raise FitError(
                    f"the loss of epoch {self.epoch} is {loss}; try a lower learning_rate"
                )
            yield loss

    def _step(self, batch: Batch) -> float:
        batch = batch.to(self.device)
        targets = self.targets.of_rows(batch.rows)
        mixed, targets, share = self._mixed(batch.inputs, targets)
        loss = self.objective.loss(Batch(batch.rows, mixed), targets, share)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.optimisation.gradient_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.optimisation.gradient_norm)
        self.optimiser.step()
        self.schedule.step()
        if self.average:
            self.average.update_parameters(self.network)
        return loss.item()

    def _mixed(self, inputs: Inputs, targets: Targets) -> tuple[Inputs, Targets, float]:
        """Mixup (Zhang et al. 2018, arXiv:1710.09412): each clip with another of the batch.

        Where a batch has one share, it is the larger part, so that the clip's own row still names
        its auxiliary labels; it is returned as the last value.
        """
        share: Tensor | float
        alpha, own, rows = self.optimisation.mixup, 1.0, len(inputs[0])
        if not alpha:
            return inputs, targets, own
        if self.optimisation.mixup_of == "clips":
            share = torch.distributions.Beta(alpha, alpha).sample((rows, 1)).to(self.device)
        else:
            random = self.objective.random
            if random.random() >= self.optimisation.mixup_share:
                return inputs, targets, own
            drawn = float(random.beta(alpha, alpha))
            share = own = max(drawn, 1 - drawn)
        other = torch.randperm(rows).to(self.device)
        return self.objective.mixed(inputs, other, share), targets.mixed(other, share), own

    def state(self) -> dict[str, Any]:
        """All that `load` needs to continue bit for bit."""
        return {
            **self.finished_state(),
            "network": self.network.state_dict(),
            "auxiliary": self.auxiliary.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "torch": torch.get_rng_state(),
            "random": json.dumps(self.objective.random.bit_generator.state),
        }

    def finished_state(self) -> dict[str, Any]:
        """All that is needed once every epoch is done."""
        average = {"average": self.average.state_dict()} if self.average else {}
        return {"losses": self.losses, "network": self.network.state_dict(), **average}

    def load(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, finished or not."""
        self.losses = list(state["losses"])
        self.network.load_state_dict(state["network"])
        if self.average:
            self.average.load_state_dict(state["average"])
        if "optimiser" in state:
            self.auxiliary.load_state_dict(state["auxiliary"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            torch.set_rng_state(state["torch"])
            self.objective.random.bit_generator.state = json.loads(state["random"])

    def result(self) -> FittedModule:
        """The network as it stands now."""
        network: nn.Module = self.average.module if self.average else self.network
        return FittedModule(network.cpu().eval(), self.losses)


def _average(network: nn.Module, optimisation: Optimisation) -> AveragedModel | None:
    """The exponential moving average of weights and statistics."""
    if optimisation.average_decay is None:
        return None
    average = get_ema_multi_avg_fn(optimisation.average_decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


def _optimiser(modules: Iterable[nn.Module], optimisation: Optimisation) -> torch.optim.Optimizer:
    parameters = [parameter for module in modules for parameter in module.parameters()]
    decayed = [p for p in parameters if optimisation.decay_vectors or p.ndim > 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": optimisation.weight_decay},
    ]
    if not optimisation.decay_vectors:
        groups.append({"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0})
    make: Any = OPTIMISERS[optimisation.optimiser]
    optimiser: torch.optim.Optimizer = make(groups, lr=optimisation.learning_rate)
    return optimiser


def _schedule(
    optimiser: torch.optim.Optimizer, steps: int, optimisation: Optimisation
) -> LRScheduler:
    """The learning rate of each of `steps` steps."""
    if optimisation.schedule == "one cycle":  # up and down as half a cosine each
        rate, warm_up = optimisation.learning_rate, optimisation.warm_up
        return OneCycleLR(optimiser, rate, steps, pct_start=warm_up, cycle_momentum=False)

    def cosine(step: int) -> float:
        warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
        return warm_up * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))

    return LambdaLR(optimiser, cosine if optimisation.schedule == "cosine" else lambda _: 1.0)
