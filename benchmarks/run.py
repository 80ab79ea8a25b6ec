"""`make bench`: single predictions on one core, beside an empty handler and beside Flask.

Only ratios of runs that alternate on the same machine are kept: absolute figures drift with it.
"""

import contextlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from server.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "benchmarks" / "predict.lua"
PATH = "/prediction/DNN"
GUNICORN = ("bin/python", "-m", "gunicorn", "--workers", "1", "--bind")
OUR_SETTINGS = ("--config", "server/gunicorn.conf.py")

ROUNDS = 7
SECONDS = 4
CONNECTIONS = 16
STARTUP_SECONDS = 30


class BenchmarkError(Exception):
    """The comparison would not be fair, or cannot be made."""


@dataclass(frozen=True)
class Contender:
    name: str
    environment: Path
    arguments: tuple[str, ...]
    predicts: bool = True


OURS = Contender("server", ROOT / ".venv", (*OUR_SETTINGS, "server.app:get_app()"))
EMPTY = Contender(
    "empty handler", ROOT / ".venv", (*OUR_SETTINGS, "benchmarks.empty_app:app"), predicts=False
)
FLASK = Contender("Flask", ROOT / ".venv-bench", ("benchmarks.flask_app:app",))
TARGETS = {EMPTY: 0.70, FLASK: 5.0}


def main() -> int:
    try:
        rates = _compare()
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _report(rates)
    return 0


def _compare() -> dict[Contender, list[float]]:
    """Requests per second in each round."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("two cores are needed: one for the server, one for wrk")
    with contextlib.ExitStack() as stack:
        ports = {
            contender: stack.enter_context(_serving(contender, cores[0]))
            for contender in (OURS, *TARGETS)
        }
        _check_answers(ports)
        return _race(ports, cores[1])


@contextlib.contextmanager
def _serving(contender: Contender, core: int) -> Iterator[int]:
    """One worker on one core; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    python, *rest = GUNICORN
    command = [str(contender.environment / python), *rest, f"127.0.0.1:{port}"]
    model = load_settings().models.directory / "DNN.onnx"
    environment = os.environ | {"MODEL": str(model), "ORT_DISABLE_TELEMETRY": "1"}
    with subprocess.Popen(
        ["taskset", "--cpu-list", str(core), *command, *contender.arguments],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(process, port, contender.name)
            yield port
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise BenchmarkError(f"{name} did not start")


def _check_answers(ports: dict[Contender, int]) -> None:
    """Both servers must give the same probabilities, and the empty handler must answer at all."""
    text = SCRIPT.read_text(encoding="utf-8")
    body = "".join(re.findall(r"'([^']*)'", text))
    answers = {contender: _post(port, body) for contender, port in ports.items()}
    ours, flasks = (
        [result["prediction"] for result in json.loads(answers[contender])["results"]]
        for contender in (OURS, FLASK)
    )
    if any(abs(a - b) > 1e-6 for a, b in zip(ours, flasks, strict=True)):
        raise BenchmarkError(f"the answers differ: {ours} and {flasks}")


def _post(port: int, body: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTUP_SECONDS)
    try:
        connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise BenchmarkError(f"status {response.status}: {answer.decode()}")
    return answer


def _race(ports: dict[Contender, int], core: int) -> dict[Contender, list[float]]:
    """Requests per second in each round; the first round only warms up."""
    rates: dict[Contender, list[float]] = {contender: [] for contender in ports}
    for number in range(ROUNDS + 1):
        for contender, port in ports.items():
            rate = _measure(port, core)
            if number:
                rates[contender].append(rate)
    return rates


def _measure(port: int, core: int) -> float:
    command = ["taskset", "--cpu-list", str(core), "wrk", "--threads", "1"]
    command += ["--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s"]
    command += ["--script", str(SCRIPT), f"http://127.0.0.1:{port}{PATH}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output)
    if not rate or "Non-2xx" in output or "Socket errors" in output:
        raise BenchmarkError(f"wrk counted failures:\n{output}")
    return float(rate[1])


def _report(rates: dict[Contender, list[float]]) -> None:
    packages = ("falcon", "gunicorn", "uvicorn", "uvloop", "httptools", "msgspec", "onnxruntime")
    print(f"Python {sys.version.split()[0]}", *(f"{p} {version(p)}" for p in packages), sep=", ")
    print(f"POST {PATH}, one worker on one core, {CONNECTIONS} connections, {ROUNDS} rounds")
    for contender, target in TARGETS.items():
        ratios = [ours / other for ours, other in zip(rates[OURS], rates[contender], strict=True)]
        print(
            f"server / {contender.name}: {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}; target {target:.2f})"
        )


if __name__ == "__main__":
    sys.exit(main())
