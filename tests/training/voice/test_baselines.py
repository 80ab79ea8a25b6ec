"""The summary of a clip, and the baselines that are drawn from other clips."""

import numpy as np
import pytest

from tests.training.voice.conftest import CLIPS, clip
from training.examples import Examples
from training.features.recordings.statistics import STATISTICS
from training.systems.base.system import Caches
from training.systems.dnn_prosody import VoiceHyperparameters, VoiceObjective, perceptron
from training.voice.baseline_distance import others_of
from training.voice.clips import ALL, FORMS, MEASURED_WITH, voice_rows
from training.voice.offsets import Numbers, Offsets
from training.voice.summary import BASELINE, MEMBERS, Draw, baselines, split, summary


def test_a_baseline_is_the_mean_and_spread_over_clips_of_equal_weight() -> None:
    clips = [clip(1, number) for number in range(3)]
    (frames, prosody) = (np.stack([pair[index] for pair in clips]) for index in range(2))
    rows = np.stack([summary(*pair) for pair in clips])
    found = baselines(rows, np.ones(3, bool))
    expected = np.concatenate([frames.reshape(-1, 25), prosody.reshape(-1, 3)], axis=1)
    without_pitch = np.delete(np.arange(MEMBERS), 25)
    mean, spread = found[:MEMBERS], found[MEMBERS : 2 * MEMBERS]
    np.testing.assert_allclose(
        mean[without_pitch], expected.mean(axis=0)[without_pitch], rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(
        spread[without_pitch], expected.std(axis=0)[without_pitch], rtol=2e-2, atol=2e-2
    )
    voiced = [pitch[pitch > 0].mean() for pitch in prosody[..., 0]]
    assert mean[25] == pytest.approx(np.mean(voiced), rel=1e-5)
    assert found[-1] == 3


def test_unvoiced_clips_do_not_count_for_the_pitch() -> None:
    frames, prosody = clip(1, 0)
    unvoiced = prosody * np.array([0, 1, 1], np.float32)
    rows = np.stack([summary(frames, prosody), summary(frames, unvoiced)])
    both, one = baselines(rows, np.ones(2, bool)), baselines(rows[:1], np.ones(1, bool))
    assert both[25] == pytest.approx(one[25])
    assert both[-1] == 2
    assert not baselines(rows[1:], np.ones(1, bool))[[25, MEMBERS + 25]].any()


def test_no_clip_gives_zeros() -> None:
    assert not baselines(summary(*clip(1, 0))[None], np.zeros(1, bool)).any()


def test_baselines_are_of_other_clips_of_the_same_speaker(voices: Examples) -> None:
    rows = np.arange(len(voices.targets))
    chosen, exist = Draw(voices.speakers, 30).others(rows, np.random.default_rng(0))
    assert exist.sum(axis=1).tolist() == [CLIPS - 1] * len(rows)
    for row, others, real in zip(rows, chosen, exist, strict=True):
        found = others[real]
        assert row not in found
        assert len(set(found.tolist())) == CLIPS - 1
        assert set(voices.speakers[found]) == {voices.speakers[row]}


def test_the_clips_of_a_baseline_vary_between_draws(voices: Examples) -> None:
    draw, random = Draw(voices.speakers, 3), np.random.default_rng(0)
    rows = np.array([0])
    drawn = {tuple(sorted(draw.others(rows, random)[0][0].tolist())) for _ in range(20)}
    assert len(drawn) > 5


def test_a_speaker_with_one_clip_has_no_baseline() -> None:
    speakers = np.array(["a", "b", "b"])
    _, exist = Draw(speakers, 2).others(np.arange(3), np.random.default_rng(0))
    assert exist.sum(axis=1).tolist() == [0, 1, 1]


def test_foreign_baselines_are_of_other_speakers(voices: Examples) -> None:
    rows = np.arange(len(voices.speakers))
    other = others_of(voices.speakers, rows, np.random.default_rng(0))
    assert not (voices.speakers[other] == voices.speakers).any()


def test_training_leaves_out_prosody_and_baselines_of_some_clips(voices: Examples) -> None:
    settings = VoiceHyperparameters(unspoken=0.3, strangers=0.4, most_clips=6)
    offsets = Offsets(Numbers.fit(voices.recordings, voices.speakers))
    network = perceptron(len(voices.labels), settings.dropout)
    objective = VoiceObjective(network, offsets, voices, settings, np.random.default_rng(0))
    rows = np.repeat(np.arange(len(voices.targets)), 10)
    _, prosody, baseline = objective.inputs(rows)
    assert np.mean(~prosody.any(axis=1)) == pytest.approx(0.3, abs=0.06)
    clips = baseline[:, -1]
    assert np.mean(clips == 0) == pytest.approx(0.4, abs=0.06)
    assert set(clips.tolist()) == set(range(7))
    assert not baseline[clips == 0].any()


def test_each_form_of_request_lacks_what_it_says(voices: Examples, caches: Caches) -> None:
    for name, given in {**FORMS, "original": None}.items():
        rows = np.stack(voice_rows(voices, range(5), caches.features, name))
        mfccs, prosody, baseline = split(rows)
        assert mfccs.any()
        assert prosody.any() == (given is not None and given.prosody)
        assert baseline.any() == (given is not None and given.baseline)
    assert (baseline[:, -1] == 0).all()
    rows = np.stack(voice_rows(voices, range(5), caches.features, ALL))
    assert (rows[:, -1] == MEASURED_WITH).all()
    assert rows.shape[1] == 25 + len(STATISTICS) + BASELINE
