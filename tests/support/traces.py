"""Looks for the numbers of a request in everything that a server has written."""

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from tests.support.harness import ROOT, Server

N_MFCC, FRAMES = 25, 10
PROSODY = [2.0, 0.5, -20.0]  # within its range, where numbers are too small to be recognised
CONTEXT = 40  # bytes on both sides of a finding
DIGITS = 7  # characters of a number's text that are looked for, such as 817.394
DECIMALS = re.compile(rb"(?=(\d{3}\.\d{3}))")  # overlapping ones too
PATTERN_BYTES = 8
# The code is not the server's, and some of it is rewritten by those who read it.
IGNORED = frozenset({".git", ".cache", "__pycache__", "node_modules", "dist"})
MODELS = (".onnx", ".wav")  # of the releases, which are copies
SHARED_MEMORY = Path("/dev/shm")  # the heartbeats of the workers


@dataclass(frozen=True)
class Voice:
    """A clip with a baseline, whose MFCCs and spreads can be recognised."""

    frames: list[list[float]]  # (T, 25)
    prosody: list[list[float]]  # (T, 3)
    means: list[float]  # (28,): MFCCs, prosody
    spreads: list[float]  # (28,)

    @classmethod
    def random(cls, seed: int, repetitions: int = 1) -> "Voice":
        """A voice of numbers from 100 to 1,000 with four decimals; the frames may be repeated."""
        random = np.random.default_rng(seed)
        rows = _numbers(random, FRAMES) * repetitions
        means, spreads = _numbers(random, 2)
        frames = [row[:N_MFCC] for row in rows]
        return cls(frames, [PROSODY] * len(frames), means[:N_MFCC] + PROSODY, spreads)

    @property
    def baseline(self) -> dict[str, Any]:
        """The baseline as a member of a request."""
        means, spreads = self.means, self.spreads
        return {
            "clips": 7,
            "mfccs": {"mean": means[:N_MFCC], "spread": spreads[:N_MFCC]},
            "prosody": {"mean": means[N_MFCC:], "spread": spreads[N_MFCC:]},
        }

    @property
    def tensor(self) -> list[float]:
        """The baseline as a row of a tensor, (57,)."""
        return [*self.means, *self.spreads, 7.0]

    @property
    def numbers(self) -> Iterator[list[float]]:
        """The recognisable numbers, in the rows in which they are sent."""
        yield from (*self.frames, self.means[:N_MFCC], self.spreads)


class Search:
    """A full-text search for the numbers of voices.

    It finds them as decimal text, as float64, and as float32 if two stand beside each other.
    """

    def __init__(self, voices: Iterable[Voice]) -> None:
        rows = [row for voice in voices for row in voice.numbers]
        self._texts = {f"{number:.4f}"[:DIGITS].encode() for row in rows for number in row}
        patterns = [_patterns(np.array(row)) for row in rows]
        self._patterns = np.unique(np.concatenate(patterns))
        self.files = 0
        self.bytes = 0

    def found_in(self, content: bytes) -> bytes:
        """The first number in the bytes, with what stands around it; empty if there is none."""
        self.bytes += len(content)
        places = [match.start() for match in DECIMALS.finditer(content) if match[1] in self._texts]
        places += [place for offset in range(PATTERN_BYTES) for place in self._at(content, offset)]
        return content[max(0, places[0] - CONTEXT) :][: 2 * CONTEXT] if places else b""

    def _at(self, content: bytes, offset: int) -> Iterator[int]:
        words = np.frombuffer(content[offset:], "<u8", (len(content) - offset) // PATTERN_BYTES)
        nearest = np.searchsorted(self._patterns, words).clip(max=len(self._patterns) - 1)
        for index in np.flatnonzero(self._patterns[nearest] == words):
            yield offset + PATTERN_BYTES * int(index)

    def found_in_files(self, server: Server, folder: Path, since: float) -> dict[str, bytes]:
        """The findings by file.

        folder: where the server may write. since: a time of modification; of the code and of shared
        memory the files that changed later are read, such as a core file.
        """
        written = [*_files(folder), *_files(ROOT, since), *_files(SHARED_MEMORY, since)]
        found = {str(path): self._found_in_file(path) for path in {*written, *_open_files(server)}}
        return {path: text for path, text in found.items() if text}

    def _found_in_file(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except OSError:  # it is gone
            return b""
        self.files += 1
        return self.found_in(content)


def _numbers(random: np.random.Generator, rows: int) -> list[list[float]]:
    """Rows of numbers with four decimals, none of them whole: a metric may have that value."""
    shape = rows, N_MFCC + len(PROSODY)
    fractions = random.integers(1, 10_000, shape) / 10_000
    found: list[list[float]] = (random.integers(100, 1_000, shape) + fractions).round(4).tolist()
    return found


def _patterns(row: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The bytes of each number as float64, and of each two neighbours as float32."""
    pairs = np.stack([row[:-1], row[1:]], axis=1).astype("<f4")
    return np.concatenate([row.astype("<f8").view("<u8"), pairs.view("<u8").ravel()])


def _files(folder: Path, since: float = 0.0) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED and name[:5] != ".venv"]
        for name in names:
            with contextlib.suppress(OSError):
                found = Path(parent, name).lstat()
                is_written = stat.S_ISREG(found.st_mode) and not name.endswith(MODELS)
                if is_written and found.st_mtime >= since:
                    yield Path(parent, name)


def _open_files(server: Server) -> Iterator[Path]:
    """The open files of all processes, also deleted ones."""
    for process in [psutil.Process(server.process.pid), *server.tree()]:
        for path in Path(f"/proc/{process.pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                if stat.S_ISREG(path.stat().st_mode):
                    yield path
