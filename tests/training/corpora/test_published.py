"""Corpora as they are published, from made-up trees of silent clips."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.corpora import sound_files
from training.corpora.reader import read_corpus
from training.corpora.registry import reader_named
from training.features.loading import load_audio

FORMATS = {
    ".wav": "WAV",
    ".flac": "FLAC",
    ".aiff": "AIFF",
    ".au": "AU",
    ".caf": "CAF",
    ".ogg": "OGG",
    ".opus": "OGG",
    ".mp3": "MP3",
    ".w64": "W64",
}
SUBTYPES = {".opus": "OPUS", ".mp3": "MPEG_LAYER_III"}
TREES = {
    "savee": [
        f"AudioData/{speaker}/{emotion}{number:02d}.wav"
        for speaker in ("DC", "JE", "JK", "KL")
        for emotion in ("a", "d", "f", "h", "n", "sa", "su")
        for number in (1, 2)
    ],
    "tess": [
        f"{speaker}_{emotion}/{speaker}_{word}_{emotion}.wav"
        for speaker in ("OAF", "YAF")
        for emotion in ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
        for word in ("back", "youth")
    ],
    "emovo": [
        f"{speaker}/{emotion}-{speaker}-{sentence}.wav"
        for speaker in ("f1", "f2", "f3", "m1", "m2", "m3")
        for emotion in ("dis", "gio", "neu", "pau", "rab", "sor", "tri")
        for sentence in ("b1", "d2")
    ],
}


def write_silence(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(200), 8_000)


@pytest.mark.parametrize("key", TREES)
def test_a_tree_as_published_is_read_whole(key: str, tmp_path: Path) -> None:
    for name in TREES[key]:
        write_silence(tmp_path / name)
    (tmp_path / "readme.txt").write_text("about")
    corpus = read_corpus(tmp_path, reader_named(key))
    assert len(corpus.utterances) == len(TREES[key])
    assert [item.path.name for item in corpus.unusable] == ["readme.txt"]
    assert set(corpus.reader.emotions) == {item.emotion for item in corpus.utterances}
    assert len(corpus.reader.emotions) == 7
    assert len(set(Counter(item.speaker for item in corpus.utterances).values())) == 1


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_of_libsndfile_is_read(suffix: str, tmp_path: Path) -> None:
    assert suffix in sound_files.SUFFIXES
    path = tmp_path / f"1001_DFA_ANG_XX{suffix.upper()}"
    tone = np.sin(np.arange(24_000) / 20) / 2
    kind = {"format": FORMATS[suffix], "subtype": SUBTYPES.get(suffix)}
    soundfile.write(path, np.stack([tone, tone], axis=1), 24_000, **kind)
    corpus = read_corpus(tmp_path, CREMAD)
    assert [item.emotion for item in corpus.utterances] == ["angry"]
    audio = load_audio(path)
    assert 22_050 <= len(audio) < 25_000
    assert 0.3 < np.sqrt(np.mean(audio**2)) < 0.4


CREMAD = reader_named("cremad")
