from pathlib import Path

import numpy as np
import pytest

from training.features.descriptors import Copies, ImageFeatures, Part, PooledFeatures, compute
from training.features.loading import load_audio
from training.systems.registry import own_systems

CONTENT = f"{7:032x}"


@pytest.fixture(scope="module")
def audio(german: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return load_audio(min(german.glob("*")))


@pytest.mark.parametrize(
    ("system", "shape"),
    [
        ("issa-cnn", (193,)),
        ("alexnet-mel", (128, 87)),
        ("cnn-frames", (40, 87)),
        ("feature-vectors", (118,)),
        ("TCN", (75, 25)),
    ],
)
def test_a_clip_becomes_what_the_system_declares(
    audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]], system: str, shape: tuple[int, ...]
) -> None:
    features = compute(own_systems()[system].features, audio)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    if system != "TCN":
        assert features.shape == shape
    assert features.shape[-1] == shape[-1]


def test_statistics_are_those_of_the_frames(
    audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    frames = compute(ImageFeatures(of="mfcc", count=5, frames=87), audio)  # (5, 87)
    part = Part(of="mfcc", count=5, statistics=("mean", "deviation", "range"))
    vector = compute(PooledFeatures(parts=(part,)), audio)
    expected = [frames.mean(axis=1), frames.std(axis=1), np.ptp(frames, axis=1)]
    np.testing.assert_allclose(vector, np.concatenate(expected), rtol=1e-4)


def test_short_clips_are_repeated_and_long_ones_cut(
    audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    one, three = (
        compute(ImageFeatures(of="mfcc", count=5, frames=count), audio) for count in (87, 200)
    )
    np.testing.assert_array_equal(three[:, 87:174], one)
    cut = compute(ImageFeatures(of="mfcc", count=5, frames=10), audio)
    np.testing.assert_array_equal(cut, one[:, :10])


def test_copies_are_the_same_each_time_and_differ_from_each_other() -> None:
    audio = np.sin(np.arange(22_050, dtype=np.float32) / 10)
    copies = Copies(count=2, noise_db=20.0)
    one, other = copies.variants()
    first, again, second = (copy.apply(audio, CONTENT) for copy in (one, one, other))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0
    ratio = np.square(audio).mean() / np.square(first - audio).mean()
    assert 10 * np.log10(ratio) + 0.1 >= 20
    assert 10 * np.log10(ratio) <= 40.1
