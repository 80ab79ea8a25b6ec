"""Extractors that do what a server must not: read files, pass the audio on, never end."""

from collections.abc import Sequence

import onnx
from onnx import TensorProto, helper

COEFFICIENTS = 25
OPSETS = [helper.make_opsetid("", 17)]
SIZE = helper.make_tensor("size", TensorProto.INT64, [2], [-1, COEFFICIENTS])
FIRST_FRAME = [  # of the audio: (n,) to frames (1, 25)
    helper.make_node("Slice", ["audio", "zero", "width"], ["start"]),
    helper.make_node("Reshape", ["start", "size"], ["one"]),
]
CONSTANTS = [
    SIZE,
    helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
    helper.make_tensor("width", TensorProto.INT64, [1], [COEFFICIENTS]),
]
MEAN = helper.make_node("ReduceMean", ["frames"], ["mfccs"], axes=[0], keepdims=0)


def innocent() -> bytes:
    """Returns the first 25 samples as the only frame."""
    return model([*FIRST_FRAME, helper.make_node("Identity", ["one"], ["frames"]), MEAN])


def passing_the_audio_on() -> bytes:
    """Returns all samples, 25 in a frame; their number must be a multiple of 25."""
    return model([helper.make_node("Reshape", ["audio", "size"], ["frames"]), MEAN])


def passing_the_audio_on_as_mean() -> bytes:
    """Returns one frame, and all samples as its mean."""
    return model(
        [
            *FIRST_FRAME,
            helper.make_node("Identity", ["one"], ["frames"]),
            helper.make_node("Identity", ["audio"], ["mfccs"]),
        ]
    )


def reading(path: str) -> bytes:
    """Adds the first 100 bytes of a file to the first frame."""
    node = helper.make_node("Add", ["one", "secret"], ["frames"])
    return model([*FIRST_FRAME, node, MEAN], [external_tensor("secret", path)])


def external_tensor(name: str, path: str) -> onnx.TensorProto:
    tensor = TensorProto(
        name=name,
        data_type=TensorProto.FLOAT,
        dims=[1, COEFFICIENTS],
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", path), ("length", str(4 * COEFFICIENTS))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def endless() -> bytes:
    """Loops for centuries."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("Add", ["state", "state"], ["next_state"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, None),
        ],
    )
    turns = helper.make_tensor("turns", TensorProto.INT64, [], [2**63 - 1])
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    loop = helper.make_node("Loop", ["turns", "yes", "one"], ["frames"], body=body)
    return model([*FIRST_FRAME, loop, MEAN], [turns, yes])


def greedy(gibibytes: int) -> bytes:
    """Fills memory."""
    rows = helper.make_tensor(
        "rows", TensorProto.INT64, [2], [gibibytes * 2**30 // (4 * COEFFICIENTS), COEFFICIENTS]
    )
    expand = helper.make_node("Expand", ["one", "rows"], ["large"])
    frames = helper.make_node("ReduceMax", ["large"], ["frames"], axes=[0], keepdims=1)
    return model([*FIRST_FRAME, expand, frames, MEAN], [rows])


def returning_not_a_number() -> bytes:
    nothing = helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0])
    nodes = [
        helper.make_node("Mul", ["one", "nothing"], ["zeros"]),
        helper.make_node("Div", ["zeros", "nothing"], ["frames"]),
    ]
    return model([*FIRST_FRAME, *nodes, MEAN], [nothing])


def with_escape_sequences() -> bytes:
    """Refused by ONNX Runtime, with the operator's name in the message."""
    return model([helper.make_node("\x1b[31mNo\x07", ["audio"], ["frames"]), MEAN])


def model(nodes: Sequence[onnx.NodeProto], constants: Sequence[onnx.TensorProto] = ()) -> bytes:
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, [None])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("frames", "mfccs")
    ]
    graph = helper.make_graph(nodes, "extractor", [audio], outputs, [*CONSTANTS, *constants])
    built = helper.make_model(graph, opset_imports=OPSETS, ir_version=9)
    content: bytes = built.SerializeToString()
    return content
