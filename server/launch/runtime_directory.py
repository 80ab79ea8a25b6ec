"""The runtime directory of a running server: where its processes find each other."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server.launch.atomic_write import write_whole
from server.models.releases import ReleaseStore

PREFIX = "speech-emotion-"
VARIABLE = "STACK_RUNTIME"  # tells the processes of a server where it is
NGINX_VARIABLE = "STACK_NGINX"  # tells them which Nginx stands before them; empty: none
LONGEST_SOCKET_PATH = 107  # bytes, a limit of Linux


class RuntimeDirectoryError(Exception):
    """The runtime directory cannot be used, or there is not exactly one running server."""


@dataclass(frozen=True)
class WorkerReport:
    """What a worker says of itself once it has loaded its networks."""

    release: str
    faults: dict[str, str]  # file name -> reason


@dataclass(frozen=True)
class Runtime:
    """The paths in the directory of one server."""

    path: Path

    @property
    def socket(self) -> Path:
        """Where Gunicorn's workers answer, if Nginx stands before them."""
        return self.path / "gunicorn.sock"

    @property
    def state(self) -> Path:
        """The models' state directory, or a link to it."""
        return self.path / "models"

    @property
    def settings(self) -> Path:
        """The settings that the server was started with."""
        return self.path / "config.ini"

    @property
    def metrics(self) -> Path:
        """Where the workers count."""
        return self.path / "metrics"

    @property
    def keys(self) -> Path:
        """The keys as they last were when they could be read."""
        return self.path / "keys"

    @property
    def nginx_configuration(self) -> Path:
        """What Nginx was started with."""
        return self.path / "nginx.conf"

    @property
    def gunicorn(self) -> int | None:
        """The process id of the Gunicorn master, if it lives and is ready for signals."""
        with suppress(OSError, ValueError):
            process = int(self._gunicorn_pid.read_text(encoding="ascii"))
            return process if _is_gunicorn(process) else None
        return None

    @property
    def _gunicorn_pid(self) -> Path:
        return self.path / "gunicorn.pid"

    @property
    def _reports(self) -> Path:
        return self.path / "workers"

    def set_gunicorn(self, process: int) -> None:
        """The Gunicorn master is ready for signals."""
        write_whole(self._gunicorn_pid, str(process))

    def report(self, worker: int, report: WorkerReport) -> None:
        """A worker has loaded its networks."""
        self._reports.mkdir(exist_ok=True)
        text = json.dumps({"release": report.release, "faults": report.faults})
        write_whole(self._reports / str(worker), text)

    def forget(self, worker: int) -> None:
        """A worker has ended."""
        (self._reports / str(worker)).unlink(missing_ok=True)

    def workers(self, gunicorn: int) -> dict[int, WorkerReport | None]:
        """The living workers, of the master or left behind by one that was killed.

        None stands for one that has not loaded its networks yet.
        """
        reported = (int(path.name) for path in self._reports.glob("*") if path.name.isdecimal())
        living = {*children(gunicorn), *filter(_is_gunicorn, reported)}
        return {worker: self._read_report(worker) for worker in living}

    def _read_report(self, worker: int) -> WorkerReport | None:
        try:
            return WorkerReport(**json.loads((self._reports / str(worker)).read_text("utf-8")))
        except FileNotFoundError:
            return None


def _is_gunicorn(process: int) -> bool:
    """Whether the process lives and is a Gunicorn master or worker."""
    with suppress(OSError):
        return b"gunicorn" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def this_runtime() -> Runtime | None:
    """The runtime directory that this process belongs to, if it is part of a server."""
    path = os.environ.get(VARIABLE)
    return Runtime(Path(path)) if path else None


def behind_nginx() -> bool:
    """Whether this process is part of a server with Nginx."""
    return bool(os.environ.get(NGINX_VARIABLE))


def children(process: int) -> list[int]:
    """The process ids of the children of a process; none where it has ended."""
    found = []
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in tasks.read_text(encoding="ascii").split()]
    return found


def _is_private(path: Path) -> bool:
    """Whether nobody else can have made it, or write into it."""
    status = path.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    )


def make_runtime(parent: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Makes a runtime directory in `parent`, by default among the temporary files.

    Raises:
        RuntimeDirectoryError: it cannot be made, or its path is too long for a socket.
    """
    try:
        if parent:
            parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent)
    except OSError as error:
        raise RuntimeDirectoryError(f"Cannot make a runtime directory: {error}") from error
    socket = Runtime(Path(folder.name)).socket
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        folder.cleanup()
        raise RuntimeDirectoryError(
            f"The path of the socket, {socket}, is longer than {LONGEST_SOCKET_PATH} bytes; "
            "set a shorter runtime_directory"
        )
    return folder


def find_running(parent: Path | None) -> Runtime:
    """The one server whose runtime directory lies in `parent`.

    Raises:
        RuntimeDirectoryError: there is none, or more than one.
    """
    folder = parent or Path(tempfile.gettempdir())
    found = list(_running(folder))
    if not found:
        raise RuntimeDirectoryError(
            f"No server of this user runs with its runtime directory in {folder}; "
            "is runtime_directory the one that it was started with?"
        )
    if len(found) > 1:
        paths = ", ".join(str(runtime.path) for runtime in found)
        raise RuntimeDirectoryError(
            f"{len(found)} servers run: {paths}. Give each a runtime_directory of its own, and set "
            "SER_SERVER_RUNTIME_DIRECTORY to the one that is meant"
        )
    return found[0]


def _running(folder: Path) -> Iterator[Runtime]:
    for path in sorted(folder.glob(PREFIX + "*")):
        runtime = Runtime(path)
        with suppress(FileNotFoundError, PermissionError):
            if _is_private(path) and ReleaseStore(runtime.state).holder == path.resolve():
                yield runtime
