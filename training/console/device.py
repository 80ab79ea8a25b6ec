"""The processor that networks for frames are fitted on."""

import contextlib
import os
from collections.abc import Iterator

import torch

from training.errors import UserError

DEVICES = ("auto", "cpu", "cuda")
VISIBLE = "CUDA_VISIBLE_DEVICES"  # empty: no process that starts from now on sees a GPU


class DeviceError(UserError):
    """A device that there is not; the message names it."""


@contextlib.contextmanager
def fitting_on(name: str) -> Iterator[str]:
    """Lets fits in this process and in those that it starts use a GPU, or not.

    Args:
        name: one of `DEVICES`; `auto` is `cuda` where there is a GPU, else `cpu`.

    Yields:
        What to tell the user.

    Raises:
        DeviceError: the name is unknown, or there is no GPU for `cuda`.
    """
    if name not in DEVICES:
        raise DeviceError(f"device {name!r}; expected {', '.join(DEVICES)}")
    before = os.environ.get(VISIBLE)
    try:
        if name == "cpu":
            os.environ[VISIBLE] = ""
        yield _text(name)
    finally:
        os.environ.pop(VISIBLE, None)
        if before is not None:
            os.environ[VISIBLE] = before


def _text(name: str) -> str:
    if name != "cpu" and torch.cuda.is_available():
        gpu = torch.cuda.get_device_name()
        return f"device: cuda ({gpu}) for networks that take frames, cpu for the others"
    if name == "cuda":
        raise DeviceError("device 'cuda': PyTorch finds no GPU; expected auto or cpu here")
    return "device: cpu"
