"""The channels of a frame network: what a baseline takes out of them, and what pitch adds."""

import numpy as np
import pytest
import torch
from torch import Tensor

from training.frames.hyperparameters import Hyperparameters
from training.frames.inputs import COEFFICIENTS, Channels
from training.frames.speakers import CLIPS, SpeakerMean, SpeakerPrior
from training.voice.summary import BASELINE, LOG_F0, MEMBERS

LENGTH = 30
OWN = slice(0, COEFFICIENTS)
CENTRED = slice(COEFFICIENTS, 2 * COEFFICIENTS)
SPEECH = 2 * COEFFICIENTS
PITCH = slice(SPEECH + 1, SPEECH + 6)
OF_SPEAKER, OF_CLIP, VOICING, VOICED, GIVEN = range(5)
TRUST = SPEECH + 6


@pytest.fixture(scope="module")
def channels() -> Channels:
    """Fitted to speakers who differ by about 10 in each coefficient, and by 0.3 octaves."""
    random = np.random.default_rng(0)
    speakers = np.repeat(np.arange(20), 10)
    scales = np.full(28, 10.0)
    scales[LOG_F0] = 0.3
    means = np.repeat(random.normal(0, scales, (20, 28)), 10, axis=0)
    means[:, LOG_F0] += 2.5
    means += random.normal(0, 0.1 * scales, means.shape)
    found = Channels(Hyperparameters())
    frames = random.normal(0, 20, (500, COEFFICIENTS)).astype(np.float32)
    found.fit_to(frames, SpeakerPrior.fit(means.astype(np.float32), speakers.astype(str)))
    return found.eval()


@pytest.fixture(scope="module")
def frames() -> Tensor:
    return torch.randn(1, LENGTH, COEFFICIENTS, generator=torch.Generator().manual_seed(0)) * 10


@pytest.fixture(scope="module")
def prosody() -> Tensor:
    """Every other frame is voiced."""
    voiced = torch.arange(LENGTH) % 2
    pitch = voiced * torch.linspace(2, 3, LENGTH)
    return torch.stack([pitch, 0.2 + 0.7 * voiced, torch.full((LENGTH,), -20.0)], 1)[None]


def baseline(mean: float = 3.0, log_f0: float = 2.4, clips: float = CLIPS) -> Tensor:
    row = torch.zeros(1, BASELINE)
    row[:, :MEMBERS], row[:, LOG_F0], row[:, -1] = mean, log_f0, clips
    return row


def run(
    channels: Channels,
    frames: Tensor,
    prosody: Tensor | None = None,
    given: Tensor | None = None,
) -> Tensor:
    """Channels (C, T)."""
    prosody = torch.zeros(*frames.shape[:2], 3) if prosody is None else prosody
    given = torch.zeros(1, BASELINE) if given is None else given
    with torch.inference_mode():
        rows, _ = channels(frames, torch.ones(1, 1, frames.shape[1]), prosody, given)
    assert rows.shape == (1, Channels.count, frames.shape[1])
    found: Tensor = rows[0]
    return found


@pytest.mark.parametrize("shift", [-8.0, 8.0])
def test_a_baseline_of_the_same_microphone_takes_it_out(
    channels: Channels, frames: Tensor, shift: float
) -> None:
    own = run(channels, frames, given=baseline())[OWN]
    moved = run(channels, frames + shift, given=baseline(3 + shift))[OWN]
    torch.testing.assert_close(moved, own, atol=1e-3, rtol=0)
    alone = run(channels, frames)[OWN]
    assert (run(channels, frames + shift)[OWN] - alone).abs().mean() > 0.3


def test_the_more_clips_a_baseline_has_the_more_of_it_is_taken_out(
    channels: Channels, frames: Tensor
) -> None:
    found = [run(channels, frames, given=baseline(20.0, clips=n)) for n in (0, 1, 3, 30)]
    means = [rows[OWN].mean().item() for rows in found]
    assert means == sorted(means, reverse=True)
    trust = [rows[TRUST].mean().item() for rows in found]
    assert trust[0] == 0
    assert trust == sorted(trust)
    assert trust[-1] < 1


def test_a_baseline_of_no_clips_says_nothing(channels: Channels, frames: Tensor) -> None:
    assert run(channels, frames, given=baseline(clips=0)).equal(run(channels, frames))


def test_a_baseline_without_prosody_leaves_the_pitch_as_it_is(
    channels: Channels, frames: Tensor, prosody: Tensor
) -> None:
    unspoken = baseline(log_f0=0)
    plain = run(channels, frames, prosody)[PITCH]
    assert run(channels, frames, prosody, unspoken)[PITCH].equal(plain)
    assert not run(channels, frames, prosody, baseline())[PITCH].equal(plain)


def test_the_pitch_of_the_speaker_is_taken_out(
    channels: Channels, frames: Tensor, prosody: Tensor
) -> None:
    higher = prosody + torch.tensor([0.5, 0, 0]) * (prosody[..., :1] > 0)
    low = run(channels, frames, prosody, baseline(log_f0=2.2))[PITCH]
    high = run(channels, frames, higher, baseline(log_f0=2.7))[PITCH]
    torch.testing.assert_close(high, low, atol=1e-3, rtol=0)
    alone = [run(channels, frames, spoken)[PITCH] for spoken in (prosody, higher)]
    voiced = alone[0][VOICED] > 0
    difference = (alone[1] - alone[0])[:, voiced]
    torch.testing.assert_close(difference[OF_SPEAKER], torch.ones(LENGTH // 2))  # 2 per octave
    torch.testing.assert_close(difference[OF_CLIP], torch.zeros(LENGTH // 2), atol=1e-4, rtol=0)


def test_unvoiced_frames_have_no_pitch(channels: Channels, frames: Tensor, prosody: Tensor) -> None:
    found = run(channels, frames, prosody, baseline())[PITCH]
    unvoiced = prosody[0, :, 0] == 0
    assert not found[[OF_SPEAKER, OF_CLIP, VOICED]][:, unvoiced].any()
    torch.testing.assert_close(found[VOICING], 2 * prosody[0, :, 1] - 1)
    assert (found[GIVEN] == 1).all()


def test_without_prosody_every_channel_of_it_is_zero(channels: Channels, frames: Tensor) -> None:
    assert not run(channels, frames, given=baseline())[PITCH].any()


def test_a_microphone_is_not_heard_in_the_centred_coefficients(
    channels: Channels, frames: Tensor
) -> None:
    plain, moved = (run(channels, rows)[CENTRED] for rows in (frames, frames + 5))
    torch.testing.assert_close(moved, plain, atol=1e-3, rtol=0)


def test_the_prior_tells_how_far_a_mean_of_clips_can_be_trusted() -> None:
    random = np.random.default_rng(0)
    speakers = np.repeat(np.arange(50), 20)
    between = np.repeat(random.normal(0, 2, (50, 28)), 20, axis=0)
    means = (5 + between + random.normal(0, 4, between.shape)).astype(np.float32)
    prior = SpeakerPrior.fit(means, speakers.astype(str))
    assert prior.mean.mean() == pytest.approx(5, abs=0.2)
    # Variances of 16 within speakers, and of 4 + 16 / 20 between their means.
    assert prior.shrinkage.mean() == pytest.approx(16 / 4.8, rel=0.15)
    alone = SpeakerPrior.fit(means[:20], speakers[:20].astype(str))
    assert (alone.shrinkage == 30).all()  # one speaker says nothing about others


def test_one_clip_of_each_speaker_is_a_prior_too() -> None:
    """Then clips of a speaker do not vary, and without a baseline no clip is known."""
    means = np.random.default_rng(0).normal(5, 1, (12, 28)).astype(np.float32)
    speaker = SpeakerMean()
    speaker.fit(SpeakerPrior.fit(means, np.arange(12).astype(str)))
    usual, trust = speaker(torch.zeros(1, BASELINE))
    torch.testing.assert_close(usual, speaker.prior[None])
    assert not trust.any()
