"""Atomic replacement of a text file."""

import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

SECONDS_BETWEEN_TRIES = 1.0

_log = logging.getLogger("server.atomic_write")


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that a concurrent reader gets either the old or the new content.

    Raises:
        OSError: the file is as it was.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def write_when_possible(path: Path, text: str) -> None:
    """Writes a file atomically; if that fails, logs it and tries again on a thread."""
    try:
        write_atomically(path, text)
    except OSError as error:
        _log.error("%s cannot be written and is tried again: %s", path, error)
        with suppress(RuntimeError):  # no thread can be started either
            threading.Thread(target=_write_later, args=(path, text), daemon=True).start()


def _write_later(path: Path, text: str) -> None:
    while True:
        time.sleep(SECONDS_BETWEEN_TRIES)
        with suppress(OSError):
            write_atomically(path, text)
            _log.info("%s is written", path)
            return
