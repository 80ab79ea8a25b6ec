import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.missing import missing
from training.contract.tarsosdsp import FRAME_LENGTH, android_client_vector
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import read_corpus
from training.features.recipe import RECIPE

Row = tuple[Path, list[float]]


@pytest.fixture(scope="module")
def rows(ravdess: Path) -> list[Row]:
    """Recordings, and the coefficients that the published client computed from them."""
    path = ravdess.parent / "android-client-mfccs.csv"
    if not path.exists():
        missing(f"{path} is missing: coefficients that the published Android client computed")
    clips = {
        utterance.path.stem: utterance.path
        for utterance in read_corpus(ravdess, RAVDESS).utterances
    }
    with path.open(newline="") as file:
        lines = list(csv.reader(file))[1:]
    return [(clips[name], [float(value) for value in values]) for name, *values in lines]


def test_the_published_clients_coefficients_are_reproduced(rows: list[Row]) -> None:
    differences = []
    for path, coefficients in rows:
        # The client used the two seconds from 1.0 s.
        audio, _ = soundfile.read(path, start=RECIPE.sample_rate, frames=FRAME_LENGTH)
        differences.append(np.abs(android_client_vector(audio) - coefficients).max())
    assert len(differences) > 30
    assert np.median(differences) < 0.005
    assert max(differences) < 0.06
