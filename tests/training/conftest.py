from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from training.arrays import Float32
from training.corpora.emodb import EMODB_2S
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import Reader, read_corpus
from training.corpora.union import Corpora
from training.examples import Examples, changes, load_examples
from training.features.cache import FeatureCache
from training.features.extraction import Extraction, extract_corpora
from training.storage.scheduling import Scheduler

EMOTIONS = range(1, 9)
CLIPS_OF_EACH_EMOTION = 2  # and German speaker
ACTORS = range(1, 7)  # one more than the folds of an evaluation


class Here(Scheduler):
    """Runs everything in this process: quicker for little work than a pool."""

    def run(self, function: Any, tasks: Any, what: str, unit: str) -> Any:
        return list(map(function, tasks))


def extract(clips: Iterable[Path], reader: Reader, folder: Path, cache: FeatureCache) -> Extraction:
    """Some clips of a corpus, linked into a folder of their own."""
    for clip in clips:
        (folder / clip.name).symlink_to(clip)
    return extract_corpora(one_corpus(folder, reader), cache, changes(0), Here())


def one_corpus(folder: Path, reader: Reader) -> Corpora:
    return Corpora((read_corpus(folder, reader),))


@pytest.fixture(scope="module")
def one_process() -> Iterator[None]:
    """No pool on this machine: it takes seconds to start, for work of milliseconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        yield


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    """Features that every test may share: they are found by content."""
    return FeatureCache(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="session")
def extraction(
    ravdess: Path, cache: FeatureCache, tmp_path_factory: pytest.TempPathFactory
) -> Extraction:
    """The first repetition of the first sentence, from every actor."""
    folder = tmp_path_factory.mktemp("first-sentences")
    return extract(ravdess.glob("*/*-01-01-??.*"), RAVDESS, folder, cache)


@pytest.fixture(scope="session")
def examples(extraction: Extraction, cache: FeatureCache) -> Examples:
    """Vectors of real clips."""
    return load_examples(extraction, cache, 0)


@pytest.fixture(scope="session")
def clips(examples: Examples, cache: FeatureCache) -> list[Float32]:
    """Frames (T, 25) of the same clips."""
    return [cache.read(content) for content in examples.content_hashes.tolist()]


@pytest.fixture(scope="session")
def german(emodb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers with a few clips of each emotion."""
    folder = tmp_path_factory.mktemp("german")
    taken: Counter[tuple[str, str]] = Counter()
    for utterance in read_corpus(emodb, EMODB_2S).utterances:
        key = (utterance.speaker, utterance.emotion)
        if utterance.speaker in ("10", "11", "14") and taken[key] < CLIPS_OF_EACH_EMOTION:
            taken[key] += 1
            (folder / utterance.path.name).symlink_to(utterance.path)
    return folder


@pytest.fixture(scope="session")
def clouds() -> Examples:
    """Four emotions as four clouds of vectors, each in two variants; ten speakers."""
    random = np.random.default_rng(0)
    targets = np.arange(80) % 4
    vectors = random.normal(size=(80, 2, 25)) + 1.5 * targets[:, None, None]
    return Examples(
        features=vectors.astype(np.float32),
        targets=targets,
        speakers=np.array([f"{index // 8:02d}" for index in range(80)]),
        content_hashes=np.array([f"{index:032x}" for index in range(80)]),
        auxiliary_labels=np.full((80, 3), -1),
        corpora=np.full(80, "one"),
        possible=np.ones((80, 4), bool),
        labels=("a", "b", "c", "d"),
    )


@pytest.fixture
def synthetic(tmp_path: Path) -> Path:
    """Six actors with one short tone for each emotion, its pitch set by the emotion."""
    folder = tmp_path / "corpus"
    write_corpus(folder)
    return folder


def write_corpus(folder: Path) -> None:
    folder.mkdir()
    for actor in ACTORS:
        for emotion in EMOTIONS:
            write_tone(folder / clip_name(emotion, actor), 100 * emotion + actor)


def clip_name(emotion: int, actor: int, suffix: str = ".wav") -> str:
    return f"03-01-{emotion:02d}-01-01-01-{actor:02d}{suffix}"


def write_tone(path: Path, hertz: float, rate: int = 22_050, channels: int = 1) -> None:
    """A quarter of a second of a tone with a little noise, so that no two speakers are alike."""
    times = np.arange(rate // 4) / rate
    noise = np.random.default_rng(int(hertz)).normal(0, 0.01, len(times))
    tone = 0.3 * np.sin(2 * np.pi * hertz * times) + noise
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate)
