from collections import Counter
from pathlib import Path

import pytest

from training.__main__ import main
from training.corpora.emodb import EMODB_2S
from training.corpora.reader import read_corpus

NEW_RECIPE = """
title = "Two layers on pooled MFCCs"
source = "a test"
claim = "none"

[features]
shape = "vector"
parts = [{ of = "mfcc", count = 13, statistics = ["mean", "deviation"] }]

[augmentation]
copies = 1
speed = 0.1
noise_db = 10.0

[training]
optimiser = "adam"
learning_rate = 0.01
epochs = 3
batch = 16

[[models]]
kind = "layers"
name = "network"
layers = [{ layer = "flatten" }, { layer = "dense", units = 8 }, { layer = "relu" }]
"""
SEVERAL_MODELS = """
title = "Three kinds of models"
source = "a test"
claim = "none"

[features]
shape = "vector"
parts = [{ of = "mfcc", count = 13 }, { of = "chroma", count = 12 }]

[[models]]
kind = "logistic regression"
name = "regression"

[[models]]
kind = "random forest"
name = "forest"
trees = 5

[[models]]
kind = "xgboost"
name = "boosting"
rounds = 3
"""
CLIPS_OF_EACH_EMOTION = 2  # and speaker


@pytest.fixture(scope="session")
def german(emodb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers with a few clips of each emotion."""
    folder = tmp_path_factory.mktemp("german")
    taken: Counter[tuple[str, str]] = Counter()
    for utterance in read_corpus(emodb, EMODB_2S).utterances:
        key = (utterance.speaker, utterance.emotion)
        if utterance.speaker in ("10", "11", "14") and taken[key] < CLIPS_OF_EACH_EMOTION:
            taken[key] += 1
            (folder / utterance.path.name).symlink_to(utterance.path)
    return folder


@pytest.fixture(scope="session")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recipes of a user's own."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "sixth.toml").write_text(NEW_RECIPE, encoding="utf-8")
    (folder / "several.toml").write_text(SEVERAL_MODELS, encoding="utf-8")
    return folder


class Command:
    """`python -m training`, with folders of its own."""

    def __init__(
        self, folder: Path, source: Path, recipes: Path, cache: Path | None = None
    ) -> None:
        self.output = folder / "output"
        self.cache = cache or folder / "cache"
        self.options = [
            "--corpus=emodb-2s",
            f"--source-path={source}",
            f"--cache-path={self.cache}",
            f"--recipes-path={recipes}",
            f"--output-path={self.output}",
        ]

    def __call__(self, command: str, *arguments: str) -> int:
        return main([command, *arguments, *self.options])

    def outcomes(self) -> dict[str, int]:
        """When each fit was written."""
        found = sorted((self.cache / "comparison").glob("*.npz"))
        return {path.name: path.stat().st_mtime_ns for path in found}


@pytest.fixture(scope="session")
def cache_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features and fits that several comparisons share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def compared(
    german: Path, recipes: Path, cache_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Command:
    """After a comparison of the user's own recipes."""
    command = Command(tmp_path_factory.mktemp("compared"), german, recipes, cache_path)
    assert command("compare", "--recipes", "sixth,several") == 0
    return command
