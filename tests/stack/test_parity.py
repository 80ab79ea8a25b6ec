"""The running server predicts the same as PyTorch, for real recordings."""

import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from configuration import ROOT
from tests.support.harness import Server, running
from tests.training.conftest import Here
from training.arrays import Float32
from training.calibration import Temperature
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import read_corpus
from training.corpora.union import Corpora
from training.examples import Examples, changes, load_examples
from training.export.deployable import deployable_model
from training.export.model import DeployableModel
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features.cache import FeatureCache
from training.features.extraction import extract_corpora
from training.features.mfcc import pool
from training.features.standardisation import Standardisation
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import FrameNetwork, Member
from training.protocols.results import MFCCS_ALONE
from training.systems import cnn, dnn
from training.systems.base.system import Caches, Fitted
from training.systems.base.trainer import Trainer
from training.systems.tcn import FittedFrames

# PyTorch's exporter uses a deprecated part of PyTorch.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")

CLIPS = 200
NETWORKS = {"CNN": cnn.SYSTEM, "DNN": dnn.SYSTEM}  # that take vectors
FRAME_NETWORK = "TCN"
TEMPERATURES = {MFCCS_ALONE: Temperature(1.3, 0.4)}


@dataclass(frozen=True)
class Material:
    """200 real recordings, of all speakers."""

    examples: Examples
    clips: list[Float32]  # frames (T, 25) of each


@pytest.fixture(scope="module")
def material(ravdess: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    whole = read_corpus(ravdess, RAVDESS)
    chosen = whole.utterances[:: len(whole.utterances) // CLIPS][:CLIPS]
    corpora = Corpora((dataclasses.replace(whole, utterances=chosen),))
    cache = FeatureCache(tmp_path_factory.mktemp("features"))
    examples = load_examples(extract_corpora(corpora, cache, changes(0), Here()), cache, 0)
    return Material(examples, [cache.read(content) for content in examples.content_hashes.tolist()])


def fitted_network(network: str, material: Material) -> Fitted:
    """A briefly fitted vector network, or a small frame network."""
    if network in NETWORKS:
        system = NETWORKS[network].with_hyperparameters({"epochs": 2, "variants": 0})
        return Trainer.of(system, Caches.under(Path())).fit(material.examples, 1)
    torch.manual_seed(0)
    labels = len(material.examples.labels)
    members = [Member(Hyperparameters(channels=16), (1, 2), labels) for _ in range(2)]
    for member in members:
        member.inputs.fit(np.concatenate(material.clips))
    return FittedFrames(FrameNetwork(members).eval(), np.zeros(1, np.float32))


def export(network: str, material: Material, models: Path) -> DeployableModel:
    """Exports as the trainer does, with the metadata of the project's network."""
    vectors = material.examples.features
    distance = Distance.fit(vectors, Standardisation.fit(vectors))
    served = deployable_model(fitted_network(network, material), distance, TEMPERATURES)
    shared = onnx.load(ROOT / "models" / f"{network}.onnx")
    metadata = {item.key: item.value for item in shared.metadata_props}
    export_network(served, metadata, material.clips, models / f"{network}.onnx")
    return served


@pytest.fixture(scope="module")
def pytorch(
    material: Material, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, DeployableModel]]:
    """A models directory, and the same networks in PyTorch."""
    models = tmp_path_factory.mktemp("models")
    for file in ("mfcc.onnx", "reference.wav"):
        shutil.copy(ROOT / "models" / file, models)
    networks = (*NETWORKS, FRAME_NETWORK)
    return models, {network: export(network, material, models) for network in networks}


@pytest.fixture(scope="module")
def server(
    nginx: Path,
    pytorch: tuple[Path, dict[str, DeployableModel]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=pytorch[0]) as server:
        yield server


def answer_of_pytorch(served: DeployableModel, clip: Float32, network: str) -> Float32:
    """Probabilities (L,)."""
    inputs = [pool(clip)[None]] if network in NETWORKS else [clip[None], np.array([len(clip)])]
    with torch.inference_mode():
        probabilities, _ = served(*map(torch.from_numpy, inputs))
    answer: Float32 = probabilities[0].numpy()
    return answer


@pytest.mark.parametrize("network", [*NETWORKS, FRAME_NETWORK])
def test_the_server_predicts_the_same_as_pytorch(
    server: Server,
    pytorch: tuple[Path, dict[str, DeployableModel]],
    material: Material,
    network: str,
) -> None:
    assert len(material.clips) == CLIPS
    for clip in material.clips:
        mfccs = pool(clip) if network in NETWORKS else clip
        response = server.client.post(f"/prediction/{network}", json={"mfccs": mfccs.tolist()})
        results = response.json()["results"]
        assert [result["emotionType"] for result in results] == list(material.examples.labels)
        answered = [result["prediction"] for result in results]
        expected = answer_of_pytorch(pytorch[1][network], clip, network)
        np.testing.assert_allclose(answered, expected, rtol=0, atol=1e-4)
