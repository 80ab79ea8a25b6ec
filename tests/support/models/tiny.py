"""Small ONNX files for tests: valid ones, and ones with a single fault."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

RECIPE = {"nMfcc": 25, "sampleRate": 22050}
LABELS = ["angry", "calm", "happy"]
REFERENCE_CLIP = b"RIFF, or so"
REFERENCE = {
    "sha256": hashlib.sha256(REFERENCE_CLIP).hexdigest(),
    "samples": 1000,
    "frames": 2,
    "mfccs": [float(i) for i in range(25)],
    "tolerance": {"mfccs": 0.5},
}
MISTAKES: dict[str, Any] = {
    "right": {"mfccs": REFERENCE["mfccs"], "frames": 2, "tolerance": 0.5, "gainStep": 10.0},
    "single": [
        {
            "code": "samples-not-scaled",
            "explanation": "Not scaled.",
            "remedy": "Scale.",
            "signatures": [{"mfccs": [100.0] * 25, "frames": 2, "tolerance": 0.5}],
        },
        *(
            {"code": code, "explanation": code, "remedy": code, "signatures": []}
            for code in ("number-of-coefficients", "amplitude-scale", "transposed-frames")
        ),
    ],
    "pairs": [],
}
PROSODY: dict[str, Any] = {
    "columns": ["logF0", "voicing", "level"],
    "referenceHz": 27.5,
    "unvoiced": 0,
    "f0Minimum": 60,
    "f0Maximum": 500,
    "voicedFrom": 0.5,
    "levelMinimum": -100,
    "statistics": ["f0Percentile50", "voicedShare", "levelDeviation"],
}
STAGE = {"up": 147, "down": 320, "cutoff": 0.45, "beta": 14.0, "halfLength": 50}
REFERENCE_PROSODY = [[2.0, 0.9, -20.0], [0.0, 0.1, -40.0]]
RATE_WITH_CLIPS = 48_000  # Hz
Members = Sequence[str]  # optional inputs: prosody, baseline
OPSETS = [helper.make_opsetid("", 17)]


def network_metadata(**changes: Any) -> dict[str, Any]:
    """The metadata of a valid network, with changes; the value None removes a key."""
    metadata: dict[str, Any] = {
        "input": "vector",
        "labels": LABELS,
        "recipe": RECIPE,
        "distance_limit": 5.0,
        "metrics": {"protocol": "made for a test", "speakerIndependentUar": 0.4},
        "corpus": {"name": "none"},
        "training": {"command": "none"},
        "intended_use": {"for": ["tests"], "not_for": ["anything else"]},
    }
    metadata |= changes
    return {key: value for key, value in metadata.items() if value is not None}


def recall(uar: float, *corpora: str, **changes: Any) -> dict[str, Any]:
    """`newSpeakers` or `otherCorpora` of the metrics, with the same recall on each corpus.

    Networks whose metrics have one of these members are files of the third format.
    """
    of_corpora = [
        {
            "name": name,
            "uar": uar,
            "chance": 0.25,
            "mfccsUar": uar - 0.02,
            "baselineUar": uar + 0.05,
            "calibrationError": 0.05,
            "speakers": 8,
            "utterances": 96,
            "listeners": None if index else 0.6,
        }
        for index, name in enumerate(corpora)
    ]
    return {
        "uar": uar,
        "deviation": 0.01,
        "uarInterval": [uar - 0.03, uar + 0.03],
        "chance": 0.25,
        "mfccsUar": uar - 0.02,
        "baselineUar": uar + 0.05,
        "calibrationError": 0.04,
        "confidentShare": 0.4,
        "confidentPrecision": 0.85,
        "corpora": of_corpora,
    } | changes


def metrics_of_corpora(**changes: Any) -> dict[str, Any]:
    """The metrics of a network that was trained on two corpora."""
    return {
        "protocol": "made for a test",
        "speakerIndependentUar": 0.6,
        "newSpeakers": recall(0.62, "Studio", "Street"),
        "otherCorpora": recall(0.41, "Studio", "Street"),
    } | changes


def write_extractor(directory: Path, **metadata: Any) -> Path:
    """An extractor with the metadata of `mfcc.onnx`; it returns 25 samples as one frame."""
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, [None])
    outputs = [
        helper.make_tensor_value_info("frames", TensorProto.FLOAT, [None, 25]),
        helper.make_tensor_value_info("mfccs", TensorProto.FLOAT, [25]),
    ]
    nodes = [
        helper.make_node("Reshape", ["audio", "shape"], ["frames"]),
        helper.make_node("ReduceMean", ["frames"], ["mfccs"], axes=[0], keepdims=0),
    ]
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 25])
    graph = helper.make_graph(nodes, "extractor", [audio], outputs, [shape])
    (directory / "reference.wav").write_bytes(REFERENCE_CLIP)
    metadata = {"recipe": RECIPE, "reference": REFERENCE, "mistakes": MISTAKES} | metadata
    return _write(directory / "mfcc.onnx", graph, metadata, "speech-emotion-extractor/1")


def reference_entry(name: str, rate: int, channels: int, clip: bytes, **changes: Any) -> Any:
    """The metadata of a reference clip: two frames of prosody, MFCCs from 0 to 24."""
    return {
        "name": name,
        "file": f"{name}.wav",
        "sha256": hashlib.sha256(clip).hexdigest(),
        "sampleRate": rate,
        "channels": channels,
        "samples": 1000,
        "frames": 2,
        "mfccs": REFERENCE["mfccs"],
        "prosody": REFERENCE_PROSODY,
        "tolerance": {"mfccs": 0.5},
        "mistakes": MISTAKES,
    } | changes


def write_recording_extractor(directory: Path, rate: int, **metadata: Any) -> Path:
    """The mean of the channels, every RATE / 25th sample of it as one frame of 25 coefficients.

    Those at 22,050 and 48,000 Hz have reference clips.
    """
    names = ("frames", "mfccs", "prosody", "prosody_statistics")
    shapes: list[list[int | None]] = [[None, 25], [25], [None, 3], [3]]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(names, shapes, strict=True)
    ]
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, [None, None])
    nodes = [
        helper.make_node("ReduceMean", ["audio"], ["mono"], axes=[1], keepdims=0),
        helper.make_node("Slice", ["mono", "zero", "end", "zero", "step"], ["few"]),
        helper.make_node("Reshape", ["few", "shape"], ["frames"]),
        helper.make_node("ReduceMean", ["frames"], ["mfccs"], axes=[0], keepdims=0),
        helper.make_node("Slice", ["frames", "zero", "three", "one"], ["prosody"]),
        helper.make_node("Slice", ["mfccs", "zero", "three"], ["prosody_statistics"]),
    ]
    integers = {"zero": [0], "one": [1], "three": [3], "shape": [-1, 25]}
    integers |= {"step": [rate // 25], "end": [rate // 25 * 25]}
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
        for name, values in integers.items()
    ]
    graph = helper.make_graph(nodes, "extractor", [audio], outputs, constants)
    stages = [] if rate == RECIPE["sampleRate"] else [STAGE]
    metadata = {
        "recipe": RECIPE,
        "recording": {"sampleRate": rate, "downmix": "mean", "resampling": stages},
        "prosody": PROSODY,
        "references": _references(directory, rate),
    } | metadata
    name = f"extractor-{rate}.onnx"
    return _write(directory / name, graph, metadata, "speech-emotion-extractor/2")


def _references(directory: Path, rate: int) -> list[Any]:
    """Writes the reference clips at a sample rate, and returns their metadata."""
    if rate == RECIPE["sampleRate"]:
        return [reference_entry("reference", rate, 1, REFERENCE_CLIP, mistakes=None)]
    if rate != RATE_WITH_CLIPS:
        return []
    clips = {"reference-48000": (1, b"RIFF, mono"), "reference-48000-stereo": (2, b"RIFF, stereo")}
    for name, (_, clip) in clips.items():
        (directory / f"{name}.wav").write_bytes(clip)
    return [reference_entry(name, rate, *clip) for name, clip in clips.items()]


def write_vector_network(
    directory: Path, name: str, n_mfcc: int = 25, members: Members = (), **changes: Any
) -> Path:
    """Softmax of the first three coefficients, clipped; the distance is the largest magnitude.

    members: optional inputs. The first three of `prosody` are added to the coefficients. The
        distance from `baseline` is the largest difference from its means of the coefficients.
    """
    mfccs = helper.make_tensor_value_info("mfccs", TensorProto.FLOAT, ["n", n_mfcc])
    nodes = [
        helper.make_node("Clip", ["mfccs", "low", "high"], ["clipped"]),
        helper.make_node("Slice", ["clipped", "zero", "three", "one"], ["of_mfccs"]),
        *_members_nodes(members, "clipped", axes=None),
        *_head("logits"),
        *_distance("clipped"),
    ]
    inputs = [mfccs, *_members_inputs(members, ["n", len(PROSODY["statistics"])])]
    return _write_network(directory / f"{name}.onnx", nodes, inputs, members, changes)


def write_undefined_distance(directory: Path, name: str, **changes: Any) -> Path:
    """The same; the distance is not a number where coefficients differ, as no probe's do."""
    mfccs = helper.make_tensor_value_info("mfccs", TensorProto.FLOAT, ["n", 25])
    nodes = [
        helper.make_node("Clip", ["mfccs", "low", "high"], ["clipped"]),
        helper.make_node("Slice", ["clipped", "zero", "three", "one"], ["logits"]),
        *_head("logits"),
        helper.make_node("ReduceMax", ["mfccs"], ["largest"], axes=[1], keepdims=0),
        helper.make_node("ReduceMin", ["mfccs"], ["smallest"], axes=[1], keepdims=0),
        helper.make_node("Sub", ["smallest", "largest"], ["difference"]),
        helper.make_node("Sqrt", ["difference"], ["distance"]),
    ]
    return _write_network(directory / f"{name}.onnx", nodes, [mfccs], (), changes)


def write_frame_network(directory: Path, name: str, members: Members = (), **changes: Any) -> Path:
    """The same as the vector network, applied to the mean of the frames."""
    frames = helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["n", "t", 25])
    lengths = helper.make_tensor_value_info("lengths", TensorProto.INT64, ["n"])
    nodes = [
        helper.make_node("Clip", ["frames", "low", "high"], ["clipped"]),
        helper.make_node("ReduceMean", ["clipped"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Slice", ["mean", "zero", "three", "one"], ["of_mfccs"]),
        *_members_nodes(members, "mean", axes=[1]),
        *_head("logits"),
        *_distance("mean"),
    ]
    inputs = [frames, lengths, *_members_inputs(members, ["n", "t", 3])]
    return _write_network(
        directory / f"{name}.onnx", nodes, inputs, members, {"input": "frames"} | changes
    )


def _members_inputs(members: Members, prosody: list[Any]) -> list[onnx.ValueInfoProto]:
    shapes = {"prosody": prosody, "baseline": ["n", 57]}
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in members
    ]


def _members_nodes(members: Members, mfccs: str, axes: list[int] | None) -> list[onnx.NodeProto]:
    """The logits from `of_mfccs` and prosody, and the distance from the baseline."""
    nodes = []
    if "prosody" in members:
        nodes += [
            helper.make_node("Clip", ["prosody", "low", "high"], ["of_prosody"]),
            helper.make_node("ReduceMean", ["of_prosody"], ["pooled"], axes=axes, keepdims=0)
            if axes
            else helper.make_node("Identity", ["of_prosody"], ["pooled"]),
            helper.make_node("Add", ["of_mfccs", "pooled"], ["logits"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["of_mfccs"], ["logits"]))
    if "baseline" in members:
        nodes += [
            helper.make_node("Slice", ["baseline", "zero", "mfccs_end", "one"], ["earlier"]),
            helper.make_node("Clip", ["earlier", "low", "high"], ["earlier_clipped"]),
            helper.make_node("Sub", [mfccs, "earlier_clipped"], ["differences"]),
            helper.make_node("Abs", ["differences"], ["difference_sizes"]),
            helper.make_node("ReduceMax", ["difference_sizes"], ["largest"], axes=[1], keepdims=0),
            helper.make_node("Slice", ["baseline", "clips", "clips_end", "one"], ["clips_column"]),
            helper.make_node("Squeeze", ["clips_column", "one"], ["clip_counts"]),
            helper.make_node("Greater", ["clip_counts", "nothing"], ["is_given"]),
            helper.make_node("Where", ["is_given", "largest", "nothing"], ["baseline_distance"]),
        ]
    return nodes


def _write_network(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    members: Members,
    changes: dict[str, Any],
) -> Path:
    outputs = _outputs()
    if "baseline" in members:
        value = helper.make_tensor_value_info("baseline_distance", TensorProto.FLOAT, ["n"])
        outputs.append(value)
        changes = {"baseline_limit": 5.0} | changes
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, _constants())
    metadata = network_metadata(**changes)
    is_third = {"newSpeakers", "otherCorpora"} & metadata.get("metrics", {}).keys()
    version = 3 if is_third else 2 if members else 1
    return _write(path, graph, metadata, f"speech-emotion-network/{version}")


def _head(logits: str) -> list[onnx.NodeProto]:
    return [helper.make_node("Softmax", [logits], ["probabilities"], axis=-1)]


def _distance(values: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Abs", [values], ["sizes"]),
        helper.make_node("ReduceMax", ["sizes"], ["distance"], axes=[1], keepdims=0),
    ]


def _outputs() -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3]),
        helper.make_tensor_value_info("distance", TensorProto.FLOAT, ["n"]),
    ]


def _constants() -> list[onnx.TensorProto]:
    integers = {"zero": 0, "one": 1, "three": 3, "mfccs_end": 25, "clips": 56, "clips_end": 57}
    return [
        helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0]),
        helper.make_tensor("low", TensorProto.FLOAT, [], [-10.0]),
        helper.make_tensor("high", TensorProto.FLOAT, [], [10.0]),
        *(helper.make_tensor(k, TensorProto.INT64, [1], [v]) for k, v in integers.items()),
    ]


def _write(
    path: Path,
    graph: onnx.GraphProto,
    metadata: dict[str, Any],
    file_format: str = "speech-emotion-network/1",
) -> Path:
    model = helper.make_model(graph, opset_imports=OPSETS, ir_version=9)
    texts = {key: json.dumps(value) for key, value in metadata.items()}
    helper.set_model_props(model, {"format": file_format} | texts)
    path.write_bytes(model.SerializeToString())
    return path
