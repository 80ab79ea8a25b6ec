"""Starts a contender on one core and checks its answers before it is measured."""

import contextlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.contenders import Contender
from benchmarks.payloads import CLIP, OTHER_CLIPS, Vector
from benchmarks.processes import end_all
from configuration import ROOT
from server.settings import load_settings

SECONDS_TO_START = 90
SECONDS_TO_END = 20
SECONDS_BETWEEN_TRIES = 0.05
TOLERANCE = 1e-5  # of a probability
JSON = "application/json"


class BenchmarkError(Exception):
    """A comparison would be unfair or is impossible."""


def two_cores() -> tuple[int, int]:
    """The core of the server and the core of wrk.

    Raises:
        BenchmarkError: the machine has fewer than two cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("two cores are needed: one for the server, one for wrk")
    return cores[0], cores[1]


@contextlib.contextmanager
def serving(contender: Contender, *cores: int) -> Iterator[int]:
    """Runs the contender on the cores; yields its port once its answers are right.

    Raises:
        BenchmarkError: it does not start, or its probabilities differ from ONNX Runtime's.
    """
    port = _free_port()
    with (
        tempfile.TemporaryFile() as log,
        _started(contender, cores, port, log.fileno()) as process,
    ):
        try:
            _wait_for(contender, port, process)
            check_answers(contender, port)
            yield port
        except BenchmarkError as error:
            log.seek(0)
            output = log.read().decode(errors="replace")[-2000:]
            raise BenchmarkError(f"{contender.title}: {error}\n{output}") from None


@contextlib.contextmanager
def _started(
    contender: Contender, cores: Sequence[int], port: int, log: int
) -> Iterator[subprocess.Popen[bytes]]:
    """The process; at the end all its descendants are killed."""
    arguments = [argument.format(port=port) for argument in contender.arguments]
    command = [str(contender.environment / "bin" / "python"), "-m", *arguments]
    process = subprocess.Popen(
        ["taskset", "--cpu-list", ",".join(map(str, cores)), *command],
        cwd=ROOT,
        env=_variables(contender, port),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
        end_all()


def _variables(contender: Contender, port: int) -> dict[str, str]:
    own = {key: value.format(port=port) for key, value in contender.variables.items()}
    return (
        os.environ
        | own
        | {
            "MODEL": str(_model()),
            "OMP_NUM_THREADS": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(ROOT),
            "SER_SERVER_HOST": "127.0.0.1",
            "SER_SERVER_PORT": str(port),
        }
    )


def _model() -> Path:
    return load_settings().models.directory / "DNN.onnx"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(contender: Contender, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _post(contender, port, CLIP)[0] == http.HTTPStatus.OK:
                return
        time.sleep(SECONDS_BETWEEN_TRIES)
    raise BenchmarkError("did not start")


def check_answers(contender: Contender, port: int) -> None:
    """Compares the answers on the port with the output of ONNX Runtime.

    Raises:
        BenchmarkError: they differ, or a request failed.
    """
    for vector in (CLIP, *OTHER_CLIPS):
        status, answer = _post(contender, port, vector)
        if status != http.HTTPStatus.OK:
            raise BenchmarkError(f"status {status}: {answer.decode(errors='replace')}")
        if contender.predicts:
            found = contender.payload.probabilities(answer)
            expected = _expected(vector) * contender.payload.rows
            if not np.allclose(found, expected, rtol=0, atol=TOLERANCE):
                raise BenchmarkError(f"answers {found}; ONNX Runtime itself gives {expected}")


def _expected(vector: Vector) -> list[float]:
    session = onnxruntime.InferenceSession(_model(), providers=["CPUExecutionProvider"])
    mfccs = np.array([vector], dtype=np.float32)
    probabilities: list[float] = session.run(["probabilities"], {"mfccs": mfccs})[0][0].tolist()
    return probabilities


def _post(contender: Contender, port: int, vector: Vector) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_START)
    try:
        body = contender.payload.body(vector)
        connection.request("POST", contender.path, body, {"Content-Type": JSON})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
