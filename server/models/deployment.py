"""Which releases a server serves: files of its state directory.

STATE/current  -> releases/0f3a...   read by starting workers, served by Nginx
STATE/previous -> releases/77c1...   restored by `models rollback`
STATE/canary.json                    the release that answers a share of the requests
STATE/unfinished.json                the deployment before a change that has not ended
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from server.atomic_write import write_atomically

T = TypeVar("T")


@dataclass(frozen=True)
class Deployment:
    """The releases that a server serves, by name; None: there is no such release.

    share: the share of the requests that the canary answers, from 0 to 1.
    """

    current: str | None = None
    previous: str | None = None
    canary: str | None = None
    share: float = 0.0


class _Canary(msgspec.Struct):
    release: str
    share: float


@dataclass(frozen=True)
class DeploymentFiles:
    """The deployment of one state directory."""

    directory: Path

    @property
    def _canary(self) -> Path:
        return self.directory / "canary.json"

    @property
    def _unfinished(self) -> Path:
        return self.directory / "unfinished.json"

    def read(self) -> Deployment:
        """The deployment that starting workers serve."""
        canary = _read(self._canary, _Canary)
        current, previous = self._release("current"), self._release("previous")
        if canary is None or not (self.directory / "releases" / canary.release).is_dir():
            return Deployment(current, previous)
        return Deployment(current, previous, canary.release, canary.share)

    def write(self, deployment: Deployment) -> None:
        """Replaces the deployment.

        The previous link changes first, so that the files in a worker's handshake never disappear.
        """
        self._link("previous", deployment.previous)
        self._link("current", deployment.current)
        if deployment.canary:
            canary = _Canary(deployment.canary, deployment.share)
            write_atomically(self._canary, msgspec.json.encode(canary).decode())
        else:
            self._canary.unlink(missing_ok=True)

    def changed_at(self, role: str) -> float:
        """When the release in that role, or the share of the canary, changed: seconds since 1970.

        role: `current`, `previous` or `canary`.
        """
        path = self._canary if role == "canary" else self.directory / role
        return path.lstat().st_mtime

    @property
    def unfinished(self) -> Deployment | None:
        """The deployment before a change that has not ended; None if there is no such change."""
        return _read(self._unfinished, Deployment)

    def begin_change(self) -> None:
        """Records the deployment, to which `unfinished` refers until the change ends."""
        write_atomically(self._unfinished, msgspec.json.encode(self.read()).decode())

    def end_change(self) -> None:
        """Removes the record."""
        self._unfinished.unlink(missing_ok=True)

    def _release(self, name: str) -> str | None:
        link = self.directory / name
        return link.resolve().name if link.is_dir() else None

    def _link(self, name: str, release: str | None) -> None:
        link, part = self.directory / name, self.directory / f"{name}.part"
        if release is None:
            link.unlink(missing_ok=True)
            return
        if self._release(name) == release:
            return  # the time of the link is that of the change
        part.unlink(missing_ok=True)
        part.symlink_to(Path("releases") / release)
        part.replace(link)


def _read(path: Path, kind: type[T]) -> T | None:
    """The content; None if there is no file, or a power failure left it empty."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
