from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest

from training.arrays import Float32, Float64
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import read_corpus
from training.export.session import single_threaded
from training.features.extractor import Signal, edge_signals
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.features.prosody import REFERENCE_HZ, extract_prosody
from training.features.recipe import RECIPE
from training.features.recording_graph import recording_graph

Extract = Callable[[Float32], Float32]
RATE = RECIPE.sample_rate
SECONDS = np.arange(RATE) / RATE


@pytest.fixture(scope="module")
def graph() -> Callable[[Float32], tuple[Float32, Float32]]:
    """Audio to frames and prosody."""
    session = single_threaded(recording_graph(RATE).SerializeToString())

    def run(audio: Float32) -> tuple[Float32, Float32]:
        frames, prosody = session.run(["frames", "prosody"], {"audio": audio[:, None]})
        return np.asarray(frames), np.asarray(prosody)

    return run


@pytest.fixture(scope="module")
def from_graph(graph: Callable[[Float32], tuple[Float32, Float32]]) -> Extract:
    return lambda audio: graph(audio)[1]


def voice(hertz: Float64, noise: float = 0.0) -> Float32:
    """Thirty harmonics that fall by 6 dB an octave, with a formant at 600 Hz, and noise."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    audio = np.zeros(len(hertz))
    for harmonic in range(1, 31):
        frequency = harmonic * hertz
        formant = 1 / harmonic + 1 / (1 + ((frequency - 600) / 100) ** 2)
        audio += np.where(frequency < RATE / 2, formant, 0) * np.sin(harmonic * phase)
    audio *= 0.1 / audio.std()
    audio += np.random.default_rng(3).normal(0, 0.1 * noise, len(audio))
    return audio.astype(np.float32)


def errors(prosody: Float32, hertz: Float64) -> Float64:
    """Relative errors of F0, of all frames but the two at either end, which hold zeros."""
    centres = np.minimum(np.arange(len(prosody)) * RECIPE.hop_length, len(hertz) - 1)
    estimate = REFERENCE_HZ * 2 ** prosody[:, 0].astype(np.float64)
    assert (prosody[2:-2, 0] > 0).all()
    return np.asarray(np.abs(estimate / hertz[centres] - 1))[2:-2]


@pytest.mark.parametrize("hertz", [80, 81.7, 100, 133.3, 160, 200, 233, 275.6, 310, 350, 377, 400])
@pytest.mark.parametrize("noise", [0, 0.1])
def test_a_steady_voice_has_its_pitch_within_1_percent(
    from_graph: Extract, hertz: float, noise: float
) -> None:
    pitch = np.full(RATE, float(hertz))
    assert errors(from_graph(voice(pitch, noise)), pitch).max() < 0.01


@pytest.mark.parametrize(("first", "last"), [(80, 160), (400, 200), (120, 300)])
def test_a_glide_has_its_pitch_within_2_percent(
    from_graph: Extract, first: float, last: float
) -> None:
    pitch = first * (last / first) ** SECONDS
    assert errors(from_graph(voice(pitch)), pitch).max() < 0.02


def test_a_jump_of_more_than_an_octave_is_followed(from_graph: Extract) -> None:
    pitch = np.where(SECONDS < 0.5, 110.0, 350.0)
    error = errors(from_graph(voice(pitch)), pitch)
    assert (error > 0.01).sum() <= 4  # the frames that hold both


def test_voicing_is_the_share_of_periodic_power(from_graph: Extract) -> None:
    clean = from_graph(voice(np.full(RATE, 150.0)))[4:-4, 1]
    assert clean.min() > 0.98
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert from_graph(noise)[:, 1].mean() < 0.5


def test_noise_is_mostly_unvoiced_and_silence_is_unvoiced(from_graph: Extract) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert (from_graph(noise)[:, 0] == 0).mean() > 0.8
    np.testing.assert_allclose(
        from_graph(np.zeros(RATE, np.float32)), np.tile([0.0, 0.0, -100.0], (44, 1))
    )


def test_the_level_is_that_of_the_samples(from_graph: Extract) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 200 * SECONDS)).astype(np.float32)
    np.testing.assert_allclose(from_graph(tone)[4:-4, 2], 20 * np.log10(0.5**2 * 2**0.5), atol=0.1)


@pytest.mark.parametrize("signal", list(edge_signals()), ids=lambda signal: signal.name)
def test_the_graph_agrees_with_numpy_and_librosa_on_edge_cases(
    graph: Callable[[Float32], tuple[Float32, Float32]], signal: Signal
) -> None:
    audio = signal.audio
    frames, prosody = graph(audio)
    np.testing.assert_allclose(frames, extract_frames(audio), atol=0.02)
    agree(prosody, extract_prosody(audio))


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("samples", [0, 1, 511, 512, 2_048])
def test_the_graph_takes_short_audio(from_graph: Extract, samples: int) -> None:
    audio = np.random.default_rng(1).normal(0, 0.1, samples).astype(np.float32)
    agree(from_graph(audio), extract_prosody(audio))


def test_the_graph_agrees_with_numpy_on_speech(from_graph: Extract, ravdess: Path) -> None:
    for utterance in read_corpus(ravdess, RAVDESS).utterances[:40:4]:
        audio = load_audio(utterance.path)
        agree(from_graph(audio), extract_prosody(audio))


def test_the_pitch_of_speech_is_that_of_pyin(from_graph: Extract, ravdess: Path) -> None:
    gross, voiced = 0, 0
    for utterance in read_corpus(ravdess, RAVDESS).utterances[::500][:3]:
        audio = load_audio(utterance.path)
        speech, _ = librosa.effects.trim(audio, top_db=RECIPE.trim_top_db)
        expected, is_voiced, _ = librosa.pyin(speech, fmin=60, fmax=500, sr=RATE)
        log_f0 = from_graph(audio)[:, 0]
        both = is_voiced & (log_f0 > 0)
        error = REFERENCE_HZ * 2.0 ** log_f0[both] / expected[both] - 1
        gross += int((np.abs(error) > 0.2).sum())
        voiced += int(both.sum())
    assert voiced > 60
    assert gross <= 0.05 * voiced


def agree(actual: Float32, expected: Float32) -> None:
    """Where two peaks are equally high, rounding decides: one frame in a hundred may differ."""
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual[:, 2], expected[:, 2], atol=1e-3)
    differs = np.abs(actual[:, :2] - expected[:, :2]).max(axis=1) > 2e-3
    assert differs.mean() <= 0.01
