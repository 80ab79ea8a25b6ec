from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.conftest import Here
from tests.training.protocols.conftest import SPEAKERS
from training.corruptions import CONDITIONS
from training.examples import Examples
from training.features.cache import FeatureCache
from training.folds import Fold
from training.protocols import conditions
from training.protocols.conditions import corrupted_features
from training.protocols.folds import union_folds


class Noted(Here):
    """Notes what would be extracted."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "tasks", [])

    def run(self, function: Any, tasks: Any, what: str, unit: str) -> Any:
        self.tasks.extend(tasks)  # type: ignore[attr-defined]
        return []


@pytest.fixture
def folds(union: Examples) -> tuple[Fold, ...]:
    return union_folds(union.speakers.tolist(), lambda _: "", count=SPEAKERS)


@pytest.fixture
def paths(union: Examples) -> list[Path]:
    return [Path(f"{name}.wav") for name in union.content_hashes.tolist()]


def test_as_many_clips_of_each_emotion_and_corpus_are_measured(
    union: Examples,
    folds: tuple[Fold, ...],
    paths: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conditions, "MOST", 8)
    scheduler = Noted()
    cache = FeatureCache(tmp_path)
    found = corrupted_features(paths, union, folds, cache, scheduler)
    assert tuple(found) == CONDITIONS
    measured = np.array([bool(folder) for folder in found["telephone band"]])
    counts = Counter(zip(union.corpora[measured], union.targets[measured], strict=True))
    assert {corpus: number for (corpus, _), number in counts.items()} == {
        "stage": 2,
        "street": 2,
        "radio": 2,
    }
    assert len(scheduler.tasks) == measured.sum()  # type: ignore[attr-defined]


def test_babble_is_of_the_same_corpus_and_of_other_folds(
    union: Examples, folds: tuple[Fold, ...], paths: list[Path], tmp_path: Path
) -> None:
    scheduler = Noted()
    corrupted_features(paths, union, folds, FeatureCache(tmp_path), scheduler)
    row = {path: index for index, path in enumerate(paths)}
    assert scheduler.tasks  # type: ignore[attr-defined]
    for task in scheduler.tasks:  # type: ignore[attr-defined]
        clip = row[task.path]
        (fold,) = (fold for fold in folds if union.speakers[clip] in fold)
        for change in task.changes:
            for voice in getattr(change.effect, "keywords", {}).get("voices", ()):
                assert union.corpora[row[voice]] == union.corpora[clip]
                assert union.speakers[row[voice]] not in fold
