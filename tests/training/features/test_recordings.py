import hashlib
import json
import math
from pathlib import Path

import librosa
import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import pytest
import soxr

from configuration import ROOT
from training.arrays import Float32
from training.contract.reference import as_pcm, wav
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import read_corpus
from training.export.session import single_threaded
from training.features.extractor import ExtractorError, Signal
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.features.prosody import extract_prosody
from training.features.recipe import RECIPE
from training.features.recording_graph import recording_graph
from training.features.recordings.files import (
    MAXIMUM_BYTES,
    RecordingExtractor,
    build_recording_extractors,
    compare,
    compare_prosody,
    file_name,
    recordings,
)
from training.features.recordings.metadata import ReferenceClip
from training.features.recordings.statistics import STATISTICS
from training.features.resampling import RATES, STAGES, resample

OTHER_RATES = sorted(STAGES)


@pytest.fixture(scope="module")
def files() -> dict[int, bytes]:
    """The committed files."""
    return {rate: (ROOT / "models" / file_name(rate)).read_bytes() for rate in RATES}


@pytest.fixture(scope="module")
def sessions(files: dict[int, bytes]) -> dict[int, onnxruntime.InferenceSession]:
    return {rate: single_threaded(file) for rate, file in files.items()}


@pytest.fixture(scope="module")
def speech(ravdess: Path) -> list[Float32]:
    """The reference clip and three recordings, at the recipe's rate."""
    paths = [utterance.path for utterance in read_corpus(ravdess, RAVDESS).utterances[::400][:3]]
    return [load_audio(path) for path in (ROOT / "models" / "reference.wav", *paths)]


def resampled(audio: Float32, source: int, target: int) -> Float32:
    """By librosa, as in training."""
    if source == target:
        return audio
    return librosa.resample(audio, orig_sr=source, target_sr=target, res_type="soxr_hq")


def spread(audio: Float32, channels: int) -> Float32:
    """One channel, or two of which the second is softer and later: (samples, channels)."""
    return np.stack([audio, 0.5 * np.roll(audio, 5)], axis=1)[:, :channels].astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_the_graph_agrees_with_librosa_at_every_rate(
    sessions: dict[int, onnxruntime.InferenceSession],
    speech: list[Float32],
    rate: int,
    channels: int,
) -> None:
    for clip in speech:
        recording = spread(resampled(clip, RECIPE.sample_rate, rate), channels)
        audio = resampled(recording.mean(axis=1), rate, RECIPE.sample_rate)
        frames, mfccs, prosody, _ = sessions[rate].run(None, {"audio": recording})
        expected = extract_frames(audio)
        np.testing.assert_allclose(frames, expected, atol=0.01)
        np.testing.assert_allclose(mfccs, expected.mean(axis=0), atol=0.01)
        differs = np.abs(prosody - extract_prosody(audio)).max(axis=1) > 0.01
        assert differs.mean() <= 0.02


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("rate", RATES)
def test_the_graph_takes_short_recordings(
    sessions: dict[int, onnxruntime.InferenceSession], rate: int
) -> None:
    for samples in (0, 1, 100, rate // 10):
        noise = np.random.default_rng(0).normal(0, 0.1, (samples, 1)).astype(np.float32)
        frames, _, prosody, _ = sessions[rate].run(None, {"audio": noise})
        expected = -(-samples * RECIPE.sample_rate // rate) // RECIPE.hop_length + 1
        assert len(frames) == len(prosody) == expected
        assert np.isfinite(frames).all()


@pytest.mark.parametrize("rate", OTHER_RATES)
def test_the_filter_is_that_of_soxr(rate: int) -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, rate // 4).astype(np.float32)
    expected = soxr.resample(audio, rate, RECIPE.sample_rate, "HQ")
    actual = resample(audio, rate)
    np.testing.assert_allclose(actual[: len(expected)], expected, atol=2e-5)


@pytest.mark.parametrize("rate", OTHER_RATES)
def test_the_graph_applies_the_filter(
    sessions: dict[int, onnxruntime.InferenceSession], rate: int
) -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, rate).astype(np.float32)
    frames, *_ = sessions[rate].run(None, {"audio": audio[:, None]})
    expected = extract_frames(resample(audio, rate))
    np.testing.assert_allclose(frames, expected, atol=0.005)


def test_the_files_are_small_and_use_standard_operators_only(files: dict[int, bytes]) -> None:
    assert sum(map(len, files.values())) <= MAXIMUM_BYTES
    for file in files.values():
        model = onnx.load_from_string(file)
        assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
        assert not model.functions


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_the_committed_graph_equals_a_new_build(files: dict[int, bytes], rate: int) -> None:
    assert onnx.load_from_string(files[rate]).graph == recording_graph(rate).graph


def properties(file: bytes) -> dict[str, str]:
    return {item.key: item.value for item in onnx.load_from_string(file).metadata_props}


@pytest.mark.parametrize("rate", RATES)
def test_the_metadata_describes_the_recording(files: dict[int, bytes], rate: int) -> None:
    found = properties(files[rate])
    assert list(found) == ["format", "recipe", "recording", "prosody", "references", "sha256"]
    assert found["format"] == "speech-emotion-extractor/2"
    assert json.loads(found["recipe"]) == RECIPE.as_json()
    recording = json.loads(found["recording"])
    assert recording["sampleRate"] == rate
    names = ["up", "down", "cutoff", "beta", "halfLength"]
    assert [list(stage) for stage in recording["resampling"]] == [names] * len(STAGES.get(rate, ()))
    factor = math.prod(stage["up"] / stage["down"] for stage in recording["resampling"])
    assert rate * factor == pytest.approx(RECIPE.sample_rate)


def test_all_files_describe_the_same_prosody(files: dict[int, bytes]) -> None:
    prosody = {properties(file)["prosody"] for file in files.values()}
    assert len(prosody) == 1
    found = json.loads(prosody.pop())
    assert found["columns"] == ["logF0", "voicing", "level"]
    assert found["statistics"] == list(STATISTICS)


@pytest.mark.parametrize("rate", RATES)
def test_the_checksum_ends_the_file(files: dict[int, bytes], rate: int) -> None:
    checksum = properties(files[rate])["sha256"]
    end = files[rate].rindex(checksum.encode())
    assert end + len(checksum) == len(files[rate])
    entry = onnx.StringStringEntryProto(key="sha256", value=checksum)
    length = len(onnx.ModelProto(metadata_props=[entry]).SerializeToString())
    assert hashlib.sha256(files[rate][:-length]).hexdigest() == checksum


def signal() -> Signal:
    return Signal("noise", np.random.default_rng(0).normal(0, 0.1, 11_025).astype(np.float32))


def test_a_build_writes_files_and_clips(tmp_path: Path) -> None:
    noise = signal().audio
    clip = ReferenceClip(
        name="clip",
        content=wav(as_pcm(noise.astype(np.float64))),
        sample_rate=RECIPE.sample_rate,
        channels=1,
        samples=len(noise),
        frames=extract_frames(noise),
        prosody=extract_prosody(noise),
        tolerance=0.1,
    )
    rates = [RECIPE.sample_rate, 44_100]
    agreements = build_recording_extractors(tmp_path, [clip], [signal()], rates)
    assert [agreement.signals for agreement in agreements.values()] == [2, 2]
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["clip.wav", "extractor-22050.onnx", "extractor-44100.onnx"]
    own, other = (
        json.loads(properties((tmp_path / file_name(rate)).read_bytes())["references"])
        for rate in rates
    )
    assert [entry["name"] for entry in own] == ["clip"]
    assert other == []


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
def test_nothing_is_written_if_a_graph_and_librosa_disagree(tmp_path: Path) -> None:
    # For NaN, the two give different numbers of frames.
    bad = Signal("not a number", np.full(512, np.nan, np.float32))
    with pytest.raises(ExtractorError, match="not a number at 22050 Hz"):
        build_recording_extractors(tmp_path, [], [signal(), bad], [RECIPE.sample_rate])
    assert not list(tmp_path.iterdir())


def changed(file: bytes, name: str, factor: float) -> RecordingExtractor:
    """The extractor with one output multiplied."""
    model = onnx.load_from_string(file)
    for node in model.graph.node:
        node.output[:] = [f"{name} before" if output == name else output for output in node.output]
        node.input[:] = [f"{name} before" if value == name else value for value in node.input]
    constant = onnx.numpy_helper.from_array(np.array(factor, np.float32), f"{name} factor")
    model.graph.initializer.append(constant)
    product = onnx.helper.make_node("Mul", [f"{name} before", constant.name], [name])
    model.graph.node.append(product)
    return RecordingExtractor.load(model.SerializeToString())


@pytest.mark.parametrize(
    ("output", "factor", "message"),
    [
        ("frames", 1.001, r"noise at 22050 Hz: .* from librosa; expected at most 0\.02"),
        ("mfccs", 1.001, r"noise at 22050 Hz: .* from librosa; expected at most 0\.01"),
        ("prosody", 1.001, "level .* dB from the reference; expected at most 0.01"),
        ("prosody_statistics", 1.001, "statistics of prosody: .* expected at most 0.001"),
    ],
)
def test_the_error_for_a_wrong_graph_says_what_is_wrong(
    files: dict[int, bytes], output: str, factor: float, message: str
) -> None:
    wrong = changed(files[RECIPE.sample_rate], output, factor)
    with pytest.raises(ExtractorError, match=message):
        compare(wrong, RECIPE.sample_rate, recordings([signal()], RECIPE.sample_rate))


def test_another_pitch_in_many_frames_is_refused(files: dict[int, bytes]) -> None:
    seconds = np.arange(22_050) / RECIPE.sample_rate
    tone = (0.3 * np.sin(2 * np.pi * 200 * seconds)).astype(np.float32)
    features = RecordingExtractor.load(files[RECIPE.sample_rate]).extract(tone[:, None])
    expected = features.prosody + np.array([0.1, 0, 0], np.float32)
    with pytest.raises(ExtractorError, match=r"another pitch or voicing in 44 of 44 frames"):
        compare_prosody("a tone", features, expected)


def test_another_rate_is_refused() -> None:
    with pytest.raises(KeyError, match="12345"):
        recording_graph(12_345)
