"""Three corpora of clouds: one has calm, one lacks it, one is small."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.arrays import Float32
from training.cross_validation import Experiment
from training.examples import Examples
from training.features.cache import ORIGINAL, FeatureCache
from training.systems import dnn
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer

LABELS = ("angry", "calm", "happy", "neutral", "sad")
EMOTIONS = {
    "stage": ("angry", "calm", "happy", "neutral"),
    "street": ("angry", "happy", "neutral", "sad"),
    "radio": ("angry", "neutral", "sad"),
}
CLIPS = {"stage": 4, "street": 6, "radio": 2}  # of each emotion and speaker
SPEAKERS = 4


@pytest.fixture(scope="session")
def union() -> Examples:
    """Vectors about a centre for each emotion, moved a little by each corpus."""
    return Examples(
        features=_vectors(),
        targets=np.array([LABELS.index(emotion) for _, _, emotion in _clips()]),
        speakers=np.array([f"{corpus}/{speaker}" for corpus, speaker, _ in _clips()]),
        content_hashes=np.array([f"{index:032x}" for index, _ in enumerate(_clips())]),
        auxiliary_labels=np.full((len(list(_clips())), 3), -1),
        corpora=np.array([corpus for corpus, _, _ in _clips()]),
        possible=np.array([[name in EMOTIONS[c] for name in LABELS] for c, _, _ in _clips()]),
        labels=LABELS,
    )


def _clips() -> Iterator[tuple[str, int, str]]:
    for corpus, emotions in EMOTIONS.items():
        for speaker in range(SPEAKERS):
            for emotion in emotions:
                yield from [(corpus, speaker, emotion)] * CLIPS[corpus]


def _vectors() -> Float32:
    random = np.random.default_rng(0)
    centres = random.normal(size=(len(LABELS), 25))
    moved = {corpus: 0.5 * random.normal(size=25) for corpus in EMOTIONS}
    rows = [centres[LABELS.index(emotion)] + moved[corpus] for corpus, _, emotion in _clips()]
    noise = 1.5 * random.normal(size=(len(rows), 25))
    return (np.array(rows) + noise)[:, None].astype(np.float32)


@pytest.fixture(scope="session")
def frames(union: Examples, tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    """Each vector as the one frame of a clip."""
    cache = FeatureCache(tmp_path_factory.mktemp("frames"))
    (cache.directory / ORIGINAL.folder).mkdir()
    for key, vector in zip(union.content_hashes.tolist(), union.recordings, strict=True):
        np.save(cache.path(key, ORIGINAL.folder), vector[None])
    return cache


def experiment_of(union: Examples, frames: FeatureCache, folder: Path, epochs: int) -> Experiment:
    system = dnn.SYSTEM.with_hyperparameters({"epochs": epochs, "batch_size": 32, "variants": 0})
    caches = replace(Caches.under(Path()), features=frames)
    return Experiment(Trainer.of(system, caches), union, folder, {})
