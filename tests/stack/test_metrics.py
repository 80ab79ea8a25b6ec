"""The operator's port: counts that never fall, whatever dies."""

import http.client
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.server.test_metrics import Samples, samples, value
from tests.stack.test_bad_input import check_problem
from tests.support.harness import MFCCS, Load, Server, free_port, running, wait_until

POST = {"route": "/prediction/{networkType}", "method": "POST"}
COUNTED = ("_total", "_count", "_sum", "_bucket")
OF_NGINX = "nginx_answers_total"  # starts anew with Nginx, which dies in no test here
CLIENTS = 4
KILLS = 20


class Scraper:
    """Asks without pause, and notes every count that has fallen."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.fallen: list[str] = []
        self.scrapes = 0
        self.last: Samples = {}

    def scrape(self) -> Samples:
        answer = self._client.get("/metrics")
        assert answer.status_code == 200, answer.text
        now = samples(answer.text)
        for (name, labels), before in self.last.items():
            if name.endswith(COUNTED) and not now.get((name, labels), -1.0) >= before:
                after = now.get((name, labels))
                self.fallen.append(f"{name}{dict(labels)}: {before} to {after}")
        self.last = now
        self.scrapes += 1
        return now

    def _run(self) -> None:
        while not self._stop.is_set():
            self.scrape()

    @contextmanager
    def without_pause(self) -> Iterator[None]:
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
            server.workers()[0].kill()
        except (LookupError, psutil.NoSuchProcess):
            return False
        return True

    wait_until(kill, "a worker to kill")


def test_no_count_falls_while_workers_die_and_the_sums_are_right(
    nginx: Path, tmp_path: Path
) -> None:
    port = free_port()
    with (
        running(tmp_path, SER_SERVER_OPERATOR_PORT=port, SER_SERVER_ACCESS_LOG="no") as server,
        scraping(port) as scraper,
    ):
        with Load(server, CLIENTS) as load, scraper.without_pause():
            for number in range(KILLS):
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
        answers = load.answers + 1  # one before the load began
        counted = value(found, "requests_total", **POST, status="200")
        # A worker that dies between counting and answering has its requests asked again.
        assert answers <= counted <= answers + CLIENTS * (KILLS + 3)
        runs = value(found, "network_duration_seconds_count", network="DNN")
        assert counted <= runs <= counted + CLIENTS * (KILLS + 3)
        assert value(found, "worker_starts_total") > KILLS
        # A reload has both generations at once; nothing has more.
        pages = len(list(next(tmp_path.glob("speech-emotion-*/metrics")).glob("*.keys")))
        assert pages <= 8


@pytest.fixture(scope="module", params=[(), ("--without-nginx",)])
def observed(
    nginx: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Scraper]]:
    port = free_port()
    runtime = tmp_path_factory.mktemp("run")
    with (
        running(runtime, *request.param, SER_SERVER_OPERATOR_PORT=port) as server,
        scraping(port) as scraper,
    ):
        yield server, scraper


def test_any_worker_tells_the_counts_of_all(observed: tuple[Server, Scraper]) -> None:
    server, scraper = observed
    before = scraper.scrape().get(
        ("network_duration_seconds_count", frozenset({("network", "CNN")})), 0.0
    )
    for _ in range(50):
        headers = {"Connection": "close"}  # so that both workers get some
        server.client.post("/prediction/CNN", json={"mfccs": MFCCS}, headers=headers)
    for _ in range(10):
        assert (
            value(scraper.scrape(), "network_duration_seconds_count", network="CNN") == before + 50
        )
    assert value(scraper.last, "workers") == 2
    assert not scraper.fallen


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/a/../metrics", "/metrics?a=1"]
)
def test_nothing_of_it_is_public(observed: tuple[Server, Scraper], path: str) -> None:
    server, _ = observed
    # As it stands: httpx would tidy the path up.
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


def test_what_nginx_answers_itself_is_counted(nginx: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, SER_SERVER_OPERATOR_PORT=port) as server, scraping(port) as scraper:
        for _ in range(3):
            assert server.client.get("/init/reference.wav").status_code == 200
        check_problem(server.client.post("/prediction/DNN", content=b" " * 2_000_000), 413)
        server.nginx().send_signal(signal.SIGHUP)
        found = scraper.scrape()
        assert value(found, OF_NGINX, route="/init/reference.wav", status="200") == 3
        assert value(found, OF_NGINX, route="", status="413") == 1
