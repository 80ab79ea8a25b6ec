"""Starts a contender on one core and checks its answers before it is measured."""

import contextlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnxruntime

from benchmarks.contenders import Contender
from benchmarks.payloads import Mfccs, Probabilities
from benchmarks.peers.network import Feed
from benchmarks.processes import end_all

SECONDS_TO_START = 90
SECONDS_TO_END = 20
SECONDS_BETWEEN_TRIES = 0.05
TOLERANCE = 1e-5  # of a probability
CHECKS = 3  # requests with different MFCCs
JSON = "application/json"
JSON_BYTES = "Inference-Header-Content-Length"


class BenchmarkError(Exception):
    """A comparison would be unfair or is impossible."""


@dataclass(frozen=True)
class Answer:
    """A response; json_bytes: the length of the JSON before binary tensors."""

    status: int
    content: bytes
    json_bytes: int | None


def usable_cores() -> list[int]:
    """The cores of this process: servers run on the first, wrk on the last.

    Raises:
        BenchmarkError: the machine has fewer than two cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("two cores are needed: one for the server, one for wrk")
    return cores


@contextlib.contextmanager
def serving(contender: Contender) -> Iterator[int]:
    """Runs the contender on its cores; yields its port once its answers are right.

    Raises:
        BenchmarkError: it does not start, or its probabilities differ from ONNX Runtime's.
    """
    port = _free_port()
    with (
        tempfile.TemporaryFile() as log,
        _started(contender, port, log.fileno()) as process,
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
def _started(contender: Contender, port: int, log: int) -> Iterator[subprocess.Popen[bytes]]:
    """The process; at the end all its descendants are killed."""
    given = {"port": port, "network": contender.workload.network}
    arguments = [argument.format(**given) for argument in contender.arguments]
    cores = ",".join(map(str, usable_cores()[: contender.cores]))
    process = subprocess.Popen(
        ["taskset", "--cpu-list", cores, str(contender.python), "-m", *arguments],
        cwd=contender.folder,
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
            "MODEL": str(contender.model),
            "OMP_NUM_THREADS": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(contender.folder),
            "SER_MODELS_DIRECTORY": str(contender.model.parent),
            "SER_SERVER_HOST": "127.0.0.1",
            "SER_SERVER_PORT": str(port),
        }
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(contender: Contender, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _post(contender, port, contender.workload.mfccs()).status == http.HTTPStatus.OK:
                return
        time.sleep(SECONDS_BETWEEN_TRIES)
    raise BenchmarkError("did not start")


def check_answers(contender: Contender, port: int) -> None:
    """Compares the answers on the port with the output of ONNX Runtime.

    Raises:
        BenchmarkError: they differ, or a request failed.
    """
    for seed in range(CHECKS):
        mfccs = contender.workload.mfccs(seed)
        answer = _post(contender, port, mfccs)
        if answer.status != http.HTTPStatus.OK:
            text = answer.content.decode(errors="replace")
            raise BenchmarkError(f"status {answer.status}: {text}")
        if contender.predicts:
            found = contender.format.read(answer.content, answer.json_bytes)
            expected = _expected(contender, mfccs)
            same = found.shape == expected.shape
            if not same or not np.allclose(found, expected, rtol=0, atol=TOLERANCE):
                raise BenchmarkError(f"answers {found}; ONNX Runtime itself gives {expected}")


def _expected(contender: Contender, mfccs: Mfccs) -> Probabilities:
    session = onnxruntime.InferenceSession(contender.model, providers=["CPUExecutionProvider"])
    found: Probabilities = session.run(["probabilities"], Feed(session)(mfccs.astype(np.float32)))
    return np.ravel(found[0])


def _post(contender: Contender, port: int, mfccs: Mfccs) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_START)
    body, headers = contender.format.write(mfccs), {"Content-Type": JSON}
    if body.json_bytes is not None:
        headers[JSON_BYTES] = str(body.json_bytes)
    try:
        connection.request("POST", contender.path, body.content, headers)
        response = connection.getresponse()
        length = response.headers[JSON_BYTES]
        return Answer(response.status, response.read(), int(length) if length else None)
    finally:
        connection.close()
