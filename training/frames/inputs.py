"""From frames, prosody and a baseline to the channels of the first convolution."""

from typing import Any

import torch
from torch import Tensor, nn

from training.arrays import Float32
from training.audio.mel import cepstral_basis
from training.features.recipe import RECIPE
from training.frames.hyperparameters import Hyperparameters
from training.frames.speakers import SpeakerMean, SpeakerPrior
from training.voice.summary import LOG_F0

COEFFICIENTS = RECIPE.n_mfcc
INPUT_LIMIT = 8.0  # standard deviations; keeps every finite input finite
OCTAVES = 4.0  # greatest difference of two pitches
SPEECH_MELS = slice(4, 60)  # 0.1 to 2.2 kHz, where speech stands out from broadband noise
PITCH_CHANNELS = 5


def valid(frames: Tensor, lengths: Tensor) -> Tensor:
    """1 in the frames (N, T) of each clip, 0 beyond its length."""
    steps = torch.arange(frames.shape[1], device=frames.device)
    return (steps[None] < lengths[:, None]).float()


class Scaling(nn.Module):
    """Scales coefficients by the mean and the deviation of training frames, and clips them."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(COEFFICIENTS))
        self.register_buffer("deviation", torch.ones(COEFFICIENTS))

    def fit(self, frames: Float32) -> None:
        """Takes mean and deviation from training frames, float32 (any, 25)."""
        self.mean.copy_(torch.from_numpy(frames.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(frames.std(axis=0)))

    def scaled(self, frames: Tensor) -> Tensor:
        """Frames (N, T, 25) to the same shape, within +-8."""
        return ((frames - self.mean) / self.deviation).clamp(-INPUT_LIMIT, INPUT_LIMIT)


class Channels(Scaling):
    """Coefficients less the speaker's mean, and less that of the clip's speech; pitch; trust.

    Without a baseline the speaker's mean is taken to be that of all speakers. The mean of a clip
    is taken over its speech alone: in noise, silence is not trimmed, and would shift the mean.
    """

    band: Tensor
    count = 2 * COEFFICIENTS + 1 + PITCH_CHANNELS + 1

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        # Turns a cepstrum into the mean level of the band of speech, in decibels.
        self.register_buffer("band", torch.from_numpy(cepstral_basis()[SPEECH_MELS].mean(axis=0)))
        self.speaker = SpeakerMean()

    def fit_to(self, frames: Float32, prior: SpeakerPrior) -> None:
        """Takes the scales from training frames, float32 (any, 25), and the speakers' prior."""
        self.fit(frames)
        self.speaker.fit(prior)

    def forward(
        self, frames: Tensor, mask: Tensor, prosody: Tensor, baseline: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Channels (N, C, T) and how likely each frame is speech, (N, 1, T).

        Args:
            frames: (N, T, 25).
            mask: (N, 1, T), 1 in the frames of the clip.
            prosody: (N, T, 3), zeros where it is not given.
            baseline: (N, 57), zeros where it is not given.
        """
        x = self.scaled(frames).transpose(1, 2)
        speech = self._speech(x, mask)
        centre = (x * speech).sum(2, keepdim=True) / speech.sum(2, keepdim=True)
        usual, trust = self.speaker(baseline)
        offsets = (usual - self.speaker.prior)[:, None, :COEFFICIENTS]
        own = self.scaled(frames - offsets).transpose(1, 2)
        pitch = _pitch_channels(prosody, usual[:, LOG_F0 : LOG_F0 + 1])
        known = trust[:, :, None].expand(-1, -1, frames.shape[1])
        # 1.3 brings the centred coefficients back to about unit variance.
        return torch.cat([own, 1.3 * (x - centre), 2 * speech - 1, pitch, known], 1) * mask, speech

    def _speech(self, x: Tensor, mask: Tensor) -> Tensor:
        """How likely each frame is speech, (N, 1, T), between 0 and 1."""
        level = (x * (self.band * self.deviation)[:, None]).sum(1, keepdim=True)
        level = level.masked_fill(mask == 0, -1e4)
        below = level - level.amax(2, keepdim=True)
        margin, slope = self.hyperparameters.speech_margin, self.hyperparameters.speech_slope
        return torch.sigmoid((below + margin) / slope) * mask


def _pitch_channels(prosody: Tensor, usual: Tensor) -> Tensor:
    """Channels (N, 5, T): F0 less the speaker's and the clip's, voicing, voiced, given."""
    log_f0, voicing = prosody[..., 0].clamp(0, 5), prosody[..., 1].clamp(0, 1)
    voiced = log_f0.gt(0).float()
    given = prosody.ne(0).flatten(1).any(1, keepdim=True).float()
    mean = (log_f0 * voiced).sum(1, keepdim=True) / voiced.sum(1, keepdim=True).clamp_min(1)

    def against(reference: Tensor) -> Tensor:
        return (log_f0 - reference).clamp(-OCTAVES, OCTAVES) * voiced

    # The factors bring each channel to about unit variance.
    rows: list[Any] = [2 * against(usual), 4 * against(mean), (2 * voicing - 1) * given]
    return torch.stack([*rows, voiced * given, given.expand_as(voicing)], 1)
