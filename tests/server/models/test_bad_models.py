"""Models directories with faults are refused, and every fault is listed."""

import os
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from server.models.activation import check
from server.models.releases import RefusedModelsError
from server.settings import ModelSettings
from tests.support.models.tiny import write_extractor, write_frame_network, write_vector_network
from training.export.checksum import with_checksum

LIMIT = 100_000
SETTINGS = ModelSettings(maximum_file_bytes=LIMIT)


def add_checksum(path: Path) -> bytes:
    path.write_bytes(with_checksum(onnx.load(path)))
    return path.read_bytes()


def truncated(path: Path) -> None:
    path.write_bytes(add_checksum(path)[:-100])


def with_a_flipped_bit(path: Path) -> None:
    """The bit is in a weight: the file can still be loaded."""
    content = bytearray(add_checksum(path))
    content[content.index(b"low") + 8] ^= 1
    path.write_bytes(content)


def with_a_damaged_checksum(path: Path) -> None:
    content = bytearray(add_checksum(path))
    content[-70] ^= 1
    path.write_bytes(content)


def oversized(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(10 * LIMIT))


def a_pipe(path: Path) -> None:
    """A pipe without a writer: reading it would block."""
    path.unlink()
    os.mkfifo(path)


def _with_external_data(path: Path, location: str) -> None:
    """Stores the value of a weight in another file."""
    model = onnx.load(path)
    weight = next(item for item in model.graph.initializer if item.name == "three")
    weight.ClearField("int64_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "8")):
        weight.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())


def with_data_outside(path: Path) -> None:
    secret = path.parent.parent / "secret"
    secret.write_bytes((3).to_bytes(8, "little"))
    _with_external_data(path, "../" * 20 + str(secret).lstrip("/"))


def with_data_beside_it(path: Path) -> None:
    (path.parent / "weights").write_bytes((3).to_bytes(8, "little"))
    _with_external_data(path, "weights")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncated, "CNN.onnx: is not a model"),
        (with_a_flipped_bit, "CNN.onnx: its SHA-256"),
        (with_a_damaged_checksum, "CNN.onnx: its SHA-256"),
        (a_pipe, "CNN.onnx: is not a file"),
        (oversized, "CNN.onnx: is larger than 100,000 bytes"),
        (with_data_outside, "CNN.onnx: is not a model that ONNX Runtime can load"),
        (with_data_beside_it, "CNN.onnx: is not a model that ONNX Runtime can load"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(
    models: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], reason: str
) -> None:
    damage(write_vector_network(models, "CNN"))
    monkeypatch.chdir(models)  # external data is looked up in the working directory
    with pytest.raises(RefusedModelsError) as refused:
        check(models, SETTINGS)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(reason)


def test_every_fault_is_listed(models: Path) -> None:
    write_vector_network(models, "CNN", labels=None)
    oversized(write_vector_network(models, "BIG"))
    write_vector_network(models, "MLP", labels=["calm", "angry"], recipe={"nMfcc": 25})
    truncated(models / "mfcc.onnx")
    with pytest.raises(RefusedModelsError) as refused:
        check(models, SETTINGS)
    found = str(refused.value)
    for reason in ("CNN.onnx: metadata lacks", "BIG.onnx: is larger", "alphabetically"):
        assert reason in found
    assert "; has 3 probabilities for 2 labels" in found
    assert "mfcc.onnx: is not a model" in found


def test_files_with_and_without_a_checksum_are_served(models: Path) -> None:
    assert check(models, SETTINGS) == ["DNN", "TCN"]
    for path in models.glob("*.onnx"):
        add_checksum(path)
    assert check(models, SETTINGS) == ["DNN", "TCN"]


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedModelsError, match="no such directory"):
        check(tmp_path / "nowhere", SETTINGS)


def test_a_missing_reference_clip_is_refused(models: Path) -> None:
    (models / "reference.wav").unlink()
    with pytest.raises(RefusedModelsError, match=r"mfcc\.onnx: reference\.wav cannot be read"):
        check(models, SETTINGS)


def test_a_frame_network_is_verified_without_an_extractor(tmp_path: Path) -> None:
    write_frame_network(tmp_path, "TCN", distance_limit=-1)
    with pytest.raises(RefusedModelsError) as refused:
        check(tmp_path, SETTINGS)
    assert "TCN.onnx: metadata 'distance_limit'" in str(refused.value)
    assert "mfcc.onnx: cannot be read" in str(refused.value)


def test_a_broken_extractor_is_no_fault_of_the_networks(models: Path) -> None:
    write_extractor(models, recipe={})
    with pytest.raises(RefusedModelsError) as refused:
        check(models, SETTINGS)
    assert "DNN" not in str(refused.value)
