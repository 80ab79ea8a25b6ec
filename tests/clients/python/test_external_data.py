"""The check of a model before it is loaded: nothing in it may name another file."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from speech_emotion_worker.external_data import RefusedModelError, refuse_external_data

from tests.clients.python.conftest import MODELS
from tests.support.hostile.extractors import external_tensor, innocent, reading

EXTERNAL = external_tensor("/etc/passwd")
Change = Callable[[onnx.ModelProto], object]


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def subgraph() -> onnx.GraphProto:
    return helper.make_graph([], "inner", [], [], [EXTERNAL])


def sparse() -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=EXTERNAL, dims=[1, 25])


def attribute(**members: object) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[0].attribute.add(name="hidden", **members)

    return change


PLACES: dict[str, Change] = {
    "initializer": lambda m: m.graph.initializer.append(EXTERNAL),
    "sparse initializer": lambda m: m.graph.sparse_initializer.append(sparse()),
    "tensor": attribute(t=EXTERNAL),
    "tensors": attribute(tensors=[EXTERNAL]),
    "sparse tensor": attribute(sparse_tensor=sparse()),
    "sparse tensors": attribute(sparse_tensors=[sparse()]),
    "subgraph": attribute(g=subgraph()),
    "subgraphs": attribute(graphs=[subgraph()]),
    "function": lambda m: m.functions.add().node.add().attribute.add(t=EXTERNAL),
    "default of a function": lambda m: m.functions.add().attribute_proto.add(t=EXTERNAL),
    "training": lambda m: m.training_info.add().initialization.initializer.append(EXTERNAL),
    "algorithm": lambda m: m.training_info.add().algorithm.initializer.append(EXTERNAL),
}


@pytest.mark.parametrize("model", [innocent(), *(p.read_bytes() for p in MODELS.glob("*.onnx"))])
def test_a_model_without_external_data_is_accepted(model: bytes) -> None:
    refuse_external_data(model)


@pytest.mark.parametrize("place", PLACES)
def test_external_data_are_found_wherever_they_are(place: str) -> None:
    model = onnx.load_from_string(innocent())
    PLACES[place](model)
    with pytest.raises(RefusedModelError, match="is stored in another file"):
        refuse_external_data(model.SerializeToString())


@pytest.mark.parametrize(
    "tensor",
    [
        TensorProto(data_location=TensorProto.EXTERNAL),
        TensorProto(external_data=[onnx.StringStringEntryProto(key="location", value="a")]),
    ],
    ids=["location", "entries"],
)
def test_either_sign_of_external_data_is_enough(tensor: onnx.TensorProto) -> None:
    model = onnx.load_from_string(innocent())
    model.graph.initializer.append(tensor)
    with pytest.raises(RefusedModelError, match="is stored in another file"):
        refuse_external_data(model.SerializeToString())


def test_a_second_graph_is_searched_too() -> None:
    """A parser of protobuf merges fields that occur twice."""
    graph = onnx.load_from_string(reading("/etc/passwd")).graph
    with pytest.raises(RefusedModelError, match="is stored in another file"):
        refuse_external_data(innocent() + field(7, graph.SerializeToString()))


GRAPH = onnx.load_from_string(reading("a")).graph.SerializeToString()


@pytest.mark.parametrize(
    "model",
    [
        varint(7 << 3 | 2 | 1 << 32) + varint(len(GRAPH)) + GRAPH,  # the upper bits may be dropped
        b"\xba\x80\x00" + varint(len(GRAPH)) + GRAPH,  # more bytes than needed
        varint(7 << 3 | 3) + GRAPH + varint(7 << 3 | 4),  # a group
        varint(2),  # field 0
        b"\x3f",  # no wire type
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length of twelve bytes
        varint(7 << 3 | 2) + varint(2**63) + GRAPH,
        field(7, GRAPH)[:-1],
        b"\x0a\x20\x00\x00ORTM" + bytes(30) + b"\x3f",
        b"\x80",
    ],
)
def test_what_two_parsers_may_read_differently_is_refused(model: bytes) -> None:
    with pytest.raises(RefusedModelError, match=r"is not an ONNX model|is cut off"):
        refuse_external_data(model)


def test_deep_subgraphs_end_without_a_recursion_error() -> None:
    graph = subgraph().SerializeToString()
    for _ in range(5_000):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(RefusedModelError, match="is stored in another file"):
        refuse_external_data(field(7, graph))


def test_the_option_of_onnx_runtime_holds_without_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two locks: each must hold alone."""
    import speech_emotion_worker.__main__ as worker

    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(b"secret" * 100)
    monkeypatch.setattr(worker, "refuse_external_data", lambda _: None)
    for path in ("secret.bin", str(tmp_path / "secret.bin"), f"../{tmp_path.name}/secret.bin"):
        with pytest.raises(Exception, match=r"(?i)external data"):
            worker._load(reading(path))
