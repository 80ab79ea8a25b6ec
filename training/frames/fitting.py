"""Fits the frame network: a fixed number of epochs, averaged weights, no early stopping."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.arrays import Float32, Integers
from training.audio.augmentation import Augmenter, FrameAugmentation
from training.audio.spectra import Spectra
from training.frames.batches import Batching, epoch_batches
from training.frames.network import FrameNetwork, Member, MemberSettings
from training.frames.side_tasks import SideTasks, SideTaskWeights

Progress = Callable[[int, int, float], None]  # member, epoch from 1, mean loss of the epoch

# Members that look at different lengths of time err differently, which is what an average lives on.
MEMBERS = tuple(MemberSettings(dilations=d) for d in ((1, 2, 4), (1, 2, 4, 8), (1, 2, 4)))


@dataclass(frozen=True)
class FrameSettings:
    """Every number of the fit."""

    members: tuple[MemberSettings, ...] = MEMBERS
    epochs: int = 50  # one sees every recording once, in one variant
    learning_rate: float = 3e-3  # its highest
    warm_up: float = 0.15  # share of the steps
    weight_decay: float = 0.05
    gradient_norm: float = 5.0
    average_decay: float = 0.99  # of the moving average of the weights, per step
    label_smoothing: float = 0.1
    mixup_share: float = 0.7  # of the batches
    mixup: float = 0.3  # both parameters of the Beta distribution
    side_tasks: SideTaskWeights = field(default_factory=SideTaskWeights)
    augmentation: FrameAugmentation = field(default_factory=FrameAugmentation)
    batching: Batching = field(default_factory=Batching)


@dataclass(frozen=True)
class FrameExamples:
    """N utterances of the training speakers."""

    spectra: Sequence[Spectra]
    recordings: Sequence[Float32]  # frames (T, 25) of the recordings themselves
    targets: Integers  # (N,)
    side: Integers  # (N, 3): intensity, sex, statement; 0 or 1, and -1 where unknown
    labels: int


def fit_frame_network(
    examples: FrameExamples, settings: FrameSettings, seed: int, progress: Progress | None = None
) -> FrameNetwork:
    """The same seed gives the same network on one thread; on the CPU and in evaluation mode."""
    members = []
    for index, member in enumerate(settings.members):
        fit = MemberFit(examples, member, settings, seed * 1000 + index)
        for epoch in range(1, settings.epochs + 1):
            loss = fit.run_epoch()
            if progress:
                progress(index, epoch, loss)
        members.append(fit.result())
    return FrameNetwork(members).eval()


class MemberFit:
    """One member on its way."""

    def __init__(
        self, examples: FrameExamples, member: MemberSettings, settings: FrameSettings, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.settings, self.labels = settings, examples.labels
        self.random = np.random.default_rng(seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.augmenter = Augmenter(examples.spectra, settings.augmentation, self.random)
        recordings = np.concatenate(list(examples.recordings))
        self.mean: Float32 = recordings.mean(axis=0)
        self.member = Member(member, examples.labels)
        self.member.standardisation.fit(recordings)
        self.side_tasks = SideTasks(self.member.embedding_size, settings.side_tasks)
        self._move_to_device()
        self.optimiser = _optimiser([self.member, self.side_tasks], settings)
        self.schedule = _schedule(self.optimiser, len(examples.targets), settings)
        self._weights = _class_weights(examples).to(self.device)
        self._targets = torch.from_numpy(examples.targets).to(self.device)
        self._traits = torch.from_numpy(examples.side).to(self.device)

    def _move_to_device(self) -> None:
        self.member.to(self.device)
        self.side_tasks.to(self.device)
        ema = get_ema_multi_avg_fn(  # type: ignore[no-untyped-call]
            self.settings.average_decay
        )
        self.average = AveragedModel(self.member, multi_avg_fn=ema, use_buffers=True)

    def run_epoch(self) -> float:
        """Sees every utterance once; gives the mean loss."""
        self.member.train()
        batches = epoch_batches(self.augmenter, self.mean, self.settings.batching)
        return float(np.mean([self._run_batch(rows, frames) for rows, frames in batches]))

    def _run_batch(self, rows: Integers, frames: Float32) -> float:
        loss = self._loss(torch.from_numpy(rows), torch.from_numpy(frames).to(self.device))
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.member.parameters(), self.settings.gradient_norm)
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.member)
        return loss.item()

    def _loss(self, rows: Tensor, frames: Tensor) -> Tensor:
        """Weighted cross-entropy of the emotion, plus the side tasks."""
        frames, targets, share = self._mixed(frames, self._smooth_targets(rows))
        lengths = torch.full((len(rows),), frames.shape[1], device=self.device)
        embedding = self.member.embed(frames, lengths)
        log_probabilities = functional.log_softmax(self.member.output(embedding), dim=1)
        emotion_loss = -(targets * log_probabilities).sum(dim=1).mean()
        side_loss: Tensor = self.side_tasks(embedding, self._traits[rows])
        return emotion_loss + share * side_loss

    def _smooth_targets(self, rows: Tensor) -> Tensor:
        """Targets (N, L) that sum up to each utterance's weight."""
        targets, smoothing = self._targets[rows], self.settings.label_smoothing
        one_hot = functional.one_hot(targets, self.labels).float()
        smooth = (1 - smoothing) * one_hot + smoothing / self.labels
        return smooth * self._weights[targets, None]

    def _mixed(self, frames: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, float]:
        """Mixup (Zhang et al. 2018, arXiv:1710.09412), or not; and the larger part's share.

        The larger part stays first: its row names the side tasks.
        """
        if self.random.random() >= self.settings.mixup_share:
            return frames, targets, 1.0
        share = float(self.random.beta(self.settings.mixup, self.settings.mixup))
        share = max(share, 1 - share)
        other = torch.randperm(len(frames)).to(self.device)
        return (
            share * frames + (1 - share) * frames[other],
            share * targets + (1 - share) * targets[other],
            share,
        )

    def result(self) -> Member:
        """The averaged weights as they stand now."""
        return cast("Member", self.average.module.cpu().eval())


def _class_weights(examples: FrameExamples) -> Tensor:
    """Rare classes weigh more, because every class counts alike in unweighted average recall."""
    counts = torch.from_numpy(np.bincount(examples.targets, minlength=examples.labels)).float()
    return counts.mean() / counts.clamp_min(1)


def _optimiser(modules: Sequence[nn.Module], settings: FrameSettings) -> torch.optim.AdamW:
    """Weight decay on matrices and kernels alone."""
    parameters = [p for module in modules for p in module.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def _schedule(
    optimiser: torch.optim.Optimizer, utterances: int, settings: FrameSettings
) -> OneCycleLR:
    """Warm-up, then half a cosine down to almost nothing."""
    steps = settings.epochs * math.ceil(utterances / settings.batching.size)
    return OneCycleLR(
        optimiser,
        max_lr=settings.learning_rate,
        total_steps=steps,
        pct_start=settings.warm_up,
        cycle_momentum=False,
    )
