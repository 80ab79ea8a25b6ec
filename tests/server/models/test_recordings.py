"""Extractors of recordings: a file with a fault is named, and not offered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import helper

from configuration import ROOT
from server.models.catalog import load_catalog
from server.models.contract.metadata import read_metadata
from server.models.files import ModelFileError
from server.models.verification import verify
from server.settings import ModelSettings
from tests.support.hostile.models import write_looping_extractor
from tests.support.models.shipped import metadata_of
from tests.support.models.tiny import (
    PROSODY,
    REFERENCE_CLIP,
    STAGE,
    reference_entry,
    write_extractor,
    write_recording_extractor,
    write_vector_network,
)
from training.export.checksum import with_checksum

RATES = [8_000, 22_050, 48_000]
NAME = "extractor-48000.onnx"
MONO = "reference-48000"


def rates(models: Path, *, run_extractors: bool = True) -> list[int]:
    contract = load_catalog(models, run_extractors=run_extractors).contract
    assert contract
    return [extractor.recording.sample_rate for extractor in contract.recordings]


def changed(**metadata: Any) -> Callable[[Path], None]:
    """Writes the extractor for 48 kHz with other metadata."""

    def change(models: Path) -> None:
        write_recording_extractor(models, 48_000, **metadata)

    return change


def entry(**changes: Any) -> Callable[[Path], None]:
    """The same with a change of its only reference."""
    return changed(references=[reference_entry(MONO, 48_000, 1, b"RIFF, mono") | changes])


def edited(edit: Callable[[onnx.ModelProto], None]) -> Callable[[Path], None]:
    def change(models: Path) -> None:
        model = onnx.load(models / NAME)
        edit(model)
        (models / NAME).write_bytes(model.SerializeToString())

    return change


def flipped(models: Path) -> None:
    content = bytearray(with_checksum(onnx.load(models / NAME)))
    content[content.index(b"zero") + 2] ^= 1
    (models / NAME).write_bytes(content)


def truncated(models: Path) -> None:
    (models / NAME).write_bytes((models / NAME).read_bytes()[:-10])


def renamed(models: Path) -> None:
    (models / "extractor-16000.onnx").write_bytes((models / NAME).read_bytes())


def for_mono_only(model: onnx.ModelProto) -> None:
    model.graph.node[0].CopyFrom(helper.make_node("Squeeze", ["audio", "one"], ["mono"]))


def not_finite(model: onnx.ModelProto) -> None:
    model.graph.node[3].output[0] = "levels"
    model.graph.node.append(helper.make_node("Log", ["levels"], ["mfccs"]))
    model.graph.node.insert(4, model.graph.node.pop())


def outputs_in_another_order(model: onnx.ModelProto) -> None:
    model.graph.output.append(model.graph.output.pop(0))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped bit": (flipped, "its SHA-256 differs"),
    "truncated": (truncated, "is not an ONNX file"),
    "format": (
        edited(lambda model: helper.set_model_props(model, {"format": "x"})),
        "metadata 'format' is 'x'; expected 'speech-emotion-extractor/2'",
    ),
    "recipe": (changed(recipe={"nMfcc": 25}), "was made for another feature recipe"),
    "recipe without a number": (changed(recipe={"nMfcc": "x"}), "was made for another feature"),
    "no recording": (changed(recording={}), "metadata 'recording': "),
    "rate": (changed(recording={"sampleRate": 10**9, "downmix": "", "resampling": []}), "<= "),
    "stage": (
        changed(recording={"sampleRate": 48_000, "downmix": "", "resampling": [{"up": "x"}]}),
        "metadata 'recording': ",
    ),
    "another rate": (
        changed(recording={"sampleRate": 16_000, "downmix": "mean", "resampling": [STAGE]}),
        "is for 16000 Hz; expected the name extractor-16000.onnx",
    ),
    "prosody": (changed(prosody=PROSODY | {"referenceHz": 55}), "metadata 'prosody' differs from"),
    "no statistics": (changed(prosody=PROSODY | {"statistics": []}), "metadata 'prosody': "),
    "too many statistics": (
        changed(prosody=PROSODY | {"statistics": ["s"] * 21}),
        "metadata 'prosody': ",
    ),
    "statistic twice": (
        changed(prosody=PROSODY | {"statistics": ["s"] * 3}),
        "metadata 'prosody': a name of the statistics occurs twice",
    ),
    "columns": (changed(prosody=PROSODY | {"columns": ["f0", "v", "l"]}), "columns are ['f0', "),
    "reference frequency": (changed(prosody=PROSODY | {"referenceHz": 2_000}), "<= 1000"),
    "no lowest level": (
        changed(prosody={key: value for key, value in PROSODY.items() if key != "levelMinimum"}),
        "`levelMinimum`",
    ),
    "huge prosody": (
        changed(prosody=PROSODY | {"comment": "c" * 9_000}),
        "metadata 'prosody' has 9,2",
    ),
    "huge downmix": (
        changed(recording={"sampleRate": 48_000, "downmix": "d" * 9_000, "resampling": [STAGE]}),
        "metadata 'recording' has 9,1",
    ),
    "channels": (entry(channels=3), "metadata 'references': "),
    "escape sequences": (entry(name="\x1b[31m"), r"the file of '\x1b[31m' is 'reference-"),
    "no clip": (lambda models: (models / f"{MONO}.wav").unlink(), f"{MONO}.wav cannot be read"),
    "another clip": (
        lambda models: (models / f"{MONO}.wav").write_bytes(b"RIFF"),
        f"{MONO}.wav is not the clip whose SHA-256",
    ),
    "file": (entry(file="../secret.wav"), "references: the file of 'reference-48000' is '../secr"),
    "name": (entry(name="x", file="x.wav"), "references: the file of 'x' is 'x.wav'; expected"),
    "reference at another rate": (entry(sampleRate=8_000), "references: 'reference-48000' has"),
    "frames": (entry(frames=3), "references: 'reference-48000' has (sampleRate, mfccs, rows of"),
    "coefficients": (entry(mfccs=[0.0]), "references: 'reference-48000' has (sampleRate, mfccs"),
    "row": (entry(prosody=[[1.0]] * 2), "metadata 'references': "),
    "no mistakes": (entry(mistakes=None), "references: 'reference-48000' lacks 'mistakes'"),
    "unexplained": (
        entry(mistakes={"right": {"mfccs": [0.0] * 25, "frames": 2, "tolerance": 1}}
              | {"single": [], "pairs": []}),
        "references: 'reference-48000': mistakes: no explanation of 'amplitude-scale'",
    ),
    "another old clip": (
        changed(references=[reference_entry("reference", 48_000, 1, b"RIFF, mono")]),
        "reference.wav is not the clip whose SHA-256",
    ),
    "the old clip twice": (
        changed(references=[reference_entry("reference", 48_000, 1, REFERENCE_CLIP)]),
        "references: a name occurs twice in ['reference', 'reference']",
    ),
    "mono only": (edited(for_mono_only), "does not extract features of 2 channels"),
    "not finite": (edited(not_finite), "finite: False"),
    "outputs": (edited(outputs_in_another_order), "inputs and outputs are (['audio'], ['mfccs',"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_with_a_fault_is_not_offered(models_with_recordings: Path, name: str) -> None:
    change, reason = FAULTS[name]
    change(models_with_recordings)
    catalog = load_catalog(models_with_recordings)
    assert list(catalog.faults) == [NAME]
    assert reason in catalog.faults[NAME]
    assert rates(models_with_recordings) == RATES[:2]
    assert catalog.names == ["DNN", "TCN"]


def test_the_statistics_have_the_names_of_the_metadata(models: Path) -> None:
    write_recording_extractor(models, 8_000, prosody=PROSODY | {"statistics": ["a", "b"]})
    faults = load_catalog(models).faults
    assert "has outputs of shapes" in faults["extractor-8000.onnx"]


@pytest.mark.parametrize("rate", [7_999, 96_001])
def test_a_rate_that_clients_refuse_is_refused(models: Path, rate: int) -> None:
    path = write_recording_extractor(models, rate)
    assert "metadata 'recording': " in load_catalog(models).faults[path.name]


def test_more_extractors_than_clients_accept_are_refused(models: Path) -> None:
    for rate in range(8_000, 8_034):
        write_recording_extractor(models, rate)
    catalog = load_catalog(models, run_extractors=False)
    reason = "is one extractor too many; expected at most 32"
    assert catalog.faults == {f"extractor-{rate}.onnx": reason for rate in (8_032, 8_033)}


def test_more_references_than_clients_accept_are_refused(models_with_recordings: Path) -> None:
    clip = b"RIFF"
    entries = []
    for name in (f"reference-8000-{index}" for index in range(14)):
        (models_with_recordings / f"{name}.wav").write_bytes(clip)
        entries.append(reference_entry(name, 8_000, 1, clip))
    write_recording_extractor(models_with_recordings, 8_000, references=entries)
    faults = load_catalog(models_with_recordings, run_extractors=False).faults
    assert list(faults) == ["extractor-8000.onnx"]  # the last one that is read
    assert "expected at most 15 beside 'reference'" in faults["extractor-8000.onnx"]


def test_a_file_under_the_name_of_another_rate_is_refused(models_with_recordings: Path) -> None:
    renamed(models_with_recordings)
    faults = load_catalog(models_with_recordings).faults
    reason = "is for 48000 Hz; expected the name extractor-48000.onnx"
    assert faults == {"extractor-16000.onnx": reason}


@pytest.mark.parametrize("name", ["extractor-fast", "reference", "reference-net", "Extractor-X"])
def test_a_network_cannot_have_a_reserved_name(models: Path, name: str) -> None:
    write_vector_network(models, name)
    catalog = load_catalog(models)
    assert list(catalog.faults) == [f"{name}.onnx"]
    assert catalog.names == ["DNN", "TCN"]


def test_a_name_that_begins_like_a_reserved_one_is_a_network(models: Path) -> None:
    write_vector_network(models, "references")
    assert load_catalog(models).names == ["DNN", "TCN", "references"]


def test_extractors_are_verified_without_mfcc_onnx(models_with_recordings: Path) -> None:
    (models_with_recordings / "mfcc.onnx").unlink()
    changed(recipe={"nMfcc": "x"})(models_with_recordings)
    faults = load_catalog(models_with_recordings).faults
    assert sorted(faults) == [NAME, "mfcc.onnx"]


def test_another_recipe_of_mfcc_onnx_is_a_fault_of_every_extractor(
    models_with_recordings: Path,
) -> None:
    write_extractor(models_with_recordings, recipe={"nMfcc": 25, "sampleRate": 16_000})
    faults = load_catalog(models_with_recordings).faults
    assert {f"extractor-{rate}.onnx" for rate in RATES} <= set(faults)


def test_workers_read_the_same_without_running_the_files(models_with_recordings: Path) -> None:
    run, read = (load_catalog(models_with_recordings, run_extractors=run) for run in (True, False))
    assert run.contract
    assert read.contract
    assert run.contract.recordings == read.contract.recordings
    assert run.contract.references == read.contract.references
    assert not read.faults
    edited(not_finite)(models_with_recordings)
    assert rates(models_with_recordings, run_extractors=False) == RATES


def test_an_endless_loop_is_a_fault_of_its_file(models_with_recordings: Path) -> None:
    write_looping_extractor(models_with_recordings, 8_000)
    found = verify(models_with_recordings, ModelSettings(verification_timeout_seconds=1))
    reason = "is not verified after 1 s, verification_timeout_seconds"
    assert found.faults == {"extractor-8000.onnx": reason}
    assert found.prosody == PROSODY


def test_the_metadata_are_those_that_onnx_reads() -> None:
    for path in sorted((ROOT / "models").glob("extractor-*.onnx")):
        expected = metadata_of(path)
        assert read_metadata(path.read_bytes(), expected["format"]) == expected


def test_a_file_of_millions_of_fields_is_refused_at_once() -> None:
    with pytest.raises(ModelFileError, match="is not an ONNX file"):
        read_metadata(b"\x08\x01" * 20_000)


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 20, b"\x72\x05ab", b"r\x02\n\x05"])
def test_other_bytes_are_no_onnx_file(content: bytes) -> None:
    with pytest.raises(ModelFileError):
        read_metadata(content, "any")
