"""Generates load with wrk: each connection sends requests without pause."""

import json
import subprocess
import tempfile
from dataclasses import dataclass

from benchmarks.payloads import Body
from benchmarks.serving import JSON, BenchmarkError
from configuration import ROOT

SCRIPT = ROOT / "benchmarks" / "post.lua"
LONGEST_SECONDS = 10  # of an answer


@dataclass(frozen=True)
class Load:
    """The result of a load.

    failures: their numbers by kind.
    """

    answers: int
    seconds: float
    failures: dict[str, int]
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds


@dataclass(frozen=True)
class Client:
    """wrk on a core of its own."""

    core: int

    def ask(self, url: str, body: Body, connections: int, seconds: int) -> Load:
        """Posts the body repeatedly; once more for longer if no answer came in time.

        Raises:
            BenchmarkError: a request failed.
        """
        load = self._ask(url, body, connections, seconds)
        if not load.answers:
            load = self._ask(url, body, connections, LONGEST_SECONDS)
        if load.failures or not load.answers:
            raise BenchmarkError(f"wrk had {load.answers} answers and failures {load.failures}")
        return load

    def _ask(self, url: str, body: Body, connections: int, seconds: int) -> Load:
        with tempfile.NamedTemporaryFile() as file:
            file.write(body.content)
            file.flush()
            command = ["taskset", "--cpu-list", str(self.core), "wrk", "--threads", "1"]
            command += ["--connections", str(connections), "--duration", f"{seconds}s", "--latency"]
            command += ["--timeout", f"{LONGEST_SECONDS}s", "--script", str(SCRIPT)]
            command += [url, "--", file.name, JSON]
            if body.json_bytes is not None:
                command.append(str(body.json_bytes))
            output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        lines = [line for line in output.splitlines() if line.startswith("{")]
        if not lines:
            raise BenchmarkError(f"wrk gave no result: {output}")
        return Load(**json.loads(lines[-1]))
