"""Augmentation of mel spectra agrees with the same augmentation of waveforms."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from tests.support import sounds
from training.arrays import Float32
from training.audio.augmentation import Augmenter, FrameAugmentation, hide_pitch
from training.audio.mel import band_widths, powers, spectrum, trimmed
from training.audio.noise import Noises, NoiseSettings
from training.audio.real_noise import RealNoises
from training.audio.spectra import Spectra, SpectraCache, Variants
from training.features.cache import hash_content
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.features.prosody import VOICED_FROM
from training.voice.prosody import extract_prosody
from training.voice.summary import LOG_F0, clip_means

CLIPS = 3
QUIET = NoiseSettings(white_share=0, coloured_share=0, babble_share=0, real_share=0)
RATE = 22_050
UNCHANGED = FrameAugmentation(
    original_share=1,
    room_share=0,
    noise=QUIET,
    tempo_share=0,
    gain=0,
    far_gain_share=0,
    band_share=0,
    channel_share=0,
    time_masks=0,
    coefficient_masks=0,
)


@pytest.fixture(scope="module")
def audio(originals: list[Path]) -> list[Float32]:
    return [load_audio(path) for path in originals[:CLIPS]]


@pytest.fixture(scope="module")
def spectra(
    originals: list[Path], audio: list[Float32], tmp_path_factory: pytest.TempPathFactory
) -> list[Spectra]:
    cache = SpectraCache(tmp_path_factory.mktemp("spectra"), Variants(rooms=1))
    content_hashes = [hash_content(path) for path in originals[:CLIPS]]
    for content_hash, samples in zip(content_hashes, audio, strict=True):
        cache.write(content_hash, samples)
    return [cache.read(content_hash) for content_hash in content_hashes]


def test_without_augmentation_the_frames_equal_the_recipe(
    audio: list[Float32], spectra: list[Spectra]
) -> None:
    augmenter = Augmenter(spectra, UNCHANGED, RealNoises(), np.random.default_rng(0))
    for row, samples in enumerate(audio):
        expected = extract_frames(samples)
        draw = augmenter.draw(row)
        assert draw.length == len(expected)
        augmented = augmenter.augmented([draw], len(expected), np.zeros(25, np.float32))
        # The outermost frames overlap the trimmed part.
        inner = slice(2, -3)
        assert np.abs(augmented.frames[0, inner] - expected[inner]).mean() < 0.5
        spoken = extract_prosody(samples)[:, :2]
        assert np.abs(augmented.prosody[0, inner, :2] - spoken[inner]).max() < 0.01
        assert not augmented.channels.any()
        assert np.abs(augmented.drifts).max() < 0.5


def test_the_means_of_a_recording_equal_those_that_a_client_computes(
    audio: list[Float32], spectra: list[Spectra]
) -> None:
    for samples, found in zip(audio, spectra, strict=True):
        expected = clip_means(extract_frames(samples), extract_prosody(samples))
        assert found.means.shape == (len(found), 28)
        np.testing.assert_allclose(found.means[0, :25], expected[:25], atol=1.5)
        np.testing.assert_allclose(found.means[0, 25:], expected[25:], atol=2)
        assert found.means[0, LOG_F0] == pytest.approx(expected[LOG_F0], abs=0.01)


@pytest.mark.parametrize("top_db", [30])
def test_trimming_of_frames_equals_trimming_of_waveforms(
    audio: list[Float32], top_db: float
) -> None:
    for samples in audio:
        _, (start, end) = librosa.effects.trim(samples, top_db=top_db)
        first, last = trimmed(powers(spectrum(samples)[:, 0]))
        assert (first, last - 1) == (start // 512, end // 512)


@pytest.mark.parametrize("snr", [20.0, 5.0])
def test_white_noise_on_spectra_equals_white_noise_on_the_waveform(
    audio: list[Float32], spectra: list[Spectra], snr: float
) -> None:
    random = np.random.default_rng(0)
    samples = audio[0]
    first, last = trimmed(powers(spectrum(samples)[:, 0]))
    level = powers(spectrum(samples)[first:last, 0]).mean() * 10 ** (-snr / 10)
    noisy = samples + np.sqrt(level) * random.standard_normal(len(samples)).astype(np.float32)
    noises = Noises(NoiseSettings(), spectra, RealNoises(), random)
    mels = powers(spectrum(samples)[:, 1:])
    made = 10 * np.log10(mels + level * noises.window("white", len(mels)))
    expected = spectrum(noisy)[:, 1:].astype(np.float32)
    assert np.mean(made - expected) == pytest.approx(0, abs=0.3)
    assert np.std(made) == pytest.approx(np.std(expected), rel=0.05)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RealNoises:
    """A loud noise, a faint one that is short, silence, and a file that is no recording."""
    folder = tmp_path_factory.mktemp("noise")
    paths = [
        sounds.write(folder / "loud.wav", 3 * sounds.noise(3), RATE),
        sounds.write(folder / "faint.wav", sounds.noise(0.5) * np.float32(0.01), RATE, "FLOAT"),
        sounds.write(folder / "silent.wav", sounds.silence(1), RATE),
        folder / "text.wav",
    ]
    paths[-1].write_text("no recording", encoding="utf-8")
    return RealNoises(tuple(paths))


@pytest.mark.parametrize("kind", ["white", "coloured", "babble", "real"])
def test_noise_has_unit_power(spectra: list[Spectra], recorded: RealNoises, kind: str) -> None:
    noises = Noises(NoiseSettings(), spectra, recorded, np.random.default_rng(0))
    total = np.mean([(noises.window(kind, 80) * band_widths()).sum(axis=1) for _ in range(50)])
    assert total == pytest.approx(np.mean(noises.window("white", 1000)), rel=0.35)


def test_recorded_noises_are_equally_loud_and_silence_is_left_out(recorded: RealNoises) -> None:
    loud, faint = recorded.mels()
    assert loud.mean() == pytest.approx(faint.mean(), rel=0.1)
    assert len(faint) < 80 < len(loud)  # frames: a short one is repeated


@pytest.mark.parametrize("kind", ["white", "real"])
def test_the_kinds_of_noise_are_drawn_as_often_as_they_should(
    spectra: list[Spectra], recorded: RealNoises, kind: str
) -> None:
    shares = {name: 0.4 * (name == kind) for name in ("white", "coloured", "babble", "real")}
    settings = NoiseSettings(
        white_share=shares["white"],
        coloured_share=shares["coloured"],
        babble_share=shares["babble"],
        real_share=shares["real"],
    )
    noises = Noises(settings, spectra, recorded, np.random.default_rng(0))
    drawn = [noises.draw() for _ in range(400)]
    assert {name for name, _ in drawn} == {kind, ""}
    assert np.mean([name == kind for name, _ in drawn]) == pytest.approx(0.4, abs=0.08)
    powers_drawn = [power for name, power in drawn if name]
    assert 10**-3.2 <= min(powers_drawn) < max(powers_drawn) <= 10**-0.5


def test_without_recordings_no_recorded_noise_is_drawn(spectra: list[Spectra]) -> None:
    settings = NoiseSettings(0, 0, 0, real_share=1)
    noises = Noises(settings, spectra, RealNoises(), np.random.default_rng(0))
    assert {noises.draw() for _ in range(20)} == {("", 0.0)}


@pytest.mark.parametrize("snr", [10.0, 0.0])
def test_noise_hides_the_pitch_as_it_does_in_a_noisy_recording(
    audio: list[Float32], tmp_path: Path, snr: float
) -> None:
    samples, random = audio[0], np.random.default_rng(0)
    level = np.square(samples).mean() * 10 ** (-snr / 10)
    noise = np.sqrt(level) * random.standard_normal(len(samples)).astype(np.float32)
    cache = SpectraCache(tmp_path, Variants(dry=0, rooms=0))
    for name, sound in (("0", samples), ("1", samples + noise)):
        cache.write(name, sound)
    clean, noisy = (cache.read(name)[0].pitch.astype(np.float32) for name in "01")
    made = clean.copy()
    hide_pitch(made, powers(spectrum(samples)[:, 1:]), powers(spectrum(noise)[:, 1:]))
    voiced = clean[:, 0] > 0
    assert (made[voiced, 1] < clean[voiced, 1]).all()
    assert np.mean((made[:, 0] > 0) == (noisy[:, 0] > 0)) > 0.9
    errors = [np.abs(pitch - noisy)[voiced, 1].mean() for pitch in (made, clean)]
    assert errors[0] < 0.5 * errors[1]  # without it the voicing would be that of the clean voice
    np.testing.assert_array_equal(made[voiced, 0] > 0, made[voiced, 1] >= VOICED_FROM)


def test_the_seed_determines_the_draws(spectra: list[Spectra], recorded: RealNoises) -> None:
    def drawn(seed: int) -> Float32:
        random = np.random.default_rng(seed)
        augmenter = Augmenter(spectra, FrameAugmentation(), recorded, random)
        draws = [augmenter.draw(row) for row in range(len(spectra))]
        augmented = augmenter.augmented(draws, 40, np.zeros(25, np.float32))
        return np.concatenate([augmented.frames, augmented.prosody], axis=2)

    assert drawn(1).shape == (CLIPS, 40, 28)
    assert np.isfinite(drawn(1)).all()
    assert np.array_equal(drawn(1), drawn(1))
    assert not np.array_equal(drawn(1), drawn(2))
