"""The frame network's answer depends on the valid frames alone."""

import numpy as np
import pytest
import torch

from training.frames.network import FrameNetwork, Member, MemberSettings

LABELS = 8


@pytest.fixture(scope="module")
def network() -> FrameNetwork:
    torch.manual_seed(0)
    members = [Member(MemberSettings(), LABELS) for _ in range(2)]
    for member in members:
        member.standardisation.fit(np.random.default_rng(0).normal(0, 9, (100, 25)).astype("f4"))
    return FrameNetwork(members).eval()


def answer(network: FrameNetwork, frames: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = network(frames, torch.tensor(lengths))
    return result


@pytest.mark.parametrize("length", [10, 11, 130])
def test_padding_changes_nothing(network: FrameNetwork, length: int) -> None:
    frames = torch.randn(1, length, 25) * 9
    padded = torch.cat([frames, torch.full((1, 37, 25), 1e6)], 1)
    alone, beside = answer(network, frames, [length]), answer(network, padded, [length])
    assert torch.allclose(alone, beside, atol=1e-5)


def test_answers_are_log_probabilities(network: FrameNetwork) -> None:
    rows = answer(network, torch.randn(3, 40, 25) * 9, [40, 12, 31])
    assert rows.shape == (3, LABELS)
    assert torch.allclose(rows.exp().sum(1), torch.ones(3))


@pytest.mark.parametrize("value", [0.0, 3e38, -3e38])
def test_every_finite_input_gets_a_finite_answer(network: FrameNetwork, value: float) -> None:
    assert torch.isfinite(answer(network, torch.full((1, 10, 25), value), [10])).all()
