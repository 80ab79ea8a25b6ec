from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.corpora import read_corpus
from training.examples import Examples, load_examples
from training.features import FeatureCache, extract_corpus

EMOTIONS = range(1, 9)


@pytest.fixture(scope="session")
def examples(ravdess: Path, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Vectors of the first repetition of the first sentence, from every actor."""
    folder = tmp_path_factory.mktemp("first-sentences")
    for clip in ravdess.glob("*/*-01-01-??.*"):
        (folder / clip.name).symlink_to(clip)
    cache = FeatureCache(tmp_path_factory.mktemp("features"))
    return load_examples(extract_corpus(read_corpus(folder), cache, 0).corpus, cache, 0)


@pytest.fixture
def synthetic(tmp_path: Path) -> Path:
    """Ten actors with one short tone for each emotion, its pitch set by the emotion."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for actor in range(1, 11):
        for emotion in EMOTIONS:
            write_tone(folder / clip_name(emotion, actor), 100 * emotion + actor)
    return folder


def clip_name(emotion: int, actor: int, suffix: str = ".wav") -> str:
    return f"03-01-{emotion:02d}-01-01-01-{actor:02d}{suffix}"


def write_tone(path: Path, hertz: float, rate: int = 22_050, channels: int = 1) -> None:
    """A quarter of a second of a tone with a little noise, so that no two speakers are alike."""
    times = np.arange(rate // 4) / rate
    noise = np.random.default_rng(int(hertz)).normal(0, 0.01, len(times))
    tone = 0.3 * np.sin(2 * np.pi * hertz * times) + noise
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate)
