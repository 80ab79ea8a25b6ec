"""The mathematics of baselines."""

import numpy as np
import pytest
from speech_emotion import Baseline, Features
from speech_emotion.profiles.baseline import MOST_CLIPS, Moments

RANDOM = np.random.default_rng(0)


def clip(frames: int, voiced: int, level: float = -30.0) -> Features:
    """Random MFCCs and prosody of so many frames, the first of them voiced."""
    mfccs = RANDOM.normal(0, 20, (frames, 25)).astype(np.float32)
    prosody = RANDOM.normal([3.0, 0.7, level], [0.3, 0.1, 5.0], (frames, 3)).astype(np.float32)
    prosody[voiced:, 0] = 0
    return Features(0.0, 1.0, mfccs, mfccs.mean(axis=0), prosody, np.zeros(12, np.float32))


def pitch_of(one: Features) -> np.ndarray:
    assert one.prosody is not None
    return one.prosody


def of(clips: list[Features]) -> Baseline:
    baseline = Baseline()
    for one in clips:
        baseline = baseline.with_clip(one)
    return baseline


def expected(clips: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of all rows, each clip with the same weight."""
    weights = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in clips])
    rows = np.concatenate(clips).astype(np.float64)
    mean = np.average(rows, axis=0, weights=weights)
    return mean, np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=weights))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_each_clip_weighs_the_same(count: int) -> None:
    clips = [clip(frames=50 + 40 * number, voiced=30) for number in range(count)]
    found = of(clips)
    assert found.clips == count
    mean, spread = expected([one.frames for one in clips])
    np.testing.assert_allclose(found.mfccs.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(found.mfccs.spread, spread, rtol=1e-9)
    mean, spread = expected([pitch_of(one) for one in clips])
    np.testing.assert_allclose(found.prosody.mean[1:], mean[1:], rtol=1e-9)
    np.testing.assert_allclose(found.prosody.spread[1:], spread[1:], rtol=1e-9)
    (mean,), (spread,) = expected([pitch_of(one)[:30, :1] for one in clips])
    assert found.prosody.mean[0] == pytest.approx(mean)
    assert found.prosody.spread[0] == pytest.approx(spread)


def test_a_clip_without_voice_says_nothing_about_pitch() -> None:
    voiced, unvoiced = clip(50, voiced=20), clip(60, voiced=0, level=-50)
    before, after = of([voiced]), of([voiced, unvoiced])
    assert after.prosody.mean[0] == pytest.approx(before.prosody.mean[0])
    assert after.prosody.spread[0] == pytest.approx(before.prosody.spread[0])
    assert after.prosody.mean[2] < before.prosody.mean[2] - 5
    nothing = of([unvoiced, unvoiced])
    assert (nothing.prosody.mean[0], nothing.prosody.spread[0]) == (0, 0)
    assert nothing.with_clip(voiced).prosody.mean[0] == pytest.approx(before.prosody.mean[0])
    assert nothing.with_clip(voiced).prosody.spread[0] == pytest.approx(before.prosody.spread[0])


def test_a_constant_clip_has_no_spread() -> None:
    frames = np.full((10, 25), -312.7, np.float32)
    flat = Features(0, 1, frames, frames[0], np.full((10, 3), 2.1, np.float32))
    found = of([flat] * 3)
    np.testing.assert_allclose(found.mfccs.spread, 0, atol=1e-4)
    assert min(found.mfccs.spread) >= 0


def test_the_document_is_that_of_a_request() -> None:
    document = of([clip(50, 20)] * 2).document()
    assert list(document) == ["clips", "mfccs", "prosody"]
    assert document["clips"] == 2
    assert [len(document["mfccs"][name]) for name in ("mean", "spread")] == [25, 25]
    assert [len(document["prosody"][name]) for name in ("mean", "spread")] == [3, 3]
    assert document["mfccs"]["mean"] == [round(value, 5) for value in document["mfccs"]["mean"]]


def test_the_number_of_clips_is_bounded() -> None:
    zeros = Moments((0.0,) * 25, (0.0,) * 25)
    full = Baseline(MOST_CLIPS, zeros, Moments((1.0,) * 3, (0.0,) * 3))
    assert full.with_clip(clip(50, 20)).clips == MOST_CLIPS


def test_a_clip_of_other_features_is_refused() -> None:
    one = clip(50, 20)
    with pytest.raises(ValueError, match="the clip has no prosody"):
        Baseline().with_clip(Features(0, 1, one.frames, one.vector))
    with pytest.raises(ValueError, match="frames of 24 numbers; expected 25"):
        of([one]).with_clip(Features(0, 1, one.frames[:, :24], one.vector[:24], one.prosody))
