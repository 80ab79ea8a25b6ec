from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.arrays import Float32
from training.features.standardisation import Standardisation
from training.report.attributions import PARTS, choose_clips, in_parts, shares
from training.report.saliency import attribute, listener
from training.systems.base.vectors import FittedVectors
from training.systems.dnn import DNN
from training.systems.tcn import FittedFrames, FrameNetwork, Hyperparameters, Member

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
    return FittedVectors("DNN", LABELS, standardisation, network, np.zeros(1, np.float32))


@pytest.fixture
def frames() -> FittedFrames:
    torch.manual_seed(0)
    network = FrameNetwork([Member(Hyperparameters(channels=16), (1, 2, 4), len(LABELS))])
    return FittedFrames(network.eval(), np.zeros(1, np.float32))


class Ear(nn.Module):
    """Hears coefficient 3 in the first half of a clip, and nothing else."""

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        heard = frames[:, : int(lengths[0]) // 2, 3].mean(dim=1) / 10
        return torch.stack([heard, -heard], dim=1).log_softmax(dim=1)


@pytest.mark.parametrize("kind", ["vectors", "frames"])
def test_weights_sum_to_what_the_clip_has_above_the_mean_frame(
    kind: str, clips: list[Float32], request: pytest.FixtureRequest
) -> None:
    network = listener(request.getfixturevalue(kind))
    baseline = torch.from_numpy(np.concatenate(clips).mean(axis=0))
    for found in attribute(network, clips, [0, 1, 2]):
        inputs, length = torch.from_numpy(found.frames)[None], torch.tensor([len(found.frames)])
        with torch.inference_mode():
            difference = network(inputs, length) - network(baseline.expand_as(inputs), length)
        assert found.weights.shape == found.frames.shape
        assert found.weights.sum() == pytest.approx(difference[0, found.target].item(), abs=0.05)


def test_a_network_that_takes_vectors_says_the_same_of_their_frames(
    vectors: FittedVectors, clips: list[Float32]
) -> None:
    network = listener(vectors)
    for clip, logits in zip(clips, vectors.logits(clips), strict=True):
        answer = network(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))
        expected = torch.from_numpy(logits).log_softmax(0)
        torch.testing.assert_close(answer[0], expected, atol=1e-4, rtol=0)


def test_weight_lies_where_the_network_listens(clips: list[Float32]) -> None:
    weights = shares(attribute(Ear().eval(), clips, [0, 1, 1]), 2)
    assert weights.mean(axis=(1, 2)) == pytest.approx([1, 1])
    heard = weights[:, : PARTS // 2 + 1, 3]
    assert heard.sum() == pytest.approx(weights.sum())


def test_parts_of_a_clip_hold_all_of_its_weight() -> None:
    weights = np.random.default_rng(0).random((33, 25))
    parts = in_parts(weights)
    assert parts.shape == (PARTS, 25)
    assert parts.sum(axis=0) == pytest.approx(weights.sum(axis=0))
    assert in_parts(np.ones((1, 25))) == pytest.approx(1 / PARTS)


def test_each_speaker_is_heard_once_for_each_emotion() -> None:
    speakers = np.array(["1", "1", "2", "1", "2"])
    assert choose_clips(speakers, np.array([0, 0, 0, 1, 0])) == [0, 2, 3]


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(TypeError, match="no such network"):
        listener(cast("FittedVectors", Path()))
