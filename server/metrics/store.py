"""Counts that outlive the process that counts: each process has a page, a file mapped into memory.

A page is held by one living process at a time, which a lock on its file tells. When that process
ends, however it ends, the next one to start takes the page over and counts on from what it finds.
So there are never more pages than processes at one time, and no count ever falls.
"""

import fcntl
import io
import itertools
import json
import logging
import mmap
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

VALUE_BYTES = 8  # of a float64, which a processor writes whole or not at all
MOST_VALUES = 16_384  # of a page: a request's series has 15, a network has about 50

_log = logging.getLogger("server.metrics")

Values: TypeAlias = "memoryview[float]"  # of float64


@dataclass(frozen=True)
class Key:
    """Which series of numbers: the name of its family and the values of its labels."""

    family: str
    labels: tuple[str, ...]


class Page:
    """The series of one process. All of them are counted in the thread that runs the event loop."""

    def __init__(self, keys: IO[bytes], values: mmap.mmap) -> None:
        self._keys = keys
        self._values = memoryview(values).cast("d")
        self._series: dict[tuple[Key, int], Values] = {}
        self._used = 0
        lines = _whole_lines(keys)
        keys.truncate(len(lines))
        for key, width in _parse_keys(lines):
            self._place(key, width)

    @classmethod
    def take(cls, folder: Path) -> "Page":
        """Takes the first page in `folder` that no living process holds, or begins a new one."""
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in itertools.count():
            # It stays open as long as the process lives: with it ends the lock.
            keys = (folder / f"{number}.keys").open("a+b", buffering=0)
            try:
                fcntl.flock(keys, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                keys.close()
                continue
            with (folder / f"{number}.values").open("a+b") as values:
                # Given now: memory that a full disk cannot give later would end the process.
                os.posix_fallocate(values.fileno(), 0, MOST_VALUES * VALUE_BYTES)
                return cls(keys, mmap.mmap(values.fileno(), 0))
        raise AssertionError("there is no last number")

    @classmethod
    def in_memory(cls) -> "Page":
        """A page that ends with its process, for an application that is no part of a server."""
        return cls(io.BytesIO(), mmap.mmap(-1, MOST_VALUES * VALUE_BYTES))

    def close(self) -> None:
        """Leaves the page to another process, as the end of this one does."""
        self._keys.close()

    def series(self, key: Key, width: int) -> Values:
        """The `width` numbers of a series: as they were left, or zeros.

        Where there is no place for more of them the log says so, and they are counted for nobody: a
        metric must not cost an answer.
        """
        found = self._series.get((key, width))
        if found is not None:
            return found
        if self._used + width > MOST_VALUES:
            return _unkept(key, width, f"a page has {MOST_VALUES} numbers")
        try:
            self._keys.write(json.dumps([key.family, key.labels, width]).encode() + b"\n")
        except OSError as error:
            return _unkept(key, width, error)
        return self._place(key, width)

    def _place(self, key: Key, width: int) -> Values:
        first, self._used = self._used, self._used + width
        values = self._values[first : self._used]
        self._series[key, width] = values
        return values

    def read(self) -> dict[Key, list[float]]:
        """What stands on this page."""
        return {key: list(values) for (key, _), values in self._series.items()}


def _unkept(key: Key, width: int, reason: object) -> Values:
    _log.error("the metric %s is not kept: %s", key, reason)
    return memoryview(bytearray(width * VALUE_BYTES)).cast("d")


def read_pages(folder: Path) -> dict[Key, list[float]]:
    """The sums over all pages in the folder, of living and of dead processes."""
    return add_up(_read_page(path) for path in sorted(folder.glob("*.keys")))


def add_up(pages: Iterable[Mapping[Key, list[float]]]) -> dict[Key, list[float]]:
    """Adds series with the same key, number by number."""
    sums: dict[Key, list[list[float]]] = defaultdict(list)
    for page in pages:
        for key, values in page.items():
            sums[key].append(values)
    return {key: [sum(column) for column in zip(*rows, strict=False)] for key, rows in sums.items()}


def _read_page(path: Path) -> dict[Key, list[float]]:
    found: dict[Key, list[float]] = {}
    first = 0
    try:
        with path.open("rb") as keys, path.with_suffix(".values").open("rb") as file:
            series = _parse_keys(_whole_lines(keys))
            # Mapped and not read, so that no number is seen half written.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, ValueError):  # its process is about to make it
        return {}
    with mapped, memoryview(mapped) as octets, octets.cast("d") as values:
        for key, width in series:
            found[key] = list(values[first : first + width])
            first += width
    return found


def _whole_lines(file: IO[bytes]) -> bytes:
    """Without a line that is being written, or was when its process was killed."""
    file.seek(0)
    content = file.read()
    return content[: content.rfind(b"\n") + 1]


def _parse_keys(lines: bytes) -> list[tuple[Key, int]]:
    entries = map(json.loads, lines.splitlines())
    return [(Key(name, tuple(labels)), width) for name, labels, width in entries]
