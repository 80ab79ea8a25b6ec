"""The frame network: a few small dilated convolutional networks over cepstra, averaged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.arrays import Float32
from training.audio.mel import cepstral_basis
from training.features.recipe import RECIPE

COEFFICIENTS = RECIPE.n_mfcc
INPUT_LIMIT = 8.0  # standard deviations; keeps every finite input finite
SPEECH_MELS = slice(4, 60)  # 0.1 to 2.2 kHz, where speech stands out from broadband noise


@dataclass(frozen=True)
class MemberSettings:
    """Sizes of one member; 0.11 M parameters at these defaults."""

    channels: int = 64
    dilations: tuple[int, ...] = (1, 2, 4)
    kernel: int = 3
    squeeze: int = 8  # the bottleneck of squeeze-excitation is channels / squeeze
    attention: int = 48  # hidden units of the pooling's attention
    dropout: float = 0.3  # before the output layer
    block_dropout: float = 0.1  # whole channels of a residual branch
    speech_margin: float = 18.0  # dB below the loudest frame where a frame counts as half speech
    speech_slope: float = 3.0  # dB; width of that soft threshold


class Standardisation(nn.Module):
    """Training mean and deviation, then soft voice activity and speech-weighted cepstral mean.

    A clip's own mean is taken over its speech alone, so that the silence which noise keeps from
    being trimmed does not shift it.
    """

    mean: Tensor
    deviation: Tensor
    band: Tensor
    channels = 2 * COEFFICIENTS + 1

    def __init__(self, settings: MemberSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(COEFFICIENTS))
        self.register_buffer("deviation", torch.ones(COEFFICIENTS))
        # Turns a cepstrum into the mean level of the band of speech, in decibels.
        self.register_buffer("band", torch.from_numpy(cepstral_basis()[SPEECH_MELS].mean(axis=0)))

    def fit(self, frames: Float32) -> None:
        """Takes mean and deviation from training frames, float32 (any, 25)."""
        self.mean.copy_(torch.from_numpy(frames.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(frames.std(axis=0)))

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Turns frames (N, T, 25), mask (N, 1, T) to channels (N, C, T), speech (N, 1, T)."""
        x = ((frames - self.mean) / self.deviation).clamp(-INPUT_LIMIT, INPUT_LIMIT)
        x = x.transpose(1, 2)
        speech = self._speech(x, mask)
        centre = (x * speech).sum(2, keepdim=True) / speech.sum(2, keepdim=True)
        # 1.3 brings the centred coefficients back to about unit variance.
        return torch.cat([x, 1.3 * (x - centre), 2 * speech - 1], 1) * mask, speech

    def _speech(self, x: Tensor, mask: Tensor) -> Tensor:
        """How surely each frame is speech, (N, 1, T), between 0 and 1."""
        level = (x * (self.band * self.deviation)[:, None]).sum(1, keepdim=True)
        level = level.masked_fill(mask == 0, -1e4)
        below = level - level.amax(2, keepdim=True)
        margin, slope = self.settings.speech_margin, self.settings.speech_slope
        return torch.sigmoid((below + margin) / slope) * mask


class SqueezeExcitation(nn.Module):
    """Gates each channel by what the whole utterance holds (Hu et al. 2018)."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // squeeze),
            nn.ReLU(),
            nn.Linear(channels // squeeze, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Turns x (N, C, T) to (N, C, T)."""
        gate: Tensor = self.gate((x * mask).sum(2) / mask.sum(2))
        return x * gate.unsqueeze(2)


class ResidualBlock(nn.Module):
    """Two dilated convolutions with batch normalisation and squeeze-excitation."""

    def __init__(self, settings: MemberSettings, dilation: int) -> None:
        super().__init__()
        self.first, self.first_norm = _convolution(settings, dilation)
        self.second, self.second_norm = _convolution(settings, dilation)
        self.excitation = SqueezeExcitation(settings.channels, settings.squeeze)
        self.dropout = nn.Dropout1d(settings.block_dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Turns x (N, C, T), zero where masked, to the same."""
        hidden = functional.silu(self.first_norm(self.first(x))) * mask
        hidden = self.excitation(self.second_norm(self.second(hidden)), mask)
        return functional.silu(self.dropout(hidden) + x) * mask


def _convolution(settings: MemberSettings, dilation: int) -> tuple[nn.Conv1d, nn.BatchNorm1d]:
    size, padding = settings.channels, dilation * (settings.kernel // 2)
    convolution = nn.Conv1d(
        size, size, settings.kernel, padding=padding, dilation=dilation, bias=False
    )
    return convolution, nn.BatchNorm1d(size)


class AttentiveStatisticsPooling(nn.Module):
    """Weighted mean and deviation over time, one attention per channel.

    Okabe et al. 2018; with the utterance's context, Desplanques et al. 2020.
    """

    def __init__(self, channels: int, attention: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Conv1d(3 * channels, attention, 1), nn.Tanh(), nn.Conv1d(attention, channels, 1)
        )
        self.speech_bias = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, mask: Tensor, speech: Tensor) -> Tensor:
        """Turns x (N, C, T), speech (N, 1, T) to (N, 2 C)."""
        count = mask.sum(2, keepdim=True)
        mean = (x * mask).sum(2, keepdim=True) / count
        variance = ((x - mean).square() * mask).sum(2, keepdim=True) / count
        context = [mean.expand_as(x), (variance + 1e-4).sqrt().expand_as(x)]
        score = self.score(torch.cat([x, *context], 1)) + self.speech_bias * (speech + 1e-3).log()
        weight = score.masked_fill(mask == 0, -1e4).softmax(2)
        mean = (x * weight).sum(2)
        variance = (x.square() * weight).sum(2) - mean.square()
        return torch.cat([mean, variance.clamp_min(1e-4).sqrt()], 1)


class Member(nn.Module):
    """One network: frames (N, T, 25) and lengths (N,) to logits (N, labels)."""

    def __init__(self, settings: MemberSettings, labels: int) -> None:
        super().__init__()
        size = settings.channels
        self.standardisation = Standardisation(settings)
        self.stem = nn.Conv1d(Standardisation.channels, size, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm1d(size)
        self.blocks = nn.ModuleList(ResidualBlock(settings, d) for d in settings.dilations)
        self.pooling = AttentiveStatisticsPooling(size, settings.attention)
        self.embedding_norm = nn.BatchNorm1d(2 * size)
        self.dropout = nn.Dropout(settings.dropout)
        self.output = nn.Linear(2 * size, labels)

    @property
    def embedding_size(self) -> int:
        """Numbers that an utterance becomes before the output layer."""
        return self.output.in_features

    def embed(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Turns frames (N, T, 25), lengths (N,) to embeddings (N, 2 channels)."""
        steps = torch.arange(frames.shape[1], device=frames.device)
        mask = (steps[None] < lengths[:, None]).float()[:, None]
        x, speech = self.standardisation(frames, mask)
        mask, speech = mask[..., ::2], speech[..., ::2]  # the stem's stride
        x = functional.silu(self.stem_norm(self.stem(x))) * mask
        for block in self.blocks:
            x = block(x, mask)
        embedding: Tensor = self.dropout(self.embedding_norm(self.pooling(x, mask, speech)))
        return embedding

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Logits (N, labels)."""
        logits: Tensor = self.output(self.embed(frames, lengths))
        return logits


class FrameNetwork(nn.Module):
    """The mean of the members' probabilities, then one temperature: what is served."""

    temperature: Tensor

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Turns frames (N, T, 25), lengths (N,) to log-probabilities (N, labels)."""
        logits = torch.stack([member(frames, lengths) for member in self.members])
        mean = logits.log_softmax(-1).logsumexp(0) - math.log(len(self.members))
        return (mean / self.temperature).log_softmax(-1)
