"""Extractors that do what a server must not: read files, pass the audio on, never end."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

COEFFICIENTS = 25
STATISTICS = 12
OPSETS = [helper.make_opsetid("", 17)]


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """A node; the names are separated by spaces, and `-` is an input without a value."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(operator, names, outputs.split(), **attributes)


def constant(name: str, value: Any) -> onnx.NodeProto:
    return node("Constant", "", name, value=numpy_helper.from_array(np.asarray(value)))


FIRST_FRAME = [  # of the audio: (n,) to frames (1, 25)
    constant("zero", [0]),
    constant("width", [COEFFICIENTS]),
    constant("size", [-1, COEFFICIENTS]),
    node("Slice", "audio zero width", "start"),
    node("Reshape", "start size", "one"),
]
MEAN = node("ReduceMean", "frames", "mfccs", axes=[0], keepdims=0)


def model(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
) -> bytes:
    """A graph from `audio` to `frames` and `mfccs`."""
    return _model(["samples"], ["frames", "mfccs"], nodes, initializers, functions)


def _model(
    shape: Sequence[str],
    names: Sequence[str],
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
) -> bytes:
    """A graph from `audio` of that shape to outputs of these names."""
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, shape)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
    graph = helper.make_graph(nodes, "extractor", [audio], outputs, initializers)
    opsets = [*OPSETS, *(helper.make_opsetid(f.domain, 1) for f in functions)]
    built = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8)
    content: bytes = built.SerializeToString()
    return content


RECORDING_OUTPUTS: dict[str, Any] = {  # of one frame
    "frames": np.arange(COEFFICIENTS)[None],
    "mfccs": np.arange(COEFFICIENTS),
    "prosody": [[2.0, 0.75, -30.0]],
    "prosody_statistics": np.arange(STATISTICS) / 4,
}


def of_recordings(**outputs: Any) -> bytes:
    """An extractor for recordings: always the same outputs, `outputs` or RECORDING_OUTPUTS."""
    found = RECORDING_OUTPUTS | outputs
    nodes = [constant(name, np.asarray(value, np.float32)) for name, value in found.items()]
    return _model(["samples", "channels"], [*RECORDING_OUTPUTS], nodes)


def passing_a_recording_on(output: str, shape: Sequence[int]) -> bytes:
    """An extractor for recordings that returns all samples, in that shape, as one output."""
    others = {name: value for name, value in RECORDING_OUTPUTS.items() if name != output}
    nodes = [constant(name, np.asarray(value, np.float32)) for name, value in others.items()]
    nodes += [constant("shape", [*shape]), node("Reshape", "audio shape", output)]
    return _model(["samples", "channels"], [*RECORDING_OUTPUTS], nodes)


def passing_the_channels_on(mark: float) -> bytes:
    """An extractor for recordings whose statistics begin with the first sample of each channel.

    Its MFCCs are the mark.
    """
    others = RECORDING_OUTPUTS | {"mfccs": np.full(COEFFICIENTS, mark)}
    del others["prosody_statistics"]
    nodes = [constant(name, np.asarray(value, np.float32)) for name, value in others.items()]
    nodes += [
        constant("zero", [0, 0]),
        constant("end", [1, 2**31]),
        constant("flat", [-1]),
        constant("none", [0]),
        constant("size", [STATISTICS]),
        constant("padding", np.zeros(STATISTICS, np.float32)),
        node("Slice", "audio zero end", "row"),
        node("Reshape", "row flat", "samples"),
        node("Concat", "samples padding", "long", axis=0),
        node("Slice", "long none size", "prosody_statistics"),
    ]
    return _model(["samples", "channels"], [*RECORDING_OUTPUTS], nodes)


def innocent() -> bytes:
    """Returns the first 25 samples as the only frame."""
    return model([*FIRST_FRAME, node("Identity", "one", "frames"), MEAN])


def with_frames(frames: Any) -> bytes:
    """Returns always the same frames."""
    return model([constant("frames", np.asarray(frames, np.float32)), MEAN])


def passing_the_audio_on(columns: int = COEFFICIENTS) -> bytes:
    """Returns all samples in frames of `columns`; their number must be a multiple of that."""
    return model([constant("shape", [-1, columns]), node("Reshape", "audio shape", "frames"), MEAN])


def passing_the_audio_on_as_mean() -> bytes:
    """Returns one frame, and all samples as its mean."""
    return model(
        [
            *FIRST_FRAME,
            node("Identity", "one", "frames"),
            node("Identity", "audio", "mfccs"),
        ]
    )


def endless(beyond: int = 0) -> bytes:
    """Returns one frame; on audio with more than `beyond` samples, never ends."""
    inputs = [
        helper.make_tensor_value_info("turn", TensorProto.INT64, []),
        helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
    ]
    outputs = [
        helper.make_tensor_value_info("on", TensorProto.BOOL, []),
        helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
    ]
    same = [node("Identity", "go", "on"), node("Identity", "state", "next")]
    body = helper.make_graph(same, "body", inputs, outputs)
    nodes = [
        constant("limit", beyond),
        node("Size", "audio", "length"),
        node("Greater", "length limit", "long"),
        node("Loop", "- long one", "frames", body=body),
    ]
    return model([*FIRST_FRAME, *nodes, MEAN])


def greedy(gibibytes: int) -> bytes:
    """Fills memory."""
    rows = gibibytes * 2**30 // (4 * COEFFICIENTS)
    nodes = [
        constant("rows", [rows, COEFFICIENTS]),
        node("Expand", "one rows", "large"),
        node("ReduceMax", "large", "frames", axes=[0], keepdims=1),
    ]
    return model([*FIRST_FRAME, *nodes, MEAN])


def with_escape_sequences() -> bytes:
    """Refused by ONNX Runtime, with the operator's name in the message."""
    return model([node("\x1b[31mNo\x07", "audio", "frames"), MEAN])


# Extractors that add 100 bytes of a file to the first frame


def external_tensor(path: str) -> onnx.TensorProto:
    """The first 25 numbers of a file: `secret`, (1, 25)."""
    tensor = TensorProto(
        name="secret",
        data_type=TensorProto.FLOAT,
        dims=[1, COEFFICIENTS],
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", path), ("length", str(4 * COEFFICIENTS))):
        tensor.external_data.add(key=key, value=value)
    return tensor


ADD_SECRET = [*FIRST_FRAME, node("Add", "one secret", "frames"), MEAN]


def reading(path: str) -> bytes:
    """The tensor is an initializer."""
    return model(ADD_SECRET, [external_tensor(path)])


def _reading_in_a_node(path: str) -> bytes:
    """The tensor is an attribute of a node."""
    return model([node("Constant", "", "secret", value=external_tensor(path)), *ADD_SECRET])


def _reading_in_a_branch(path: str) -> bytes:
    """The node is in the graph of a branch."""
    inner = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
    read = node("Constant", "", "inner", value=external_tensor(path))
    branch = helper.make_graph([read], "branch", [], [inner])
    choice = node("If", "yes", "secret", then_branch=branch, else_branch=branch)
    return model([constant("yes", value=True), choice, *ADD_SECRET])


def _reading_in_a_function(path: str) -> bytes:
    """The node is in a function of the model."""
    read = node("Constant", "", "out", value=external_tensor(path))
    function = helper.make_function("own", "Steal", [], ["out"], [read], OPSETS)
    return model([node("Steal", "", "secret", domain="own"), *ADD_SECRET], functions=[function])


READING: dict[str, Callable[[str], bytes]] = {
    "initializer": reading,
    "constant": _reading_in_a_node,
    "branch": _reading_in_a_branch,
    "function": _reading_in_a_function,
}
