"""Checkpoints of fits, and the conditions under which a fit may continue from one."""

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.arrays import Float32
from training.errors import UserError
from training.storage.atomic_write import atomic_write


class CheckpointError(UserError):
    """A checkpoint that this run cannot use; the message gives the reason."""


@dataclass(frozen=True)
class Identity:
    """Everything that determines the result of a fit."""

    network: str
    examples: str  # digest
    code: str  # digest
    settings: Mapping[str, Any]

    def check(self, state: Mapping[str, Any]) -> None:
        """Compares this fit with that of a checkpoint.

        Raises:
            CheckpointError: they differ; the message names the differences.
        """
        there, here = state["identity"], asdict(self)
        if (there["network"], there["examples"]) != (here["network"], here["examples"]):
            raise CheckpointError(
                f"the checkpoint is of {there['network']}, or of other recordings or augmentations"
            )
        differences = [
            f"{key}: {there['settings'].get(key)} there, {value} here"
            for key, value in here["settings"].items()
            if there["settings"].get(key) != value
        ]
        if differences:
            raise CheckpointError(
                f"the checkpoint has other settings; {', '.join(differences)}; "
                "a fit without --resume begins anew"
            )
        if there["code"] != here["code"]:
            raise CheckpointError("the checkpoint was written by another version of this program")


@dataclass(frozen=True)
class Checkpoint:
    """The file of a fit; at every moment it holds the last whole epoch."""

    path: Path
    identity: Identity
    resume: bool = False

    def resumed(self) -> list[dict[str, Any]]:
        """The state of each objective that was begun; none where the fit begins anew.

        Raises:
            CheckpointError: the file cannot be read, or is of another fit.
        """
        if not (self.resume and self.path.exists()):
            return []
        fits: list[dict[str, Any]] = self._read()["fits"]
        return fits

    def write(self, fits: list[dict[str, Any]], **more: Any) -> None:
        """Writes the state of each objective that was begun, and the identity, atomically."""
        with atomic_write(self.path) as part:
            # As a path: given a file object, PyTorch turns Ctrl-C into an error of its own.
            torch.save({"identity": asdict(self.identity), "fits": fits, **more}, part)

    def finish(self, network: nn.Module, losses: Float32) -> None:
        """Adds the network that the fitted objectives make up."""
        self.write(self._read()["fits"], module=network.state_dict(), losses=losses.tolist())

    def load(self, network: nn.Module, epochs: int) -> Float32:
        """Gives the network the weights of a finished fit; returns the loss of each epoch.

        Raises:
            CheckpointError: there is no file, it is of another fit, or the fit was stopped.
        """
        state = self._read()
        if "module" not in state:
            done = sum(len(fit["losses"]) for fit in state["fits"])
            raise CheckpointError(
                f"{self.path}: stopped after {done} of {epochs} epochs; "
                "continue with: python -m training fit --resume"
            )
        network.load_state_dict(state["module"])
        network.eval()
        return np.array(state["losses"], np.float32)

    def _read(self) -> dict[str, Any]:
        path = self.path
        if not path.exists():
            raise CheckpointError(
                f"{path}: no such checkpoint; make one with: python -m training fit"
            )
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
            reason = str(error).partition("\n")[0]
            raise CheckpointError(f"{path}: not a checkpoint: {reason}") from error
        if "identity" not in state:
            raise CheckpointError(
                f"{path}: not a checkpoint: written by an earlier version of this program"
            )
        self.identity.check(state)
        return state
