"""What the parts of a quick frame network share of a clip, and the companion's statistics."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.export.frame_feeds import LARGEST_CEPSTRUM
from training.frames.companion import LIMIT, SMALLEST, Companion
from training.frames.speakers import CLIPS, ESTIMATED, LARGEST, TRUSTED_FROM, SpeakerMean
from training.voice.summary import COEFFICIENTS, LOG_F0

STRIDE = 2  # of the stems
FAR_BELOW = 1e4  # how far levels and scores of frames beyond a clip are below the others


class Moments:
    """N clips of up to T frames, with what is computed of them once."""

    def __init__(self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor) -> None:
        """The inputs of `FrameNetwork`, of any finite numbers."""
        self.frames = torch.clamp(frames, -LARGEST_CEPSTRUM, LARGEST_CEPSTRUM)
        self.lengths = torch.clamp(lengths, 1, frames.shape[1])
        self.baseline = baseline
        self.length = self.lengths[:, None].float()  # (N, 1)
        steps = torch.arange(frames.shape[1])
        inside = (steps < self.lengths[:, None]).float()
        self.mask = inside[..., None]  # (N, T, 1)
        self.beyond = (self.mask - 1) * FAR_BELOW
        self.share = (inside / self.length)[:, None]  # (N, 1, T)
        strided = inside[:, ::STRIDE]
        self.strided_share = (strided / strided.sum(1, keepdim=True))[:, None]
        self.steps = torch.arange(strided.shape[1])  # of the stems
        clips = torch.arange(frames.shape[0])[:, None, None]
        self.clip_rows = clips * frames.shape[1] + 1
        self.strided_clip_rows = clips * strided.shape[1] + 1
        self.means = self.share @ self.frames  # (N, 1, 25)
        self._of_prosody(prosody)

    def _of_prosody(self, prosody: Tensor) -> None:
        within = prosody.clamp(-LARGEST, LARGEST) * self.mask
        self.given = torch.linalg.vector_norm(within.flatten(1), 1, dim=1, keepdim=True).sign()
        log_f0, self.voicing, level = within.split_with_sizes([1, 1, 1], 2)
        self.log_f0 = log_f0.clamp_min(0)
        self.prosody = torch.cat([self.log_f0, self.voicing, level], 2)
        self.voiced = self.log_f0.sign()
        self.voiced_frames = self.voiced.sum(1).clamp_min(1)


class QuickSpeaker(nn.Module):
    """How far the speaker's estimated mean is from that of all speakers, and the trust in it."""

    prior: Tensor
    shrinkage: Tensor

    def __init__(self, speaker: SpeakerMean) -> None:
        super().__init__()
        self.register_buffer("prior", speaker.prior)
        self.register_buffer("shrinkage", speaker.shrinkage)

    def forward(self, baseline: Tensor) -> tuple[Tensor, Tensor]:
        """Baselines (N, 57) to offsets (N, 27) and trust (N, 1)."""
        clips = baseline[:, -1:].clamp(0.0, CLIPS)
        given = baseline[:, :ESTIMATED].clamp(-LARGEST, LARGEST)
        offsets = (given - self.prior) * (clips / (clips + self.shrinkage))
        return torch.where(given.bool(), offsets, 0.0), clips / (clips + TRUSTED_FROM)


class QuickCompanion(nn.Module):
    """The companion, with the three columns of prosody in one tensor.

    Statistics: means of coefficients, logarithms of their deviations; means, deviations and
    movements of log F0, voicing and level; share of voiced frames; louder when voiced.
    """

    centre: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor
    always: Tensor
    weighted: Tensor

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.speaker = QuickSpeaker(companion.speaker)
        c = 2 * COEFFICIENTS
        # The columns of `Companion.statistics`; the mean of the level is not among them.
        columns = [*range(c), c, c + 4, c, c + 1, c + 5, c + 7, c + 2, c + 6, c + 8, c + 3, c + 9]
        unused = c + 2
        weight = companion.output.weight.detach()[:, columns].clone()
        weight[:, unused] = 0
        self.register_buffer("centre", companion.mean[columns].clone())
        self.register_buffer("scale", companion.scale[columns].clone())
        self.register_buffer("weight", weight)
        self.register_buffer("bias", companion.output.bias.detach())
        always = torch.zeros(len(columns))
        always[:c] = 1
        self.register_buffer("always", always)
        self.register_buffer("weighted", torch.tensor([0.0, 1.0, 1.0]))

    def forward(self, moments: Moments) -> tuple[Tensor, Tensor]:
        """Logits (N, labels) and trust (N, 1)."""
        offsets, trust = self.speaker(moments.baseline)
        usual = self.speaker.prior + offsets
        statistics = torch.cat([*_of_frames(moments, usual), *self._of_prosody(moments, usual)], 1)
        standardised = ((statistics - self.centre) / self.scale).clamp(-LIMIT, LIMIT)
        standardised = standardised * torch.maximum(moments.given, self.always)
        return functional.linear(standardised, self.weight, self.bias), trust

    def _of_prosody(self, moments: Moments, usual: Tensor) -> list[Tensor]:
        x = moments.prosody  # (N, T, 3)
        weight = torch.maximum(moments.voiced, self.weighted) * moments.mask
        count = weight.sum(1).clamp_min(1)
        mean = x.sum(1) / count
        any_voiced = torch.maximum(moments.voiced.amax(1), self.weighted)
        of_speaker = functional.pad(usual[:, LOG_F0:ESTIMATED], (0, 1))
        deviation = torch.linalg.vector_norm((x - mean[:, None]) * weight, dim=1) / count.sqrt()
        pairs = weight[:, 1:] * weight[:, :-1]
        moved = torch.linalg.vector_norm((x[:, 1:] - x[:, :-1]) * pairs, 1, dim=1)
        movement = moved / pairs.sum(1).clamp_min(1)
        return [(mean - of_speaker) * any_voiced, deviation, movement, *self._voiced(moments)]

    def _voiced(self, moments: Moments) -> list[Tensor]:
        """The share of voiced frames, and how much louder they are, (N, 1) each."""
        level = moments.prosody[..., 2:]
        voiced = moments.voiced.sum(1)
        unvoiced = moments.length - voiced
        of_voiced = (level * moments.voiced).sum(1)
        of_unvoiced = (level.sum(1) - of_voiced) / unvoiced.clamp_min(1)
        louder = of_voiced / moments.voiced_frames - of_unvoiced
        return [voiced / moments.length, louder * (voiced * unvoiced).sign()]


def _of_frames(moments: Moments, usual: Tensor) -> list[Tensor]:
    means = moments.means
    centred = moments.frames - means
    deviation = (moments.share @ (centred * centred))[:, 0].sqrt()
    return [means[:, 0] - usual[:, :COEFFICIENTS], (deviation + SMALLEST).log()]
