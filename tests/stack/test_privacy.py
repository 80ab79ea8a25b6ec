"""Nothing that a client sent is written anywhere: no log, metric, temporary file or core file."""

import json
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.soak.http1 import request
from tests.support.harness import DEADLINE, PYTHON, Server, free_port, running, wait_until
from tests.support.inference import JSON_BYTES
from tests.support.traces import Search, Voice

RUN = """
import pathlib, resource, sys
_, most = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
from server.launch import launcher
from server.launch.nginx import configuration
configuration.TEMPLATE = pathlib.Path(sys.argv[1])
from server.settings import load_settings
application = "tests.support.applications.verbose:get_app()"
sys.exit(launcher.run(load_settings(), launcher.find_nginx(), application))
"""
VOICE = Voice.random(1)
LONG = Voice.random(2, repetitions=30)
MAXIMUM_BODY_BYTES = 262_144
ROWS = 8_000
BASELINE = VOICE.baseline
FATAL = (signal.SIGSEGV, signal.SIGABRT)


@dataclass(frozen=True)
class Traces:
    """What a server wrote, after requests that it answered, refused or died of."""

    output: str
    metrics: str
    files_while_busy: dict[str, bytes]
    files: dict[str, bytes]
    core_limits: set[int]
    statuses: dict[str, int]
    statuses_of_retries: list[int]


def body(**members: object) -> bytes:
    return json.dumps(members).encode()


def whole(network: str, voice: Voice = VOICE) -> bytes:
    content = body(mfccs=voice.frames, prosody=voice.prosody, baseline=voice.baseline)
    return request(f"/prediction/{network}", content)


def refused(**changes: object) -> bytes:
    return request("/prediction/DNN", body(mfccs=VOICE.frames[0], **changes))


def tensors(network: str, baseline: list[list[float]]) -> bytes:
    inputs = [
        {"name": name, "shape": np.shape(data), "datatype": "FP32", "data": data}
        for name, data in (("mfccs", VOICE.frames[:1]), ("baseline", baseline))
    ]
    return request(f"/v2/models/{network}/infer", body(inputs=inputs))


def binary(network: str) -> bytes:
    """A batch of several megabytes."""
    vectors = np.resize(np.array(VOICE.frames, np.float32), (ROWS, 25))
    baselines = np.resize(np.array(VOICE.tensor, np.float32), (ROWS, 57))
    inputs = [
        {
            "name": name,
            "shape": values.shape,
            "datatype": "FP32",
            "parameters": {"binary_data_size": values.nbytes},
        }
        for name, values in (("mfccs", vectors), ("baseline", baselines))
    ]
    text = body(inputs=inputs)
    content = text + vectors.tobytes() + baselines.tobytes()
    headers = (f"{JSON_BYTES}: {len(text)}",)
    return request(f"/v2/models/{network}/infer", content, headers=headers)


def chunked(content: bytes, size: int, extension: bytes = b"") -> bytes:
    head = b"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return head + b"Content-Type: application/json\r\n\r\n" + chunks + b"0\r\n\r\n"


LONG_BODY = body(mfccs=LONG.frames, prosody=LONG.prosody, baseline=LONG.baseline)
MEAN = VOICE.means[:25]
REQUESTS = {
    "vector": request("/prediction/DNN", body(mfccs=VOICE.frames[0], baseline=BASELINE)),
    "frames": whole("TCN"),
    "pooled": whole("DNN"),
    "many frames": whole("TCN", LONG),
    "chunks": chunked(LONG_BODY, 4_096),
    # Nginx would write them to a file: with their headers they exceed its buffer.
    "long chunk headers": chunked(LONG_BODY, 40, b";a=" + b"x" * 250),
    "a baseline of 24": refused(baseline=BASELINE | {"mfccs": {"mean": MEAN[1:]}}),
    "a negative spread": refused(
        baseline=BASELINE | {"mfccs": {"mean": MEAN, "spread": [-x for x in MEAN]}}
    ),
    "no clips": refused(baseline=BASELINE | {"clips": 0}),
    "clips of a fraction": refused(baseline=BASELINE | {"clips": MEAN[0]}),
    "a list": refused(baseline=MEAN),
    "a text": refused(baseline=json.dumps(BASELINE)),
    "prosody alone": request("/prediction/DNN", body(prosody=VOICE.prosody)),
    "other prosody": refused(prosody=VOICE.prosody),
    "cut off": request("/prediction/DNN", whole("DNN").partition(b"\r\n\r\n")[2][:-3]),
    "another type": whole("DNN").replace(b"application/json", b"text/plain"),
    "a second request": request("/prediction/DNN", b"{}")
    + f"{MEAN[0]} {MEAN[1]}\r\nX: {MEAN[2]}\r\n\r\n".encode(),
    "verification": request("/init/verification", body(mfccs=VOICE.frames, prosody=VOICE.prosody)),
    "tensors": tensors("DNN", [VOICE.tensor]),
    "tensors of another shape": tensors("DNN", [VOICE.tensor[:56]]),
    "binary tensors": binary("DNN"),
}
# Those that the workers hold when they die.
HELD = ("many frames", "frames", "chunks", "binary tensors")


@pytest.fixture(scope="module")
def traces(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Traces:
    folder = tmp_path_factory.mktemp("written")
    for name in ("run", "state", "tmp"):
        (folder / name).mkdir()
    since = time.time()
    settings = {
        "SER_SERVER_OPERATOR_PORT": free_port(),
        "SER_MODELS_STATE_DIRECTORY": folder / "state",
        "SER_SERVER_MAXIMUM_BODY_BYTES": MAXIMUM_BODY_BYTES,
        "TMPDIR": folder / "tmp",
    }
    command = (str(PYTHON), "-c", RUN, str(verbose_template(folder)))
    search = Search([VOICE, LONG])
    with running(folder / "run", command=command, **settings) as server:
        limits = {limit for process in server.tree() for limit in core_limits(process)}
        port = settings["SER_SERVER_OPERATOR_PORT"]
        statuses = {name: status_of(server.port, text) for name, text in REQUESTS.items()}
        statuses["operator port"] = status_of(int(str(port)), REQUESTS["many frames"])
        with held(server, int(str(port))) as answers:
            while_busy = search.found_in_files(server, folder, since)
            for process, number in zip(server.workers(), FATAL, strict=True):
                process.send_signal(number)
                process.resume()
        metrics = server.client.get(f"http://127.0.0.1:{port}/metrics").text
        files = search.found_in_files(server, folder, since)
    assert search.files > 0
    return Traces(server.output, metrics, while_busy, files, limits, statuses, answers)


def verbose_template(folder: Path) -> Path:
    """A copy of the template in which Nginx logs all that it can."""
    source = Path(__file__).parents[2] / "nginx"
    copies = folder / "nginx"
    copies.mkdir()
    for path in source.iterdir():
        (copies / path.name).symlink_to(path)
    copy = copies / "nginx.conf.template"
    text = copy.read_text(encoding="utf-8")
    copy.unlink()
    for level in ("warn", "crit"):
        text = text.replace(f"error_log stderr {level};", "error_log stderr debug;")
    copy.write_text(text, encoding="utf-8")
    return copy


def core_limits(process: psutil.Process) -> tuple[int, int]:
    found: tuple[int, int] = process.rlimit(resource.RLIMIT_CORE)
    return found


def status_of(port: int, text: bytes) -> int:
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        sender = threading.Thread(target=send, args=(connection, text))
        sender.start()
        answer = HTTPResponse(connection)
        answer.begin()
        answer.read()
        with suppress(OSError):  # the server has closed it
            connection.shutdown(socket.SHUT_RDWR)
        sender.join()
    return answer.status


def send(connection: socket.socket, text: bytes) -> None:
    """Sends the bytes; the server may refuse them before it has read them all."""
    with suppress(OSError):
        connection.sendall(text)


@contextmanager
def held(server: Server, operator_port: int) -> Iterator[list[int]]:
    """Nginx has read requests that the workers have not; their answers are read at the end."""
    requests = [
        *((server.port, REQUESTS[name]) for name in HELD),
        (operator_port, REQUESTS[HELD[0]]),
    ]
    statuses: list[int] = []
    workers = server.workers()
    for worker in workers:
        worker.suspend()
    with ExitStack() as stack:
        connections = []
        for port, text in requests:
            address = ("127.0.0.1", port)
            connection = stack.enter_context(socket.create_connection(address, DEADLINE))
            connection.sendall(text)
            connections.append(connection)
        wait_until(lambda: unread(server.port, operator_port) == 0, "all requests at Nginx")
        yield statuses
        for connection in connections:
            answer = HTTPResponse(connection)
            answer.begin()
            statuses.append(answer.status)


def unread(*ports: int) -> int:
    """The bytes that wait in the sockets of the ports."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    own = [field for field in fields if int(field[1].partition(":")[2], 16) in ports]
    return sum(int(field[4].partition(":")[2], 16) for field in own)


def test_the_requests_are_answered_and_refused(traces: Traces) -> None:
    assert {name for name, status in traces.statuses.items() if status >= 500} == set()
    assert traces.statuses["frames"] == traces.statuses["many frames"] == 200
    assert traces.statuses["chunks"] == traces.statuses["operator port"] == 200
    assert traces.statuses["long chunk headers"] == 413
    assert traces.statuses["cut off"] == 400


def test_requests_of_killed_workers_are_answered(traces: Traces) -> None:
    assert [*traces.statuses_of_retries[:3], traces.statuses_of_retries[-1]] == [200] * 4
    assert {number.name for number in FATAL} <= set(traces.output.replace("!", " ").split())


def test_no_log_contains_a_number_of_a_request(traces: Traces) -> None:
    assert '"level": "debug"' in traces.output
    assert Search([VOICE, LONG]).found_in(traces.output.encode()) == b""


def test_no_metric_contains_a_number_of_a_request(traces: Traces) -> None:
    assert "speech_emotion_requests_total" in traces.metrics
    assert Search([VOICE, LONG]).found_in(traces.metrics.encode()) == b""


def test_no_file_contains_a_number_of_a_request(traces: Traces) -> None:
    assert traces.files_while_busy == {}
    assert traces.files == {}


def test_no_process_may_write_a_core_file(traces: Traces) -> None:
    assert max(traces.core_limits) <= 1
    assert min(traces.core_limits) >= 0


@pytest.mark.parametrize("form", ["text", "float64", "float32"])
def test_the_search_finds_a_number(tmp_path: Path, form: str) -> None:
    """Otherwise the other tests could not fail."""
    content = {
        "text": f'"{VOICE.means[3]}"'.encode(),
        "float64": np.array(VOICE.spreads, "<f8").tobytes(),
        "float32": b"x" + np.array(VOICE.spreads, "<f4").tobytes(),
    }[form]
    assert Search([VOICE]).found_in(os.urandom(100) + content)
    assert Search([VOICE]).found_in(b"817.394" * 100) == b""
