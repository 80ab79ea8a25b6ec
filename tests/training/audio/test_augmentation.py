"""Augmentation of mel spectra agrees with the same augmentation of waveforms."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from training.arrays import Float32
from training.audio.augmentation import Augmenter, FrameAugmentation
from training.audio.mel import band_widths, powers, spectrum, trimmed
from training.audio.noise import Noises, NoiseSettings
from training.audio.spectra import Spectra, SpectraCache, Variants
from training.features.cache import hash_content
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.systems.tcn import Hyperparameters, epoch_batches

CLIPS = 3
QUIET = NoiseSettings(white_share=0, coloured_share=0, babble_share=0)
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
    augmenter = Augmenter(spectra, UNCHANGED, np.random.default_rng(0))
    for row, samples in enumerate(audio):
        expected = extract_frames(samples)
        draw = augmenter.draw(row)
        assert draw.length == len(expected)
        frames = augmenter.frames([draw], len(expected), np.zeros(25, np.float32))[0]
        # The outermost frames overlap the trimmed part.
        inner = slice(2, -3)
        assert np.abs(frames[inner] - expected[inner]).mean() < 0.5


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
    noises = Noises(NoiseSettings(), spectra, random)
    mels = powers(spectrum(samples)[:, 1:])
    made = 10 * np.log10(mels + level * noises.window("white", len(mels)))
    expected = spectrum(noisy)[:, 1:].astype(np.float32)
    assert np.mean(made - expected) == pytest.approx(0, abs=0.3)
    assert np.std(made) == pytest.approx(np.std(expected), rel=0.05)


@pytest.mark.parametrize("kind", ["white", "coloured", "babble"])
def test_noise_has_unit_power(spectra: list[Spectra], kind: str) -> None:
    noises = Noises(NoiseSettings(), spectra, np.random.default_rng(0))
    total = np.mean([(noises.window(kind, 80) * band_widths()).sum(axis=1) for _ in range(50)])
    assert total == pytest.approx(np.mean(noises.window("white", 1000)), rel=0.35)


def test_an_epoch_contains_every_utterance_and_only_finite_frames(spectra: list[Spectra]) -> None:
    many = spectra * 4
    augmenter = Augmenter(many, FrameAugmentation(), np.random.default_rng(0))
    batches = list(
        epoch_batches(augmenter, np.zeros(25, np.float32), Hyperparameters(batch_size=4))
    )
    assert sorted(np.concatenate([rows for rows, _ in batches])) == list(range(len(many)))
    assert all(np.isfinite(frames).all() for _, frames in batches)
    assert {frames.shape[2] for _, frames in batches} == {25}


def test_the_seed_determines_the_draws(spectra: list[Spectra]) -> None:
    def draw(seed: int) -> Float32:
        augmenter = Augmenter(spectra, FrameAugmentation(), np.random.default_rng(seed))
        batches = epoch_batches(augmenter, np.zeros(25, np.float32), Hyperparameters(batch_size=4))
        return np.concatenate([frames.ravel() for _, frames in batches])

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))
