"""Linear classifiers beside the members, which see what differs from the speaker's own clips.

Convolutions see more in a clip, and so more of its room, microphone and codec. A few statistics
less those of the speaker carry to other corpora better, and make other errors.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from training.arrays import Float32, Float64
from training.examples import Examples
from training.fitting.targets import balancing_weights
from training.frames.batches import FrameExamples
from training.frames.inputs import COEFFICIENTS, valid
from training.frames.speakers import LARGEST, SpeakerMean, SpeakerPrior
from training.voice.clips import FORMS, Given, VoiceClip, padded
from training.voice.summary import LOG_F0

OF_PROSODY = 10
STATISTICS = 2 * COEFFICIENTS + OF_PROSODY
LIMIT = 8.0  # standard deviations
SMALLEST = 0.05  # added to deviations before the logarithm
INVERSE_PENALTY = 0.003  # C of the logistic regression
ITERATIONS = 300
CLIPS_AT_ONCE = 256  # clips
SAME = 1e-4  # a statistic of a smaller deviation is the same in all clips
ABSENT = -20.0  # the logit of an emotion that no clip of the fit has
GIVEN = (Given(), *FORMS.values())  # by the numbers of `form_of`
# Of its logits beside those of the members.
WEIGHT = 0.3
WEIGHT_OF_TRUST = 0.6  # added under full trust in the baseline


class Companion(nn.Module):
    """Classifiers of the statistics of frames and prosody, less those of the speaker.

    Each form of request has one of its own.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.speaker = SpeakerMean()
        self.register_buffer("mean", torch.zeros(len(GIVEN), STATISTICS))
        self.register_buffer("scale", torch.ones(len(GIVEN), STATISTICS))
        self.weight = nn.Parameter(torch.zeros(len(GIVEN), labels, STATISTICS))
        self.bias = nn.Parameter(torch.zeros(len(GIVEN), labels))

    def forward(self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor) -> Tensor:
        """Turns the inputs of `FrameNetwork` to weighted logits (N, labels), which it adds."""
        usual, trust = self.speaker(baseline)
        statistics = self.statistics(frames, valid(frames, lengths), prosody, usual)
        form = form_of(prosody, baseline)
        standardised = ((statistics - self.mean[form]) / self.scale[form]).clamp(-LIMIT, LIMIT)
        logits = (self.weight[form] @ standardised[..., None])[..., 0] + self.bias[form]
        weighted: Tensor = (WEIGHT + WEIGHT_OF_TRUST * trust) * logits
        return weighted

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


def form_of(prosody: Tensor, baseline: Tensor) -> Tensor:
    """The form of each request, (N,): 1 with prosody, 2 with a baseline, 3 with both, else 0."""
    return prosody.ne(0).flatten(1).any(dim=1).long() + 2 * baseline[:, -1].gt(0).long()


def fitted_companion(
    clips: FrameExamples, of_recordings: Sequence[VoiceClip], ordinary: Sequence[VoiceClip]
) -> Companion:
    """A multinomial logistic regression for each form of request.

    Args:
        clips: N utterances.
        of_recordings: the recordings (N) with all that a request may hold.
        ordinary: the same with baselines of ordinary speech.
    """
    examples = clips.examples
    companion = Companion(len(examples.labels))
    companion.speaker.fit(SpeakerPrior.fit(clips.means(), examples.speakers))
    with_baselines = _statistics(companion, [*of_recordings, *ordinary])
    without = _statistics(companion, [_without_baseline(clip) for clip in of_recordings])
    for form, given in enumerate(GIVEN):
        rows = (with_baselines if given.baseline else without).copy()
        if not given.prosody:
            rows[:, -OF_PROSODY:] = 0
        _fit(companion, form, rows, examples)
    return companion.eval()


def _fit(companion: Companion, form: int, rows: Float32, examples: Examples) -> None:
    """The classifier of one form, from statistics (k N, STATISTICS) of N examples, k times each."""
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale < SAME] = 1
    standardised = np.clip((rows - mean) / scale, -LIMIT, LIMIT)
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS)
    times = len(rows) // len(examples.targets)
    weights = np.tile(balancing_weights(examples) / times, times)
    targets = np.tile(examples.targets, times)
    regression.fit(standardised.astype(np.float64), targets, sample_weight=weights)
    coefficients, intercepts = _of_each_emotion(regression)
    with torch.no_grad():
        companion.mean[form] = torch.from_numpy(mean)
        companion.scale[form] = torch.from_numpy(scale)
        companion.bias[form] = ABSENT
        companion.weight[form, regression.classes_] = torch.from_numpy(coefficients).float()
        companion.bias[form, regression.classes_] = torch.from_numpy(intercepts).float()


def _of_each_emotion(regression: LogisticRegression) -> tuple[Float64, Float64]:
    """Coefficients (K, STATISTICS), intercepts (K,); of two emotions scikit-learn has one row."""
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(coefficients) > 1:
        return coefficients, intercepts
    halves = np.array([-0.5, 0.5])
    return halves[:, None] * coefficients, halves * intercepts


def _without_baseline(clip: VoiceClip) -> VoiceClip:
    return replace(clip, baseline=np.zeros_like(clip.baseline))


def _statistics(companion: Companion, clips: Sequence[VoiceClip]) -> Float32:
    """(N, STATISTICS)."""
    groups = range(0, len(clips), CLIPS_AT_ONCE)
    found = [_of_group(companion, clips[start : start + CLIPS_AT_ONCE]) for start in groups]
    return np.concatenate(found)


def _of_group(companion: Companion, clips: Sequence[VoiceClip]) -> Float32:
    frames, lengths, prosody, baselines = padded(clips)
    with torch.inference_mode():
        usual, _ = companion.speaker(baselines)
        mask = valid(frames, lengths)
        statistics: Float32 = companion.statistics(frames, mask, prosody, usual).numpy()
    return statistics
