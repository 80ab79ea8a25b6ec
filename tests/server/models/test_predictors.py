"""A batch in several runs has the scores of a single run; the shipped networks."""

import numpy as np
import onnxruntime as ort
import pytest

from configuration import ROOT
from server.models.batch_predictors import (
    FRAMES_PER_CALL,
    frame_batch_predictor,
    vector_batch_predictor,
)
from server.models.files import read_file
from server.models.onnx import open_model
from server.models.predictors import OUTPUTS, OptionalInput

FORMATS = ("speech-emotion-network/1", "speech-emotion-network/3")
RANDOM = np.random.default_rng(1)


def session(name: str) -> ort.InferenceSession:
    file = read_file(ROOT / "models" / f"{name}.onnx")
    return open_model(file.content, *FORMATS).session


@pytest.mark.parametrize("name", ["DNN", "CNN"])
def test_vectors_in_several_runs_have_the_scores_of_one(name: str) -> None:
    network = session(name)
    vectors = RANDOM.normal(-20, 60, (700, 25)).astype(np.float32)
    expected = network.run(OUTPUTS, {"mfccs": vectors})
    found = vector_batch_predictor(network, expected[0].shape[1])(vectors, None)
    np.testing.assert_allclose(found.probabilities, expected[0], atol=1e-6)
    np.testing.assert_allclose(found.distance, expected[1], rtol=1e-5)


def test_frames_in_several_runs_have_the_scores_of_one() -> None:
    network = session("TCN")
    frames = RANDOM.normal(-20, 60, (9, FRAMES_PER_CALL // 4, 25)).astype(np.float32)
    lengths = RANDOM.integers(1, frames.shape[1], 9)
    optional = (OptionalInput("prosody", 3, per_frame=True), OptionalInput("baseline", 57))
    zeros = {member.name: member.zeros(*frames.shape[:2]) for member in optional}
    feed = {"frames": frames, "lengths": lengths, **zeros}
    expected = network.run(OUTPUTS, feed)
    found = frame_batch_predictor(network, expected[0].shape[1], optional)(frames, lengths)
    np.testing.assert_allclose(found.probabilities, expected[0], atol=1e-6)
    np.testing.assert_allclose(found.distance, expected[1], rtol=1e-5)
