"""A linear classifier beside the members: it sees what differs from the speaker's own clips.

Convolutions see more in a clip, and so more of its room, microphone and codec. A few statistics
less those of the speaker carry to other corpora better, and make other errors.
"""

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from training.arrays import Float32, Float64
from training.fitting.targets import balancing_weights
from training.frames.batches import FrameExamples
from training.frames.inputs import COEFFICIENTS, valid
from training.frames.speakers import LARGEST, SpeakerMean, SpeakerPrior
from training.voice.clips import VoiceClip, padded
from training.voice.summary import LOG_F0

OF_PROSODY = 10
STATISTICS = 2 * COEFFICIENTS + OF_PROSODY
LIMIT = 8.0  # standard deviations
SMALLEST = 0.05  # added to deviations before the logarithm
INVERSE_PENALTY = 0.003  # C of the logistic regression
ITERATIONS = 300
CLIPS_AT_ONCE = 256  # clips
ABSENT = -20.0  # the logit of an emotion that no clip of the fit has


class Companion(nn.Module):
    """Statistics of frames and prosody, less those of the speaker, to logits (N, labels)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.speaker = SpeakerMean()
        self.register_buffer("mean", torch.zeros(STATISTICS))
        self.register_buffer("scale", torch.ones(STATISTICS))
        self.output = nn.Linear(STATISTICS, labels)

    def forward(
        self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Turns the inputs of `FrameNetwork` to logits (N, labels) and trust (N, 1)."""
        usual, trust = self.speaker(baseline)
        mask = valid(frames, lengths)
        statistics = self.statistics(frames, mask, prosody, usual)
        standardised = ((statistics - self.mean) / self.scale).clamp(-LIMIT, LIMIT)
        spoken = prosody.ne(0).flatten(1).any(1, keepdim=True).float()
        of_prosody = spoken.expand(-1, OF_PROSODY)
        given = torch.cat([torch.ones_like(standardised[:, :-OF_PROSODY]), of_prosody], 1)
        return self.output(standardised * given), trust

    def statistics(self, frames: Tensor, mask: Tensor, prosody: Tensor, usual: Tensor) -> Tensor:
        """(N, STATISTICS): means less the speaker's, logarithms of deviations, and prosody."""
        mean, deviation = _moments(frames, mask)
        means = mean - usual[:, :COEFFICIENTS]
        return torch.cat(
            [means, (deviation + SMALLEST).log(), _of_prosody(prosody, mask, usual)], 1
        )


def _moments(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation (N, C) of x (N, T, C) where mask (N, T) is 1."""
    weight = mask[..., None] / mask.sum(1).clamp_min(1)[:, None, None]
    mean = (x * weight).sum(1)
    variance = ((x - mean[:, None]).square() * weight).sum(1)
    return mean, variance.clamp_min(0).sqrt()


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """Over time (N, T) where mask is 1; 0 where it never is."""
    return (x * mask).sum(1) / mask.sum(1).clamp_min(1)


def _of_prosody(prosody: Tensor, mask: Tensor, usual: Tensor) -> Tensor:
    """Pitch, voicing and level of a clip, (N, OF_PROSODY)."""
    prosody = prosody.clamp(-LARGEST, LARGEST)
    log_f0, voicing, level = (prosody[..., k] for k in range(3))
    voiced = log_f0.gt(0) * mask
    unvoiced = (1 - voiced) * mask
    both, pairs = voiced[:, 1:] * voiced[:, :-1], mask[:, 1:]
    pitch = _mean(log_f0, voiced)
    has_both = (voiced.sum(1) > 0) & (unvoiced.sum(1) > 0)

    def deviation(x: Tensor, where: Tensor) -> Tensor:
        return _mean((x - _mean(x, where)[:, None]).square(), where).sqrt()

    def movement(x: Tensor, where: Tensor) -> Tensor:
        return _mean((x[:, 1:] - x[:, :-1]).abs(), where)

    values = (
        (pitch - usual[:, LOG_F0]) * voiced.any(1),
        deviation(log_f0, voiced),
        movement(log_f0, both),
        _mean(voiced, mask),
        _mean(voicing, mask) - usual[:, LOG_F0 + 1],
        deviation(voicing, mask),
        movement(voicing, pairs),
        deviation(level, mask),
        movement(level, pairs),
        (_mean(level, voiced) - _mean(level, unvoiced)) * has_both,
    )
    return torch.stack(values, 1)


def fitted_companion(clips: FrameExamples, of_recordings: Sequence[VoiceClip]) -> Companion:
    """A multinomial logistic regression on recordings with prosody and baselines."""
    examples = clips.examples
    companion = Companion(len(examples.labels))
    companion.speaker.fit(SpeakerPrior.fit(clips.means(), examples.speakers))
    rows = np.concatenate(
        [
            _statistics(companion, of_recordings[start : start + CLIPS_AT_ONCE])
            for start in range(0, len(of_recordings), CLIPS_AT_ONCE)
        ]
    )
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    companion.mean.copy_(torch.from_numpy(mean))
    companion.scale.copy_(torch.from_numpy(scale))
    standardised = np.clip((rows - mean) / scale, -LIMIT, LIMIT)
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS)
    weights = balancing_weights(examples)
    regression.fit(standardised.astype(np.float64), examples.targets, sample_weight=weights)
    coefficients, intercepts = _of_each_emotion(regression)
    with torch.no_grad():
        companion.output.weight.zero_()
        companion.output.bias.fill_(ABSENT)
        companion.output.weight[regression.classes_] = torch.from_numpy(coefficients).float()
        companion.output.bias[regression.classes_] = torch.from_numpy(intercepts).float()
    return companion.eval()


def _of_each_emotion(regression: LogisticRegression) -> tuple[Float64, Float64]:
    """Coefficients (K, STATISTICS), intercepts (K,); of two emotions scikit-learn has one row."""
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(coefficients) > 1:
        return coefficients, intercepts
    halves = np.array([-0.5, 0.5])
    return halves[:, None] * coefficients, halves * intercepts


def _statistics(companion: Companion, clips: Sequence[VoiceClip]) -> Float32:
    frames, lengths, prosody, baselines = padded(clips)
    with torch.inference_mode():
        usual, _ = companion.speaker(baselines)
        mask = valid(frames, lengths)
        statistics: Float32 = companion.statistics(frames, mask, prosody, usual).numpy()
    return statistics
