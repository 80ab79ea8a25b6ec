"""The batches of an epoch, and the baselines that are drawn for their clips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.training.frames.conftest import CLIPS, SPEAKERS, VARIANTS
from training.arrays import Float32
from training.audio.augmentation import Augmented, Augmenter, Draw, FrameAugmentation
from training.audio.real_noise import RealNoises
from training.audio.spectra import Spectra
from training.frames.batches import OF_PROSODY, Baselines, ClipBatch, FrameExamples, epoch_batches
from training.frames.hyperparameters import Hyperparameters
from training.voice.summary import BASELINE, MEMBERS

ROWS = range(SPEAKERS * CLIPS)
ALWAYS = Hyperparameters(without_baseline=0, without_prosody=0, batch_size=6)


def draw(spectra: Sequence[Spectra], row: int, variant: int) -> Draw:
    source = spectra[row][variant]
    return Draw(row, variant, source, 0, len(source.pitch), 1.0, "", 0.0)


def heard(count: int, channel: float = 0, drift: float = 0) -> Augmented:
    """Clips whose microphones and noises shift every coefficient."""
    frames, prosody = np.zeros((count, 8, 25), np.float32), np.zeros((count, 8, 3), np.float32)
    channels, drifts = (np.full((count, 25), shift, np.float32) for shift in (channel, drift))
    return Augmented(frames, prosody, channels, drifts)


def numbered(spectra: Sequence[Spectra]) -> list[Spectra]:
    """Their means tell which clip and which variant they are of."""
    means = [100.0 * row + 1 + np.arange(VARIANTS)[:, None] + np.zeros(28) for row in ROWS]
    pairs = zip(spectra, means, strict=True)
    return [replace(item, means=mean.astype(np.float32)) for item, mean in pairs]


def baselines_of(
    spectra: Sequence[Spectra], clips: FrameExamples, settings: Hyperparameters
) -> Baselines:
    return Baselines(spectra, clips.examples.speakers, settings, np.random.default_rng(0))


def test_a_baseline_is_of_other_clips_of_the_same_speaker_and_variant(clips: FrameExamples) -> None:
    known = numbered(clips.spectra)
    baselines = baselines_of(known, clips, replace(ALWAYS, most_clips=1))
    seen = set()
    for variant in range(VARIANTS):
        for _ in range(4):
            found = baselines.of([draw(known, row, variant) for row in ROWS], heard(len(ROWS)))
            assert (found[:, -1] == 1).all()
            rows, variants = np.divmod(found[:, 0].astype(int) - 1, 100)
            assert (variants == variant).all()
            assert (rows // CLIPS == np.array(ROWS) // CLIPS).all()
            assert (rows != ROWS).all()
            seen |= set(zip(ROWS, rows.tolist(), strict=True))
    assert len(seen) > 4 * len(ROWS)  # of five others each


def test_a_baseline_has_one_to_all_of_the_other_clips(clips: FrameExamples) -> None:
    baselines = baselines_of(clips.spectra, clips, ALWAYS)
    found = baselines.of([draw(clips.spectra, 0, 0)] * 100, heard(100))
    assert set(found[:, -1].tolist()) == {1, 2, 3, 4, 5}
    assert found[found[:, -1] == 1, MEMBERS:-1].max() < 0.1  # one clip has no spread
    assert found[found[:, -1] == 5, MEMBERS : MEMBERS + 25].mean() > 0.5


def test_a_baseline_comes_through_the_microphone_of_its_clip(clips: FrameExamples) -> None:
    settings = replace(ALWAYS, most_clips=1)
    draws = [draw(clips.spectra, row, 2) for row in ROWS]
    plain, moved = (
        baselines_of(clips.spectra, clips, settings).of(draws, heard(len(draws), channel=shift))
        for shift in (0, 7)
    )
    np.testing.assert_allclose(moved[:, :25], plain[:, :25] + 7, rtol=1e-4)
    np.testing.assert_array_equal(moved[:, 25:MEMBERS], plain[:, 25:MEMBERS])


def test_a_baseline_has_none_to_all_of_the_noise_of_its_clip(clips: FrameExamples) -> None:
    known = numbered(clips.spectra)
    baselines = baselines_of(known, clips, replace(ALWAYS, most_clips=1))
    found = baselines.of([draw(known, 0, 0)] * 200, heard(200, drift=50))
    noise = (found[:, 0] - 1) % 100 / 50
    assert np.mean(noise == 0) == pytest.approx(0.5, abs=0.12)
    assert 0.9 < noise.max() <= 1


def test_a_speaker_with_one_clip_has_no_baseline(clips: FrameExamples) -> None:
    alone = np.array([str(row) for row in ROWS])
    baselines = Baselines(clips.spectra, alone, ALWAYS, np.random.default_rng(0))
    assert not baselines.of([draw(clips.spectra, 3, 0)], heard(1)).any()


def epoch(clips: FrameExamples, settings: Hyperparameters, seed: int = 0) -> list[ClipBatch]:
    random = np.random.default_rng(seed)
    augmenter = Augmenter(clips.spectra, settings.augmentation, RealNoises(), random)
    baselines = Baselines(clips.spectra, clips.examples.speakers, settings, random)
    return list(epoch_batches(augmenter, baselines, np.zeros(25, np.float32), settings))


def test_an_epoch_has_every_utterance_and_only_finite_numbers(clips: FrameExamples) -> None:
    batches = epoch(clips, ALWAYS)
    assert sorted(np.concatenate([batch.rows for batch in batches])) == list(ROWS)
    for batch in batches:
        count, length, _ = batch.frames.shape
        assert batch.frames.shape == (count, length, 25)
        assert batch.prosody.shape == (count, length, 3)
        assert batch.baselines.shape == (count, BASELINE)
        for part in (batch.frames, batch.prosody, batch.baselines):
            assert part.dtype == np.float32
            assert np.isfinite(part).all()
            assert part.reshape(count, -1).any(axis=1).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_prosody_is_left_out_of_a_clip_and_of_its_baseline(
    clips: FrameExamples, share: float
) -> None:
    settings = replace(ALWAYS, without_prosody=share)
    batches = [batch for seed in range(12) for batch in epoch(clips, settings, seed)]
    prosody = np.concatenate([batch.prosody.any(axis=(1, 2)) for batch in batches])
    baselines = np.concatenate([batch.baselines for batch in batches])
    assert np.mean(~prosody) == pytest.approx(share, abs=0.1)
    np.testing.assert_array_equal(baselines[:, OF_PROSODY].any(axis=1), prosody)
    assert baselines[:, :25].any(axis=1).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_baselines_are_left_out_of_some_clips(clips: FrameExamples, share: float) -> None:
    settings = replace(ALWAYS, without_baseline=share)
    batches = [batch for seed in range(12) for batch in epoch(clips, settings, seed)]
    rows = np.concatenate([batch.baselines for batch in batches])
    assert np.mean(rows[:, -1] == 0) == pytest.approx(share, abs=0.1)
    assert not rows[rows[:, -1] == 0].any()


def test_masked_frames_are_unvoiced(clips: FrameExamples) -> None:
    masks = FrameAugmentation(time_masks=1, time_mask=0.9, coefficient_masks=0)
    mean = np.full(25, 0.5, np.float32)
    augmenter = Augmenter(clips.spectra, masks, RealNoises(), np.random.default_rng(0))
    found = augmenter.augmented([augmenter.draw(row) for row in ROWS], 16, mean)
    masked = (found.frames == 0.5).all(axis=2)
    assert 0.1 < masked.mean() < 0.9
    assert not found.prosody[masked, :2].any()


def test_the_seed_determines_the_draws(clips: FrameExamples) -> None:
    def drawn(seed: int) -> Float32:
        batches = epoch(clips, Hyperparameters(batch_size=6), seed)
        parts = [(b.frames, b.prosody, b.baselines) for b in batches]
        return np.concatenate([part.ravel() for batch in parts for part in batch])

    assert np.array_equal(drawn(1), drawn(1))
    assert not np.array_equal(drawn(1), drawn(2))
