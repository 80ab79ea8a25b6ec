"""What the functionals say of frames that are known, and that nothing behind a clip is heard."""

import numpy as np
import pytest
import torch

from training.frames.network import Member, MemberSettings
from training.functionals.network import FUNCTIONALS, FunctionalsNetwork, Head, MixedNetwork
from training.functionals.network import Functionals as Computed

LABELS = 7


@pytest.fixture(scope="module")
def network() -> MixedNetwork:
    torch.manual_seed(0)
    members = [Member(MemberSettings(channels=16, dilations=(1,)), LABELS)]
    heads = FunctionalsNetwork([Head(8, LABELS, 0.3) for _ in range(2)])
    return MixedNetwork(members, heads).eval()


def functionals(frames: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        values: torch.Tensor = Computed()(frames, torch.tensor(lengths))
    return values


def test_a_still_voice_has_its_level_and_no_movement() -> None:
    (values,) = functionals(torch.full((1, 40, 25), 2.0), [40])
    assert values.shape == (FUNCTIONALS,)
    assert torch.allclose(values[:25], torch.tensor(2.0))
    assert torch.allclose(values[-100:-25], torch.tensor(0.0))


def test_coefficients_that_move_together_are_correlated() -> None:
    frames = torch.randn(1, 60, 25)
    frames[..., 1] = 3 * frames[..., 0]
    frames[..., 2] = -frames[..., 0]
    values = functionals(frames.clamp(-2, 2), [60])[0]
    correlations = values[25 * 11 : 25 * 11 + 300]  # after moments, extremes, trend, distribution
    assert correlations[0] > 0.9
    assert correlations[1] == pytest.approx(-1, abs=1e-3)


def test_a_rise_is_told_from_a_fall() -> None:
    rise = torch.linspace(-1, 1, 50)[None, :, None].expand(1, 50, 25)
    up, down = functionals(rise, [50]), functionals(-rise, [50])
    assert (up[0, 125:150] > 0.3).all()
    assert torch.allclose(up[0, 125:150], -down[0, 125:150], atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 10, 130])
def test_padding_changes_nothing(network: MixedNetwork, length: int) -> None:
    frames = torch.randn(1, length, 25)
    padded = torch.cat([frames, torch.full((1, 37, 25), 1e6)], 1)
    with torch.inference_mode():
        alone = network(frames, torch.tensor([length]))
        beside = network(padded, torch.tensor([length]))
    assert torch.allclose(alone, beside, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 3e38, -3e38])
def test_every_finite_input_gets_a_finite_answer(network: MixedNetwork, value: float) -> None:
    with torch.inference_mode():
        answer = network(torch.full((1, 10, 25), value), torch.tensor([10]))
    assert torch.isfinite(answer).all()


def test_heads_and_members_count_alike(network: MixedNetwork) -> None:
    frames, lengths = torch.randn(3, 30, 25), torch.tensor([30, 12, 25])
    with torch.inference_mode():
        answers = [member(frames, lengths) for member in network.members]
        answers += list(network.functionals(frames, lengths))
        mean = torch.stack([answer.softmax(1) for answer in answers]).mean(0)
        np.testing.assert_allclose(network(frames, lengths).exp(), mean, atol=1e-5)
