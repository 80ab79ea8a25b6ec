"""A small file system of its own that a test fills; mounting it needs root."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class SmallDisk:
    """A mounted file system."""

    path: Path

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self) -> None:
        """Writes until not one more byte fits."""
        file = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for size in (65_536, 1):
            with contextlib.suppress(OSError):
                while os.write(file, bytes(size)):
                    pass
        os.close(file)

    def clear(self) -> None:
        self._ballast.unlink()


@contextlib.contextmanager
def small_disk(path: Path, mebibytes: int = 24) -> Iterator[SmallDisk]:
    """Mounts a file system in memory at `path`."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "test", str(path)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this user cannot mount a file system: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
