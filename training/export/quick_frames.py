"""Frame networks as graphs of few nodes: the same functions, rearranged for one clip on one core.

Frames stay in rows, so that a convolution is one matrix product of gathered rows; rows beyond a
clip are gathered from a row of zeros, which saves masks. See docs/decisions/quick-frame-graph.md.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.export.quick_statistics import Moments, QuickCompanion, QuickSpeaker
from training.frames.blocks import AttentiveStatisticsPooling, ResidualBlock
from training.frames.inputs import COEFFICIENTS, INPUT_LIMIT, OCTAVES, Channels
from training.frames.network import COMPANION_WEIGHT, FrameNetwork, Member
from training.voice.summary import LOG_F0

SAFE_RANGE = 60.0  # of scores whose exponentials need no shift by their maximum
HIGHEST_LOG_F0 = 5.0


class Rows(nn.Module):
    """Which rows each convolution takes: 0 is the row of zeros."""

    of_stem: Tensor
    of_blocks: Tensor

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        stem = members[0].stem
        self.stride = stem.stride[0]
        self.register_buffer("of_stem", _offsets(stem))
        convolutions = {_kind(block): block.first for each in members for block in _blocks(each)}
        self.kinds = list(convolutions)
        self.taps = [convolution.kernel_size[0] for convolution in convolutions.values()]
        offsets = [_offsets(convolution) for convolution in convolutions.values()]
        self.register_buffer("of_blocks", torch.cat(offsets))

    def forward(self, moments: Moments) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Rows of the stem (N T', 5), and of each kind (N T', kernel); T' steps of the stem."""
        steps = moments.steps[:, None]
        frames = steps * self.stride + self.of_stem
        stem = _rows(frames, frames, moments.lengths, moments.clip_rows)
        taken = steps + self.of_blocks
        blocks = _rows(taken, taken * self.stride, moments.lengths, moments.strided_clip_rows)
        return stem, tuple(blocks.split_with_sizes(self.taps, dim=1))


def _blocks(member: Member) -> list[ResidualBlock]:
    return [block for block in member.blocks if isinstance(block, ResidualBlock)]


def _kind(block: ResidualBlock) -> tuple[int, int]:
    """Kernel and dilation; blocks of one kind take the same rows."""
    return block.first.kernel_size[0], block.first.dilation[0]


def _offsets(convolution: nn.Conv1d) -> Tensor:
    """Of the steps that each output of a convolution takes, (kernel,)."""
    taps = torch.arange(convolution.kernel_size[0])
    return taps * convolution.dilation[0] - int(convolution.padding[0])


def _rows(steps: Tensor, frames: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
    """Steps (T', taps), and their frames, of clips (N,) of these lengths to rows (N T', taps)."""
    valid = (frames >= 0) & (frames < lengths[:, None, None])
    return torch.where(valid, steps + first, 0).flatten(0, 1)


class QuickConvolution(nn.Module):
    """A convolution with its batch normalisation, as one matrix product."""

    weight: Tensor
    bias: Tensor
    zeros: Tensor

    def __init__(self, weight: Tensor, norm: nn.BatchNorm1d) -> None:
        """`weight` (out, in, taps) may differ from that of the convolution in its columns."""
        super().__init__()
        scale, shift = _affine(norm)
        rows = (weight * scale[:, None, None]).permute(0, 2, 1).flatten(1)
        self.register_buffer("weight", rows.contiguous())
        self.register_buffer("bias", shift)
        self.register_buffer("zeros", torch.zeros(1, weight.shape[1]))

    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        """Rows (R, in), and for each output its rows (M, taps), to (M, out)."""
        taken = torch.cat([self.zeros, x]).index_select(0, rows.flatten())
        taken = taken.reshape(-1, self.weight.shape[1])
        return functional.linear(taken, self.weight, self.bias)


def _affine(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Scale and shift of a batch normalisation in evaluation mode."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise TypeError("a batch normalisation without running statistics cannot be deployed")
    scale = norm.weight.detach() / (variance + norm.eps).sqrt()
    return scale, norm.bias.detach() - mean * scale


class QuickBlock(nn.Module):
    """A residual block on rows."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.first = QuickConvolution(block.first.weight.detach(), block.first_norm)
        self.second = QuickConvolution(block.second.weight.detach(), block.second_norm)
        self.gate = block.excitation.gate

    def forward(self, x: Tensor, rows: Tensor, share: Tensor) -> Tensor:
        """Rows (N, T', C), and the share of each in its clip (N, 1, T'), to (N, T', C)."""
        hidden = functional.silu(self.first(x.flatten(0, 1), rows))
        hidden = self.second(hidden, rows).reshape(x.shape[0], -1, x.shape[2])
        gate = self.gate((share @ hidden)[:, 0])
        return functional.silu(hidden * gate[:, None] + x)


class QuickPooling(nn.Module):
    """Attentive statistics pooling; the part of the scores that is constant over time is a row."""

    context: Tensor
    context_bias: Tensor
    of_frames: Tensor
    second: Tensor
    second_bias: Tensor

    def __init__(self, pooling: AttentiveStatisticsPooling) -> None:
        super().__init__()
        first, _, second = pooling.score
        if not (isinstance(first, nn.Conv1d) and isinstance(second, nn.Conv1d)):
            raise TypeError(f"{pooling.score}: expected two convolutions")
        if first.bias is None or second.bias is None:
            raise TypeError(f"{pooling.score}: expected biases")
        weight, channels = first.weight.detach()[..., 0], second.out_channels
        self.register_buffer("of_frames", weight[:, :channels].T.contiguous())
        self.register_buffer("context", weight[:, channels:].contiguous())
        self.register_buffer("context_bias", first.bias.detach())
        self.speech_bias = pooling.speech_bias.item()
        self.register_buffer("second", second.weight.detach()[..., 0].T.contiguous())
        reach = second.weight.detach()[..., 0].abs().sum(1)  # tanh is within +-1
        highest = float((second.bias.detach() + reach).max()) + abs(self.speech_bias) * 1e-3
        lowest = float((second.bias.detach() - reach).min()) + self.speech_bias * math.log(1e-3)
        self.bounded = highest - lowest < SAFE_RANGE and self.speech_bias >= 0
        self.register_buffer("second_bias", second.bias.detach() - highest * self.bounded)

    def forward(self, x: Tensor, share: Tensor, beyond: Tensor, speech: Tensor) -> Tensor:
        """Rows (N, T', C), shares (N, 1, T'), `beyond` and speech (N, T', 1), to (N, 2 C)."""
        mean = share @ x
        centred = x - mean
        deviation = (share @ (centred * centred) + 1e-4).sqrt()
        context = torch.cat([mean, deviation], 2)[:, 0]
        context = functional.linear(context, self.context, self.context_bias)[:, None]
        score = torch.tanh(x @ self.of_frames + context) @ self.second + self.second_bias
        score = score + (self.speech_bias * (speech + 1e-3).log() + beyond)
        if not self.bounded:
            score = score - score.amax(1, keepdim=True)
        weight = score.exp()
        total, weighted = weight.sum(1), weight * x
        mean = weighted.sum(1) / total
        variance = (weighted * x).sum(1) / total - mean * mean
        return torch.cat([mean, variance.clamp_min(1e-4).sqrt()], 1)


class QuickChannels(nn.Module):
    """The channels of the first convolution, up to the constants that its weights take over.

    Columns: coefficients less the speaker's, and less the clip's; given, trust; speech less one
    half; F0 less the speaker's and the clip's; voiced; voicing.
    """

    scales: Tensor
    shift: Tensor
    of_clip: Tensor
    band: Tensor
    inverse: Tensor

    def __init__(self, channels: Channels) -> None:
        super().__init__()
        deviation = channels.deviation
        scales, nothing = torch.diag(1 / deviation), torch.zeros(COEFFICIENTS, 2)
        self.register_buffer("scales", torch.cat([scales, scales, nothing], 1))
        self.register_buffer("shift", -channels.mean / deviation)
        self.register_buffer("inverse", 1 / deviation)
        settings = channels.hyperparameters
        self.margin = settings.speech_margin / settings.speech_slope
        band = (channels.band * deviation / settings.speech_slope)[:, None]
        self.register_buffer("band", _between(band))
        self.register_buffer("of_clip", _between(torch.ones(COEFFICIENTS, 1))[:, 0])
        self.speaker = QuickSpeaker(channels.speaker)

    def forward(self, moments: Moments) -> tuple[Tensor, Tensor]:
        """Channels (N, T, C) and how likely each frame is speech, (N, T, 1)."""
        offsets, trust = self.speaker(moments.baseline)
        own = self.shift - offsets[:, :COEFFICIENTS] * self.inverse
        clip = self.shift.expand_as(own)
        shift = torch.cat([own, clip, moments.given, trust], 1)
        x = (moments.frames @ self.scales + shift[:, None]).clamp(-INPUT_LIMIT, INPUT_LIMIT)
        level = x @ self.band + moments.beyond
        loudest = level.amax(1, keepdim=True) - self.margin
        speech = torch.sigmoid(level - loudest) * moments.mask
        centre = speech.transpose(1, 2) @ x / speech.sum(1, keepdim=True)
        x = x - centre * self.of_clip
        usual = self.speaker.prior[LOG_F0] + offsets[:, LOG_F0 : LOG_F0 + 1]
        return torch.cat([x, speech - 0.5, *_pitch(moments, usual)], 2), speech


def _between(columns: Tensor) -> Tensor:
    """Rows of zeros before and after those of the coefficients less the clip's."""
    before, after = torch.zeros(COEFFICIENTS, 1), torch.zeros(2, 1)
    return torch.cat([before, columns, after])


def _pitch(moments: Moments, usual: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """F0 less the speaker's and the clip's (N, T, 2), voiced and voicing (N, T, 1)."""
    log_f0 = moments.log_f0.clamp_max(HIGHEST_LOG_F0)
    mean = log_f0.sum(1) / moments.voiced_frames
    against = (log_f0 - torch.cat([usual, mean], 1)[:, None]).clamp(-OCTAVES, OCTAVES)
    return against * moments.voiced, moments.voiced, moments.voicing.clamp(0.0, 1.0)


def _stem_weight(weight: Tensor) -> Tensor:
    """Of `QuickChannels`, from the weight (out, in, taps) of `Channels`."""
    sizes = [COEFFICIENTS, COEFFICIENTS, 1, 1, 1, 1, 1, 1, 1]
    own, clip, speech, usual, mean, voicing, voiced, given, trust = weight.split_with_sizes(
        sizes, 1
    )
    columns = [own, 1.3 * clip, given - voicing, trust]
    columns += [2 * speech, 2 * usual, 4 * mean, voiced, 2 * voicing]
    return torch.cat(columns, 1)


class QuickMember(nn.Module):
    """One member, to logits (N, labels)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, member: Member, kinds: Sequence[tuple[int, int]]) -> None:
        """`kinds` are those of the rows that it is called with."""
        super().__init__()
        self.places = [kinds.index(_kind(block)) for block in _blocks(member)]
        self.stride = member.stem.stride[0]
        self.stem = QuickConvolution(_stem_weight(member.stem.weight.detach()), member.stem_norm)
        self.blocks = nn.ModuleList(QuickBlock(block) for block in _blocks(member))
        self.pooling = QuickPooling(member.pooling)
        scale, shift = _affine(member.embedding_norm)
        weight = member.output.weight.detach()
        self.register_buffer("weight", weight * scale)
        self.register_buffer("bias", member.output.bias.detach() + weight @ shift)

    def forward(
        self,
        moments: Moments,
        inputs: tuple[Tensor, Tensor],
        rows: tuple[Tensor, tuple[Tensor, ...]],
    ) -> Tensor:
        """What `QuickChannels` and `Rows` give, to logits (N, labels)."""
        (channels, speech), (rows_of_stem, rows_of_kinds) = inputs, rows
        x = functional.silu(self.stem(channels.flatten(0, 1), rows_of_stem))
        x = x.reshape(moments.frames.shape[0], -1, x.shape[1])
        for block, place in zip(self.blocks, self.places, strict=True):
            x = block(x, rows_of_kinds[place], moments.strided_share)
        every = slice(None, None, self.stride)
        embedding = self.pooling(
            x, moments.strided_share, moments.beyond[:, every], speech[:, every]
        )
        return functional.linear(embedding, self.weight, self.bias)


def _inputs_of_all(members: Sequence[Member]) -> Channels:
    first, *others = (member.inputs for member in members)
    for name, value in first.state_dict().items():
        if not all(torch.equal(value, other.state_dict()[name]) for other in others):
            raise ValueError(f"the members differ in {name} of their inputs")
    return first


class QuickFrames(nn.Module):
    """The log-probabilities of a `FrameNetwork`, whose clips are as `Moments` describes them.

    The members have the same inputs, which are computed once.

    Raises:
        ValueError: the inputs of the members differ; they were not fitted to the same clips.
    """

    def __init__(self, network: FrameNetwork) -> None:
        super().__init__()
        members = [member for member in network.members if isinstance(member, Member)]
        self.channels, self.rows = QuickChannels(_inputs_of_all(members)), Rows(members)
        self.members = nn.ModuleList(QuickMember(each, self.rows.kinds) for each in members)
        self.companion = QuickCompanion(network.companion) if network.companion else None

    def forward(self, moments: Moments) -> Tensor:
        """Log-probabilities (N, labels)."""
        inputs, rows = self.channels(moments), self.rows(moments)
        logits = [member(moments, inputs, rows) for member in self.members]
        together: Tensor = logits[0]
        if len(logits) > 1:
            together = torch.stack(logits).log_softmax(-1).logsumexp(0)
        if self.companion is not None:
            own, trust = self.companion(moments)
            together = together + COMPANION_WEIGHT * trust * own
        return together.log_softmax(-1)
