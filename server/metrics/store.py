"""Metrics in memory-mapped files, which outlive the process that counts.

Each process has a store of its own and holds a lock on its file. When the process ends, the lock
ends too, even after a crash: the next process to start takes over the store with its counts. So
there are never more stores than concurrent processes, and no count ever decreases.
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
from errno import ENOSPC
from pathlib import Path
from typing import IO, TypeAlias

VALUE_BYTES = 8  # of a float64, which a processor writes atomically
MAXIMUM_VALUES = 16_384  # of a store: a request's series has 15, a network about 50

_log = logging.getLogger("server.metrics")

Values: TypeAlias = "memoryview[float]"  # of float64


@dataclass(frozen=True)
class Key:
    """Identifies a series: the name of its family and the values of its labels."""

    family: str
    labels: tuple[str, ...]


class MetricStore:
    """The series of one process; only the event loop's thread may write to them."""

    def __init__(self, keys: IO[bytes], values: mmap.mmap) -> None:
        self._keys = keys
        self._values = memoryview(values).cast("d")
        self._series: dict[tuple[Key, int], Values] = {}
        self._used = 0
        lines = _whole_lines(keys)
        keys.truncate(len(lines))
        for key, width in _parse_keys(lines):
            self._append(key, width)

    @classmethod
    def acquire(cls, folder: Path) -> "MetricStore":
        """Locks the first store in `folder` that no other process has locked, or a new one."""
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in itertools.count():
            # The lock lasts while this file is open: until the process ends.
            keys = (folder / f"{number}.keys").open("a+b", buffering=0)
            try:
                fcntl.flock(keys, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                keys.close()
                continue
            with (folder / f"{number}.values").open("a+b") as values:
                # Allocated now: writing to a mapping ends the process if the disk is full.
                os.posix_fallocate(values.fileno(), 0, MAXIMUM_VALUES * VALUE_BYTES)
                return cls(keys, mmap.mmap(values.fileno(), 0))
        raise AssertionError("there is no last number")

    @classmethod
    def in_memory(cls) -> "MetricStore":
        """A store without files, for an application outside a running server."""
        return cls(io.BytesIO(), mmap.mmap(-1, MAXIMUM_VALUES * VALUE_BYTES))

    def close(self) -> None:
        """Releases the lock, so that another process can acquire the store."""
        self._keys.close()

    def series(self, key: Key, width: int) -> Values:
        """The `width` numbers of a series; zeros if it is new.

        If the store is full, it logs an error and returns numbers that are not kept: a metric must
        not fail a request.
        """
        found = self._series.get((key, width))
        if found is not None:
            return found
        if self._used + width > MAXIMUM_VALUES:
            return _unkept(key, width, f"a store has {MAXIMUM_VALUES} numbers")
        try:
            self._write_key(json.dumps([key.family, key.labels, width]).encode() + b"\n")
        except OSError as error:
            return _unkept(key, width, error)
        return self._append(key, width)

    def _write_key(self, line: bytes) -> None:
        end = self._keys.seek(0, os.SEEK_END)
        if self._keys.write(line) < len(line):  # a full disk takes a part
            self._keys.truncate(end)
            raise OSError(ENOSPC, os.strerror(ENOSPC))

    def _append(self, key: Key, width: int) -> Values:
        first, self._used = self._used, self._used + width
        values = self._values[first : self._used]
        self._series[key, width] = values
        return values

    def read(self) -> dict[Key, list[float]]:
        """All series of this store."""
        return {key: list(values) for (key, _), values in self._series.items()}


def _unkept(key: Key, width: int, reason: object) -> Values:
    _log.error("the metric %s is not kept: %s", key, reason)
    return memoryview(bytearray(width * VALUE_BYTES)).cast("d")


def read_sums(folder: Path) -> dict[Key, list[float]]:
    """The sums over all stores in the folder, of living and of dead processes."""
    return _add(_read_store(path) for path in sorted(folder.glob("*.keys")))


def _add(stores: Iterable[Mapping[Key, list[float]]]) -> dict[Key, list[float]]:
    """Adds series with the same key, number by number."""
    parts: dict[Key, list[list[float]]] = defaultdict(list)
    for store in stores:
        for key, values in store.items():
            parts[key].append(values)
    return {key: [sum(c) for c in zip(*rows, strict=False)] for key, rows in parts.items()}


def _read_store(path: Path) -> dict[Key, list[float]]:
    found: dict[Key, list[float]] = {}
    first = 0
    try:
        with path.open("rb") as keys, path.with_suffix(".values").open("rb") as file:
            series = _parse_keys(_whole_lines(keys))
            # Mapped instead of read, so that no number is seen half written.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, ValueError):  # its process has not created it yet
        return {}
    with mapped, memoryview(mapped) as octets, octets.cast("d") as values:
        for key, width in series:
            found[key] = list(values[first : first + width])
            first += width
    return found


def _whole_lines(file: IO[bytes]) -> bytes:
    """The content without an incomplete last line, which a process writes or left when killed."""
    file.seek(0)
    content = file.read()
    return content[: content.rfind(b"\n") + 1]


def _parse_keys(lines: bytes) -> list[tuple[Key, int]]:
    entries = map(json.loads, lines.splitlines())
    return [(Key(name, tuple(labels)), width) for name, labels, width in entries]
