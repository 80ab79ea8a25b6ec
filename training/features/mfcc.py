"""The feature recipe in librosa's own calls, on whole corpora, with a cache.

This is the reference that every other extractor is held to.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import librosa
import numpy as np
import soundfile

from training.arrays import Float32
from training.corpora.reader import Corpus, Unusable
from training.features.recipe import RECIPE, FeatureRecipe
from training.storage.atomic_write import written_whole
from training.storage.scheduling import Scheduler

MINIMUM_SECONDS = 0.1


class UnusableAudioError(ValueError):
    """A recording that features cannot be taken from; the message says why."""


def load_audio(path: Path, sample_rate: int = RECIPE.sample_rate) -> Float32:
    """Reads a .wav or .flac file of any rate, mono or stereo.

    Returns:
        float32 (samples,), mono at `sample_rate` Hz, in [-1, 1].

    Raises:
        UnusableAudioError: not readable, under 0.1 s, not finite, or nothing but digital silence.
    """
    try:
        channels, rate = soundfile.read(
            path, dtype="float32", always_2d=True
        )  # (samples, channels)
    except (soundfile.SoundFileError, OSError) as error:
        raise UnusableAudioError(f"not readable as audio: {error}") from error
    if len(channels) < MINIMUM_SECONDS * rate:
        raise UnusableAudioError(f"{len(channels) / rate:.3f} s long; expected at least 0.1 s")
    if not np.isfinite(channels).all():
        raise UnusableAudioError("holds samples that are not finite numbers")
    if not channels.any():
        raise UnusableAudioError("digital silence")
    mono = channels.mean(axis=1)
    return librosa.resample(mono, orig_sr=rate, target_sr=sample_rate, res_type="soxr_hq")


def extract_frames(audio: Float32, recipe: FeatureRecipe = RECIPE) -> Float32:
    """The recipe: silence trimmed, then MFCCs.

    Args:
        audio: float32 (samples,), mono at the recipe's rate, in [-1, 1].
        recipe: rate, trimming and number of coefficients; the rest is librosa's defaults.

    Returns:
        float32 (T, 25), decibel cepstra, one row for each 23.2 ms. Their mean is the vector.
    """
    speech, _ = librosa.effects.trim(audio, top_db=recipe.trim_top_db)
    mfcc = librosa.feature.mfcc(y=speech, sr=recipe.sample_rate, n_mfcc=recipe.n_mfcc)
    return np.ascontiguousarray(mfcc.T, dtype=np.float32)


def pool(frames: Float32) -> Float32:
    """Frames float32 (T, 25) to the vector float32 (25,): the recipe's arithmetic mean."""
    vector: Float32 = frames.mean(axis=0)
    return vector


class Change(Protocol):
    """What is done to a recording's audio before its features are taken."""

    @property
    def folder(self) -> str:
        """Its folder in the cache; whatever gives other audio has another one."""
        ...

    def apply(self, audio: Float32, content: str) -> Float32:
        """Float32 (samples,) to the same; `content`, the recording's hash, seeds what is random."""
        ...


@dataclass(frozen=True)
class Unchanged:
    """The recording as it is."""

    folder: str = "original"

    def apply(self, audio: Float32, content: str) -> Float32:  # noqa: ARG002  # as in Change
        """The same audio."""
        return audio


ORIGINAL = Unchanged()


@dataclass(frozen=True)
class FeatureCache:
    """Frames on disk, found by recipe, change and the content of the recording."""

    directory: Path
    recipe: FeatureRecipe = RECIPE

    def path(self, content: str, folder: str) -> Path:
        """The file of one recording, changed as `folder` names it."""
        return self.directory / f"mfcc-{self.recipe.digest()}" / folder / f"{content}.npy"

    def missing(self, content: str, changes: Sequence[Change]) -> tuple[Change, ...]:
        """Those of the changes that the cache lacks of a recording."""
        return tuple(c for c in changes if not _holds_anything(self.path(content, c.folder)))

    def frames(self, content: str, folder: str = ORIGINAL.folder) -> Float32:
        """Frames float32 (T, 25) that were extracted before."""
        frames: Float32 = np.load(self.path(content, folder))
        return frames

    def write(self, content: str, folder: str, frames: Float32) -> None:
        """Keeps frames float32 (T, 25)."""
        with written_whole(self.path(content, folder)) as part, part.open("wb") as file:
            np.save(file, frames)

    def vectors(self, contents: Sequence[str], changes: Sequence[Change]) -> Float32:
        """The means of their frames, float32 (recordings, changes, 25)."""
        folders = [change.folder for change in changes]
        rows = [[pool(self.frames(content, f)) for f in folders] for content in contents]
        return np.array(rows, np.float32)


def _holds_anything(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


@dataclass(frozen=True)
class Extraction:
    """What a run did: recordings extracted anew, those found in the cache, and the rest."""

    corpus: Corpus  # only what features exist of; `corpus.unusable` has every file left out
    contents: tuple[str, ...]  # the hash of each of its recordings, their names in the cache
    extracted: int
    cached: int


def extract_corpus(
    corpus: Corpus, cache: FeatureCache, changes: Sequence[Change], scheduler: Scheduler
) -> Extraction:
    """Brings the cache up to date.

    Raises:
        CorpusError: no recording is left that could be read.
    """
    paths = [utterance.path for utterance in corpus.utterances]
    contents = {path: content_hash(path) for path in paths}
    wanted = [Wanted(path, contents[path], tuple(changes)) for path in paths]
    extracted, unusable = extract(wanted, cache, scheduler)
    usable = corpus.without(unusable)
    return Extraction(
        corpus=usable,
        contents=tuple(contents[utterance.path] for utterance in usable.utterances),
        extracted=extracted,
        cached=len(paths) - extracted - len(unusable),
    )


@dataclass(frozen=True)
class Wanted:
    """The changes under which a recording's frames are needed."""

    path: Path
    content: str
    changes: tuple[Change, ...]


def extract(
    wanted: Sequence[Wanted], cache: FeatureCache, scheduler: Scheduler, what: str = "features"
) -> tuple[int, list[Unusable]]:
    """Extracts what the cache lacks: the number of recordings extracted, and the unreadable."""
    lacking = [Wanted(w.path, w.content, cache.missing(w.content, w.changes)) for w in wanted]
    tasks = [item for item in lacking if item.changes]
    outcomes = scheduler.run(functools.partial(_extract, cache=cache), tasks, what, "clip")
    unusable = [outcome for outcome in outcomes if outcome]
    return len(tasks) - len(unusable), unusable


def _extract(wanted: Wanted, cache: FeatureCache) -> Unusable | None:
    """Extracts from one recording; what comes back says why it could not."""
    try:
        audio = load_audio(wanted.path, cache.recipe.sample_rate)
    except UnusableAudioError as error:
        return Unusable(wanted.path, str(error))
    for change in wanted.changes:
        changed = change.apply(audio, wanted.content)
        cache.write(wanted.content, change.folder, extract_frames(changed, cache.recipe))
    return None


def content_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal, its first 32 digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
