"""The layers of a frame network."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.frames.hyperparameters import Hyperparameters


class SqueezeExcitation(nn.Module):
    """Gates each channel by its mean over the utterance (Hu et al. 2018)."""

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

    def __init__(self, hyperparameters: Hyperparameters, dilation: int) -> None:
        super().__init__()
        self.first, self.first_norm = _convolution(hyperparameters, dilation)
        self.second, self.second_norm = _convolution(hyperparameters, dilation)
        self.excitation = SqueezeExcitation(hyperparameters.channels, hyperparameters.squeeze)
        self.dropout = nn.Dropout1d(hyperparameters.block_dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Turns x (N, C, T), zero where masked, to the same."""
        hidden = functional.silu(self.first_norm(self.first(x))) * mask
        hidden = self.excitation(self.second_norm(self.second(hidden)), mask)
        return functional.silu(self.dropout(hidden) + x) * mask


def _convolution(
    hyperparameters: Hyperparameters, dilation: int
) -> tuple[nn.Conv1d, nn.BatchNorm1d]:
    size, kernel = hyperparameters.channels, hyperparameters.kernel
    padding = dilation * (kernel // 2)
    convolution = nn.Conv1d(size, size, kernel, padding=padding, dilation=dilation, bias=False)
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
