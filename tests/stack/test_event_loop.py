"""No body holds the event loop of a worker; measured in a Gunicorn worker."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from pathlib import Path

import httpx
import pytest

from tests.support.applications.loop_delays import (
    APPLICATION,
    FOLDER_VARIABLE,
    forget_delays,
    longest_delay,
)
from tests.support.harness import DEADLINE, PYTHON, ROOT, environment, free_port, wait_until
from tests.support.hostile.bodies import (
    FRAME_BATCHES,
    MFCCS,
    VECTOR_BATCHES,
    VOICE_BATCHES,
    VOICES,
)

LONGEST = 0.05  # seconds, on a busy machine; it is below 0.01 on an idle one
TRIES = 3
CLIENTS = 16
MFCCS_PATHS = ("/prediction/DNN", "/prediction/TCN-ensemble", "/init/verification")
VOICE_PATHS = (*MFCCS_PATHS, "/prediction/DNN-prosody")
BATCHES = [
    *(("/v2/models/DNN/infer", body) for body in VECTOR_BATCHES.values()),
    *(("/v2/models/TCN-ensemble/infer", body) for body in FRAME_BATCHES.values()),
    *(("/v2/models/DNN-prosody/infer", body) for body in VOICE_BATCHES.values()),
]


@dataclass(frozen=True)
class Worker:
    """A client of a Gunicorn worker that records the delays of its event loop."""

    client: httpx.Client
    folder: Path

    def is_ready(self) -> bool:
        try:
            return self.client.get("/livez").status_code == 200
        except httpx.TransportError:
            return False

    def post(self, path: str, body: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        answer = self.client.post(path, content=body, headers=headers)
        assert answer.status_code in (200, 400, 413, 422), answer.text[:200]
        return answer

    def delay(self, send: Callable[[], object]) -> float:
        """The longest delay in seconds while requests are answered: the best of a few tries."""
        best = inf
        for _ in range(TRIES):
            forget_delays(self.folder)
            send()
            assert self.is_ready()  # the delay has been recorded when this is answered
            best = min(best, longest_delay(self.folder))
            if best < LONGEST:
                break
        return best


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    port, folder = free_port(), tmp_path_factory.mktemp("delays")
    command = [str(PYTHON), "-m", "gunicorn", "-c", "server/launch/gunicorn.conf.py", APPLICATION]
    variables = {FOLDER_VARIABLE: str(folder), "SER_SERVER_WORKERS": 1}
    settings = environment(port, tmp_path_factory.mktemp("run"), **variables)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE)
    with client, subprocess.Popen(command, cwd=ROOT, env=settings) as process:
        try:
            worker = Worker(client, folder)
            wait_until(lambda: process.poll() is not None or worker.is_ready(), "an answer")
            yield worker
        finally:
            process.terminate()


@pytest.mark.parametrize("path", MFCCS_PATHS)
@pytest.mark.parametrize("name", MFCCS)
def test_no_features_hold_the_event_loop(worker: Worker, name: str, path: str) -> None:
    body = MFCCS[name]()
    assert worker.delay(lambda: worker.post(path, body)) < LONGEST


@pytest.mark.parametrize("path", VOICE_PATHS)
@pytest.mark.parametrize("name", VOICES)
def test_no_prosody_or_baseline_holds_the_event_loop(worker: Worker, name: str, path: str) -> None:
    body = VOICES[name]()
    assert worker.delay(lambda: worker.post(path, body)) < LONGEST


@pytest.mark.parametrize(
    ("path", "body"), BATCHES, ids=[*VECTOR_BATCHES, *FRAME_BATCHES, *VOICE_BATCHES]
)
def test_no_batch_holds_the_event_loop(
    worker: Worker, path: str, body: Callable[[], bytes]
) -> None:
    content = body()
    assert worker.delay(lambda: worker.post(path, content)) < LONGEST


def test_many_hostile_bodies_at_once_do_not_hold_the_event_loop(worker: Worker) -> None:
    names = ("empty lists", "numbers", "3,000 rows, the last one empty")
    requests = [(path, MFCCS[name]()) for name in names for path in MFCCS_PATHS] * 4

    def send() -> None:
        with ThreadPoolExecutor(CLIENTS) as clients:
            jobs = [clients.submit(worker.post, *request) for request in requests]
        assert {job.result().status_code for job in jobs} == {422}

    assert worker.delay(send) < LONGEST


def test_long_clips_are_answered_and_longer_ones_refused(worker: Worker) -> None:
    for path in MFCCS_PATHS:
        assert worker.post(path, MFCCS["3,000 rows"]()).status_code == 200
        refused = worker.post(path, MFCCS["rows"]())
        assert refused.status_code == 422
        assert "at most 3,000 frames of 25 numbers" in refused.json()["detail"]
