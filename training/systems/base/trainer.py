"""Fits one model of a system, and identifies everything that the fit depends on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from training.arrays import Float32
from training.examples import Examples
from training.features.cache import ORIGINAL, Change
from training.features.descriptors import ServedFeatures, VoiceFeatures, cache_of
from training.features.extraction import Extraction, ExtractionTask, extract
from training.fitting.loop import Progress
from training.storage.checkpoints import Checkpoint, Identity
from training.storage.code_digest import code_digest
from training.storage.scheduling import Scheduler
from training.systems.base.system import Caches, FitContext, Fitted, Model, System
from training.voice.clips import summaries_of, voice_clips, voice_rows

LOOP = ("training.fitting", "training.systems.base")


@dataclass(frozen=True)
class Trainer:
    """A model and the caches that its fits read."""

    system: System
    model: Model
    caches: Caches
    seed: int = 1  # of `fit_to`

    @classmethod
    def of(cls, system: System, caches: Caches, seed: int = 1) -> "Trainer":
        """The trainer of a system's first model."""
        return cls(system, system.model, caches, seed)

    @property
    def name(self) -> str:
        """The name of the system, followed by that of the model where there are several."""
        several = len(self.system.models) > 1
        return f"{self.system.name}/{self.model.name}" if several else self.system.name

    @property
    def variants(self) -> int:
        """How many variants of each recording its examples hold."""
        return int(getattr(self.model.hyperparameters, "variants", 0))

    @property
    def settings_of_the_fit(self) -> dict[str, Any]:
        """Every number that a fit depends on, `seed` among them."""
        return {**self.model.settings(self.caches), "seed": self.seed}

    def identity(self, examples: Examples) -> Identity:
        """Everything that a fit depends on; content hashes stand for the spectra of recordings."""
        code = code_digest((*LOOP, *self.model.modules, *modules_of(self.system, self.model)))
        return Identity(self.name, examples.digest(), code, self.settings_of_the_fit)

    def prepare(self, extraction: Extraction, served: Examples, scheduler: Scheduler) -> Examples:
        """Updates the caches of the model, and reads its examples.

        Args:
            extraction: the recordings.
            served: their MFCC vectors, with at least the variants that the model is fitted to.
            scheduler: where features are extracted.
        """
        paths = [utterance.path for utterance in extraction.corpora.utterances]
        recordings = dict(zip(extraction.content_hashes, paths, strict=True))
        self.model.prepare(recordings, self.caches, scheduler)
        if isinstance(self.system.features, ServedFeatures):
            return replace(served, features=served.features[:, : 1 + self.variants])
        if isinstance(self.system.features, VoiceFeatures):
            tasks = [ExtractionTask(path, key, (ORIGINAL,)) for key, path in recordings.items()]
            extract(tasks, self.caches.prosody, scheduler, "prosody")
            return replace(served, features=self._summaries(extraction.content_hashes)[:, None])
        cache, copies = cache_of(self.system.features, self.caches.descriptors), self.system.copies
        changes: tuple[Change, ...] = (ORIGINAL, *(copies.variants() if copies else ()))
        tasks = [ExtractionTask(path, content, changes) for content, path in recordings.items()]
        extract(tasks, cache, scheduler, f"{self.system.name} features")
        return replace(served, features=cache.read_all(extraction.content_hashes, changes))

    def clips(
        self, examples: Examples, rows: Iterable[int], folder: str = ORIGINAL.folder
    ) -> list[Any]:
        """The features of utterances, as the fitted model takes them."""
        if isinstance(self.system.features, VoiceFeatures):
            return self._voice_clips(examples, rows, folder)
        if not isinstance(self.system.features, ServedFeatures):
            return [examples.features[row, 0] for row in rows]
        hashes = examples.content_hashes
        return [self.caches.features.read(str(hashes[row]), folder) for row in rows]

    def _voice_clips(self, examples: Examples, rows: Iterable[int], folder: str) -> list[Any]:
        frames, prosody = self.caches.features, self.caches.prosody
        if self.model.input == "frames":
            return voice_clips(examples, rows, frames, prosody, folder)
        return voice_rows(examples, rows, frames, folder)

    def _summaries(self, content_hashes: Sequence[str]) -> Float32:
        return summaries_of(content_hashes, self.caches.features, self.caches.prosody)

    def fit(self, examples: Examples, seed: int) -> Fitted:
        """The same examples and seed give the same model."""
        return self.model.fit(examples, FitContext(seed, self.caches))

    def fit_to(
        self, path: Path, examples: Examples, progress: Progress, *, resume: bool = False
    ) -> Fitted:
        """Fits with the trainer's seed; leaves a checkpoint after each epoch.

        Raises:
            FitError: the loss is not finite.
            CheckpointError: `resume`, and the checkpoint is of another fit.
        """
        checkpoint = Checkpoint(path, self.identity(examples), resume)
        return self.model.fit(examples, FitContext(self.seed, self.caches, progress, checkpoint))

    def load(self, path: Path, examples: Examples) -> Fitted:
        """Raises CheckpointError where `fit_to` did not leave a whole fit of the same kind."""
        return self.model.load(examples, Checkpoint(path, self.identity(examples)))


def modules_of(system: System, model: Model) -> tuple[str, ...]:
    """The system's file, and the modules of the classes and functions that the model uses.

    A system may take them from the file of another system.
    """
    values = (getattr(model, field.name) for field in fields(model))
    names = {getattr(part, "__module__", "") for part in (*type(model).__mro__, *values)}
    ours = sorted(name for name in names if name.startswith("training."))
    return (system.module, *ours) if system.module else tuple(ours)
