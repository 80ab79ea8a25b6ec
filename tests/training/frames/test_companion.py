"""The linear classifier beside the members."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from training.frames.batches import FrameExamples
from training.frames.companion import Companion, fitted_companion
from training.voice.clips import VoiceClip, padded
from training.voice.summary import BASELINE, PROSODY

LOUDER = 30.0  # coefficient 0 of the second emotion
CLIPS = 10.0


@pytest.fixture(scope="module")
def recordings(clips: FrameExamples) -> list[VoiceClip]:
    """The second emotion is louder."""
    baseline = np.ones(BASELINE, np.float32)
    baseline[-1] = CLIPS
    found = []
    for frames, target in zip(clips.recordings, clips.examples.targets.tolist(), strict=True):
        heard = frames + LOUDER * target * np.eye(1, 25, dtype=np.float32)
        found.append(VoiceClip(heard, np.full((len(frames), PROSODY), 0.5, np.float32), baseline))
    return found


def logits(companion: Companion, clips: list[VoiceClip]) -> Tensor:
    found: Tensor
    with torch.inference_mode():
        found, trust = companion(*padded(clips))
    assert trust.min() > 0.5
    return found


def test_two_emotions_are_told_apart(clips: FrameExamples, recordings: list[VoiceClip]) -> None:
    found = logits(fitted_companion(clips, recordings), recordings)
    np.testing.assert_array_equal(found.argmax(dim=1).numpy(), clips.examples.targets)


def test_an_emotion_that_no_clip_has_is_unlikely_and_not_impossible(
    clips: FrameExamples, recordings: list[VoiceClip]
) -> None:
    """A fold may lack an emotion; one clip of it would flatten the temperature of all."""
    labels = (*clips.examples.labels, "surprised")
    possible = np.ones((len(recordings), len(labels)), bool)
    examples = replace(clips.examples, labels=labels, possible=possible)
    companion = fitted_companion(replace(clips, examples=examples), recordings)
    found = logits(companion, recordings)
    assert found[:, 2].min() > -30
    assert found[:, 2].max() < found[:, :2].min()
