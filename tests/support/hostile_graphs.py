"""Extractors that a hostile server may offer: valid ONNX files with the real inputs and outputs."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.arrays import Float32

N_MFCC = 25
OPSETS = [helper.make_opsetid("", 17)]


def build(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
) -> bytes:
    """A graph from `audio` to `frames`; `mfccs` is the mean of the frames."""
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])
    outputs = [
        helper.make_tensor_value_info("frames", TensorProto.FLOAT, None),
        helper.make_tensor_value_info("mfccs", TensorProto.FLOAT, None),
    ]
    mean = helper.make_node("ReduceMean", ["frames"], ["mfccs"], axes=[0], keepdims=0)
    graph = helper.make_graph([*nodes, mean], "extractor", [audio], outputs, list(initializers))
    opsets = [*OPSETS, *(helper.make_opsetid(f.domain, 1) for f in functions)]
    model = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def external_tensor(location: str, size: int = N_MFCC) -> onnx.TensorProto:
    """A tensor (1, size) of float32 whose bytes are in a file."""
    tensor = TensorProto(name="frames", data_type=TensorProto.FLOAT, dims=[1, size])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def with_external_initializer(location: str) -> bytes:
    """Outputs the bytes of a file as its frames."""
    tensor = external_tensor(location)
    tensor.name = "stolen"
    return build([helper.make_node("Identity", ["stolen"], ["frames"])], [tensor])


def with_external_constant(location: str) -> bytes:
    """The same; the tensor is an attribute of a node."""
    return build([helper.make_node("Constant", [], ["frames"], value=external_tensor(location))])


def with_external_constant_in_a_branch(location: str) -> bytes:
    """The same; the node is in the graph of a branch."""
    frames = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
    constant = helper.make_node("Constant", [], ["inner"], value=external_tensor(location))
    branch = helper.make_graph([constant], "branch", [], [frames])
    condition = numpy_helper.from_array(np.ones((), np.bool_), "condition")
    node = helper.make_node("If", ["condition"], ["frames"], then_branch=branch, else_branch=branch)
    return build([node], [condition])


def with_external_constant_in_a_function(location: str) -> bytes:
    """The same; the node is in a function of the model."""
    constant = helper.make_node("Constant", [], ["out"], value=external_tensor(location))
    function = helper.make_function("own", "Steal", [], ["out"], [constant], OPSETS)
    node = helper.make_node("Steal", [], ["frames"], domain="own")
    return build([node], functions=[function])


EXTERNAL: dict[str, Callable[[str], bytes]] = {
    "initializer": with_external_initializer,
    "constant": with_external_constant,
    "branch": with_external_constant_in_a_branch,
    "function": with_external_constant_in_a_function,
}


def _shape(*values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), "shape")


def that_hands_the_samples_through(columns: int = N_MFCC) -> bytes:
    """The samples as frames of `columns` values; audio must have a multiple of that."""
    return build(
        [helper.make_node("Reshape", ["audio", "shape"], ["frames"])], [_shape(-1, columns)]
    )


def with_constant_frames(frames: Float32) -> bytes:
    """Outputs always the same frames."""
    value = numpy_helper.from_array(frames)
    return build([helper.make_node("Constant", [], ["frames"], value=value)])


def that_hides_the_samples_in_the_mean() -> bytes:
    """One frame as expected; `mfccs` is the audio."""
    value = numpy_helper.from_array(np.zeros((1, N_MFCC), np.float32))
    content = build([helper.make_node("Constant", [], ["frames"], value=value)])
    model = onnx.load_from_string(content)
    model.graph.node[-1].CopyFrom(helper.make_node("Identity", ["audio"], ["mfccs"]))
    changed: bytes = model.SerializeToString()
    return changed


def that_never_ends_on_more_than(samples: int) -> bytes:
    """Computes one frame of zeros; on longer audio, it never ends."""
    inputs = [
        helper.make_tensor_value_info("count", TensorProto.INT64, []),
        helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
    ]
    outputs = [
        helper.make_tensor_value_info("on", TensorProto.BOOL, []),
        helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
    ]
    same = [
        helper.make_node("Identity", [name], [into])
        for name, into in (("go", "on"), ("state", "next"))
    ]
    body = helper.make_graph(same, "body", inputs, outputs)
    nodes = [
        helper.make_node("Size", ["audio"], ["length"]),
        helper.make_node("Greater", ["length", "limit"], ["long"]),
        helper.make_node("Loop", ["", "long", "zeros"], ["frames"], body=body),
    ]
    zeros = numpy_helper.from_array(np.zeros((1, N_MFCC), np.float32), "zeros")
    return build(nodes, [zeros, numpy_helper.from_array(np.array(samples), "limit")])
