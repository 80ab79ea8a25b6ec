"""The quick formulation of a frame network against the network itself, with random weights."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.export.quick_frames import QuickFrames
from training.export.quick_statistics import Moments
from training.frames.companion import Companion
from training.frames.hyperparameters import Hyperparameters
from training.frames.inputs import Channels
from training.frames.network import FrameNetwork, Member

LABELS = 5
LENGTHS = ([130], [1], [2, 1, 7], [41, 30, 41])
POSITIVE = ("running_var", "deviation", "shrinkage", "scale")


def network(members: tuple[tuple[int, ...], ...], *, companion: bool) -> FrameNetwork:
    """All weights and statistics are random."""
    torch.manual_seed(0)
    settings = Hyperparameters(channels=24, attention=12, kernel=5)
    found = FrameNetwork(
        [Member(settings, dilations, LABELS) for dilations in members],
        Companion(LABELS) if companion else None,
    )
    with torch.no_grad():
        for name, value in [*found.named_buffers(), *found.named_parameters()]:
            if name.endswith(POSITIVE):
                value.uniform_(0.5, 2)
            elif value.ndim == 1 and value.is_floating_point():
                value.normal_(0.5)
    first, *others = inputs_of(found)
    for inputs in others:
        inputs.load_state_dict(first.state_dict())  # the scales are fitted to the same frames
    return found.eval()


def inputs_of(found: FrameNetwork) -> list[Channels]:
    """Of each member."""
    return [module for module in found.modules() if isinstance(module, Channels)]


ONE, SEVERAL = network(((1, 3),), companion=True), network(((1,), (2, 1)), companion=True)
ALONE = network(((1, 2), (4,)), companion=False)


def clips(lengths: list[int], *, prosody: bool, baseline: bool) -> list[Tensor]:
    """The inputs of a network; beyond the lengths are numbers too."""
    random = np.random.default_rng(0)
    shape = (len(lengths), max(lengths) + 3)
    voiced = random.random(shape) < 0.6
    pitch = voiced * random.normal(2.5, 0.3, shape)
    spoken = np.stack([pitch, random.random(shape), random.normal(-30, 8, shape)], axis=-1)
    usual = random.normal(0, 1, (len(lengths), 57))
    usual[:, -1] = 3  # clips
    usual[0, [3, 25]] = 0  # a baseline may lack members
    arrays = (random.normal(0, 1, (*shape, 25)), spoken * prosody, usual * baseline)
    frames, given, of_speaker = (torch.from_numpy(array.astype(np.float32)) for array in arrays)
    return [frames, torch.tensor(lengths), given, of_speaker]


def both(model: FrameNetwork, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Probabilities of the network and of its quick form."""
    frames, lengths, prosody, baseline = inputs
    inside = (torch.arange(frames.shape[1]) < lengths[:, None])[..., None]
    with torch.inference_mode():
        expected = model(frames, lengths, torch.where(inside, prosody, 0.0), baseline)
        found = QuickFrames(model).eval()(Moments(*inputs))
    return expected.exp(), found.exp()


@pytest.mark.parametrize("model", [ONE, SEVERAL, ALONE], ids=["one", "several", "alone"])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_the_quick_form_gives_the_same_in_each_form_of_request(
    model: nn.Module, lengths: list[int]
) -> None:
    assert isinstance(model, FrameNetwork)
    for prosody in (False, True):
        for baseline in (False, True):
            inputs = clips(lengths, prosody=prosody, baseline=baseline)
            expected, found = both(model, inputs)
            np.testing.assert_allclose(found, expected, atol=1e-6)
            assert expected.std() > 1e-3


def test_scores_that_may_overflow_are_shifted_by_their_maximum() -> None:
    model = network(((1,),), companion=False)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("pooling.score.2.weight"):
                value.mul_(300)
    expected, found = both(model, clips([41, 30], prosody=True, baseline=True))
    assert torch.isfinite(found).all()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_largest_numbers_give_finite_probabilities() -> None:
    inputs = clips([30, 20], prosody=True, baseline=True)
    for index in (0, 2, 3):
        extreme = list(inputs)
        extreme[index] = inputs[index].sign() * torch.finfo(torch.float32).max
        _, found = both(ONE, extreme)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_members_of_other_inputs_are_refused() -> None:
    found = network(((1,), (2,)), companion=False)
    inputs_of(found)[1].speaker.prior[3] += 1e-3
    with pytest.raises(ValueError, match=r"differ in speaker\.prior"):
        QuickFrames(found)
