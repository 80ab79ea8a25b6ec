from dataclasses import replace

import numpy as np
import pytest

from training.arrays import Float32
from training.examples import Examples
from training.export.ood_distance import Distance
from training.features.standardisation import Standardisation
from training.systems import dnn_prosody
from training.systems.base.system import Caches, FitContext
from training.systems.dnn_prosody import FittedVoice
from training.voice.summary import SUMMARY, mfcc_vectors, summary

SPEAKERS, CLIPS = 8, 12


def clip(speaker: int, number: int) -> tuple[Float32, Float32]:
    """Frames (30, 25) and prosody (30, 3) of a made-up voice; every second emotion is lively."""
    random = np.random.default_rng([speaker, number])
    voice = np.random.default_rng(speaker).normal(size=25)
    lively = number % 2
    frames = 20 * voice + 5 * random.normal(size=25) + random.normal(size=(30, 25)) + 4 * lively
    pitch = 2 + 0.2 * speaker + 0.1 * lively * random.normal(size=30)
    voicing = random.uniform(0.4, 1, 30)
    level = -30 + 3 * lively + random.normal(size=30)
    prosody = np.stack([pitch * (voicing > 0.5), voicing, level], axis=1)
    return frames.astype(np.float32), prosody.astype(np.float32)


@pytest.fixture(scope="package")
def voices() -> Examples:
    """Clips of eight made-up speakers, each with a voice and a pitch of its own."""
    pairs = [(speaker, number) for speaker in range(SPEAKERS) for number in range(CLIPS)]
    rows = np.stack([summary(*clip(*pair)) for pair in pairs])
    assert rows.shape == (SPEAKERS * CLIPS, SUMMARY)
    return Examples(
        features=rows[:, None],
        targets=np.array([number % 2 for _, number in pairs]),
        speakers=np.array([f"{speaker:02d}" for speaker, _ in pairs]),
        content_hashes=np.array([f"{index:032x}" for index in range(len(pairs))]),
        auxiliary_labels=np.full((len(pairs), 3), -1),
        corpora=np.full(len(pairs), "one"),
        possible=np.ones((len(pairs), 2), bool),
        labels=("calm", "lively"),
    )


@pytest.fixture(scope="package")
def fitted(voices: Examples, caches: Caches) -> FittedVoice:
    """The network after a short fit."""
    model = dnn_prosody.SYSTEM.model
    quick = replace(model, hyperparameters=replace(model.hyperparameters, epochs=20))
    found = quick.fit(voices, FitContext(1, caches))
    assert isinstance(found, FittedVoice)
    return found


@pytest.fixture(scope="package")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Caches:
    """Empty ones."""
    return Caches.under(tmp_path_factory.mktemp("caches"))


@pytest.fixture(scope="package")
def distance(voices: Examples) -> Distance:
    """That from the training distribution."""
    vectors = mfcc_vectors(voices.features)
    return Distance.fit(vectors, Standardisation.fit(vectors))
