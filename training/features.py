"""The feature recipe in librosa's own calls, on whole corpora, with a cache.

This is the reference that every other extractor is held to.
"""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import joblib
import librosa
import numpy as np
import soundfile
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from training.arrays import Float32
from training.augmentation import AUGMENTATION, Augmentation
from training.corpora import Corpus, Unusable, Utterance
from training.recipe import RECIPE, FeatureRecipe

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


@dataclass(frozen=True)
class FeatureCache:
    """Frames on disk, found by recipe, augmentation and the content of the recording."""

    directory: Path
    recipe: FeatureRecipe = RECIPE
    augmentation: Augmentation = AUGMENTATION

    def path(self, content: str, variant: int) -> Path:
        """The file of one variant; variant 0 is the recording as it is."""
        made = f"augmented-{self.augmentation.digest()}-{variant}" if variant else "original"
        return self.directory / f"mfcc-{self.recipe.digest()}" / made / f"{content}.npy"

    def missing(self, path: Path, variants: int) -> list[int]:
        """The variants of a recording, out of 0 to `variants`, that are not in the cache."""
        content = content_hash(path)
        return [v for v in range(variants + 1) if not _holds_anything(self.path(content, v))]

    def frames(self, utterance: Utterance, variant: int = 0) -> Float32:
        """Frames float32 (T, 25) of an utterance that was extracted before."""
        frames: Float32 = np.load(self.path(content_hash(utterance.path), variant))
        return frames

    def vectors(self, utterances: Iterable[Utterance], variants: int = 0) -> Float32:
        """Vectors float32 (utterances, 1 + variants, 25); the first of each is the recording's."""
        return np.stack([self._variants(utterance, variants) for utterance in utterances])

    def _variants(self, utterance: Utterance, variants: int) -> Float32:
        content = content_hash(utterance.path)
        paths = [self.path(content, variant) for variant in range(variants + 1)]
        return np.stack([pool(np.load(path)) for path in paths])


def _holds_anything(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


@dataclass(frozen=True)
class Extraction:
    """What a run did: recordings extracted anew, those found in the cache, and the rest."""

    corpus: Corpus  # only what features exist of; `corpus.unusable` has every file left out
    extracted: int
    cached: int


def extract_corpus(corpus: Corpus, cache: FeatureCache, variants: int) -> Extraction:
    """Brings the cache up to date, on all usable cores, with a progress bar.

    Raises:
        CorpusError: no recording is left that could be read.
    """
    missing = [item.path for item in corpus.utterances if cache.missing(item.path, variants)]
    jobs = min(joblib.cpu_count(), max(1, len(missing)))
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator")
    outcomes = parallel(joblib.delayed(_extract)(path, cache, variants) for path in missing)
    bar = tqdm(outcomes, total=len(missing), desc="features", unit="clip", disable=None)
    unusable = [outcome for outcome in bar if outcome]
    # The pool is joblib's for the whole process, and takes a later import of torch for a leak.
    get_reusable_executor().shutdown()
    return Extraction(
        corpus=corpus.without(unusable),
        extracted=len(missing) - len(unusable),
        cached=len(corpus.utterances) - len(missing),
    )


def _extract(path: Path, cache: FeatureCache, variants: int) -> Unusable | None:
    """Extracts what the cache lacks of one recording; what comes back says why it could not."""
    try:
        audio = load_audio(path, cache.recipe.sample_rate)
    except UnusableAudioError as error:
        return Unusable(path, str(error))
    content = content_hash(path)
    for variant in cache.missing(path, variants):
        made = _variant(audio, content, variant, cache.augmentation)
        _write(cache.path(content, variant), extract_frames(made, cache.recipe))
    return None


def _variant(audio: Float32, content: str, variant: int, augmentation: Augmentation) -> Float32:
    if variant == 0:
        return audio
    random = np.random.default_rng([int(content, 16), variant])
    return augmentation.apply(audio, random)


def _write(path: Path, frames: Float32) -> None:
    """Whole or not at all: an interrupted run leaves no half-written file under the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.save(file, frames)
    Path(file.name).replace(path)


def content_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal, its first 32 digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
