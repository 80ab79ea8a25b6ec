"""The two kinds of networks behind one face: something that fits, and something that was fitted."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from training.arrays import Float32
from training.audio.spectra import SpectraCache, read_spectra
from training.examples import Examples
from training.features.cache import FeatureCache
from training.features.loading import load_audio
from training.fitting import Progress, fit, identity, load_fitted
from training.frames.fitting import FrameExamples, FrameSettings, fit_frame_network
from training.frames.network import FrameNetwork, Member
from training.settings import TrainingSettings
from training.storage.checkpoints import Identity, read_checkpoint, write_checkpoint
from training.storage.code_digest import code_digest
from training.storage.scheduling import Scheduler

Input = Literal["vector", "frames"]
Recordings = Mapping[str, Path]  # by the hash of their content
FRAME_CODE = ("training.frames",)
BATCH = 64  # clips that are answered at once


class FittedNetwork(Protocol):
    """What a fit leaves."""

    @property
    def losses(self) -> Float32:
        """The mean loss of each epoch, (epochs,)."""
        ...

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Frames of N clips, float32 (T, 25) each, to logits float32 (N, L)."""
        ...


class Trainer(Protocol):
    """A network that can be fitted."""

    @property
    def name(self) -> str:
        """The network's, as it is served."""
        ...

    @property
    def input(self) -> Input:
        """What it takes."""
        ...

    @property
    def epochs(self) -> int:
        """Steps of progress in one fit."""
        ...

    @property
    def settings_of_the_fit(self) -> dict[str, Any]:
        """Every number that a fit depends on, `seed` among them."""
        ...

    def identity(self, examples: Examples) -> Identity:
        """All that a fit depends on."""
        ...

    def prepare(self, recordings: Recordings, scheduler: Scheduler) -> None:
        """Brings caches of its own up to date."""
        ...

    def fit(self, examples: Examples, seed: int) -> FittedNetwork:
        """The same examples and seed give the same network."""
        ...

    def fit_to(
        self, checkpoint: Path, examples: Examples, progress: Progress, *, resume: bool
    ) -> None:
        """Fits with the first seed and leaves the network in a file."""
        ...

    def load(self, checkpoint: Path, examples: Examples) -> FittedNetwork:
        """Raises CheckpointError where `fit_to` did not leave a whole fit of the same kind."""
        ...


@dataclass(frozen=True)
class VectorTrainer:
    """Fits a network that takes the mean of the frames."""

    name: str
    settings: TrainingSettings
    input: Input = "vector"

    @property
    def epochs(self) -> int:
        """Of one fit."""
        return self.settings.epochs

    @property
    def settings_of_the_fit(self) -> dict[str, Any]:
        """Those of [training] that count."""
        return self.settings.of_the_fit()

    def identity(self, examples: Examples) -> Identity:
        """All that a fit depends on."""
        return identity(self.name, examples, self.settings)

    def prepare(self, recordings: Recordings, scheduler: Scheduler) -> None:
        """Needs nothing beyond the features."""

    def fit(self, examples: Examples, seed: int) -> FittedNetwork:
        """Takes seconds to a minute."""
        return fit(self.name, examples, replace(self.settings, seed=seed))

    def fit_to(
        self, checkpoint: Path, examples: Examples, progress: Progress, *, resume: bool
    ) -> None:
        """Leaves a checkpoint after each epoch."""
        fit(self.name, examples, self.settings, checkpoint, resume=resume, progress=progress)

    def load(self, checkpoint: Path, examples: Examples) -> FittedNetwork:
        """Reads what `fit_to` left."""
        return load_fitted(self.name, examples, self.settings, checkpoint)


@dataclass(frozen=True)
class FittedFrames:
    """A fitted frame network."""

    module: FrameNetwork  # in evaluation mode
    losses: Float32  # (epochs,), the mean of the members

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Frames of N clips, float32 (T, 25) each, to log-probabilities float32 (N, L)."""
        order = np.argsort([len(clip) for clip in clips], kind="stable")
        groups = np.split(order, range(BATCH, len(order), BATCH))
        rows = np.concatenate([self._answer([clips[i] for i in group]) for group in groups])
        logits = np.empty_like(rows)
        logits[order] = rows
        return logits

    def _answer(self, clips: Sequence[Float32]) -> Float32:
        lengths = torch.tensor([len(clip) for clip in clips])
        frames = pad_sequence([torch.from_numpy(clip) for clip in clips], batch_first=True)
        with torch.inference_mode():
            answer: Float32 = self.module(frames, lengths).numpy()
        return answer


@dataclass(frozen=True)
class FrameTrainer:
    """Fits a network that takes the frames themselves."""

    name: str
    features: FeatureCache
    spectra: SpectraCache
    seed: int  # of `fit_to`
    settings: FrameSettings = field(default_factory=FrameSettings)
    input: Input = "frames"

    @property
    def epochs(self) -> int:
        """Of all members together."""
        return self.settings.epochs * len(self.settings.members)

    @property
    def settings_of_the_fit(self) -> dict[str, Any]:
        """The network's own, and how its spectra were made."""
        variants = asdict(self.spectra.variants)
        return {**asdict(self.settings), "variants": variants, "seed": self.seed}

    def identity(self, examples: Examples) -> Identity:
        """The recordings' hashes among the examples stand for their spectra."""
        code = code_digest(FRAME_CODE)
        return Identity(self.name, examples.digest(), code, self.settings_of_the_fit)

    def prepare(self, recordings: Recordings, scheduler: Scheduler) -> None:
        """Extracts the spectra of recordings that have none yet."""
        tasks = [(h, path) for h, path in recordings.items() if not self.spectra.holds(h)]
        scheduler.run(functools.partial(_extract, cache=self.spectra), tasks, "spectra", "clip")

    def fit(self, examples: Examples, seed: int) -> FittedFrames:
        """Takes minutes."""
        return self._fit(examples, seed, lambda _epoch, _loss: None)

    def _fit(self, examples: Examples, seed: int, progress: Progress) -> FittedFrames:
        losses = np.zeros((len(self.settings.members), self.settings.epochs), np.float32)

        def keep(member: int, epoch: int, loss: float) -> None:
            losses[member, epoch - 1] = loss
            progress(member * self.settings.epochs + epoch, loss)

        torch.set_num_threads(1)
        module = fit_frame_network(self._frame_examples(examples), self.settings, seed, keep)
        return FittedFrames(module, losses.mean(axis=0))

    def _frame_examples(self, examples: Examples) -> FrameExamples:
        contents = examples.contents.tolist()
        return FrameExamples(
            spectra=read_spectra(self.spectra, contents),
            recordings=[self.features.frames(content) for content in contents],
            targets=examples.targets,
            side=examples.traits,
            labels=len(examples.labels),
        )

    def fit_to(
        self, checkpoint: Path, examples: Examples, progress: Progress, *, resume: bool
    ) -> None:
        """Leaves a checkpoint at the end; with `resume`, one that is there is enough."""
        if resume and checkpoint.exists():
            self.load(checkpoint, examples)
            return
        fitted = self._fit(examples, self.seed, progress)
        state = {"module": fitted.module.state_dict(), "losses": fitted.losses.tolist()}
        write_checkpoint(checkpoint, self.identity(examples), state)

    def load(self, checkpoint: Path, examples: Examples) -> FittedFrames:
        """Reads what `fit_to` left."""
        state = read_checkpoint(checkpoint)
        self.identity(examples).check(state)
        module = FrameNetwork([Member(m, len(examples.labels)) for m in self.settings.members])
        module.load_state_dict(state["module"])
        return FittedFrames(module.eval(), np.array(state["losses"], np.float32))


def _extract(recording: tuple[str, Path], cache: SpectraCache) -> None:
    content, path = recording
    cache.write(content, load_audio(path))
