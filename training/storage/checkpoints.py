"""Checkpoints of fits, and the conditions under which a fit may continue from one."""

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from training.storage.atomic_write import atomic_write


class CheckpointError(ValueError):
    """A checkpoint that this run cannot use; the message says why."""


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


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads what `write_checkpoint` wrote.

    Raises:
        CheckpointError: the file does not exist or is not a checkpoint.
    """
    if not path.exists():
        raise CheckpointError(f"{path}: no such checkpoint; make one with: python -m training fit")
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path}: not a checkpoint: {reason}") from error
    if "identity" not in state:
        raise CheckpointError(
            f"{path}: not a checkpoint: written by an earlier version of this program"
        )
    return state


def write_checkpoint(path: Path, identity: Identity, state: Mapping[str, Any]) -> None:
    """Writes the state and the identity of a fit atomically."""
    with atomic_write(path) as part:
        # As a path: given a file object, PyTorch turns Ctrl-C into an error of its own.
        torch.save({"identity": asdict(identity), **state}, part)
