"""The linear classifiers beside the members: one for each form of request."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from training.frames.batches import FrameExamples
from training.frames.companion import GIVEN, OF_PROSODY, Companion, fitted_companion, form_of
from training.voice.clips import VoiceClip, padded
from training.voice.summary import BASELINE, PROSODY

LOUDER = 30.0  # coefficient 0 of the second emotion
CLIPS = 10.0


@pytest.fixture(scope="module")
def recordings(clips: FrameExamples) -> list[VoiceClip]:
    """The second emotion is louder, and all of its frames are voiced."""
    baseline = np.ones(BASELINE, np.float32)
    baseline[-1] = CLIPS
    found = []
    for frames, target in zip(clips.recordings, clips.examples.targets.tolist(), strict=True):
        heard = frames + LOUDER * target * np.eye(1, 25, dtype=np.float32)
        prosody = np.full((len(frames), PROSODY), 0.5, np.float32)
        if target == 0:
            prosody[::2, 0] = 0
        found.append(VoiceClip(heard, prosody, baseline))
    return found


@pytest.fixture(scope="module")
def companion(clips: FrameExamples, recordings: list[VoiceClip]) -> Companion:
    return fitted_companion(clips, recordings, recordings)


def logits(companion: Companion, clips: list[VoiceClip]) -> Tensor:
    with torch.inference_mode():
        found: Tensor = companion(*padded(clips))
    return found


def as_form(clip: VoiceClip, form: int) -> VoiceClip:
    """The clip without what a form of request does not hold."""
    given = GIVEN[form]
    return replace(
        clip, prosody=clip.prosody * given.prosody, baseline=clip.baseline * given.baseline
    )


@pytest.mark.parametrize("form", range(len(GIVEN)))
def test_each_form_has_a_classifier_of_its_own(
    companion: Companion, recordings: list[VoiceClip], clips: FrameExamples, form: int
) -> None:
    given = [as_form(clip, form) for clip in recordings]
    _, _, prosody, baselines = padded(given)
    assert form_of(prosody, baselines).tolist() == [form] * len(given)
    found = logits(companion, given).argmax(dim=1).numpy()
    np.testing.assert_array_equal(found, clips.examples.targets)
    of_prosody = companion.weight[form, :, -OF_PROSODY:]
    assert bool(of_prosody.any()) == GIVEN[form].prosody


def test_a_request_is_answered_by_the_classifier_of_its_form(recordings: list[VoiceClip]) -> None:
    companion = Companion(len(GIVEN))
    with torch.no_grad():
        companion.bias.copy_(torch.eye(len(GIVEN)))
    found = logits(companion, [as_form(recordings[0], form) for form in range(len(GIVEN))])
    assert found.argmax(dim=1).tolist() == list(range(len(GIVEN)))


def test_an_emotion_that_no_clip_has_is_unlikely_and_not_impossible(
    clips: FrameExamples, recordings: list[VoiceClip]
) -> None:
    """A fold may lack an emotion; one clip of it would flatten the temperature of all."""
    labels = (*clips.examples.labels, "surprised")
    possible = np.ones((len(recordings), len(labels)), bool)
    examples = replace(clips.examples, labels=labels, possible=possible)
    companion = fitted_companion(replace(clips, examples=examples), recordings, recordings)
    absent = logits(companion, recordings)[:, 2]
    assert absent.min() > -30
    assert absent.max() < logits(companion, recordings)[:, :2].min()


def test_more_clips_of_the_speaker_weigh_more(
    companion: Companion, recordings: list[VoiceClip]
) -> None:
    """The speaker's clips are as the prior here, so that only the trust in them differs."""
    usual = np.zeros(BASELINE, np.float32)
    usual[:27] = companion.speaker.prior.numpy()
    rows = []
    for count in (1.0, CLIPS, 1000.0):
        usual[-1] = count
        rows.append(logits(companion, [replace(recordings[0], baseline=usual.copy())])[0])
    weight = [float(row.abs().max()) for row in rows]
    assert weight == sorted(weight)
    assert weight[0] < 0.8 * weight[-1]
