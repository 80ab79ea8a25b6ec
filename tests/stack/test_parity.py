"""From recordings to answers: the running server says what PyTorch says."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from configuration import ROOT
from tests.stack.harness import Server, running
from training.corpora import Corpus, read_corpus
from training.distance import Distance
from training.examples import Examples, load_examples
from training.export import Served, export_network
from training.features import FeatureCache, extract_corpus
from training.fitting import fit
from training.metadata import network_metadata
from training.networks import NETWORKS
from training.protocol import cross_validate, speaker_folds
from training.settings import TrainingSettings

# PyTorch's exporter uses a part of PyTorch that it deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")

CLIPS = 200
SETTINGS = TrainingSettings(epochs=2, variants=0)
TEMPERATURE = 1.3


@pytest.fixture(scope="module")
def corpus(ravdess: Path) -> Corpus:
    """200 recordings, of all speakers."""
    corpus = read_corpus(ravdess)
    step = len(corpus.utterances) // CLIPS
    return dataclasses.replace(corpus, utterances=corpus.utterances[::step][:CLIPS])


@pytest.fixture(scope="module")
def examples(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    cache = FeatureCache(tmp_path_factory.mktemp("features"))
    return load_examples(extract_corpus(corpus, cache, 0).corpus, cache, 0)


def fit_and_export(network: str, corpus: Corpus, examples: Examples, models: Path) -> Served:
    """Fits a network for a short while, and exports it as the trainer does."""
    fitted = fit(network, examples, SETTINGS)
    distance = Distance.fit(examples.recordings, fitted.standardisation)
    served = Served(fitted, distance, TEMPERATURE).eval()
    folds = speaker_folds(examples.speakers.tolist(), corpus.reader.sex)
    result = cross_validate(network, examples, folds, SETTINGS)
    metadata = network_metadata(network, corpus, SETTINGS, result)
    export_network(served, metadata, examples.recordings, models / f"{network}.onnx")
    return served


@pytest.fixture(scope="module")
def pytorch(
    corpus: Corpus, examples: Examples, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Served]]:
    """A models' directory, and the same networks in PyTorch."""
    models = tmp_path_factory.mktemp("models")
    for file in ("mfcc.onnx", "reference.wav"):
        shutil.copy(ROOT / "models" / file, models)
    return models, {name: fit_and_export(name, corpus, examples, models) for name in NETWORKS}


@pytest.fixture(scope="module")
def server(
    nginx: Path, pytorch: tuple[Path, dict[str, Served]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=pytorch[0]) as server:
        yield server


@pytest.mark.parametrize("network", NETWORKS)
def test_the_server_says_what_pytorch_says(
    server: Server, pytorch: tuple[Path, dict[str, Served]], examples: Examples, network: str
) -> None:
    with torch.inference_mode():
        expected, _ = pytorch[1][network](torch.from_numpy(examples.recordings))
    assert len(expected) == CLIPS
    for vector, probabilities in zip(examples.recordings.tolist(), expected.numpy(), strict=True):
        response = server.client.post(f"/prediction/{network}", json={"mfccs": vector})
        results = response.json()["results"]
        assert [result["emotionType"] for result in results] == list(examples.labels)
        answered = [result["prediction"] for result in results]
        np.testing.assert_allclose(answered, probabilities, rtol=0, atol=1e-4)
