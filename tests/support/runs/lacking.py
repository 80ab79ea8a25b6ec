"""Two tests of a corpus, which another test runs where the corpus is absent."""

from pathlib import Path


def test_one(ravdess: Path) -> None:
    assert ravdess.is_dir()


def test_two(ravdess: Path) -> None:
    assert ravdess.is_dir()
