"""The runtime directory of a server: the files that its processes share."""

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from server.atomic_write import write_when_possible
from server.models.deployment import Deployment
from server.processes import children, is_gunicorn

PREFIX = "speech-emotion-"
RUNTIME_VARIABLE = "LAUNCHER_RUNTIME"  # the path of the runtime directory
NGINX_VARIABLE = "LAUNCHER_NGINX"  # the path of the Nginx executable; empty without Nginx
LONGEST_SOCKET_PATH = 107  # bytes, a limit of Linux


class RuntimeDirectoryError(Exception):
    """The runtime directory cannot be used, or there is not exactly one running server."""


@dataclass(frozen=True)
class WorkerReport:
    """The releases that a worker has loaded, and their faults."""

    release: str | None
    faults: dict[str, str]  # file name -> reason
    canary: str | None = None
    share: float = 0.0  # of the requests that the canary answers

    def serves(self, deployment: Deployment) -> bool:
        """Whether the worker serves the deployment."""
        found = (self.release, self.canary, self.share)
        return found == (deployment.current, deployment.canary, deployment.share)


@dataclass(frozen=True)
class Runtime:
    """The files in the runtime directory of one server."""

    path: Path

    @property
    def socket(self) -> Path:
        """The socket of the Gunicorn workers behind Nginx."""
        return self.path / "gunicorn.sock"

    @property
    def state(self) -> Path:
        """The state directory of the models, or a link to it."""
        return self.path / "models"

    @property
    def settings(self) -> Path:
        """The settings that the server was started with."""
        return self.path / "config.ini"

    @property
    def metrics(self) -> Path:
        """The folder of the workers' metrics."""
        return self.path / "metrics"

    @property
    def keys(self) -> Path:
        """The API keys that all workers accept: the last valid ones."""
        return self.path / "keys"

    @property
    def tls_pair(self) -> Path:
        """The last valid key and certificate, in one file."""
        return self.path / "tls.pem"

    @property
    def client_ca(self) -> Path:
        """The last valid certificates of the authority of clients."""
        return self.path / "client-ca.pem"

    @property
    def nginx_pid(self) -> Path:
        """The process id of the Nginx master."""
        return self.path / "nginx.pid"

    @property
    def nginx_configuration(self) -> Path:
        """The rendered configuration of Nginx."""
        return self.path / "nginx.conf"

    @property
    def gunicorn(self) -> int | None:
        """The process id of the Gunicorn master, if it is alive and ready for signals."""
        with suppress(OSError, ValueError):
            process = int(self._gunicorn_pid.read_text(encoding="ascii"))
            return process if is_gunicorn(process) else None
        return None

    @property
    def _gunicorn_pid(self) -> Path:
        return self.path / "gunicorn.pid"

    @property
    def _reports(self) -> Path:
        return self.path / "workers"

    def set_gunicorn(self, process: int) -> None:
        """Records the process id of a Gunicorn master that is ready for signals.

        If the disk is full, it is recorded later; so are the reports of workers.
        """
        write_when_possible(self._gunicorn_pid, str(process))

    def report(self, worker: int, report: WorkerReport) -> None:
        """Records the report of a worker that has loaded its networks."""
        with suppress(OSError):  # reported by the write
            self._reports.mkdir(exist_ok=True)
        write_when_possible(self._reports / str(worker), json.dumps(asdict(report)))

    def forget(self, worker: int) -> None:
        """Removes the report of a worker that has ended."""
        with suppress(OSError):
            (self._reports / str(worker)).unlink()

    def workers(self, gunicorn: int) -> dict[int, WorkerReport | None]:
        """The reports of all live workers by process id; None until a worker has loaded.

        Includes the workers of a master that was killed.
        """
        reported = (int(path.name) for path in self._reports.glob("*") if path.name.isdecimal())
        live = {*children(gunicorn), *filter(is_gunicorn, reported)}
        return {worker: self._read_report(worker) for worker in live}

    def _read_report(self, worker: int) -> WorkerReport | None:
        try:
            return WorkerReport(**json.loads((self._reports / str(worker)).read_text("utf-8")))
        except FileNotFoundError:
            return None


def this_runtime() -> Runtime | None:
    """The runtime directory of the server that this process is part of, if any."""
    path = os.environ.get(RUNTIME_VARIABLE)
    return Runtime(Path(path)) if path else None


def behind_nginx() -> bool:
    """Whether this process is part of a server with Nginx."""
    return bool(os.environ.get(NGINX_VARIABLE))


def make_runtime(parent: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Creates a runtime directory in `parent`, by default in the folder for temporary files.

    Raises:
        RuntimeDirectoryError: it cannot be created, or its path is too long for a socket.
    """
    try:
        if parent:
            parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent)
    except OSError as error:
        raise RuntimeDirectoryError(f"Cannot create a runtime directory: {error}") from error
    socket = Runtime(Path(folder.name)).socket
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        folder.cleanup()
        raise RuntimeDirectoryError(
            f"The path of the socket, {socket}, is longer than {LONGEST_SOCKET_PATH} bytes; "
            "set a shorter runtime_directory"
        )
    return folder
