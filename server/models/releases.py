"""The models that a server serves: verified copies that nobody else writes to.

    STATE/current  -> releases/0f3a...   what the workers read when they start, and Nginx serves
    STATE/previous -> releases/77c1...   what `models rollback` goes back to
    STATE/releases/0f3a.../CNN.onnx, mfcc.onnx, reference.wav, ...

A release has the hash of its content as its name, and is switched to by renaming one link. Its
extractor and reference clip have a second name, their own SHA-256: the handshake asks for them by
it, so that it never names another file than it describes, whichever release a worker still serves.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from server.models.files import (
    DEFAULT_MAXIMUM_FILE_BYTES,
    EXTRACTOR_NAME,
    REFERENCE_NAME,
    ModelFileError,
    read_file,
)

DIGITS_OF_A_NAME = 16


class ReleaseError(Exception):
    """The state directory cannot be used as is asked; the message says why."""


class StagedRelease:
    """A copy that is not served yet."""

    def __init__(self, path: Path, faults: Mapping[str, str]) -> None:
        self.path = path
        self.faults = faults  # file name -> why it could not be copied


class ReleaseStore:
    """The releases in one state directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def current_link(self) -> Path:
        """Leads to the release that is served."""
        return self._directory / "current"

    @property
    def current(self) -> Path | None:
        """The release that is served."""
        return _target(self.current_link)

    @property
    def previous(self) -> Path | None:
        """The release that was served before; there is one after the first activation only."""
        return _target(self._previous_link)

    @property
    def activated(self) -> Path | None:
        """What the last activation chose, or else what it replaced, if it is still intact."""
        if not self._previous_link.is_symlink():
            return None
        releases = (self.current, self.previous)
        return next((release for release in releases if release and is_intact(release)), None)

    @property
    def _previous_link(self) -> Path:
        return self._directory / "previous"

    @property
    def holder(self) -> Path | None:
        """The runtime directory of the running server that uses this store."""
        try:
            with (self._directory / "server.lock").open(encoding="utf-8") as file:
                if _lock(file, fcntl.LOCK_SH):
                    return None
                return Path(file.read()).resolve()
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def held(self, runtime: Path) -> Iterator[None]:
        """Keeps the store for the server of that runtime directory.

        Raises:
            ReleaseError: another server has it, or it cannot be written.
        """
        make_state_directory(self._directory)
        try:
            file = (self._directory / "server.lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise ReleaseError(f"Cannot write the models' state directory: {error}") from error
        with file:
            if not _lock(file, fcntl.LOCK_EX):
                raise ReleaseError(f"Another server uses the state directory {self._directory}")
            file.truncate(0)
            file.write(str(runtime.resolve()))
            file.flush()
            yield

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Lets one activation at a time in.

        Raises:
            ReleaseError: another one is under way.
        """
        with (self._directory / "activation.lock").open("a", encoding="utf-8") as file:
            if not _lock(file, fcntl.LOCK_EX):
                raise ReleaseError("Another activation is under way")
            yield

    @contextlib.contextmanager
    def staged(
        self, source: Path, maximum_file_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES
    ) -> Iterator[StagedRelease]:
        """A copy of the models in `source`; it is removed at the end unless it was published."""
        releases = self._directory / "releases"
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
        """Makes the copy a release; returns the release of the same content if there is one."""
        release = staged.path.with_name(_name(staged.path))
        if not is_intact(release):
            shutil.rmtree(release, ignore_errors=True)
            staged.path.chmod(0o755)
            staged.path.rename(release)
        return release

    def switch(self, release: Path) -> None:
        """From now on `release` is served, and what was served is kept as the previous one.

        Nothing that a worker's handshake names is ever missing: what is served until now is linked
        as the previous one before the current one changes.
        """
        if self.current:
            self._link("previous", self.current)
        self._link("current", release)

    def restore(self, current: Path, previous: Path | None = None) -> None:
        """Serves `current`; keeps `previous` to go back to, if there is one."""
        self._link("current", current)
        if previous:
            self._link("previous", previous)
        else:
            self._previous_link.unlink(missing_ok=True)

    def prune(self) -> None:
        """Removes the releases that are neither served nor kept to go back to."""
        kept = {self.current, self.previous}
        for release in (self._directory / "releases").resolve().iterdir():
            if release not in kept:
                shutil.rmtree(release, ignore_errors=True)

    def _link(self, name: str, release: Path) -> None:
        part = self._directory / f"{name}.part"
        part.unlink(missing_ok=True)
        part.symlink_to(Path("releases") / release.name)
        part.replace(self._directory / name)


def make_state_directory(path: Path) -> None:
    """Raises ReleaseError where the directory cannot be made."""
    try:
        (path / "releases").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReleaseError(f"Cannot make the models' state directory: {error}") from error


def is_intact(release: Path) -> bool:
    """Whether the release still has the content that it is named after."""
    return release.is_dir() and _name(release) == release.name


def _target(link: Path) -> Path | None:
    return link.resolve() if link.is_dir() else None


def _copy(path: Path, folder: Path, maximum_bytes: int) -> None:
    file = read_file(path, maximum_bytes)
    copy = folder / path.name
    copy.write_bytes(file.content)
    # Nginx makes a file's entity tag of its time and size; so the same content has the same one
    # everywhere, and another content another one.
    moment = int(file.sha256[:7], 16)
    os.utime(copy, (moment, moment))
    if path.name in (EXTRACTOR_NAME, REFERENCE_NAME):
        (folder / file.sha256).symlink_to(path.name)


def _name(release: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in release.iterdir() if not path.is_symlink()):
        digest.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n".encode())
    return digest.hexdigest()[:DIGITS_OF_A_NAME]


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
