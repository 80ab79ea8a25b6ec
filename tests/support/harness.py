"""Starts a server with all its processes, and kills what is left of it after the test."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from tests.support.openapi import Exchange, check

ROOT = Path(__file__).resolve().parents[2]
EMOTION = str(Path(sys.executable).with_name("emotion"))  # the command of the Python client
PYTHON = ROOT / ".venv" / "bin" / "python"
RUN = (str(PYTHON), "-m", "server", "run")
# A process gets SIGTERM when the one that started it ends in whatever way (prctl(2)).
ENDS_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "TERM")
PORTS = range(15_000, 32_000)
DEADLINE = 60.0  # seconds; far more than any operation here needs
MFCCS = [float(value) for value in range(-400, 600, 40)]


def free_port() -> int:
    """A port that nothing listens on.

    The kernel gives ports below 32,768 to no connection and no listener of another test meanwhile.
    """
    for port in random.SystemRandom().sample(PORTS, 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError(f"no free port in {PORTS}")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Waits for a condition.

    Raises:
        TimeoutError: the condition did not become true within `DEADLINE`.
    """
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {DEADLINE:.0f} s: {what}")
        time.sleep(0.02)


@dataclass
class Server:
    """A started server and its output so far."""

    process: subprocess.Popen[str]
    port: int
    client: httpx.Client
    runtime: Path
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def read_output(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def wait_for_line(self, *starts: str) -> str:
        """Waits for a line of output that starts with one of the texts; returns the line."""
        found: list[str] = []

        def look() -> bool:
            found[:] = [line for line in self.lines if line.startswith(starts)]
            return bool(found) or self.process.poll() is not None

        wait_until(look, f"a line that starts with one of {starts}")
        assert found, f"the server ended with {self.process.returncode}:\n{self.output}"
        return found[0]

    def tree(self) -> list[psutil.Process]:
        """All descendants of the server's main process."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def supervisord(self) -> psutil.Process:
        return self._child(psutil.Process(self.process.pid), "server.launch.supervisor")

    def gunicorn(self) -> psutil.Process:
        """The Gunicorn master; without Nginx it is a child of the main process."""
        try:
            return self._child(self.supervisord(), "gunicorn")
        except LookupError:
            return self._child(psutil.Process(self.process.pid), "gunicorn")

    def nginx(self) -> psutil.Process:
        """The Nginx master."""
        return self._child(self.supervisord(), "nginx:")

    def oldest_worker(self) -> psutil.Process:
        return min(self.workers(), key=psutil.Process.create_time)

    def _child(self, parent: psutil.Process, word: str) -> psutil.Process:
        for child in parent.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(part.startswith(word) for part in child.cmdline()):
                    return child
        raise LookupError(f"no {word} under {parent}")

    def workers(self) -> list[psutil.Process]:
        return self.gunicorn().children()

    def wait_for_answer(self) -> None:
        def answers() -> bool:
            try:
                return self.client.get("/livez").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(answers, "an answer")

    def predict(self, network: str = "DNN") -> dict[str, Any]:
        """The body of a prediction for `MFCCS`."""
        response = self.client.post(f"/prediction/{network}", json={"mfccs": MFCCS})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal to the main process only; returns its exit status."""
        tree = self.tree()
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE)
        _, alive = psutil.wait_procs(tree, timeout=0)
        assert not alive, f"still there after the end: {alive}"
        return status


def environment(port: int, runtime: Path, **settings: Any) -> dict[str, str]:
    """The environment variables of a server; `settings` such as SER_MODELS_DIRECTORY override."""
    values = {
        "SER_SERVER_HOST": "127.0.0.1",
        "SER_SERVER_PORT": port,
        "SER_SERVER_WORKERS": 2,
        "SER_SERVER_RUNTIME_DIRECTORY": runtime,
    } | settings
    return os.environ | {key: str(value) for key, value in values.items()}


def run_to_its_end(
    command: Sequence[str | Path], port: int, runtime: Path, **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a command, with the same environment as a server, until it ends."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(port, runtime, **settings),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def check_against_description(response: httpx.Response) -> None:
    """Asserts that the exchange conforms to server/openapi.yaml."""
    request = response.request
    content = b"" if request.method == "HEAD" else response.read()
    exchange = Exchange(
        request.method,
        request.url.raw_path.partition(b"?")[0].decode(),
        None if "transfer-encoding" in request.headers else request.content,
        response.status_code,
        response.headers,
        content,
    )
    check(exchange, with_headers=True)


@contextlib.contextmanager
def started(
    runtime: Path,
    *arguments: str,
    command: tuple[str, ...] = RUN,
    folder: Path = ROOT,
    **settings: Any,
) -> Iterator[Server]:
    """Starts a server in a session of its own; kills the processes that are left at the end.

    folder: where the command is run.
    """
    assert PYTHON.exists(), "no .venv: `make test` creates it"
    port = free_port()
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        timeout=DEADLINE,
        event_hooks={"response": [check_against_description]},
    )
    with (
        client,
        subprocess.Popen(
            [*ENDS_WITH_ITS_PARENT, *command, *arguments],
            cwd=folder,
            env=environment(port, runtime, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        server = Server(process, port, client, runtime)
        reader = threading.Thread(target=server.read_output)
        reader.start()
        try:
            yield server
            if process.poll() is None:
                assert server.stop() == 0, server.output
        finally:
            _kill_tree(process)
            reader.join()


def _kill_tree(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        top = psutil.Process(process.pid)
        for member in [*top.children(recursive=True), top]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


@contextlib.contextmanager
def running(runtime: Path, *arguments: str, **settings: Any) -> Iterator[Server]:
    """Starts a server and waits until it is ready."""
    with started(runtime, *arguments, **settings) as server:
        line = server.wait_for_line("Ready: ", "Running, ")
        assert line.startswith("Ready: "), server.client.get("/readyz").text
        yield server


@contextlib.contextmanager
def open_requests(server: Server, count: int, length: int = 1_000) -> Iterator[None]:
    """Requests that have sent their header and wait with their body."""
    header = "POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            address = ("127.0.0.1", server.port)
            connection = stack.enter_context(socket.create_connection(address))
            connection.sendall((header % length).encode())
        yield


@contextlib.contextmanager
def open_until(
    server: Server, status: int, request: Callable[[], httpx.Response], length: int = 1_000
) -> Iterator[None]:
    """Opens requests one by one until `request` gets the status."""
    with contextlib.ExitStack() as stack:

        def is_refused_after_one_more() -> bool:
            stack.enter_context(open_requests(server, 1, length))
            return request().status_code == status

        wait_until(is_refused_after_one_more, "a refusal")
        yield


def wait_for_new_workers(server: Server, old: list[psutil.Process], count: int = 2) -> None:
    """Waits for `count` workers, none of them among `old`."""

    def replaced() -> bool:
        try:
            workers = server.workers()
        except (LookupError, psutil.NoSuchProcess):
            return False
        return len(workers) == count and not set(workers) & set(old)

    wait_until(replaced, f"{count} workers other than {old}")


class Load:
    """Clients that send predictions without pause and record the failures."""

    def __init__(self, server: Server, clients: int = 4) -> None:
        self._server = server
        self._expected = server.predict()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        self.failures: list[str] = []
        self.answers = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answers(self, count: int) -> None:
        wanted = self.answers + count
        wait_until(lambda: self.answers >= wanted, f"{count} more answers")

    def _run(self) -> None:
        with httpx.Client(base_url=self._server.client.base_url, timeout=DEADLINE) as client:
            while not self._stop.is_set():
                try:
                    response = client.post("/prediction/DNN", json={"mfccs": MFCCS})
                    if response.status_code != 200 or response.json() != self._expected:
                        self.failures.append(f"{response.status_code} {response.text}")
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                self.answers += 1
