"""Recorded sounds, such as rain or a crying baby: some for training, the others for tests."""

from pathlib import Path

from training.corpora.sound_files import SUFFIXES

FOLDER = "noise"  # beside the corpora


def training_sounds(folder: Path) -> tuple[Path, ...]:
    """Every second sound of a folder in the order of names, from the first; none without it."""
    return _sounds(folder)[::2]


def held_out_sounds(folder: Path) -> tuple[Path, ...]:
    """Those between, with which recall is measured."""
    return _sounds(folder)[1::2]


def _sounds(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES))
