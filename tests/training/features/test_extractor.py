import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import soundfile
import soxr

from configuration import ROOT
from tests.support.models.shipped import metadata_of
from tests.training.conftest import one_corpus
from training.arrays import Float32
from training.contract.recording_mistakes import table
from training.corpora.ravdess import RAVDESS
from training.features.extractor import (
    MAXIMUM_BYTES,
    MISTAKES_PATH,
    Extractor,
    ExtractorError,
    Signal,
    build_extractor,
    compare,
    corpus_signals,
    edge_signals,
)
from training.features.graph import extractor_graph
from training.features.loading import load_audio
from training.features.recipe import RECIPE

MODEL = ROOT / "models" / "mfcc.onnx"


@pytest.fixture(scope="module")
def committed() -> Extractor:
    return Extractor.load(MODEL.read_bytes())


def noise(samples: int) -> Float32:
    return np.random.default_rng(1).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize("signal", list(edge_signals()), ids=lambda signal: signal.name)
def test_the_graph_agrees_with_librosa_on_edge_cases(committed: Extractor, signal: Signal) -> None:
    assert compare(committed, [signal]).signals == 1


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("samples", [0, 1, 511, 512, 513, 1_024, 2_047, 2_048, 2_205])
def test_the_graph_agrees_with_librosa_on_short_audio(committed: Extractor, samples: int) -> None:
    for audio in (noise(samples), np.zeros(samples, np.float32)):
        compare(committed, [Signal(f"{samples} samples", audio)])


def test_the_graph_agrees_with_librosa_on_every_clip(committed: Extractor, ravdess: Path) -> None:
    agreement = compare(committed, corpus_signals(one_corpus(ravdess, RAVDESS)))
    assert agreement.signals > 0
    assert agreement.frames < 0.02
    assert agreement.vectors < 0.01


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_the_graph_agrees_with_librosa_on_files_of_other_rates(
    committed: Extractor, tmp_path: Path, rate: int, channels: int
) -> None:
    clip, own_rate = soundfile.read(ROOT / "models" / "reference.wav", dtype="float32")
    resampled = soxr.resample(clip, own_rate, rate)
    stereo = np.stack([resampled, 0.5 * resampled], axis=1)[:, :channels]
    soundfile.write(tmp_path / "clip.wav", stereo, rate)
    compare(committed, [Signal("clip.wav", load_audio(tmp_path / "clip.wav"))])


def test_the_committed_graph_equals_a_new_build() -> None:
    committed, built = onnx.load(MODEL), extractor_graph()
    assert committed.graph == built.graph


@pytest.mark.parametrize(
    ("name", "start"), [("mfcc.onnx", "d21d1ee5084f141b"), ("reference.wav", "3c30ef6cdf8ef4af")]
)
def test_the_files_of_published_clients_are_unchanged(name: str, start: str) -> None:
    """Version 1 of the contract: clients keep these files by their checksums."""
    content = (ROOT / "models" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith(start)


def test_the_file_is_small_and_uses_standard_operators_only() -> None:
    assert MODEL.stat().st_size <= MAXIMUM_BYTES
    model = onnx.load(MODEL)
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
    assert not model.functions


def test_the_metadata_contains_format_and_recipe() -> None:
    metadata = metadata_of(MODEL)
    assert metadata["format"] == "speech-emotion-extractor/1"
    assert json.loads(metadata["recipe"]) == RECIPE.as_json()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("built") / "models"
    assert build_extractor(directory, [Signal("noise", noise(22_050))]).signals == 2
    return directory


def test_build_extractor_writes_graph_and_clip(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == ["mfcc.onnx", "reference.wav"]
    frames, mfccs = Extractor.load((built / "mfcc.onnx").read_bytes()).extract(noise(22_050))
    assert frames.shape == (44, 25)
    np.testing.assert_allclose(frames.mean(axis=0), mfccs, atol=1e-3)


def fingerprints(model: Path) -> list[dict[str, Any]]:
    """The fingerprints of the recipe, of each mistake and of each pair."""
    metadata = metadata_of(model)
    mistakes = json.loads(metadata["mistakes"])
    single = [
        fingerprint for mistake in mistakes["single"] for fingerprint in mistake["signatures"]
    ]
    return [mistakes["right"], *single, *mistakes["pairs"]]


def test_the_committed_fingerprints_equal_new_measurements(built: Path) -> None:
    for new, old in zip(fingerprints(built / "mfcc.onnx"), fingerprints(MODEL), strict=True):
        assert new.get("codes") == old.get("codes")
        np.testing.assert_allclose(new["mfccs"], old["mfccs"], atol=old["tolerance"] / 10)


def test_the_committed_table_of_mistakes_is_up_to_date() -> None:
    assert MISTAKES_PATH.read_text(encoding="utf-8") == table()


def test_the_error_for_a_wrong_graph_names_the_signal() -> None:
    model = extractor_graph()
    largest = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    filters = onnx.numpy_helper.to_array(largest)
    largest.CopyFrom(onnx.numpy_helper.from_array(filters * np.float32(1.01), largest.name))
    with pytest.raises(ExtractorError, match=r"noise: .* expected at most 0\.02"):
        compare(Extractor.load(model.SerializeToString()), [Signal("noise", noise(22_050))])


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
def test_nothing_is_written_if_graph_and_librosa_disagree(tmp_path: Path) -> None:
    # For NaN, the two give different numbers of frames.
    with pytest.raises(ExtractorError, match="not a number"):
        build_extractor(tmp_path, [Signal("not a number", np.full(512, np.nan, np.float32))])
    assert not list(tmp_path.iterdir())
