"""Atomic writes: a file appears completely or not at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields the path of a temporary file, which replaces `path` if nothing was raised.

    After an interruption at any moment `path` is the old file or the new one. Several processes may
    write the same file at once: each has its own temporary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file atomically."""
    with atomic_write(path) as part:
        part.write_bytes(content)


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Writes a .npy file atomically."""
    with atomic_write(path) as part, part.open("wb") as file:
        np.save(file, array)
