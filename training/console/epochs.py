"""Epochs as the option counts them: of one member of a network after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from tqdm import tqdm

from training.fitting.loop import Progress
from training.systems.base.system import Model

Report = Callable[["Epoch", float], None]  # after each epoch: which, and its mean loss


@dataclass(frozen=True)
class Epoch:
    """An epoch of a part of a network."""

    step: int  # from 1, of the whole fit
    part: str  # empty where the network is one; else `member 2 of 3`, or `heads`
    number: int  # from 1
    count: int  # of the part


@dataclass(frozen=True)
class Epochs:
    """The epochs of a fit: those of the members, and then those of all heads together."""

    each: int  # of a member
    members: int
    heads: int

    @classmethod
    def of(cls, model: Model) -> "Epochs":
        """Of a fit of the model."""
        each = int(model.hyperparameters.epochs)
        members = len(getattr(model.hyperparameters, "dilations", (None,)))
        return cls(each, members, model.epochs - each * members)

    def __str__(self) -> str:
        members = f" for each of {self.members} members" if self.members > 1 else ""
        heads = f", and {self.heads} for the heads together" if self.heads else ""
        return f"{self.each} epochs{members}{heads}"

    @property
    def all(self) -> int:
        """Steps of the whole fit."""
        return self.each * self.members + self.heads

    def at(self, step: int) -> Epoch:
        """The epoch that is the step (from 1) of the whole fit."""
        member, before = divmod(step - 1, self.each)
        if member >= self.members:
            return Epoch(step, "heads", step - self.each * self.members, self.heads)
        several = self.members > 1 or self.heads
        part = f"member {member + 1} of {self.members}" if several else ""
        return Epoch(step, part, before + 1, self.each)


def reporting(epochs: Epochs, *reports: Report) -> Progress:
    """What a fit calls after each of its steps."""

    def report(step: int, loss: float) -> None:
        for each in reports:
            each(epochs.at(step), loss)

    return report


def resumption(name: str, epochs: Epochs) -> Report:
    """Prints after its first epoch where a fit was resumed."""
    first = [True]

    def report(epoch: Epoch, _loss: float) -> None:
        if first.pop(0) and epoch.step > 1:
            tqdm.write(f"{name}: continued after epoch {epoch.step - 1} of {epochs.all}")
        first.append(False)

    return report


def on_bar(bar: "tqdm[NoReturn]", name: str) -> Report:
    """Moves a bar, which begins anew with each part of the network."""

    def report(epoch: Epoch, loss: float) -> None:
        bar.total = epoch.count
        bar.set_description(" ".join(filter(None, (name, epoch.part))), refresh=False)
        bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        bar.n = epoch.number
        bar.refresh()

    return report
