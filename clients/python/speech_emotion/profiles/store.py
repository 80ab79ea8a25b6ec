"""Profiles as files in the user's data folder, which only the user can read."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

from speech_emotion.errors import ProfileError, ProfileNameError
from speech_emotion.extraction.features import Features
from speech_emotion.profiles import document
from speech_emotion.profiles.baseline import Baseline
from speech_emotion.profiles.document import Profile

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)  # a safe name on any file system
SUFFIX = ".json"
LARGEST_FILE = 2**20  # bytes; a profile has 2 kB
LOCK_SECONDS = 30.0  # a process holds the lock for some milliseconds
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


class ProfileStore:
    """The profiles in one folder. Several processes may use it at once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Stores the folder, which is made with the first profile.

        Args:
            folder: by default `speech-emotion/profiles` in the user's data folder.
        """
        self.folder = folder or default_folder()

    def path(self, name: str) -> Path:
        """The file of a profile; raises ProfileNameError."""
        return self.folder / f"{checked_name(name)}{SUFFIX}"

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        found = (path.stem for path in self.folder.glob(f"*{SUFFIX}"))
        return sorted(name for name in found if NAME.fullmatch(name))

    def load(self, name: str) -> Profile | None:
        """The profile of that name; None if there is none.

        Raises:
            ProfileNameError: it is no name of a profile.
            ProfileError: the file is damaged or cannot be read.
        """
        path = self.path(name)
        try:
            with path.open("rb") as file:
                return document.read(file.read(LARGEST_FILE))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failure(name, "cannot be read", path, error) from error
        except ValueError as error:
            raise ProfileError(
                f"The profile {name!r} is damaged: {error}. Delete it with "
                f"`emotion profile forget {name}`, then make it anew. File: {path}"
            ) from error

    def load_for(self, name: str, recipe: str) -> Profile | None:
        """The profile of that name, if its features are of that recipe; None if there is none.

        Raises:
            ProfileNameError: it is no name of a profile.
            ProfileError: it is damaged, cannot be read, or was made with another recipe.
        """
        profile = self.load(name)
        if profile and profile.recipe != recipe:
            raise ProfileError(
                f"The profile {name!r} was made with other features than those of this server. "
                "Use another name for this server, or start anew: "
                f"`emotion profile forget {name}`, then `emotion profile add {name} FILE...`."
            )
        return profile

    def add(self, name: str, recipe: str, clip: Features) -> Profile:
        """Adds a clip to the newest state of a profile; makes the profile if there is none.

        Raises:
            ProfileNameError: it is no name of a profile.
            ProfileError: as `load_for`, or the file cannot be written.
        """
        with self._lock(name):
            old = self.load_for(name, recipe)
            baseline = old.baseline if old else Baseline()
            profile = Profile(recipe, baseline.with_clip(clip))
            self._write(name, document.write(profile))
        return profile

    def forget(self, name: str) -> bool:
        """Deletes a profile; returns whether there was one.

        Raises:
            ProfileNameError: it is no name of a profile.
            ProfileError: it cannot be deleted.
        """
        path = self.path(name)
        if not self.folder.is_dir():
            return False
        with self._lock(name):
            existed = path.exists()
            self._new(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        return existed

    def _write(self, name: str, content: bytes) -> None:
        """Replaces the file at once, so that a reader or a crash never meets half a profile."""
        path = self.path(name)
        new = self._new(path)  # one name, because the lock is held: a crash leaves no other file
        new.unlink(missing_ok=True)
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    @staticmethod
    def _new(path: Path) -> Path:
        return path.with_name(f".{path.name}.new")

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        """Excludes other processes; errors of the file system become ProfileErrors."""
        path = self.path(name)
        lock = filelock.FileLock(self.folder / ".lock", timeout=LOCK_SECONDS, mode=PRIVATE_FILE)
        try:
            self.folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            with lock:
                yield
        except filelock.Timeout as error:
            raise ProfileError(
                f"The profile {name!r} is in use by another process for more than "
                f"{LOCK_SECONDS:g} s: {lock.lock_file} is locked"
            ) from error
        except OSError as error:
            raise _failure(name, "cannot be written", path, error) from error


def checked_name(name: str) -> str:
    """The name of a profile, which is the name of a file.

    Raises:
        ProfileNameError: it is not safe as the name of a file.
    """
    if NAME.fullmatch(name):
        return name
    raise ProfileNameError(
        f"{name!r} is not a name of a profile; expected 1 to 64 of the characters "
        "a-z, A-Z, 0-9, '_', '.' and '-', the first a letter or digit"
    )


def default_folder() -> Path:
    """The folder of profiles: on Linux `~/.local/share/speech-emotion/profiles`."""
    return platformdirs.user_data_path("speech-emotion", appauthor=False) / "profiles"


def _failure(name: str, what: str, path: Path, error: OSError) -> ProfileError:
    return ProfileError(f"The profile {name!r} {what}: {error.strerror or error}. File: {path}")
