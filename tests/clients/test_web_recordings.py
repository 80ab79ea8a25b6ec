"""The extractors for recordings in onnxruntime-web, run in Node."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from server.settings import load_settings
from tests.support.models.shipped import metadata_of
from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule
from training.arrays import Float32

RECIPE = {"sampleRate": 22_050, "hopLength": 512, "nMfcc": 25}
RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]
TOLERANCE = 0.005
SECONDS = 0.7


def path_for(rate: int) -> Path:
    return load_settings().models.directory / f"extractor-{rate}.onnx"


def load(web: WebModule, rate: int) -> None:
    path = path_for(rate)
    recording = {"sampleRate": rate, "prosody": json.loads(metadata_of(path)["prosody"])}
    web.call("load", model=str(path), recipe=RECIPE, recording=recording)


def voice(rate: int, channels: int) -> Float32:
    """Pulses at 150 Hz, then noise: (samples, channels); the channels differ."""
    count = int(SECONDS * rate)
    pulses = (np.arange(count) % (rate // 150) < 4).astype(np.float32) * np.float32(0.5)
    pulses[2 * count // 3 :] = 0.2 * noise(SECONDS, rate)[: count - 2 * count // 3]
    other = 0.3 * noise(SECONDS, rate)[:count]
    return np.stack([pulses, other], axis=1)[:, :channels].astype(np.float32)


def assert_equal_to_onnxruntime(found: list[Float32], audio: Float32, rate: int) -> None:
    session = onnxruntime.InferenceSession(path_for(rate), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"audio": audio})
    assert [values.shape for values in found] == [values.shape for values in expected]
    for values, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, wanted, atol=TOLERANCE)


@pytest.mark.parametrize("rate", RATES)
def test_each_rate_agrees_with_onnxruntime_on_this_machine(web: WebModule, rate: int) -> None:
    load(web, rate)
    mono = voice(rate, 1)
    assert_equal_to_onnxruntime(web.outputs(mono[:, 0]), mono, rate)
    stereo = voice(rate, 2)
    assert_equal_to_onnxruntime(web.outputs(stereo), stereo, rate)


def test_the_pitch_of_a_voice_is_found(web: WebModule) -> None:
    load(web, 48_000)
    prosody = web.outputs(voice(48_000, 1)[:, 0])[2]
    hertz = 27.5 * 2 ** prosody[2:13, 0]
    np.testing.assert_allclose(hertz, 150, rtol=0.01)


@pytest.mark.parametrize("channels", [0, 3, 1.5])
def test_refuses_other_numbers_of_channels(web: WebModule, channels: float) -> None:
    load(web, 48_000)
    message = f"AudioError: The audio has {channels} channels; expected 1 to 2"
    with pytest.raises(WebError, match=message):
        web.call_with(noise(1), "extract", channels=channels)


def test_refuses_half_a_sample_of_two_channels(web: WebModule) -> None:
    load(web, 48_000)
    with pytest.raises(WebError, match="has 9601 samples; expected a multiple of 2"):
        web.call_with(np.zeros(9_601, np.float32), "extract", channels=2)


def test_the_length_is_that_of_each_channel(web: WebModule) -> None:
    load(web, 48_000)
    with pytest.raises(WebError, match=r"AudioTooShortError: The audio is 0\.090 s long"):
        web.outputs(np.zeros((4_320, 2), np.float32))


def test_the_old_extractor_takes_one_channel(web: WebModule) -> None:
    path = load_settings().models.directory / "mfcc.onnx"
    web.call("load", model=str(path), recipe=RECIPE)
    with pytest.raises(WebError, match="has 2 channels; expected 1"):
        web.call_with(noise(1), "extract", channels=2)
