"""The reference clips at 48 kHz and their entries in the extractors' metadata."""

import hashlib
import json
from typing import Any

import librosa
import numpy as np
import onnx
import pytest
import soundfile

from configuration import ROOT
from training.arrays import Float64
from training.contract.recording_fingerprints import wrong_ways
from training.contract.reference import FULL_SCALE, Pcm
from training.contract.wide_reference import (
    MONO_NAME,
    RATE,
    STEREO_NAME,
    mono_samples,
    stereo_samples,
)
from training.features.mfcc import extract_frames
from training.features.prosody import extract_prosody
from training.features.recipe import RECIPE
from training.features.recordings.files import RecordingExtractor

MODELS = ROOT / "models"
NAMES = ("reference", MONO_NAME, STEREO_NAME)


def clip(name: str) -> Float64:
    """The committed file: float64 (samples, channels)."""
    samples: Float64 = soundfile.read(MODELS / f"{name}.wav", always_2d=True)[0]
    return samples


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, Any]]:
    """The metadata of each reference, by name."""
    found = {}
    for rate in (RECIPE.sample_rate, RATE):
        model = onnx.load(MODELS / f"extractor-{rate}.onnx")
        metadata = {item.key: item.value for item in model.metadata_props}
        found.update({entry["name"]: entry for entry in json.loads(metadata["references"])})
    return found


@pytest.mark.parametrize(
    ("name", "made"), [(MONO_NAME, mono_samples()), (STEREO_NAME, stereo_samples())]
)
def test_the_committed_clip_equals_a_new_build(name: str, made: Pcm) -> None:
    committed, rate = soundfile.read(MODELS / f"{name}.wav", dtype="int16")
    assert rate == RATE
    assert committed.shape == made.shape
    # Sine and cosine may round differently on another processor.
    assert np.abs(committed.astype(int) - made.astype(int)).max() <= 1


def test_the_entries_name_three_clips(entries: dict[str, dict[str, Any]]) -> None:
    assert tuple(entries) == NAMES
    assert [entry["channels"] for entry in entries.values()] == [1, 1, 2]
    assert "mistakes" not in entries["reference"]


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_describes_its_file(entries: dict[str, dict[str, Any]], name: str) -> None:
    entry = entries[name]
    path = MODELS / entry["file"]
    file = soundfile.info(path)
    assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (entry["samples"], entry["channels"]) == (file.frames, file.channels)
    assert (entry["sampleRate"], file.subtype) == (file.samplerate, "PCM_16")


@pytest.mark.parametrize("name", NAMES)
def test_librosa_and_the_extractor_give_the_reference_features(
    entries: dict[str, dict[str, Any]], name: str
) -> None:
    entry, audio = entries[name], clip(name).astype(np.float32)
    mono = librosa.resample(
        audio.mean(axis=1), orig_sr=entry["sampleRate"], target_sr=RECIPE.sample_rate
    )
    model = (MODELS / f"extractor-{entry['sampleRate']}.onnx").read_bytes()
    extracted = RecordingExtractor.load(model).extract(audio)
    computed = (extract_frames(mono), extract_prosody(mono))
    for frames, prosody in (computed, (extracted.frames, extracted.prosody)):
        assert len(frames) == len(prosody) == entry["frames"]
        np.testing.assert_allclose(frames.mean(axis=0), entry["mfccs"], atol=0.01)
        np.testing.assert_allclose(prosody, entry["prosody"], atol=0.01)


def spectrum(audio: Float64) -> Float64:
    """Power of each Hz, in dB, as a share of the whole clip's."""
    power = np.abs(np.fft.rfft(audio)) ** 2
    bands = np.bincount(np.fft.rfftfreq(len(audio), 1 / RATE).astype(int), power)
    return np.asarray(10 * np.log10(bands / bands.sum()))


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_gap_lies_around_the_new_nyquist_frequency(name: str) -> None:
    level = spectrum(clip(name).mean(axis=1))
    assert level[9_000:14_400].max() < -85
    assert np.median(level[15_500:19_500]) > -70


def loudness(audio: Float64) -> Float64:
    """Levels of the frames that trimming looks at, in dB relative to the loudest."""
    mono = librosa.resample(audio, orig_sr=RATE, target_sr=RECIPE.sample_rate)
    power = librosa.feature.rms(y=mono, frame_length=2_048, hop_length=512)[0] ** 2
    return np.asarray(10 * np.log10(power / power.max()))


@pytest.mark.parametrize("name", NAMES[1:])
def test_no_frame_is_close_to_the_trimming_threshold(name: str) -> None:
    level = loudness(clip(name).mean(axis=1))
    loud = np.flatnonzero(level > -RECIPE.trim_top_db)
    for edge in (loud[0], loud[0] - 1, loud[-1], loud[-1] + 1):
        assert abs(level[edge] + RECIPE.trim_top_db) > 2


def test_the_sum_of_the_channels_is_not_clipped() -> None:
    assert np.abs(clip(STEREO_NAME).sum(axis=1)).max() < 1 - 1 / FULL_SCALE


def test_each_channel_differs_from_the_downmix() -> None:
    left, right = clip(STEREO_NAME).T
    for one, other in ((left, right), (left, (left + right) / 2), (right, (left + right) / 2)):
        assert (one - other).std() > 0.3 * one.std()


@pytest.mark.parametrize("name", NAMES[1:])
def test_the_committed_fingerprints_equal_new_measurements(
    entries: dict[str, dict[str, Any]], name: str
) -> None:
    committed = {
        mistake["code"]: iter(mistake["signatures"])
        for mistake in entries[name]["mistakes"]["single"]
    }
    measured = [way.alone() for way in wrong_ways(clip(name), RATE)]
    assert len(measured) == (7 if name == MONO_NAME else 10)
    for fingerprint in measured:
        old = next(committed[fingerprint.codes[0]])
        assert fingerprint.tolerance == pytest.approx(old["tolerance"], rel=0.02)
        np.testing.assert_allclose(fingerprint.mfccs, old["mfccs"], atol=old["tolerance"] / 10)
