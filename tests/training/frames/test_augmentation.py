"""What the frame network's augmentation makes of spectra is what it would make of waveforms."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from training.arrays import Float32
from training.audio.augmentation import Augmentation, Augmenter
from training.audio.noise import NoisePlan, Noises, band_widths, powers, trimmed
from training.audio.spectra import Spectra, SpectraCache, Variants, spectrum
from training.features.mfcc import content_hash, extract_frames, load_audio
from training.systems.tcn import Hyperparameters, epoch_batches

CLIPS = 3
QUIET = NoisePlan(white_share=0, coloured_share=0, babble_share=0)
UNCHANGED = Augmentation(
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
    contents = [content_hash(path) for path in originals[:CLIPS]]
    for content, samples in zip(contents, audio, strict=True):
        cache.write(content, samples)
    return [cache.read(content) for content in contents]


def test_without_changes_the_frames_are_the_recipes(
    audio: list[Float32], spectra: list[Spectra]
) -> None:
    augmenter = Augmenter(spectra, UNCHANGED, np.random.default_rng(0))
    for row, samples in enumerate(audio):
        expected = extract_frames(samples)
        draw = augmenter.draw(row)
        assert draw.length == len(expected)
        frames = augmenter.frames([draw], len(expected), np.zeros(25, np.float32))[0]
        # The outermost frames reach into what trimming cuts off.
        inner = slice(2, -3)
        assert np.abs(frames[inner] - expected[inner]).mean() < 0.5


@pytest.mark.parametrize("top_db", [30])
def test_frames_are_trimmed_as_waveforms_are(audio: list[Float32], top_db: float) -> None:
    for samples in audio:
        _, (start, end) = librosa.effects.trim(samples, top_db=top_db)
        first, last = trimmed(powers(spectrum(samples)[:, 0]))
        assert (first, last - 1) == (start // 512, end // 512)


@pytest.mark.parametrize("snr", [20.0, 5.0])
def test_white_noise_on_spectra_is_white_noise_on_the_waveform(
    audio: list[Float32], spectra: list[Spectra], snr: float
) -> None:
    random = np.random.default_rng(0)
    samples = audio[0]
    first, last = trimmed(powers(spectrum(samples)[:, 0]))
    level = powers(spectrum(samples)[first:last, 0]).mean() * 10 ** (-snr / 10)
    noisy = samples + np.sqrt(level) * random.standard_normal(len(samples)).astype(np.float32)
    noises = Noises(NoisePlan(), spectra, random)
    mels = powers(spectrum(samples)[:, 1:])
    made = 10 * np.log10(mels + level * noises.window("white", len(mels)))
    expected = spectrum(noisy)[:, 1:].astype(np.float32)
    assert np.mean(made - expected) == pytest.approx(0, abs=0.3)
    assert np.std(made) == pytest.approx(np.std(expected), rel=0.05)


@pytest.mark.parametrize("kind", ["white", "coloured", "babble"])
def test_noise_has_unit_power(spectra: list[Spectra], kind: str) -> None:
    noises = Noises(NoisePlan(), spectra, np.random.default_rng(0))
    total = np.mean([(noises.window(kind, 80) * band_widths()).sum(axis=1) for _ in range(50)])
    assert total == pytest.approx(np.mean(noises.window("white", 1000)), rel=0.35)


def test_an_epoch_shows_every_utterance_and_only_finite_frames(spectra: list[Spectra]) -> None:
    many = spectra * 4
    augmenter = Augmenter(many, Augmentation(), np.random.default_rng(0))
    batches = list(
        epoch_batches(augmenter, np.zeros(25, np.float32), Hyperparameters(batch_size=4))
    )
    assert sorted(np.concatenate([rows for rows, _ in batches])) == list(range(len(many)))
    assert all(np.isfinite(frames).all() for _, frames in batches)
    assert {frames.shape[2] for _, frames in batches} == {25}


def test_the_same_seed_draws_the_same(spectra: list[Spectra]) -> None:
    def draw(seed: int) -> Float32:
        augmenter = Augmenter(spectra, Augmentation(), np.random.default_rng(seed))
        batches = epoch_batches(augmenter, np.zeros(25, np.float32), Hyperparameters(batch_size=4))
        return np.concatenate([frames.ravel() for _, frames in batches])

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))
