"""The server survives the largest batches within the memory that its manifest gives it."""

import itertools
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from configuration import ROOT
from server.settings import ServerSettings
from tests.support.harness import DEADLINE, RUN, Server, running, wait_until
from tests.support.inference import binary_request
from tests.support.machine.control_group import memory_limit

LIMITS = ServerSettings()
MANIFESTS = ("base/deployment.yaml", "kserve/servingruntime.yaml")
CLIENTS = 6
KEPT_BYTES = 90e6  # of an idle worker after large batches


def mebibytes(text: str) -> int:
    found = re.search(r"memory:? (\d+)(Mi|m)\b", text)
    assert found, text
    return int(found[1])


MEMORY = mebibytes((ROOT / "deploy/kubernetes" / MANIFESTS[0]).read_text())


def test_every_document_gives_the_same_memory() -> None:
    texts = [(ROOT / "deploy/kubernetes" / manifest).read_text() for manifest in MANIFESTS]
    texts.append((ROOT / "README.md").read_text())
    assert {mebibytes(text) for text in texts} == {MEMORY}


def json_list(item: str, count: int) -> str:
    return f"[{','.join([item] * count)}]"


def json_request(*tensors: tuple[str, str, tuple[int, ...], str]) -> dict[str, Any]:
    """A request with the data as JSON, nearly as large as a body may be."""
    inputs = [
        f'{{"name":"{name}","datatype":"{datatype}","shape":{list(shape)},"data":{data}}}'
        for name, datatype, shape, data in tensors
    ]
    content = f'{{"inputs":[{",".join(inputs)}]}}'
    assert 0.9 * LIMITS.maximum_batch_bytes < len(content) <= LIMITS.maximum_batch_bytes
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def largest_requests() -> dict[str, dict[str, Any]]:
    """Arguments of httpx's `post` by network and form. Most have many numbers, but little work."""
    rows, frames = LIMITS.maximum_batch_rows, LIMITS.maximum_batch_frames
    vectors = np.zeros((rows, 25), np.float32)
    flat = json_list("1.25", 25 * rows)
    nested = json_list(json_list("1.25", 25), rows)
    long = np.zeros((LIMITS.maximum_batch_bytes // (frames * 100), frames, 25), np.float32)
    lengths = np.array([frames] + [1] * (len(long) - 1))
    many, each = 40, 4_000
    deep = json_list(json_list(json_list("1", 25), each), many)
    return {
        "DNN flat": json_request(("mfccs", "FP32", (rows, 25), flat)),
        "DNN nested": json_request(("mfccs", "FP32", (rows, 25), nested)),
        "DNN binary": binary_request(("mfccs", "FP32", vectors)),
        "CNN binary": binary_request(("mfccs", "FP32", vectors[:8_192])),
        "TCN nested": json_request(
            ("frames", "FP32", (many, each, 25), deep),
            ("lengths", "INT64", (many,), json_list("1", many)),
        ),
        "TCN-ensemble binary": binary_request(
            ("frames", "FP32", long), ("lengths", "INT64", lengths)
        ),
        "TCN binary": binary_request(("frames", "FP32", long), ("lengths", "INT64", lengths)),
    }


class Attack:
    """Clients that send the largest batches until each kind has been answered."""

    def __init__(self, server: Server) -> None:
        self._url = server.client.base_url
        self._requests = largest_requests()
        self.statuses: dict[str, set[int]] = {key: set() for key in self._requests}
        self.is_over = threading.Event()

    def run(self, client: int) -> None:
        """Sends the requests in turn, beginning with another one for each client."""
        keys = list(self._requests)
        turns = itertools.islice(itertools.cycle(keys), client, None)
        with httpx.Client(base_url=self._url, timeout=DEADLINE) as http:
            while not self.is_over.is_set():
                self._send(http, next(turns))

    def _send(self, http: httpx.Client, key: str) -> None:
        answer = http.post(f"/v2/models/{key[:3]}/infer", **self._requests[key])
        self.statuses[key].add(answer.status_code)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            self.is_over.wait(0.2)  # as a client that retries

    def has_answered(self, kinds: int) -> bool:
        return sum(200 in found for found in self.statuses.values()) >= kinds


def private_bytes(worker: psutil.Process) -> int:
    memory = worker.memory_info()
    return int(memory.rss - memory.shared)


def test_the_largest_batches_fit_into_the_memory(nginx: Path, tmp_path: Path) -> None:
    with (
        memory_limit(MEMORY * 2**20) as group,
        running(tmp_path, command=group.command(*RUN), SER_SERVER_WORKERS="") as server,
    ):
        old = set(server.workers())
        assert len(old) == min(2, len(os.sched_getaffinity(0)))
        attack = Attack(server)
        with ThreadPoolExecutor(CLIENTS) as clients:
            running_clients = [clients.submit(attack.run, number) for number in range(CLIENTS)]
            try:
                wait_until(lambda: attack.has_answered(2), "the first answers")
                server.gunicorn().send_signal(signal.SIGHUP)
                wait_until(lambda: not old & set(server.workers()), "new workers")
                wait_until(lambda: attack.has_answered(4), "answers of new workers")
            finally:
                attack.is_over.set()
        for client in running_clients:
            client.result()
        assert group.killed_for_memory == 0
        assert set().union(*attack.statuses.values()) <= {200, 503}
        for key, request in largest_requests().items():
            answer = server.client.post(f"/v2/models/{key[:3]}/infer", **request)
            assert answer.status_code == 200, f"{key}: {answer.text}"
        wait_until(
            lambda: max(map(private_bytes, server.workers())) < KEPT_BYTES, "the memory given back"
        )
