"""The state directory: immutable copies of the models that a server serves.

    STATE/releases/0f3a.../CNN.onnx, German-TCN.onnx, mfcc.onnx, reference.wav, ...

A release is named after the hash of its content. `deployment.py` says which ones are served. Each
file has a second name with its own SHA-256. The handshake refers to it by that name, so that its
description matches the file although the workers may serve two releases during an activation.
"""

import contextlib
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from server.models.deployment import Deployment, DeploymentFiles
from server.models.staging.copies import StagedRelease, stage
from server.settings import DEFAULT_MAXIMUM_FILE_BYTES

NAME_DIGITS = 16


class RefusedModelsError(Exception):
    """Models that must not be served; the message gives every reason."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{file}: {reason}" for file, reason in faults.items()))


class ReleaseError(Exception):
    """An operation on the state directory failed; the message gives the reason."""


class ActivationUnderWayError(ReleaseError):
    """Another activation holds the lock."""


@dataclass(frozen=True)
class ReleaseStore:
    """The releases in one state directory."""

    directory: Path

    @property
    def deployment(self) -> Deployment:
        """The releases that are served."""
        return self._files.read()

    @property
    def unfinished(self) -> Deployment | None:
        """The deployment before a change that has not ended; None if there is no such change."""
        return self._files.unfinished

    def changed_at(self, role: str) -> float:
        """When the release in that role changed, in seconds since 1970."""
        return self._files.changed_at(role)

    @property
    def activated(self) -> str | None:
        """The release of the last activation, or the previous one if that is damaged.

        None before the first activation, or if both are damaged.
        """
        found = self.deployment
        if not (found.previous or found.canary):
            return None
        releases = filter(None, (found.current, found.previous))
        return next((name for name in releases if is_intact(self.release(name))), None)

    @property
    def _files(self) -> DeploymentFiles:
        return DeploymentFiles(self.directory)

    def release(self, name: str) -> Path:
        """The folder of a release."""
        return (self.directory / "releases" / name).resolve()

    def deploy(self, deployment: Deployment) -> None:
        """Changes the releases that starting workers serve."""
        self._files.write(deployment)

    def begin_change(self) -> None:
        """Begins a change of the deployment; if it is interrupted, `unfinished` remains."""
        self._files.begin_change()

    def end_change(self) -> None:
        """Ends a change of the deployment, and removes the releases that are no longer used."""
        self._files.end_change()
        self.prune()

    @property
    def lock_owner(self) -> Path | None:
        """The runtime directory of the running server that uses this store."""
        try:
            with (self.directory / "server.lock").open(encoding="utf-8") as file:
                if _lock(file, fcntl.LOCK_SH):
                    return None
                return Path(file.read()).resolve()
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def server_lock(self, runtime: Path) -> Iterator[None]:
        """Locks the store for the server with that runtime directory.

        Raises:
            ReleaseError: another server holds the lock, or the directory is not writable.
        """
        make_state_directory(self.directory)
        try:
            file = (self.directory / "server.lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise ReleaseError(f"Cannot write to the state directory: {error}") from error
        with file:
            if not _lock(file, fcntl.LOCK_EX):
                raise ReleaseError(f"Another server uses the state directory {self.directory}")
            file.truncate(0)
            file.write(str(runtime.resolve()))
            file.flush()
            yield

    @contextlib.contextmanager
    def activation_lock(self) -> Iterator[None]:
        """Locks the store for one activation.

        Raises:
            ActivationUnderWayError: another activation holds the lock.
        """
        with (self.directory / "activation.lock").open("a", encoding="utf-8") as file:
            if not _lock(file, fcntl.LOCK_EX):
                raise ActivationUnderWayError("Another activation is under way")
            yield

    @contextlib.contextmanager
    def staged(
        self, source: Path, maximum_file_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES
    ) -> Iterator[StagedRelease]:
        """Copies the models in `source`; removes the copy on exit unless it was published."""
        releases = self.directory / "releases"
        with tempfile.TemporaryDirectory(
            prefix=".staged-", dir=releases, ignore_cleanup_errors=True
        ) as name:
            yield stage(source, Path(name), maximum_file_bytes)

    def publish(self, staged: StagedRelease) -> Path:
        """Makes the copy a release; returns the existing release of the same content, if any."""
        release = staged.path.with_name(_name(staged.path))
        if not is_intact(release):
            shutil.rmtree(release, ignore_errors=True)
            staged.path.chmod(0o755)
            staged.path.rename(release)
        return release

    def prune(self) -> None:
        """Removes all releases that are not deployed."""
        found = self.deployment
        kept = {found.current, found.previous, found.canary}
        for release in (self.directory / "releases").resolve().iterdir():
            if release.name not in kept:
                shutil.rmtree(release, ignore_errors=True)


def make_state_directory(path: Path) -> None:
    """Creates a state directory; raises ReleaseError if that fails."""
    try:
        (path / "releases").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReleaseError(f"Cannot create the state directory: {error}") from error


def is_intact(release: Path) -> bool:
    """Whether the content of the release still has the hash in its name."""
    return release.is_dir() and _name(release) == release.name


def _name(release: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in release.iterdir() if not path.is_symlink()):
        digest.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n".encode())
    return digest.hexdigest()[:NAME_DIGITS]


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
