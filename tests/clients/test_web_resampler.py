"""The resampler that the web module exports is that of the training recordings."""

import base64

import numpy as np
import pytest
import soxr

from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule

EDGE = 1_000  # samples that depend on what is assumed beyond the ends


def resample(web: WebModule, source: int, target: int) -> np.ndarray:
    answer = web.call_with(noise(1), "resample", **{"from": source, "to": target})
    return np.frombuffer(base64.b64decode(answer["samples"]), np.float32)


@pytest.mark.parametrize("rates", [(48_000, 22_050), (16_000, 22_050), (44_100, 22_050)])
def test_it_has_the_samples_of_soxr(web: WebModule, rates: tuple[int, int]) -> None:
    found, expected = resample(web, *rates), soxr.resample(noise(1), *rates, quality="HQ")
    assert len(found) == round(len(noise(1)) * rates[1] / rates[0])
    inner = slice(EDGE, len(expected) - EDGE)
    error = found[: len(expected)][inner] - expected[inner]
    assert np.sqrt(np.mean(error**2)) < 0.01 * np.sqrt(np.mean(expected[inner] ** 2))


def test_the_same_rate_changes_nothing(web: WebModule) -> None:
    np.testing.assert_array_equal(resample(web, 22_050, 22_050), noise(1))


@pytest.mark.parametrize("rates", [(0, 22_050), (22_050, 192_001), (22_050.5, 22_050)])
def test_a_rate_out_of_range_is_named(web: WebModule, rates: tuple[float, float]) -> None:
    with pytest.raises(WebError, match=r"(from|to) is .*; expected a sample rate in whole Hz"):
        web.call_with(noise(1), "resample", **{"from": rates[0], "to": rates[1]})
