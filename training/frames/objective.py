"""The fit of one member by the training loop (training/fitting/loop.py)."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from training.audio.augmentation import Augmenter
from training.audio.real_noise import RealNoises
from training.fitting.loop import Batch, Inputs, Objective
from training.fitting.targets import Targets, cross_entropy
from training.frames.auxiliary import AuxiliaryTasks
from training.frames.batches import Baselines, FrameExamples, epoch_batches
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import Member
from training.frames.speakers import SpeakerPrior


class MemberObjective(Objective):
    """Fits one member to augmented clips, emotions and auxiliary labels."""

    network: Member

    def __init__(
        self,
        clips: FrameExamples,
        hyperparameters: Hyperparameters,
        dilations: Sequence[int],
        noises: RealNoises,
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        random, examples = np.random.default_rng(seed), clips.examples
        frames = np.concatenate(list(clips.recordings))
        member = Member(hyperparameters, dilations, len(examples.labels))
        member.inputs.fit_to(frames, SpeakerPrior.fit(clips.means(), examples.speakers))
        super().__init__(member, examples, hyperparameters.optimisation(), random)
        self.auxiliary = AuxiliaryTasks(member.embedding_size, hyperparameters)
        self.auxiliary_labels = torch.from_numpy(examples.auxiliary_labels)
        self.augmenter = Augmenter(clips.spectra, hyperparameters.augmentation, noises, random)
        self.baselines = Baselines(clips.spectra, examples.speakers, hyperparameters, random)
        self.hyperparameters, self.mean = hyperparameters, frames.mean(axis=0)

    def batches(self) -> Iterator[Batch]:
        """Frames (n, T, 25), prosody (n, T, 3) and baselines (n, 57), drawn anew in each epoch."""
        for clips in epoch_batches(self.augmenter, self.baselines, self.mean, self.hyperparameters):
            inputs = (clips.frames, clips.prosody, clips.baselines)
            yield Batch(torch.from_numpy(clips.rows), tuple(map(torch.from_numpy, inputs)))

    def mixed(self, inputs: Inputs, other: Tensor, share: Tensor | float) -> Inputs:
        """Mixes frames, and baselines where both have one; the pitch stays that of the own row."""
        frames, prosody, baselines = inputs
        both = (baselines[:, -1] > 0) & (baselines[other, -1] > 0)
        mixed, mixed_baselines = super().mixed((frames, baselines), other, share)
        return mixed, prosody, torch.where(both[:, None], mixed_baselines, baselines)

    def loss(self, batch: Batch, targets: Targets, share: float) -> Tensor:
        """The cross-entropy of the emotion, and of the auxiliary tasks of the batch's own rows."""
        frames, prosody, baselines = batch.inputs
        lengths = torch.full((len(frames),), frames.shape[1], device=frames.device)
        embedding = self.network.embed(frames, lengths, prosody, baselines)
        emotion_loss = cross_entropy(self.network.output(embedding), targets)
        labels = self.auxiliary_labels[batch.rows].to(frames.device)
        auxiliary_loss: Tensor = self.auxiliary(embedding, labels)
        return emotion_loss + share * auxiliary_loss
