"""Finds the recordings in folders."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from speech_emotion.errors import AudioError

SUFFIXES = {
    *(".3gp", ".aac", ".aif", ".aifc", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".mka"),
    *(".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".snd", ".w64", ".wav", ".wave"),
    ".webm",
}


def recordings(names: Iterable[str], *, recursive: bool) -> list[str]:
    """The names of files; with `recursive`, a folder's are those of the recordings in it.

    Raises:
        AudioError: a folder holds no recording.
    """
    return [file for name in names for file in _expanded(name, recursive=recursive)]


def _expanded(name: str, *, recursive: bool) -> list[str]:
    if not (recursive and Path(name).is_dir()):
        return [name]  # reading a folder is an error of this one file
    found = sorted(_below(name))
    if not found:
        raise AudioError(f"{name}: no recordings in it ({' '.join(sorted(SUFFIXES))})")
    return found


def _below(folder: str) -> Iterator[str]:
    """Links to folders are not followed, and hidden files and folders are left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield str(Path(parent, name))
