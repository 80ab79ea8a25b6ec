"""Work whose client has disconnected is not done."""

import contextlib
import json
import os
import socket
from pathlib import Path

import httpx
import numpy as np
import psutil

from server.api import requests
from server.http import protocol
from tests.support.harness import Server, free_port, running, wait_until
from tests.support.inference import binary_request
from tests.support.metrics import samples

WAITING = 5


def test_both_sides_name_a_lost_connection_alike() -> None:
    assert requests.DISCONNECTED == protocol.DISCONNECTED


def batch(server: Server, rows: int, network: str = "CNN") -> bytes:
    """The bytes of a request for a batch."""
    values = np.zeros((rows, 25), np.float32)
    request = httpx.Request(
        "POST",
        f"http://127.0.0.1:{server.port}/v2/models/{network}/infer",
        **binary_request(("mfccs", "FP32", values)),
    )
    header = b"".join(b"%b: %b\r\n" % item for item in request.headers.raw)
    return b"POST %b HTTP/1.1\r\n%b\r\n%b" % (request.url.raw_path, header, request.content)


def long_clip() -> bytes:
    """The bytes of a request for a prediction from many frames."""
    body = json.dumps({"mfccs": [[0.5] * 25] * 1_000}).encode()
    header = "POST /prediction/TCN HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    return (header % len(body)).encode() + body


def runs_a_batch(worker: psutil.Process) -> bool:
    """Whether the worker has started its thread of low priority for networks."""
    return os.SCHED_IDLE in {os.sched_getscheduler(thread.id) for thread in worker.threads()}


def test_batches_of_clients_that_have_gone_are_not_run(nginx: Path, tmp_path: Path) -> None:
    last = binary_request(("mfccs", "FP32", np.zeros((500, 25), np.float32)))
    operator_port = free_port()
    settings = {"SER_SERVER_WORKERS": 1, "SER_SERVER_OPERATOR_PORT": operator_port}
    with (
        running(tmp_path, **settings) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{operator_port}") as operator,
    ):

        def count(name: str, label: tuple[str, str]) -> float:
            found = samples(operator.get("/metrics").text)
            return sum(
                found[key, labels] for key, labels in found if key == name and label in labels
            )

        (worker,) = server.workers()
        idle = worker.num_fds()
        with contextlib.ExitStack() as clients:

            def send(request: bytes) -> None:
                address = ("127.0.0.1", server.port)
                clients.enter_context(socket.create_connection(address)).sendall(request)

            send(batch(server, 12_000))
            wait_until(lambda: runs_a_batch(worker), "the first batch")
            for request in (*[batch(server, 500)] * WAITING, long_clip()):
                send(request)
            wait_until(lambda: worker.num_fds() >= idle + WAITING, "the requests at the worker")
        server.client.post("/v2/models/CNN/infer", **last)  # runs after those before it
        assert count("network_duration_seconds_count", ("network", "CNN")) <= 2
        assert count("network_duration_seconds_count", ("network", "TCN")) == 0
        # Of the others, Nginx had not sent the whole body.
        assert count("requests_total", ("status", "499")) >= 1
