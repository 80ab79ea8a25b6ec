"""TCN: a small temporal convolutional network over MFCC frames, prosody and a baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from training.arrays import Float32
from training.examples import Examples
from training.features.descriptors import VoiceFeatures
from training.fitting.loop import FittedModule, fit_all
from training.frames.batches import FrameExamples
from training.frames.companion import Companion, fitted_companion
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import FrameNetwork, Member
from training.frames.objective import MemberObjective
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
from training.voice.baseline_distance import BaselineDistance, Discriminant
from training.voice.clips import ALL, FORMS, VoiceClip, padded, voice_clips

CLIPS_AT_ONCE = 64  # clips


@dataclass(frozen=True)
class FittedFrames:
    """A fitted frame network."""

    module: FrameNetwork  # in evaluation mode
    losses: Float32  # (epochs,), the mean of the members
    distance: BaselineDistance | None = None  # where it takes baselines

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return parameter_count(self.module)

    def logits(self, clips: Sequence[VoiceClip | Float32]) -> Float32:
        """N clips, or their frames float32 (T, 25) alone, to log-probabilities float32 (N, L)."""
        return self._in_groups([VoiceClip.of(clip) for clip in clips])

    def _in_groups(self, clips: Sequence[VoiceClip]) -> Float32:
        order = np.argsort([len(clip.frames) for clip in clips], kind="stable")
        groups = np.split(order, range(CLIPS_AT_ONCE, len(order), CLIPS_AT_ONCE))
        rows = np.concatenate([self._predict([clips[i] for i in group]) for group in groups])
        logits = np.empty_like(rows)
        logits[order] = rows
        return logits

    def _predict(self, clips: Sequence[VoiceClip]) -> Float32:
        with torch.inference_mode():
            logits: Float32 = self.module(*padded(clips)).numpy()
        return logits


@dataclass(frozen=True)
class FrameModel(Model):
    """Fits the members one after the other."""

    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    input: Input = "frames"
    modules: tuple[str, ...] = (
        *("training.audio", "training.frames", "training.voice"),
        *("training.features.prosody", "training.features.recordings.statistics"),
    )
    forms: tuple[str, ...] = tuple(FORMS)

    @property
    def epochs(self) -> int:
        """Of all members together."""
        return self.hyperparameters.epochs * len(self.hyperparameters.dilations)

    def settings(self, caches: Caches) -> dict[str, Any]:
        """The hyperparameters, how the spectra were made, and the recorded noises."""
        spectra = asdict(caches.spectra.variants)
        return {**asdict(self.hyperparameters), "spectra": spectra, "noises": caches.noises.names}

    def prepare(self, recordings: Recordings, caches: Caches, scheduler: Scheduler) -> None:
        """Extracts the spectra of recordings that have none yet."""
        caches.spectra.fill(recordings, scheduler)

    def fit(self, examples: Examples, context: FitContext) -> FittedFrames:
        """Takes minutes; the same seed gives the same network on a CPU."""
        caches, rows = context.caches, range(len(examples.targets))
        clips = FrameExamples.read(examples, caches)
        fitted = fit_all(self.members(clips, context), context.progress, context.checkpoint)
        recordings = voice_clips(examples, rows, caches.features, caches.prosody, ALL)
        companion = fitted_companion(clips, recordings)
        network = FrameNetwork(networks(fitted), companion)
        return self.finished(examples, network, fitted, context.checkpoint)

    def members(self, clips: FrameExamples, context: FitContext) -> Iterator[MemberObjective]:
        """The objective of each member."""
        for index, dilations in enumerate(self.hyperparameters.dilations):
            seed = 1000 * context.seed + index
            noises = context.caches.noises
            yield MemberObjective(clips, self.hyperparameters, dilations, noises, seed)

    def finished(
        self,
        examples: Examples,
        network: FrameNetwork,
        members: Sequence[FittedModule],
        checkpoint: Checkpoint | None,
    ) -> FittedFrames:
        """The fitted network, which the checkpoint keeps as a whole."""
        losses = np.mean([np.array(member.losses, np.float32) for member in members], axis=0)
        if checkpoint:
            checkpoint.finish(network, losses)
        return self._fitted(examples, network, losses)

    def load(self, examples: Examples, checkpoint: Checkpoint) -> FittedFrames:
        """The network of a finished fit."""
        network = self.network(len(examples.labels))
        losses = checkpoint.load(network, self.epochs)
        return self._fitted(examples, network, losses)

    def network(self, labels: int) -> FrameNetwork:
        """The network before its fit."""
        return FrameNetwork(self.new_members(labels), Companion(labels))

    def new_members(self, labels: int) -> list[Member]:
        """Members that are not fitted."""
        h = self.hyperparameters
        return [Member(h, dilations, labels) for dilations in h.dilations]

    def _fitted(self, examples: Examples, network: FrameNetwork, losses: Float32) -> FittedFrames:
        if not self.forms:
            return FittedFrames(network.eval(), losses)
        discriminant = Discriminant.fit(examples.recordings, examples.speakers)
        return FittedFrames(network.eval(), losses, BaselineDistance(discriminant).eval())


def networks(fitted: Sequence[FittedModule]) -> list[Member]:
    """The members that were fitted."""
    return [module.network for module in fitted if isinstance(module.network, Member)]


SYSTEM = System(
    name="TCN",
    title="TCN on the MFCC frames, prosody and the speaker's own clips",
    source="this project",
    claim="see models/README.md",
    features=VoiceFeatures(),
    models=(FrameModel(),),
    shipped=True,
    compared=False,  # on small corpora TCN-functionals is better
)
