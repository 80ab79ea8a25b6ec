"""Files that are written whole or not at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives the path of a part to write; it takes the name `path` where nothing was raised.

    A stop at any moment, Ctrl-C too, leaves the old file or the new one, and no part. Several
    processes may write the same file at once: each has a part of its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
