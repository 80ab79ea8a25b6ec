"""What a member of a frame network is fitted to."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from training.audio.real_noise import RealNoises
from training.fitting.loop import fit_all
from training.frames.batches import FrameExamples
from training.frames.hyperparameters import Hyperparameters
from training.frames.objective import MemberObjective
from training.voice.summary import BASELINE

QUICK = Hyperparameters(channels=8, attention=4, epochs=2, batch_size=6)
DILATIONS = (1, 2)


def objective_of(clips: FrameExamples, settings: Hyperparameters) -> MemberObjective:
    return MemberObjective(clips, settings, DILATIONS, RealNoises(), seed=1)


@pytest.fixture(scope="module")
def objective(clips: FrameExamples) -> MemberObjective:
    return objective_of(clips, QUICK)


def inputs(counts: Sequence[float]) -> tuple[Tensor, Tensor, Tensor]:
    """A row of inputs for each number of clips of its baseline; all of row k are k + 1."""
    rows = torch.arange(1.0, len(counts) + 1)
    frames, prosody = (rows[:, None, None].expand(-1, 12, size) for size in (25, 3))
    baselines = rows[:, None].expand(-1, BASELINE).clone()
    baselines[:, -1] = torch.tensor(counts)
    return frames, prosody, baselines * (baselines[:, -1:] > 0)


def test_mixup_keeps_the_pitch_and_mixes_baselines_where_both_have_one(
    objective: MemberObjective,
) -> None:
    given = inputs([4, 0, 8, 2])
    other = torch.tensor([1, 2, 3, 0])
    frames, prosody, baselines = objective.mixed(given, other, 0.75)
    assert frames[:, 0, 0].tolist() == [1.25, 2.25, 3.25, 3.25]
    assert prosody.equal(given[1])
    assert baselines[:, 0].tolist() == [1, 0, 3.25, 3.25]
    assert baselines[:, -1].tolist() == [4, 0, 6.5, 2.5]


def test_a_fit_repeats_bit_for_bit_and_depends_on_what_is_left_out(clips: FrameExamples) -> None:
    settings = [QUICK, QUICK, replace(QUICK, without_baseline=1.0)]
    one, same, other = (
        fit_all([objective_of(clips, each)], lambda _epoch, _loss: None)[0] for each in settings
    )
    assert one.losses == same.losses
    assert one.losses != other.losses


def test_the_scales_are_those_of_the_recordings(
    objective: MemberObjective, clips: FrameExamples
) -> None:
    means = torch.from_numpy(clips.means())
    assert means.shape == (len(clips.recordings), 28)
    torch.testing.assert_close(objective.network.inputs.speaker.prior, means.mean(0)[:27])
