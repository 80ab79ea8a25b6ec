"""Networks with optional inputs: what is verified when they are loaded, and how they are called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from server.models.catalog import NetworkCatalog, load_catalog
from server.models.network import Network
from tests.support.models.tiny import (
    PROSODY,
    write_extractor,
    write_frame_network,
    write_recording_extractor,
    write_vector_network,
)

BOTH = ("prosody", "baseline")
WRITERS = (write_vector_network, write_frame_network)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A models' directory with prosody and no network."""
    write_extractor(tmp_path)
    write_recording_extractor(tmp_path, 48_000)
    return tmp_path


def fault(folder: Path) -> str:
    """The fault of the only network."""
    (found,) = load_catalog(folder).faults.values()
    return found


def the_network(catalog: NetworkCatalog) -> Network:
    assert not catalog.faults
    (network,) = catalog.networks.values()
    return network


def change(path: Path, edit: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load(path)
    edit(model)
    path.write_bytes(model.SerializeToString())


def with_any_width(name: str) -> Callable[[onnx.ModelProto], None]:
    def edit(model: onnx.ModelProto) -> None:
        (tensor,) = (i for i in model.graph.input if i.name == name)
        tensor.type.tensor_type.shape.dim[-1].dim_param = "width"

    return edit


def without_output(model: onnx.ModelProto) -> None:
    del model.graph.output[-1]


def with_format(version: int) -> Callable[[onnx.ModelProto], None]:
    def edit(model: onnx.ModelProto) -> None:
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        del model.metadata_props[:]
        metadata["format"] = f"speech-emotion-network/{version}"
        helper.set_model_props(model, metadata)

    return edit


def with_division_by_baseline(model: onnx.ModelProto) -> None:
    """The distance is infinite where a baseline is given."""
    for node in model.graph.node:
        if "largest" in node.output:
            node.output[0] = "numerator"
    index = [node.op_type for node in model.graph.node].index("Where")
    division = helper.make_node("Div", ["clip_counts", "nothing"], ["largest"])
    model.graph.node.insert(index, division)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("members", [("prosody",), ("baseline",), BOTH])
def test_a_network_names_its_optional_members(
    folder: Path, write: Callable[..., Path], members: tuple[str, ...]
) -> None:
    write(folder, "A", members=members)
    assert the_network(load_catalog(folder)).optional_members == members


@pytest.mark.parametrize("write", WRITERS)
def test_the_first_format_has_no_optional_members(folder: Path, write: Callable[..., Path]) -> None:
    write(folder, "A")
    network = the_network(load_catalog(folder))
    assert network.optional_members == ()
    mfccs = np.ones((2, 25), np.float32)
    expected = network.predict(mfccs)
    assert network.predict(mfccs, np.ones((2, 3), np.float32), np.ones(57, np.float32)) == expected
    assert expected.baseline_distance == 0.0


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (with_any_width("prosody"), "expected [('mfccs', 'tensor(float)', (25,)), ('prosody'"),
        (with_any_width("baseline"), "('baseline', 'tensor(float)', (57,))]"),
        (without_output, "'baseline_distance' is missing"),
        (with_format(1), "expected [('mfccs', 'tensor(float)', (25,))]"),
        (with_format(4), "expected 'speech-emotion-network/1' or 'speech-emotion-network/2' or "),
        (with_division_by_baseline, "distance from the baseline inf for an input of"),
    ],
)
def test_the_fault_names_what_was_expected(
    folder: Path, edit: Callable[[onnx.ModelProto], None], reason: str
) -> None:
    change(write_vector_network(folder, "A", members=BOTH), edit)
    assert reason in fault(folder)


def test_the_second_format_needs_an_optional_input(folder: Path) -> None:
    change(write_vector_network(folder, "A"), with_format(2))
    assert "has neither prosody nor baseline" in fault(folder)


@pytest.mark.parametrize("limit", [None, 0.0, -1.0, "5"])
def test_a_network_with_a_baseline_needs_its_limit(folder: Path, limit: Any) -> None:
    write_frame_network(folder, "A", members=BOTH, baseline_limit=limit)
    assert "'baseline_limit'" in fault(folder)


def test_the_limit_is_no_metadata_of_other_networks(folder: Path) -> None:
    write_frame_network(folder, "A", members=("prosody",), baseline_limit=-1.0)
    assert the_network(load_catalog(folder)).metadata.baseline_limit == np.inf


def test_statistics_need_the_definition_of_prosody(tmp_path: Path) -> None:
    write_extractor(tmp_path)
    write_vector_network(tmp_path, "A", members=BOTH)
    assert "there is no valid extractor-*.onnx" in fault(tmp_path)


def test_frames_with_a_baseline_need_no_definition_of_prosody(tmp_path: Path) -> None:
    write_extractor(tmp_path)
    write_frame_network(tmp_path, "A", members=("baseline",))
    write_vector_network(tmp_path, "B", members=("baseline",))
    assert not load_catalog(tmp_path).faults


def test_statistics_that_the_server_cannot_compute_are_a_fault(tmp_path: Path) -> None:
    write_extractor(tmp_path)
    names = ["jitter", *PROSODY["statistics"][1:]]
    write_recording_extractor(tmp_path, 48_000, prosody=PROSODY | {"statistics": names})
    write_vector_network(tmp_path, "A", members=BOTH)
    assert "['jitter'] are not known" in fault(tmp_path)


def test_a_prediction_does_not_remember_the_members_of_the_one_before(folder: Path) -> None:
    write_vector_network(folder, "A", members=BOTH)
    network = the_network(load_catalog(folder))
    mfccs, baseline = np.zeros(25, np.float32), np.ones(57, np.float32)
    alone = network.predict(mfccs)
    both = network.predict(mfccs, prosody=np.array([1, 2, 3], np.float32), baseline=baseline)
    assert both.probabilities != alone.probabilities
    assert (alone.baseline_distance, both.baseline_distance) == (0.0, 1.0)
    assert network.predict(mfccs) == alone
