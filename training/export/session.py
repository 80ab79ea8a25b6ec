"""ONNX Runtime on one thread."""

import onnxruntime


def single_threaded(model: bytes) -> onnxruntime.InferenceSession:
    """The session of an ONNX file, of which this is the content."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
