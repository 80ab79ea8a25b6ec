from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from tests.training.conftest import Here, clip_name, one_corpus, write_tone
from training.audio.copies import Variant
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import CorpusError
from training.examples import changes
from training.features.cache import FeatureCache, hash_content
from training.features.extraction import extract_corpora
from training.features.loading import UnusableAudioError, load_audio
from training.features.mfcc import extract_frames

HERE = Here()


def test_frames_equal_the_two_lines_of_librosa(ravdess: Path) -> None:
    path = next(iter(sorted(ravdess.rglob("*.flac"))), None) or next(ravdess.rglob("*.wav"))
    audio = load_audio(path)
    speech, _ = librosa.effects.trim(audio, top_db=30)
    expected = librosa.feature.mfcc(y=speech, sr=22050, n_mfcc=25).T
    frames = extract_frames(audio)
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames, expected)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 1)])
def test_any_rate_and_any_number_of_channels_load_as_mono_at_22050_hz(
    tmp_path: Path, rate: int, channels: int
) -> None:
    write_tone(tmp_path / "tone.wav", 440, rate, channels)
    audio = load_audio(tmp_path / "tone.wav")
    assert audio.dtype == np.float32
    assert len(audio) == pytest.approx(22_050 / 4, abs=2)
    loudest = np.abs(np.fft.rfft(audio)).argmax() * 22_050 / len(audio)
    assert loudest == pytest.approx(440, abs=4)
    assert np.abs(audio).max() < 0.4


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.full(2_000, 0.1), "expected at least 0.1 s"),
        (np.zeros(22_050), "digital silence"),
        (np.full(22_050, np.nan), "not finite"),
        (np.zeros(0), "expected at least 0.1 s"),
    ],
)
def test_unusable_audio_is_rejected_with_the_reason(
    tmp_path: Path, samples: np.ndarray, reason: str
) -> None:
    soundfile.write(tmp_path / "clip.wav", samples, 22_050, subtype="FLOAT")
    with pytest.raises(UnusableAudioError, match=reason):
        load_audio(tmp_path / "clip.wav")


def test_only_new_recordings_are_extracted(tmp_path: Path) -> None:
    def run() -> tuple[int, int]:
        cache = FeatureCache(tmp_path / "cache")
        extraction = extract_corpora(one_corpus(corpus, RAVDESS), cache, changes(1), HERE)
        return extraction.extracted, extraction.cached

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_tone(corpus / clip_name(1, 1), 200)
    assert run() == (1, 0)
    assert run() == (0, 1)
    write_tone(corpus / clip_name(5, 2), 300)
    assert run() == (1, 1)
    write_tone(corpus / clip_name(1, 1), 999)
    assert run() == (1, 1)


def test_another_augmentation_leaves_cached_features_valid(tmp_path: Path) -> None:
    write_tone(tmp_path / clip_name(1, 1), 200)
    cache = FeatureCache(tmp_path / "cache")
    extract_corpora(one_corpus(tmp_path, RAVDESS), cache, changes(1), HERE)
    strong = Variant(1, 0.3)
    content = hash_content(tmp_path / clip_name(1, 1))
    assert cache.missing(content, (*changes(1), strong)) == (strong,)


def test_variants_are_reproducible(tmp_path: Path) -> None:
    write_tone(tmp_path / clip_name(1, 1), 200)
    vectors = []
    for name in ("one", "other"):
        cache = FeatureCache(tmp_path / name)
        extraction = extract_corpora(one_corpus(tmp_path, RAVDESS), cache, changes(2), HERE)
        vectors.append(cache.vectors(extraction.content_hashes, changes(2)))
    one, other = vectors
    np.testing.assert_array_equal(one, other)
    assert one.shape == (1, 3, 25)
    assert not np.allclose(one[:, 0], one[:, 1])


def test_a_corrupt_recording_is_listed_as_unusable(tmp_path: Path) -> None:
    write_tone(tmp_path / clip_name(1, 1), 200)
    (tmp_path / clip_name(2, 3)).write_bytes(b"RIFF no more")
    cache = FeatureCache(tmp_path / "cache")
    extraction = extract_corpora(one_corpus(tmp_path, RAVDESS), cache, changes(0), HERE)
    assert extraction.extracted == len(extraction.corpora.utterances) == 1
    (unusable,) = extraction.corpora.unusable
    assert unusable.path.name == clip_name(2, 3)
    assert unusable.reason.startswith("not readable as audio")


def test_a_corpus_of_corrupt_recordings_is_an_error(tmp_path: Path) -> None:
    (tmp_path / clip_name(2, 3)).write_bytes(b"RIFF no more")
    corpus, cache = one_corpus(tmp_path, RAVDESS), FeatureCache(tmp_path / "cache")
    with pytest.raises(CorpusError, match="no usable recording"):
        extract_corpora(corpus, cache, changes(0), HERE)
