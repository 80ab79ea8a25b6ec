"""Networks that conform to the contract and exhaust time or memory."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tests.support.models.tiny import write_recording_extractor, write_vector_network

ENDLESS = 2**62
TRIGGER = 7.0  # the value of the first coefficient that starts the loop


def write_looping_network(directory: Path, name: str) -> Path:
    """A network that loops without end on every input."""
    return _insert(directory, name, [_loop("trips", [])], trips=ENDLESS)


def write_network_that_loops_once_triggered(directory: Path, name: str) -> Path:
    """A network that loops without end if the first coefficient is `TRIGGER`."""
    nodes = [
        helper.make_node("Slice", ["mfccs", "zero", "one", "one"], ["first"]),
        helper.make_node("Equal", ["first", "trigger"], ["equal"]),
        helper.make_node("Cast", ["equal"], ["number"], to=TensorProto.INT64),
        helper.make_node("ReduceMax", ["number"], ["flag"], keepdims=0),
        helper.make_node("Mul", ["flag", "trips"], ["count"]),
        _loop("count", []),
    ]
    return _insert(directory, name, nodes, trips=ENDLESS)


def write_growing_network(directory: Path, name: str) -> Path:
    """A network that keeps the result of every round of an endless loop."""
    return _insert(directory, name, [_loop("trips", ["kept"])], trips=ENDLESS)


def write_huge_network(directory: Path, name: str, size: int) -> Path:
    """A network with an intermediate tensor of `size` times `size` numbers."""
    nodes = [
        helper.make_node("ReduceMax", ["start"], ["largest"], keepdims=0),
        helper.make_node("Expand", ["largest", "shape"], ["wide"]),
        helper.make_node("Exp", ["wide"], ["exponentials"]),
        helper.make_node("ReduceMin", ["exponentials"], ["least"], keepdims=0),
        helper.make_node("Min", ["start", "least"], ["clipped"]),
    ]
    return _insert(directory, name, nodes, shape=[size, size])


def write_looping_extractor(directory: Path, rate: int) -> Path:
    """An extractor of recordings that loops without end on every recording."""
    nodes = [_loop("trips", []), helper.make_node("Identity", ["clipped"], ["mono"])]
    return _edit(write_recording_extractor(directory, rate), nodes, trips=ENDLESS)


def _loop(trips: str, kept: list[str]) -> onnx.NodeProto:
    """Doubles `start` in each round; `kept` is the list of all results."""
    nodes = [
        helper.make_node("Identity", ["go"], ["go_on"]),
        helper.make_node("Add", ["value", "value"], ["double"]),
        *(helper.make_node("Identity", ["double"], [f"{name}_round"]) for name in kept),
    ]
    inputs = [
        helper.make_tensor_value_info("round", TensorProto.INT64, []),
        helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        helper.make_tensor_value_info("value", TensorProto.FLOAT, None),
    ]
    outputs = [
        helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
        helper.make_tensor_value_info("double", TensorProto.FLOAT, None),
        *(helper.make_tensor_value_info(f"{name}_round", TensorProto.FLOAT, None) for name in kept),
    ]
    body = helper.make_graph(nodes, "body", inputs, outputs)
    return helper.make_node("Loop", [trips, "yes", "start"], ["clipped", *kept], body=body)


def _insert(
    directory: Path, name: str, nodes: list[onnx.NodeProto], **integers: int | list[int]
) -> Path:
    """A vector network with nodes, from `start` to `clipped`, behind its first node."""
    return _edit(write_vector_network(directory, name), nodes, **integers)


def _edit(path: Path, nodes: list[onnx.NodeProto], **integers: int | list[int]) -> Path:
    """Inserts nodes behind the first one, whose output becomes `start`."""
    model = onnx.load(path)
    graph = model.graph
    graph.node[0].output[0] = "start"
    for place, node in enumerate(nodes, 1):
        graph.node.insert(place, node)
    graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    graph.initializer.append(helper.make_tensor("trigger", TensorProto.FLOAT, [], [TRIGGER]))
    for key, value in integers.items():
        values = value if isinstance(value, list) else [value]
        shape = [len(values)] if isinstance(value, list) else []
        graph.initializer.append(helper.make_tensor(key, TensorProto.INT64, shape, values))
    path.write_bytes(model.SerializeToString())
    return path
