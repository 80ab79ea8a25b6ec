"""Loads the extractor, then answers audio with features until the pipe is closed.

Arguments: the limit of memory in bytes, the largest message in bytes, and the seconds of processor
time for one message.
"""

import os
import sys
from typing import IO

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from speech_emotion_worker import pipes, tensors
from speech_emotion_worker.external_data import refuse_external_data
from speech_emotion_worker.rights import give_up_rights, limit_processor_time

# Of the graph, with their dimensions; a graph of mono audio has the first two.
OUTPUTS = {"frames": 2, "mfccs": 1, "prosody": 2, "prosody_statistics": 1}
# Of a network, for one utterance.
NETWORK_OUTPUTS = {"probabilities": 2, "distance": 1, "baseline_distance": 1}
DIMENSIONS = OUTPUTS | NETWORK_OUTPUTS


def main(memory: int, largest: int, seconds: int) -> None:
    """Serves standard input and output; messages as in `pipes`."""
    source, sink = sys.stdin.buffer, _own_output()
    give_up_rights(memory)
    pipes.send(sink, pipes.READY, b"")
    session: ort.InferenceSession | None = None
    while True:
        try:
            kind, content = pipes.receive(source, largest)
        except pipes.BrokenPipesError:
            return
        limit_processor_time(seconds)
        try:
            if kind == pipes.MODEL:
                session = _load(content)
                pipes.send(sink, pipes.READY, b"")
            else:
                run = _run_network if kind == pipes.TENSORS else _run
                pipes.send(sink, pipes.FEATURES, run(session, content))
        # NOTE: ONNX Runtime's exceptions have no other common base class.
        except Exception as error:  # noqa: BLE001
            pipes.send(sink, pipes.FAILURE, str(error)[:1000].encode(errors="replace"))


def _own_output() -> IO[bytes]:
    """A stream for messages; what native code prints no longer mixes with them."""
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return sink


def _load(model: bytes) -> ort.InferenceSession:
    refuse_external_data(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # SECURITY: nothing can exist below a file, so that external data are never found.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", __file__
    )
    # SECURITY: the check above reads ONNX; ONNX Runtime would recognise its own format too.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return ort.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def _run(session: ort.InferenceSession, content: bytes) -> bytes:
    """The features of the audio as a message of kind FEATURES."""
    channels, count = pipes.REQUEST.unpack_from(content)
    audio = np.frombuffer(content, np.float32, offset=pipes.REQUEST.size)
    if channels:
        audio = audio.reshape(-1, channels)
    names = [*OUTPUTS][:count]
    return b"".join(map(_packed, names, session.run(names, {"audio": audio})))


def _run_network(session: ort.InferenceSession, content: bytes) -> bytes:
    """The outputs of a network for one utterance, as a message of kind FEATURES."""
    inputs, names = tensors.unpack(content)
    return b"".join(map(_packed, names, session.run(names, inputs)))


def _packed(name: str, array: NDArray[np.float32]) -> bytes:
    if array.dtype != np.float32 or array.ndim != DIMENSIONS[name]:
        raise ValueError(f"its output {name} is {array.dtype} of shape {array.shape}")
    rows, columns = array.shape if array.ndim == 2 else (1, *array.shape)
    return pipes.SHAPE.pack(rows, columns) + array.tobytes()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
