from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.arrays import Float32
from training.features.standardisation import Standardisation
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import FrameNetwork, Member
from training.report.attribution import (
    ABLATED_PARTS,
    BLOCKS,
    PARTS,
    Attribution,
    choose_clips,
    feature_ablation,
    frame_module,
    in_parts,
    integrated_gradients,
    shares,
)
from training.systems.base.vectors import FittedVectors
from training.systems.dnn import DNN
from training.systems.tcn import FittedFrames

LABELS = ("angry", "calm", "happy")


@pytest.fixture
def clips() -> list[Float32]:
    random = np.random.default_rng(0)
    return [random.normal(0, 20, (40 + i, 25)).astype(np.float32) for i in range(3)]


@pytest.fixture
def vectors(clips: list[Float32]) -> FittedVectors:
    torch.manual_seed(0)
    standardisation = Standardisation.fit(np.concatenate(clips))
    network = DNN(len(LABELS), 0.0).eval()
    return FittedVectors(standardisation, network, np.zeros(1, np.float32))


@pytest.fixture
def frames() -> FittedFrames:
    torch.manual_seed(0)
    network = FrameNetwork([Member(Hyperparameters(channels=16), (1, 2, 4), len(LABELS))])
    return FittedFrames(network.eval(), np.zeros(1, np.float32))


class HalfNetwork(nn.Module):
    """Depends only on coefficient 3 in the first half of a clip."""

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        mean = frames[:, : int(lengths[0]) // 2, 3].mean(dim=1) / 10
        return torch.stack([mean, -mean], dim=1).log_softmax(dim=1)


@pytest.mark.parametrize("kind", ["vectors", "frames"])
def test_weights_sum_to_the_difference_from_the_mean_frame(
    kind: str, clips: list[Float32], request: pytest.FixtureRequest
) -> None:
    network = frame_module(request.getfixturevalue(kind))
    baseline = torch.from_numpy(np.concatenate(clips).mean(axis=0))
    for found in integrated_gradients(network, clips, [0, 1, 2]):
        inputs, length = torch.from_numpy(found.frames)[None], torch.tensor([len(found.frames)])
        with torch.inference_mode():
            difference = network(inputs, length) - network(baseline.expand_as(inputs), length)
        assert found.weights.shape == found.frames.shape
        assert found.weights.sum() == pytest.approx(difference[0, found.target].item(), abs=0.05)


def test_the_module_of_a_vector_network_pools_the_frames(
    vectors: FittedVectors, clips: list[Float32]
) -> None:
    network = frame_module(vectors)
    for clip, logits in zip(clips, vectors.logits(clips), strict=True):
        answer = network(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))
        expected = torch.from_numpy(logits).log_softmax(0)
        torch.testing.assert_close(answer[0], expected, atol=1e-4, rtol=0)


def test_weight_lies_on_the_inputs_that_the_network_uses(clips: list[Float32]) -> None:
    weights = shares(integrated_gradients(HalfNetwork().eval(), clips, [0, 1, 1]), 2)
    assert weights.mean(axis=(1, 2)) == pytest.approx([1, 1])
    used = weights[:, : PARTS // 2 + 1, 3]
    assert used.sum() == pytest.approx(weights.sum())


def test_the_parts_of_a_clip_keep_the_total_weight() -> None:
    weights = np.random.default_rng(0).random((33, 25))
    parts = in_parts(weights)
    assert parts.shape == (PARTS, 25)
    assert parts.sum(axis=0) == pytest.approx(weights.sum(axis=0))
    assert in_parts(np.ones((1, 25))) == pytest.approx(1 / PARTS)


def test_one_clip_is_chosen_for_each_speaker_and_emotion() -> None:
    speakers = np.array(["1", "1", "2", "1", "2"])
    assert choose_clips(speakers, np.array([0, 0, 0, 1, 0])) == [0, 2, 3]


def test_an_object_that_is_no_network_is_refused() -> None:
    with pytest.raises(TypeError, match="need a PyTorch network"):
        frame_module(cast("FittedVectors", Path()))


def softmax_of(weights: Float32) -> Callable[[Float32], Float32]:
    """A model whose two logits are plus and minus the weighted sum of all numbers."""

    def probabilities(frames: Float32) -> Float32:
        logit = (weights * frames).sum()
        return np.array([1 / (1 + np.exp(-2 * logit)), 1 / (1 + np.exp(2 * logit))], np.float32)

    return probabilities


def test_ablation_gives_each_number_of_a_vector_its_contribution() -> None:
    random = np.random.default_rng(0)
    vectors = [random.normal(size=(1, 7)).astype(np.float32) for _ in range(4)]
    weights = random.normal(0, 0.1, (1, 7)).astype(np.float32)
    model, baseline = softmax_of(weights), np.mean(vectors, axis=0)
    for clip, found in zip(vectors, feature_ablation(model, vectors, [0, 1, 0, 1]), strict=True):
        for number in range(7):
            ablated = clip.copy()
            ablated[:, number] = baseline[:, number]
            lost = np.log(model(clip)) - np.log(model(ablated))
            assert found.weights[0, number] == pytest.approx(lost[found.target], abs=1e-5)


def test_ablation_divides_a_long_clip_into_blocks() -> None:
    random = np.random.default_rng(0)
    clips = [random.normal(size=(87, 128)).astype(np.float32) for _ in range(2)]
    calls: list[Float32] = []

    def probabilities(frames: Float32) -> Float32:
        calls.append(frames)
        return softmax_of(np.full((87, 128), 1e-3, np.float32))(frames)

    found = feature_ablation(probabilities, clips, [0, 1])
    assert len(calls) <= 2 * (BLOCKS + 2)
    for attribution in found:
        assert attribution.weights.shape == (87, 128)
        assert len(np.unique(attribution.weights)) <= BLOCKS
        assert len(np.unique(attribution.weights[:, 0])) == ABLATED_PARTS


def test_ablation_finds_the_inputs_that_a_model_uses() -> None:
    clips = [np.random.default_rng(i).normal(size=(20, 5)).astype(np.float32) for i in range(3)]
    used = np.zeros((20, 5), np.float32)
    used[:10, 3] = 0.1
    found: list[Attribution] = feature_ablation(softmax_of(used), clips, [0, 1, 1])
    for attribution in found:
        assert np.flatnonzero(np.abs(attribution.weights).sum(axis=0) > 1e-6).tolist() == [3]
        assert np.abs(attribution.weights[10:]).max() < 1e-6
