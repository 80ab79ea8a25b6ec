"""No body holds the event loop of a worker; measured in a Gunicorn worker."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.harness import DEADLINE, PYTHON, ROOT, environment, free_port, wait_until
from tests.support.hostile_bodies import FRAME_BATCHES, MFCCS, VECTOR_BATCHES

LONGEST = 50.0  # ms, on a busy machine; it is below 10 ms on an idle one
TRIES = 3
CLIENTS = 16
MFCCS_PATHS = ("/prediction/DNN", "/prediction/TCN", "/init/verification")
BATCHES = [
    *(("/v2/models/DNN/infer", body) for body in VECTOR_BATCHES.values()),
    *(("/v2/models/TCN/infer", body) for body in FRAME_BATCHES.values()),
]


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a Gunicorn worker whose event loop has a heartbeat."""
    port = free_port()
    app = "tests.support.heartbeat:get_measured_app()"
    command = [str(PYTHON), "-m", "gunicorn", "-c", "server/launch/gunicorn.conf.py", app]
    settings = environment(port, tmp_path_factory.mktemp("run"), SER_SERVER_WORKERS=1)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE)
    with client, subprocess.Popen(command, cwd=ROOT, env=settings) as process:

        def answers() -> bool:
            assert process.poll() is None
            try:
                return client.get("/heartbeat").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(answers, "an answer")
            yield client
        finally:
            process.terminate()


def lateness(worker: httpx.Client) -> float:
    """The greatest lateness of the event loop since the last call, in milliseconds."""
    return float(worker.get("/heartbeat").text)


def post(worker: httpx.Client, path: str, body: bytes) -> httpx.Response:
    answer = worker.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 413, 422), answer.text[:200]
    return answer


def least_lateness(worker: httpx.Client, path: str, body: bytes) -> float:
    """The lateness while one such body is answered: the best of a few tries."""
    best = float("inf")
    for _ in range(TRIES):
        lateness(worker)
        post(worker, path, body)
        best = min(best, lateness(worker))
        if best < LONGEST:
            break
    return best


@pytest.mark.parametrize("path", MFCCS_PATHS)
@pytest.mark.parametrize("name", MFCCS)
def test_no_features_hold_the_event_loop(worker: httpx.Client, name: str, path: str) -> None:
    assert least_lateness(worker, path, MFCCS[name]()) < LONGEST


@pytest.mark.parametrize(("path", "body"), BATCHES, ids=[*VECTOR_BATCHES, *FRAME_BATCHES])
def test_no_batch_holds_the_event_loop(
    worker: httpx.Client, path: str, body: Callable[[], bytes]
) -> None:
    assert least_lateness(worker, path, body()) < LONGEST


def test_many_hostile_bodies_at_once_do_not_hold_the_event_loop(worker: httpx.Client) -> None:
    names = ("empty lists", "numbers", "3,000 rows, the last one empty")
    bodies = [MFCCS[name]() for name in names]
    best = float("inf")
    for _ in range(TRIES):
        lateness(worker)
        with ThreadPoolExecutor(CLIENTS) as clients:
            jobs = [
                clients.submit(post, worker, path, body)
                for body in bodies
                for path in MFCCS_PATHS
                for _ in range(4)
            ]
        assert {job.result().status_code for job in jobs} == {422}
        best = min(best, lateness(worker))
        if best < LONGEST:
            break
    assert best < LONGEST


def test_long_clips_are_answered_and_longer_ones_refused(worker: httpx.Client) -> None:
    for path in MFCCS_PATHS:
        assert post(worker, path, MFCCS["3,000 rows"]()).status_code == 200
        refused = post(worker, path, MFCCS["rows"]())
        assert refused.status_code == 422
        assert "at most 3,000 frames of 25 numbers" in refused.json()["detail"]
