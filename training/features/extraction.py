"""Extracts the features of corpora into the cache."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.corpora.reader import Unusable
from training.corpora.union import Corpora
from training.features.cache import Change, FeatureCache, hash_content
from training.features.loading import UnusableAudioError, load_audio
from training.storage.scheduling import Scheduler


@dataclass(frozen=True)
class Extraction:
    """The result of an extraction: counts of recordings, and the files that were left out."""

    corpora: Corpora  # the recordings with features; `unusable` has every file left out
    content_hashes: tuple[str, ...]  # of its recordings
    extracted: int
    cached: int


@dataclass(frozen=True)
class ExtractionTask:
    """The changes under which features of a recording are needed."""

    path: Path
    content_hash: str
    changes: tuple[Change, ...]


def extract_corpora(
    corpora: Corpora, cache: FeatureCache, changes: Sequence[Change], scheduler: Scheduler
) -> Extraction:
    """Extracts the features that the cache lacks, of every recording under every change.

    Raises:
        CorpusError: none of the recordings of a corpus could be read.
    """
    paths = [utterance.path for utterance in corpora.utterances]
    content_hashes = {path: hash_content(path) for path in paths}
    tasks = [ExtractionTask(path, content_hashes[path], tuple(changes)) for path in paths]
    extracted, unusable = extract(tasks, cache, scheduler)
    usable = corpora.without(unusable)
    return Extraction(
        corpora=usable,
        content_hashes=tuple(content_hashes[utterance.path] for utterance in usable.utterances),
        extracted=extracted,
        cached=len(paths) - extracted - len(unusable),
    )


def extract(
    tasks: Sequence[ExtractionTask],
    cache: FeatureCache,
    scheduler: Scheduler,
    what: str = "features",
) -> tuple[int, list[Unusable]]:
    """Extracts the features that the cache lacks.

    Returns:
        The number of recordings extracted, and the recordings that could not be read.
    """
    missing = [replace(t, changes=cache.missing(t.content_hash, t.changes)) for t in tasks]
    to_do = [task for task in missing if task.changes]
    outcomes = scheduler.run(functools.partial(_extract, cache=cache), to_do, what, "clip")
    unusable = [outcome for outcome in outcomes if outcome]
    return len(to_do) - len(unusable), unusable


def _extract(task: ExtractionTask, cache: FeatureCache) -> Unusable | None:
    """Extracts from one recording; returns the reason where it cannot be read."""
    try:
        audio = load_audio(task.path)
    except UnusableAudioError as error:
        return Unusable(task.path, str(error))
    for change in task.changes:
        cache.extract(audio, task.content_hash, change)
    return None
