"""What pitch, level and the speaker's own mean are worth: a logistic regression on four corpora.

    python -m training.voice.first_look [CORPUS=CLIPS ...]

It reads `[data] corpora_path`, or as many random clips of a corpus as the arguments say, and writes
a Markdown table to the standard output. Unweighted average recall: within each corpus in folds by
speaker, and on each corpus after a fit to the other three, among the emotions that it shares with
them.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from configuration import config_path, read_section
from training.arrays import Float32, Float64, Integers
from training.corpora.union import read_corpora
from training.features.cache import ORIGINAL
from training.features.extraction import extract_corpora
from training.features.recordings.statistics import prosody_statistics
from training.folds import speaker_folds
from training.metrics import unweighted_average_recall
from training.report.text import Row, markdown
from training.settings import DataSettings
from training.storage.scheduling import Scheduler
from training.systems.base.system import Caches
from training.voice.summary import Draw

CORPORA = ("ravdess", "cremad", "nemo", "emodb-2s")
ALL_CLIPS = 0  # as the number of clips of a mean
INVERSE_PENALTY = 0.01  # C


@dataclass(frozen=True)
class Clips:
    """N clips of one corpus or of several."""

    mfccs: Float64  # (N, 149)
    prosody: Float64  # (N, 16)
    emotions: npt.NDArray[np.str_]
    speakers: npt.NDArray[np.str_]
    folds: Integers  # index of the fold that holds each out

    @classmethod
    def together(cls, several: Sequence["Clips"]) -> "Clips":
        """The clips of several corpora, whose speakers have different names."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(one, name) for one in several]) for name in names))

    def some(self, count: int) -> "Clips":
        """As many clips drawn at random, or all if `count` is negative."""
        if count < 0:
            return self
        chosen = np.sort(np.random.default_rng(0).permutation(len(self.folds))[:count])
        return Clips(*(getattr(self, field.name)[chosen] for field in fields(self)))


def mfcc_statistics(frames: Float32) -> Float64:
    """149 numbers of frames (T, 25): the mean of coefficient 0, which is the level, is left out."""
    low, high = np.percentile(frames, (10, 90), axis=0)
    steps = np.diff(frames, axis=0) if len(frames) > 1 else np.zeros_like(frames)
    movement = np.abs(steps).mean(axis=0)
    parts = (frames.mean(axis=0)[1:], frames.std(axis=0), low, high, movement, steps.std(axis=0))
    return np.concatenate(parts).astype(np.float64)


def read(key: str, settings: DataSettings) -> Clips:
    """Extracts the features of a corpus that the caches lack, and reads them."""
    caches, scheduler = Caches.under(settings.cache_path), Scheduler()
    corpora = read_corpora(replace(settings, corpus=(key,)))
    for cache in (caches.features, caches.prosody):
        extraction = extract_corpora(corpora, cache, [ORIGINAL], scheduler)
        corpora = extraction.corpora
    hashes = extraction.content_hashes
    speakers = np.array([item.speaker for item in corpora.utterances])
    held_out = speaker_folds(speakers.tolist(), corpora.sex)
    return Clips(
        mfccs=np.stack([mfcc_statistics(caches.features.read(name)) for name in hashes]),
        prosody=np.stack([prosody_statistics(caches.prosody.read(name)) for name in hashes]),
        emotions=np.array([item.emotion for item in corpora.utterances]),
        speakers=np.char.add(f"{key} ", speakers),
        folds=np.array([next(k for k, f in enumerate(held_out) if s in f) for s in speakers]),
    )


def less_own_mean(values: Float64, speakers: npt.NDArray[np.str_], clips: int) -> Float64:
    """Values (N, F) less their mean over other clips of the speaker, or over all (`ALL_CLIPS`)."""
    if clips == ALL_CLIPS:
        names, voice = np.unique(speakers, return_inverse=True)
        means = np.stack([values[speakers == name].mean(axis=0) for name in names])
        return np.asarray(values - means[voice])
    chosen, exist = Draw(speakers, clips).others(np.arange(len(values)), np.random.default_rng(0))
    weights = exist / exist.sum(axis=1, keepdims=True)
    return np.asarray(values - np.einsum("nc,ncf->nf", weights, values[chosen]))


def variants(clips: Clips) -> Iterator[tuple[str, Float64]]:
    """The rows of the table: their names and features (N, F)."""
    both = np.concatenate([clips.mfccs, clips.prosody], axis=1)
    yield "MFCCs, 149", clips.mfccs
    yield "prosody, 16", clips.prosody
    yield "both", both
    yield "both, less the speaker's mean", less_own_mean(both, clips.speakers, ALL_CLIPS)
    for count in (10, 3, 1):
        name = f"both, less the mean of {count} random clip{'s' * (count > 1)}"
        yield name, less_own_mean(both, clips.speakers, count)


def within(features: Float64, clips: Clips) -> float:
    """Recall in folds by speaker."""
    predictions = np.empty_like(clips.emotions)
    for fold in np.unique(clips.folds):
        test = clips.folds == fold
        model = fitted(features[~test], clips.emotions[~test])
        predictions[test] = model.predict(features[test])
    return recall(clips.emotions, predictions)


def across(features: Float64, clips: Clips, test: npt.NDArray[np.bool_]) -> float:
    """Recall on the clips that `test` marks, after a fit to all others."""
    shared = np.intersect1d(clips.emotions[test], clips.emotions[~test])
    measured = test & np.isin(clips.emotions, shared)
    model = fitted(features[~test], clips.emotions[~test])
    scores = model.predict_proba(features[measured])[:, np.isin(model.classes_, shared)]
    return recall(clips.emotions[measured], shared[scores.argmax(axis=1)])


def fitted(features: Float64, emotions: npt.NDArray[np.str_]) -> Pipeline:
    """A pipeline of scikit-learn: standardised, every emotion with the same weight."""
    regression = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=2000)
    return make_pipeline(StandardScaler(), regression).fit(features, emotions)


def recall(emotions: npt.NDArray[np.str_], predictions: npt.NDArray[np.str_]) -> float:
    """Unweighted average recall of named emotions."""
    names = np.unique(emotions)
    return unweighted_average_recall(
        np.searchsorted(names, emotions), np.searchsorted(names, predictions)
    )


def table(corpora: Sequence[Clips]) -> list[Row]:
    """A head, and a row for each variant."""
    everything = Clips.together(corpora)
    origin = np.repeat(np.arange(len(corpora)), [len(clips.emotions) for clips in corpora])
    rows = [("statistics of", *CORPORA, *(f"{key}, from the others" for key in CORPORA), "mean")]
    for name, features in variants(everything):
        inside = [within(features[origin == k], clips) for k, clips in enumerate(corpora)]
        outside = [across(features, everything, origin == k) for k in range(len(corpora))]
        figures = (*inside, *outside, float(np.mean(outside)))
        rows.append((name, *(f"{figure:.3f}" for figure in figures)))
    return rows


def main(arguments: Sequence[str]) -> None:
    """Prints the table."""
    settings = read_section(DataSettings, "data", config_path())
    counts = dict(argument.split("=") for argument in arguments)
    corpora = [read(key, settings).some(int(counts.get(key, -1))) for key in CORPORA]
    print(markdown(table(corpora)))


if __name__ == "__main__":
    main(sys.argv[1:])
