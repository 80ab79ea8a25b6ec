import hashlib
import io
import json
from typing import Any

import numpy as np
import pytest
import soundfile

from configuration import ROOT
from tests.support.models.shipped import metadata_of
from training.contract.reference import as_audio, reference_samples, wav
from training.features.extractor import Extractor
from training.features.mfcc import extract_frames
from training.features.recipe import RECIPE

CLIP = ROOT / "models" / "reference.wav"
MODEL = ROOT / "models" / "mfcc.onnx"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    metadata = metadata_of(MODEL)
    values: dict[str, Any] = json.loads(metadata["reference"])
    return values


def levels() -> Any:
    """The levels of the trimming frames, in dB relative to the loudest."""
    padded = np.pad(as_audio(reference_samples()).astype(np.float64), RECIPE.trim_frame_length // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, RECIPE.trim_frame_length)
    power = (windows[:: RECIPE.trim_hop_length] ** 2).mean(axis=1)
    return 10 * np.log10(power / power.max())


def test_the_committed_clip_equals_a_new_build() -> None:
    committed, rate = soundfile.read(CLIP, dtype="int16")
    assert rate == RECIPE.sample_rate
    made = reference_samples()
    assert committed.shape == made.shape
    # Sine and cosine may round differently on another processor.
    assert np.abs(committed.astype(int) - made.astype(int)).max() <= 1


def test_the_clip_is_a_small_16_bit_mono_file() -> None:
    content = wav(reference_samples())
    assert len(content) < 200_000
    information = soundfile.info(io.BytesIO(content))
    assert (information.channels, information.subtype) == (1, "PCM_16")


def test_the_extractor_contains_the_checksum_of_the_clip(reference: dict[str, Any]) -> None:
    content = CLIP.read_bytes()
    assert reference["sha256"] == hashlib.sha256(content).hexdigest()
    assert reference["samples"] == soundfile.info(CLIP).frames


def test_librosa_and_the_extractor_give_the_reference_vector(reference: dict[str, Any]) -> None:
    audio, _ = soundfile.read(CLIP, dtype="float32")
    for frames in (extract_frames(audio), Extractor.load(MODEL.read_bytes()).extract(audio)[0]):
        assert len(frames) == reference["frames"]
        np.testing.assert_allclose(frames.mean(axis=0), reference["mfccs"], atol=0.01)


def test_no_frame_is_close_to_the_trimming_threshold() -> None:
    level = levels()
    loud = np.flatnonzero(level > -RECIPE.trim_top_db)
    for edge in (loud[0], loud[0] - 1, loud[-1], loud[-1] + 1):
        assert abs(level[edge] + RECIPE.trim_top_db) > 2


def test_the_clip_has_pauses_below_the_floor_and_breath_at_its_ends() -> None:
    level = levels()
    loud = np.flatnonzero(level > -RECIPE.trim_top_db)
    inside, outside = level[loud[0] : loud[-1]], level[: loud[0]]
    assert inside.min() < -75
    assert ((outside > -60) & (outside < -40)).any()
    assert outside.min() < -75
