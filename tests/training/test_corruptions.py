from functools import partial
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from training.arrays import Float32
from training.corruptions import (
    CLIPS,
    CONDITIONS,
    VOICES,
    Effect,
    babble,
    clipping,
    corruptions,
    cut,
    gain,
    reverberation,
    telephone,
    white_noise,
)

RATE = 22_050


@pytest.fixture(scope="module")
def speech() -> Float32:
    """1.5 s of a square wave between two silences of 0.5 s."""
    times = np.arange(round(1.5 * RATE)) / RATE
    buzz = 0.2 * np.sign(np.sin(2 * np.pi * 150 * times))
    silence = np.zeros(RATE // 2)
    return np.concatenate([silence, buzz, silence]).astype(np.float32)


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("voices")
    for index in range(VOICES * CLIPS):
        noise = np.random.default_rng(index).normal(0, 0.01 * (index + 1), RATE // 2)
        soundfile.write(folder / f"{index:02d}.wav", noise, RATE)
    return tuple(sorted(folder.iterdir()))


def applied(effect: Effect, audio: Float32, seed: int = 0) -> Float32:
    changed = effect(audio, np.random.default_rng(seed))
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    return changed


def power(audio: Float32) -> float:
    return float(np.mean(np.square(audio)))


@pytest.mark.parametrize("snr", [20, 10, 0])
def test_noise_has_the_stated_signal_to_noise_ratio(
    speech: Float32, voices: tuple[Path, ...], snr: int
) -> None:
    part, _ = librosa.effects.trim(speech, top_db=30)
    for effect in (partial(white_noise, snr=snr), partial(babble, snr=snr, voices=voices)):
        noise = applied(effect, speech) - speech
        assert 10 * np.log10(power(part) / power(noise)) == pytest.approx(snr, abs=0.1)


def test_the_noise_is_the_same_at_every_level(speech: Float32, voices: tuple[Path, ...]) -> None:
    for effect in (white_noise, partial(babble, voices=voices)):
        quiet, noisy = (applied(partial(effect, snr=snr), speech) - speech for snr in (20, 0))
        np.testing.assert_allclose(10 * quiet, noisy, atol=1e-4)


def test_every_utterance_has_different_noise(speech: Float32) -> None:
    one, other = (applied(partial(white_noise, snr=10), speech, seed) for seed in (1, 2))
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(one, applied(partial(white_noise, snr=10), speech, 1))


def test_gain_is_invertible_and_does_not_clip(speech: Float32) -> None:
    loud = applied(partial(gain, decibels=12), 4 * speech)
    assert np.abs(loud).max() > 3
    np.testing.assert_allclose(applied(partial(gain, decibels=-12), loud), 4 * speech, rtol=1e-6)


def test_a_telephone_passes_only_its_band() -> None:
    times = np.arange(RATE) / RATE
    tones = {f: np.sin(2 * np.pi * f * times).astype(np.float32) for f in (100, 1_000, 6_000)}
    kept = {f: power(applied(telephone, tone)) / 0.5 for f, tone in tones.items()}
    assert kept[1_000] == pytest.approx(1, abs=0.05)
    assert max(kept[100], kept[6_000]) < 0.01


def test_clipping_flattens_the_peaks() -> None:
    tone = np.sin(np.arange(RATE) / 20).astype(np.float32)
    clipped = applied(clipping, tone)
    assert np.abs(clipped).max() == pytest.approx(10 ** (-12 / 20), rel=1e-3)
    assert (np.abs(clipped) == np.abs(clipped).max()).mean() > 0.8


def test_the_cut_keeps_the_loudest_second(speech: Float32) -> None:
    loudest = applied(cut, np.concatenate([0.1 * speech, speech]))
    assert len(loudest) == RATE
    assert np.abs(loudest).min() == pytest.approx(0.2)
    assert len(applied(cut, speech[: RATE // 2])) == RATE // 2


def test_reverberation_continues_after_the_voice(speech: Float32) -> None:
    wet = applied(reverberation, speech)
    assert len(wet) > len(speech)
    tail = wet[len(speech) - RATE // 2 : len(speech) - RATE // 4]
    assert 1e-6 < power(tail) < 0.5 * power(speech)


def test_babble_is_mixed_from_the_given_recordings_only(
    voices: tuple[Path, ...],
) -> None:
    pool = {f"{index:032x}": path for index, path in enumerate(voices)}
    changes = corruptions("ab" * 16, pool)
    assert tuple(change.name for change in changes) == CONDITIONS
    talking = {path for c in changes if c.voices for path in c.effect.keywords["voices"]}  # type: ignore[attr-defined]
    assert talking <= set(voices)
    smaller = corruptions("ab" * 16, dict(list(pool.items())[1:]))
    differing = [a.folder != b.folder for a, b in zip(changes, smaller, strict=True)]
    assert differing == ["babble" in name for name in CONDITIONS]
