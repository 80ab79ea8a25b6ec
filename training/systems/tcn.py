"""TCN: an ensemble of small temporal convolutional networks over the MFCC frames.

From top to bottom: the hyperparameters, one member, the ensemble, the auxiliary tasks, the batches,
and the fit of a member by the training loop (training/fit.py).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from training.arrays import Float32, Integers
from training.audio.augmentation import Augmenter, FrameAugmentation
from training.audio.mel import cepstral_basis
from training.audio.spectra import Spectra
from training.examples import Examples
from training.features.descriptors import ServedFeatures
from training.features.recipe import RECIPE
from training.fit import (
    Batch,
    FittedModule,
    Objective,
    Optimisation,
    cross_entropy,
    fit_all,
)
from training.storage.checkpoints import Checkpoint
from training.storage.scheduling import Scheduler
from training.systems.base.system import (
    Caches,
    FitContext,
    Input,
    Model,
    Recordings,
    System,
    parameter_count,
)

COEFFICIENTS = RECIPE.n_mfcc
INPUT_LIMIT = 8.0  # standard deviations; keeps every finite input finite
SPEECH_MELS = slice(4, 60)  # 0.1 to 2.2 kHz, where speech stands out from broadband noise
CLIPS_AT_ONCE = 64  # clips


@dataclass(frozen=True)
class Hyperparameters:
    """Every number of the network and of its fit."""

    # Each member has 0.11 M parameters. Members with different receptive fields make different
    # errors, which averaging cancels.
    dilations: tuple[tuple[int, ...], ...] = ((1, 2, 4), (1, 2, 4, 8), (1, 2, 4))  # of each member
    channels: int = 64
    kernel: int = 3
    squeeze: int = 8  # the bottleneck of squeeze-excitation is channels / squeeze
    attention: int = 48  # hidden units of the pooling's attention
    dropout: float = 0.3  # before the output layer
    block_dropout: float = 0.1  # whole channels of a residual branch
    speech_margin: float = 18.0  # dB below the loudest frame where a frame counts as half speech
    speech_slope: float = 3.0  # dB; width of that soft threshold

    # The fit: a fixed number of epochs, averaged weights, no early stopping.
    epochs: int = 50  # each uses every recording once, in one variant
    batch_size: int = 32
    learning_rate: float = 3e-3  # the maximum of the schedule
    warm_up: float = 0.15  # share of the steps
    weight_decay: float = 0.05  # on matrices and kernels alone
    gradient_norm: float = 5.0
    average_decay: float = 0.99  # of the moving average of the weights, per step
    label_smoothing: float = 0.1  # share of the target that is spread over all emotions
    mixup: float = 0.3  # both parameters of the Beta distribution
    mixup_share: float = 0.7  # of the batches

    # Auxiliary tasks: the weight of each cross-entropy beside the emotion's 1.
    intensity: float = 0.3  # normal or strong
    sex: float = 0.3
    statement: float = 0.2  # adversarial: the embedding must not depend on the words

    # Batches of one length each: little is cropped, nothing is padded.
    longest: int = 80  # frames; longer utterances are cropped at random
    length_step: int = 8  # lengths are multiples of it: few shapes, so kernels are reused
    disorder: float = 0.06  # of the lengths' logarithm: the neighbours in a batch change

    augmentation: FrameAugmentation = field(default_factory=FrameAugmentation)
    variants: int = 8  # copies at other speeds, for the distance from the training distribution

    def optimisation(self) -> Optimisation:
        """The settings of the training loop."""
        return Optimisation.of(
            self,
            schedule="one cycle",
            decay_vectors=False,
            class_weights=True,
            mixup_of="batches",
            accelerator=True,
        )


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


class Standardisation(Scaling):
    """Scaling, then soft voice activity and speech-weighted cepstral mean.

    The mean of a clip is taken over its speech alone: in noise, silence is not trimmed, and would
    shift the mean.
    """

    band: Tensor
    channels = 2 * COEFFICIENTS + 1

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        # Turns a cepstrum into the mean level of the band of speech, in decibels.
        self.register_buffer("band", torch.from_numpy(cepstral_basis()[SPEECH_MELS].mean(axis=0)))

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Turns frames (N, T, 25), mask (N, 1, T) to channels (N, C, T), speech (N, 1, T)."""
        x = self.scaled(frames).transpose(1, 2)
        speech = self._speech(x, mask)
        centre = (x * speech).sum(2, keepdim=True) / speech.sum(2, keepdim=True)
        # 1.3 brings the centred coefficients back to about unit variance.
        return torch.cat([x, 1.3 * (x - centre), 2 * speech - 1], 1) * mask, speech

    def _speech(self, x: Tensor, mask: Tensor) -> Tensor:
        """How likely each frame is speech, (N, 1, T), between 0 and 1."""
        level = (x * (self.band * self.deviation)[:, None]).sum(1, keepdim=True)
        level = level.masked_fill(mask == 0, -1e4)
        below = level - level.amax(2, keepdim=True)
        margin, slope = self.hyperparameters.speech_margin, self.hyperparameters.speech_slope
        return torch.sigmoid((below + margin) / slope) * mask


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


class Member(nn.Module):
    """One network: frames (N, T, 25) and lengths (N,) to logits (N, labels)."""

    def __init__(
        self, hyperparameters: Hyperparameters, dilations: Sequence[int], labels: int
    ) -> None:
        super().__init__()
        size = hyperparameters.channels
        self.standardisation = Standardisation(hyperparameters)
        self.stem = nn.Conv1d(Standardisation.channels, size, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm1d(size)
        self.blocks = nn.ModuleList(ResidualBlock(hyperparameters, d) for d in dilations)
        self.pooling = AttentiveStatisticsPooling(size, hyperparameters.attention)
        self.embedding_norm = nn.BatchNorm1d(2 * size)
        self.dropout = nn.Dropout(hyperparameters.dropout)
        self.output = nn.Linear(2 * size, labels)

    @property
    def embedding_size(self) -> int:
        """Size of the vector before the output layer."""
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
    """The mean of the members' probabilities, with one temperature."""

    temperature: Tensor

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Turns frames (N, T, 25), lengths (N,) to log-probabilities (N, labels)."""
        logits = self.member_logits(frames, lengths)
        mean = logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))
        return (mean / self.temperature).log_softmax(-1)

    def member_logits(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Logits of each member, (members, N, labels)."""
        return torch.stack([member(frames, lengths) for member in self.members])


class _ReverseGradient(torch.autograd.Function):
    """Identity forwards, minus one backwards (Ganin and Lempitsky 2015, arXiv:1409.7495)."""

    @staticmethod
    def forward(_context: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        return -gradient


class AuxiliaryTasks(nn.Module):
    """Tasks that exist in training only and shape the embedding."""

    def __init__(self, embedding_size: int, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        self.intensity = nn.Linear(embedding_size, 2)
        self.sex = nn.Linear(embedding_size, 2)
        self.statement = nn.Linear(embedding_size, 2)

    def forward(self, embedding: Tensor, labels: Tensor) -> Tensor:
        """The weighted sum of the losses of embeddings (N, E).

        `labels` (N, 3) are intensity, sex and statement: 0, 1, or -1 if unknown.
        """
        weights = self.hyperparameters
        reversed_embedding: Tensor = _ReverseGradient.apply(embedding)  # type: ignore[no-untyped-call]
        losses = (
            weights.intensity * _known_loss(self.intensity(embedding), labels[:, 0]),
            weights.sex * _known_loss(self.sex(embedding), labels[:, 1]),
            weights.statement * _known_loss(self.statement(reversed_embedding), labels[:, 2]),
        )
        return torch.stack(losses).sum()


def _known_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy of the rows whose target is known; 0 where there is none."""
    total = functional.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
    return total / (targets >= 0).sum().clamp_min(1)


def epoch_batches(
    augmenter: Augmenter, mean: Float32, hyperparameters: Hyperparameters
) -> Iterator[tuple[Integers, Float32]]:
    """Every utterance once: rows (B,) and frames (B, T, 25)."""
    random, size = augmenter.random, hyperparameters.batch_size
    draws = [augmenter.draw(row) for row in range(len(augmenter.spectra))]
    lengths = np.array([min(draw.length, hyperparameters.longest) for draw in draws])
    order = np.argsort(lengths * np.exp(random.normal(0, hyperparameters.disorder, len(draws))))
    groups = np.split(order, range(size, len(order), size))
    enough = [group for group in groups if 2 * len(group) >= min(size, len(order))]
    for index in random.permutation(len(enough)):
        chosen = [draws[row] for row in enough[index]]
        length = _batch_length(lengths[enough[index]], hyperparameters)
        frames = augmenter.frames(chosen, length, mean)
        yield np.array([draw.row for draw in chosen]), frames


def _batch_length(lengths: Integers, hyperparameters: Hyperparameters) -> int:
    """The length of a batch, from the lengths of its utterances, (B,)."""
    step = hyperparameters.length_step
    rounded = int(np.percentile(lengths, 25) + step // 2) // step * step
    return max(2 * step, min(hyperparameters.longest, rounded))


@dataclass(frozen=True)
class FrameExamples:
    """N utterances as a frame network is fitted to them."""

    spectra: Sequence[Spectra]
    recordings: Sequence[Float32]  # frames (T, 25) of the recordings themselves
    targets: Integers  # (N,)
    auxiliary_labels: Integers  # (N, 3)
    labels: int

    @classmethod
    def read(cls, examples: Examples, caches: Caches) -> "FrameExamples":
        """From the caches, which must hold the examples' spectra."""
        hashes = examples.content_hashes.tolist()
        return cls(
            spectra=[caches.spectra.read(content) for content in hashes],
            recordings=[caches.features.read(content) for content in hashes],
            targets=examples.targets,
            auxiliary_labels=examples.auxiliary_labels,
            labels=len(examples.labels),
        )


class MemberObjective(Objective):
    """Fits one member to augmented frames, emotions and auxiliary labels."""

    network: Member

    def __init__(
        self,
        examples: FrameExamples,
        member_type: type[Member],
        hyperparameters: Hyperparameters,
        dilations: Sequence[int],
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        random = np.random.default_rng(seed)
        frames = np.concatenate(list(examples.recordings))
        member = member_type(hyperparameters, dilations, examples.labels)
        member.standardisation.fit(frames)
        optimisation = hyperparameters.optimisation()
        super().__init__(member, examples.targets, examples.labels, optimisation, random)
        self.auxiliary = AuxiliaryTasks(member.embedding_size, hyperparameters)
        self.auxiliary_labels = torch.from_numpy(examples.auxiliary_labels)
        self.augmenter = Augmenter(examples.spectra, hyperparameters.augmentation, random)
        self.hyperparameters, self.mean = hyperparameters, frames.mean(axis=0)

    def batches(self) -> Iterator[Batch]:
        """Frames (n, T, 25), drawn anew in each epoch."""
        for rows, frames in epoch_batches(self.augmenter, self.mean, self.hyperparameters):
            yield Batch(torch.from_numpy(rows), torch.from_numpy(frames))

    def loss(self, batch: Batch, targets: Tensor, share: float) -> Tensor:
        """The cross-entropy of the emotion, and of the auxiliary tasks of the batch's own rows."""
        frames = batch.inputs
        lengths = torch.full((len(frames),), frames.shape[1], device=frames.device)
        embedding = self.network.embed(frames, lengths)
        emotion_loss = cross_entropy(self.network.output(embedding), targets)
        labels = self.auxiliary_labels[batch.rows].to(frames.device)
        auxiliary_loss: Tensor = self.auxiliary(embedding, labels)
        return emotion_loss + share * auxiliary_loss


@dataclass(frozen=True)
class FittedFrames:
    """A fitted frame network."""

    module: FrameNetwork  # in evaluation mode
    losses: Float32  # (epochs,), the mean of the members

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return parameter_count(self.module)

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Frames of N clips, float32 (T, 25) each, to log-probabilities float32 (N, L)."""
        order = np.argsort([len(clip) for clip in clips], kind="stable")
        groups = np.split(order, range(CLIPS_AT_ONCE, len(order), CLIPS_AT_ONCE))
        rows = np.concatenate([self._predict([clips[i] for i in group]) for group in groups])
        logits = np.empty_like(rows)
        logits[order] = rows
        return logits

    def _predict(self, clips: Sequence[Float32]) -> Float32:
        lengths = torch.tensor([len(clip) for clip in clips])
        frames = pad_sequence([torch.from_numpy(clip) for clip in clips], batch_first=True)
        with torch.inference_mode():
            logits: Float32 = self.module(frames, lengths).numpy()
        return logits


@dataclass(frozen=True)
class FrameModel(Model):
    """Fits the members one after the other.

    member: another frame network is a subclass of `Member` in a system file of its own.
    """

    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    member: type[Member] = Member
    input: Input = "frames"
    modules: tuple[str, ...] = ("training.audio",)

    @property
    def epochs(self) -> int:
        """Of all members together."""
        return self.hyperparameters.epochs * len(self.hyperparameters.dilations)

    def settings(self, caches: Caches) -> dict[str, Any]:
        """The hyperparameters, and how the spectra were made."""
        return {**asdict(self.hyperparameters), "spectra": asdict(caches.spectra.variants)}

    def prepare(self, recordings: Recordings, caches: Caches, scheduler: Scheduler) -> None:
        """Extracts the spectra of recordings that have none yet."""
        caches.spectra.fill(recordings, scheduler)

    def fit(self, examples: Examples, context: FitContext) -> FittedFrames:
        """Takes minutes; the same seed gives the same network on a CPU."""
        members = self.members(FrameExamples.read(examples, context.caches), context.seed)
        fitted = fit_all(members, context.progress, context.checkpoint)
        return finished(FrameNetwork(networks(fitted)), fitted, context.checkpoint)

    def members(self, examples: FrameExamples, seed: int) -> Iterator[MemberObjective]:
        """The objective of each member."""
        for index, dilations in enumerate(self.hyperparameters.dilations):
            member_seed = 1000 * seed + index
            yield MemberObjective(
                examples, self.member, self.hyperparameters, dilations, member_seed
            )

    def load(self, examples: Examples, checkpoint: Checkpoint) -> FittedFrames:
        """The network of a finished fit."""
        network = FrameNetwork(self.new_members(len(examples.labels)))
        losses = checkpoint.load(network, self.epochs)
        return FittedFrames(network, losses)

    def new_members(self, labels: int) -> list[Member]:
        """Members that are not fitted."""
        h = self.hyperparameters
        return [self.member(h, dilations, labels) for dilations in h.dilations]


def networks(fitted: Sequence[FittedModule]) -> list[Member]:
    """The members that were fitted."""
    return [module.network for module in fitted if isinstance(module.network, Member)]


def finished(
    network: FrameNetwork, members: Sequence[FittedModule], checkpoint: Checkpoint | None
) -> FittedFrames:
    """The fitted network, which the checkpoint keeps as a whole."""
    losses = np.mean([np.array(member.losses, np.float32) for member in members], axis=0)
    if checkpoint:
        checkpoint.finish(network, losses)
    return FittedFrames(network.eval(), losses)


SYSTEM = System(
    name="TCN",
    title="TCN on the MFCC frames",
    source="this project",
    claim="see models/README.md",
    features=ServedFeatures(),
    models=(FrameModel(),),
    shipped=True,
    compared=False,  # on small corpora TCN-functionals is better
)
