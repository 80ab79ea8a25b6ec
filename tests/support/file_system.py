"""A small file system of its own, mounted by root."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.missing import missing


@contextmanager
def small_file_system(folder: Path, size: int) -> Iterator[Path]:
    """Mounts a file system in memory with `size` bytes at `folder`; unmounts it at the end."""
    folder.mkdir()
    options = f"size={size},mode=700"
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode:
        missing(f"A file system cannot be mounted: {mount.stderr.strip()}. Run the tests as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
