"""A small file system of its own that a test fills; mounted by root."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.missing import missing


@dataclass(frozen=True)
class SmallDisk:
    """A folder on a small file system."""

    path: Path

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self) -> None:
        """Writes until not one more byte fits."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (65_536, 1):
                _fill(file.fileno(), bytes(size))

    def clear(self) -> None:
        self._ballast.unlink(missing_ok=True)


def _fill(file: int, block: bytes) -> None:
    while True:
        try:
            os.write(file, block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return


@contextmanager
def small_disk(path: Path, mebibytes: int = 24) -> Iterator[SmallDisk]:
    """Mounts a file system in memory at `path`, which must not exist; unmounts it at the end."""
    path.mkdir()
    options = f"size={mebibytes}m,mode=700"
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode:
        missing(f"A file system cannot be mounted: {mount.stderr.strip()}. Run the tests as root")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
