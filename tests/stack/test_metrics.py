"""/metrics on the operator port: counters never decrease, even when processes are killed."""

import http.client
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from tests.support.harness import MFCCS, Load, Server, free_port, running, wait_until
from tests.support.metrics import Samples, samples, value
from tests.support.problems import check_problem

POST = {"route": "/prediction/{networkType}", "method": "POST"}
COUNTERS = ("_total", "_count", "_sum", "_bucket")
ANSWERS_OF_NGINX = "nginx_answers_total"  # restarts at 0 with Nginx
CLIENTS = 4
KILLS = 20


class Scraper:
    """Reads /metrics and records every counter that decreased."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.fallen: list[str] = []
        self.scrapes = 0
        self.last: Samples = {}

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def scrape(self) -> Samples:
        answer = self.get("/metrics")
        assert answer.status_code == 200, answer.text
        now = samples(answer.text)
        for (name, labels), before in self.last.items():
            if name.endswith(COUNTERS) and not now.get((name, labels), -1.0) >= before:
                after = now.get((name, labels))
                self.fallen.append(f"{name}{dict(labels)}: {before} to {after}")
        self.last = now
        self.scrapes += 1
        return now

    def has_counted_starts(self, count: int) -> bool:
        return self.last.get(("worker_starts_total", frozenset()), 0.0) >= count

    def _run(self) -> None:
        while not self._stop.is_set():
            self.scrape()

    @contextmanager
    def continuously(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


@contextmanager
def scraping(port: int) -> Iterator[Scraper]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield Scraper(client)


def kill_a_worker(server: Server) -> None:
    def kill() -> bool:
        try:
            server.oldest_worker().kill()
        except (LookupError, ValueError, psutil.NoSuchProcess):
            return False
        return True

    wait_until(kill, "a worker to kill")


def test_counters_stay_right_while_workers_are_killed(nginx: Path, tmp_path: Path) -> None:
    port = free_port()
    with (
        running(tmp_path, SER_SERVER_OPERATOR_PORT=port, SER_SERVER_ACCESS_LOG="no") as server,
        scraping(port) as scraper,
    ):
        with Load(server, CLIENTS) as load, scraper.continuously():
            for number in range(KILLS):
                # A worker that is killed before it has started is not counted.
                wait_until(partial(scraper.has_counted_starts, number + 2), "a worker's start")
                kill_a_worker(server)
                if number % 7 == 3:
                    server.gunicorn().send_signal(signal.SIGHUP)
                load.wait_for_answers(20)
            os.kill(server.gunicorn().pid, signal.SIGKILL)
            load.wait_for_answers(200)
        assert not load.failures
        assert not scraper.fallen, scraper.fallen[:5]
        assert scraper.scrapes > 10
        found = scraper.scrape()
        answers = load.answers + 1  # one before the load
        counted = value(found, "requests_total", **POST, status="200")
        # Nginx repeats the requests of a worker that was killed between counting and answering.
        assert answers <= counted <= answers + CLIENTS * (KILLS + 3)
        runs = value(found, "network_duration_seconds_count", network="DNN")
        assert counted <= runs <= counted + CLIENTS * (KILLS + 3)
        assert value(found, "worker_starts_total") > KILLS
        # At most two generations of workers exist at once, during a reload.
        pages = len(list(next(tmp_path.glob("speech-emotion-*/metrics")).glob("*.keys")))
        assert pages <= 8


@pytest.fixture(scope="module")
def observed(
    nginx: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Scraper]]:
    port = free_port()
    runtime = tmp_path_factory.mktemp("run")
    with (
        running(runtime, SER_SERVER_OPERATOR_PORT=port) as server,
        scraping(port) as scraper,
    ):
        yield server, scraper


def test_every_worker_reports_the_counts_of_all(observed: tuple[Server, Scraper]) -> None:
    server, scraper = observed
    before = scraper.scrape().get(
        ("network_duration_seconds_count", frozenset({("network", "CNN")})), 0.0
    )
    for _ in range(50):
        headers = {"Connection": "close"}  # so that both workers get requests
        server.client.post("/prediction/CNN", json={"mfccs": MFCCS}, headers=headers)
    for _ in range(10):
        assert (
            value(scraper.scrape(), "network_duration_seconds_count", network="CNN") == before + 50
        )
    assert value(scraper.last, "workers") == 2
    release = server.client.get("/readyz").json()["release"]
    assert value(scraper.last, "release_workers", release=release, role="current") == 2
    assert not scraper.fallen


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/a/../metrics", "/metrics?a=1"]
)
def test_metrics_are_not_public(observed: tuple[Server, Scraper], path: str) -> None:
    server, _ = observed
    # Not with httpx, which normalises the path.
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


def test_the_operator_port_serves_health_and_metrics(observed: tuple[Server, Scraper]) -> None:
    server, scraper = observed
    assert scraper.get("/readyz").status_code == 200
    assert scraper.get("/metrics").status_code == 200
    check_problem(server.client.get("/metrics"), 404)


def test_answers_of_nginx_itself_are_counted(observed: tuple[Server, Scraper]) -> None:
    server, scraper = observed
    counted = [
        {"route": "/init/reference.wav", "status": "200"},
        {"route": "", "status": "413"},
    ]

    def counts() -> list[float]:
        found = scraper.scrape()
        return [found.get((ANSWERS_OF_NGINX, frozenset(c.items())), 0.0) for c in counted]

    before = counts()
    for _ in range(3):
        assert server.client.get("/init/reference.wav").status_code == 200
    check_problem(server.client.post("/prediction/DNN", content=b" " * 2_000_000), 413)
    assert server.client.post("/v2/models/DNN/infer", content=b" " * 9_000_000).status_code == 413
    server.nginx().send_signal(signal.SIGHUP)
    # Nginx counts a response after it was sent.
    wait_until(lambda: np.subtract(counts(), before).tolist() == [3, 2], "3 files and 2 refusals")
