"""The results of a race with versions, stored as JSON."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.load import Load
from benchmarks.race import Race, Turn

VERSIONS = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"


@dataclass(frozen=True)
class Entry:
    """The results of a contender.

    heading: of its table.
    reference: the entry that the rates in the table are relative to.
    peer: whether it is a third-party server.
    turns: one per round; empty if the contender failed, with the reason in `failure`.
    """

    name: str
    title: str
    heading: str
    reference: str
    peer: bool
    versions: dict[str, str]
    turns: list[Turn]
    failure: str = ""

    def median(self, value: Callable[[Turn], float]) -> float:
        """The median of a value over the rounds."""
        return statistics.median(map(value, self.turns))

    @property
    def rate(self) -> float:
        """The median rate, in answers per second; 0 without turns."""
        return self.median(lambda turn: turn.load.rate) if self.turns else 0.0


@dataclass(frozen=True)
class Ratio:
    """The ratio of two contenders' rates in the same round."""

    median: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"


@dataclass(frozen=True)
class Results:
    """The results of a race."""

    machine: dict[str, Any]
    rounds: int
    seconds: int
    entries: dict[str, Entry]

    def ratio(self, name: str, other: str) -> Ratio | None:
        """The ratio of two contenders' rates; None if one of them has no turns."""
        pairs = zip(self._turns(name), self._turns(other), strict=False)
        ratios = [mine.load.rate / theirs.load.rate for mine, theirs in pairs]
        if not ratios:
            return None
        return Ratio(statistics.median(ratios), min(ratios), max(ratios))

    def _turns(self, name: str) -> list[Turn]:
        return self.entries[name].turns if name in self.entries else []

    def save(self, path: Path) -> None:
        """Writes the results to a file."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def load_results(path: Path) -> Results:
    """Reads a file that `save` wrote."""
    document = json.loads(path.read_text(encoding="utf-8"))
    entries = {
        name: Entry(**{**entry, "turns": [_turn(turn) for turn in entry["turns"]]})
        for name, entry in document["entries"].items()
    }
    return Results(**{**document, "entries": entries})


def _turn(turn: dict[str, Any]) -> Turn:
    curve = tuple(Load(**load) for load in turn["curve"])
    return Turn(**{**turn, "load": Load(**turn["load"]), "curve": curve})


def collect(race: Race, rounds: int, seconds: int) -> Results:
    """The results of a race, with the versions and the machine."""
    found = [_entry(contender, turns) for contender, turns in race.turns.items()]
    found += [_entry(contender, [], failure) for contender, failure in race.failures.items()]
    return Results(_machine(), rounds, seconds, {entry.name: entry for entry in found})


def _entry(contender: Contender, turns: list[Turn], failure: str = "") -> Entry:
    workload = contender.workload
    return Entry(
        contender.name,
        contender.title,
        workload.title,
        f"{workload.name}/{workload.reference}",
        contender.peer is not None,
        _versions(contender),
        turns,
        failure,
    )


def _versions(contender: Contender) -> dict[str, str]:
    if not contender.python.exists():
        return {}
    command = [str(contender.python), "-c", VERSIONS, *contender.packages]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return dict(zip(contender.packages, found, strict=False))


def _machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
    }
