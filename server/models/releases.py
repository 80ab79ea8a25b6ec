"""The state directory: immutable copies of the models that a server serves.

    STATE/current  -> releases/0f3a...   read by starting workers, served by Nginx
    STATE/previous -> releases/77c1...   restored by `models rollback`
    STATE/releases/0f3a.../CNN.onnx, mfcc.onnx, reference.wav, ...

A release is named after the hash of its content. Renaming one link switches to it. The extractor
and the reference clip of a release have a second name, their own SHA-256. The handshake refers to
them by that name, so that its description matches the file although the workers may serve two
releases during an activation.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from server.models.files import EXTRACTOR_NAME, REFERENCE_NAME, ModelFileError, read_file
from server.settings import DEFAULT_MAXIMUM_FILE_BYTES

NAME_DIGITS = 16


class RefusedModelsError(Exception):
    """Models that must not be served; the message gives every reason."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{file}: {reason}" for file, reason in faults.items()))


class ReleaseError(Exception):
    """An operation on the state directory failed; the message gives the reason."""


@dataclass(frozen=True)
class StagedRelease:
    """A copy of models that is not published yet."""

    path: Path
    faults: Mapping[str, str]  # file name -> why it could not be copied


@dataclass(frozen=True)
class ReleaseStore:
    """The releases in one state directory."""

    directory: Path

    @property
    def current_link(self) -> Path:
        """The link to the current release."""
        return self.directory / "current"

    @property
    def current(self) -> Path | None:
        """The release that is served."""
        return _target(self.current_link)

    @property
    def previous(self) -> Path | None:
        """The release before the current one; None before the first activation."""
        return _target(self._previous_link)

    @property
    def activated(self) -> Path | None:
        """The release of the last activation, or the previous one if that is damaged.

        None before the first activation, or if both are damaged.
        """
        if not self._previous_link.is_symlink():
            return None
        releases = (self.current, self.previous)
        return next((release for release in releases if release and is_intact(release)), None)

    @property
    def _previous_link(self) -> Path:
        return self.directory / "previous"

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
            ReleaseError: another activation holds the lock.
        """
        with (self.directory / "activation.lock").open("a", encoding="utf-8") as file:
            if not _lock(file, fcntl.LOCK_EX):
                raise ReleaseError("Another activation is under way")
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
            folder = Path(name)
            faults = {}
            for path in sorted([*source.glob("*.onnx"), *source.glob(REFERENCE_NAME)]):
                try:
                    _copy(path, folder, maximum_file_bytes)
                except ModelFileError as error:
                    faults[path.name] = str(error)
            yield StagedRelease(folder, faults)

    def publish(self, staged: StagedRelease) -> Path:
        """Makes the copy a release; returns the existing release of the same content, if any."""
        release = staged.path.with_name(_name(staged.path))
        if not is_intact(release):
            shutil.rmtree(release, ignore_errors=True)
            staged.path.chmod(0o755)
            staged.path.rename(release)
        return release

    def switch(self, release: Path) -> None:
        """Makes `release` the current one and the current one the previous one.

        The previous link changes first, so that the files in a worker's handshake never disappear.
        """
        if self.current:
            self._link("previous", self.current)
        self._link("current", release)

    def restore(self, current: Path, previous: Path | None = None) -> None:
        """Sets both links; without `previous`, removes the link to the previous release."""
        self._link("current", current)
        if previous:
            self._link("previous", previous)
        else:
            self._previous_link.unlink(missing_ok=True)

    def prune(self) -> None:
        """Removes all releases but the current and the previous one."""
        kept = {self.current, self.previous}
        for release in (self.directory / "releases").resolve().iterdir():
            if release not in kept:
                shutil.rmtree(release, ignore_errors=True)

    def _link(self, name: str, release: Path) -> None:
        part = self.directory / f"{name}.part"
        part.unlink(missing_ok=True)
        part.symlink_to(Path("releases") / release.name)
        part.replace(self.directory / name)


def make_state_directory(path: Path) -> None:
    """Creates a state directory; raises ReleaseError if that fails."""
    try:
        (path / "releases").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReleaseError(f"Cannot create the state directory: {error}") from error


def is_intact(release: Path) -> bool:
    """Whether the content of the release still has the hash in its name."""
    return release.is_dir() and _name(release) == release.name


def _target(link: Path) -> Path | None:
    return link.resolve() if link.is_dir() else None


def _copy(path: Path, folder: Path, maximum_bytes: int) -> None:
    file = read_file(path, maximum_bytes)
    copy = folder / path.name
    copy.write_bytes(file.content)
    # Nginx derives the entity tag from the file's time and size. A time derived from the content
    # makes the tag the same on every server and different for different content.
    moment = int(file.sha256[:7], 16)
    os.utime(copy, (moment, moment))
    if path.name in (EXTRACTOR_NAME, REFERENCE_NAME):
        (folder / file.sha256).symlink_to(path.name)


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
