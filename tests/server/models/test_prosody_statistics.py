"""The server pools prosody as the training and the extractor do."""

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from configuration import ROOT
from server.models.contract.prosody_statistics import prosody_pooling
from training.features.recordings.statistics import STATISTICS, prosody_statistics

EXTRACTOR = ROOT / "models" / "extractor-22050.onnx"
RATE = 22_050
FRAMES = st.integers(1, 40).flatmap(
    lambda count: st.tuples(
        arrays.arrays(np.float32, count, elements=st.just(0.0) | st.floats(1.125, 4.25, width=32)),
        arrays.arrays(np.float32, count, elements=st.floats(0, 1, width=32, allow_subnormal=False)),
        arrays.arrays(
            np.float32, count, elements=st.floats(-100, 0, width=32, allow_subnormal=False)
        ),
    )
)


@given(FRAMES)
@settings(max_examples=100, deadline=None)
def test_the_statistics_are_those_of_the_training(columns: tuple[NDArray[np.float32], ...]) -> None:
    prosody = np.stack(columns, axis=1)
    found = prosody_pooling(STATISTICS)(prosody)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, prosody_statistics(prosody), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seconds", [0.01, 1.0, 3.0])
def test_the_statistics_are_those_of_the_extractor(seconds: float) -> None:
    """A gliding tone that becomes louder, with noise."""
    random = np.random.default_rng(0)
    times = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * (120 + 30 * times) * times) * (0.1 + 0.1 * times)
    audio = (tone + random.normal(0, 0.005, len(times))).astype(np.float32)
    session = ort.InferenceSession(EXTRACTOR)
    prosody, expected = session.run(["prosody", "prosody_statistics"], {"audio": audio[:, None]})
    assert (seconds < 1) or (prosody[:, 0] > 0).any()
    found = prosody_pooling(STATISTICS)(prosody)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_the_order_is_that_of_the_names() -> None:
    prosody = np.array([[2.0, 0.5, -10.0], [0.0, 0.1, -14.0]], np.float32)
    pool = prosody_pooling(["levelDeviation", "voicedShare", "f0Percentile50"])
    assert pool(prosody).tolist() == [2.0, 0.5, 2.0]


def test_an_unknown_statistic_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\['jitter'\] are not known; expected some of f0Dev"):
        prosody_pooling(["f0Slope", "jitter"])


def test_the_largest_numbers_are_pooled_to_finite_ones() -> None:
    largest = float(np.finfo(np.float32).max)
    prosody = np.array([[largest, -largest, largest], [1.0, largest, -largest]], np.float32)
    assert np.isfinite(prosody_pooling(STATISTICS)(prosody)).all()
