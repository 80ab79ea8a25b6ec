"""Clients that resample and mix channels in their own ways, told apart over HTTP."""

import io
from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import onnxruntime
import pytest
import scipy.signal
import soundfile
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from tests.support.harness import Server

Audio = NDArray[np.float64]
Resample = Callable[[Audio], Audio]
SOURCE, RATE = 48_000, 22_050
MONO, STEREO = "reference-48000", "reference-48000-stereo"


def places(samples: int) -> Audio:
    return np.arange(int(samples * RATE / SOURCE)) * (SOURCE / RATE)


def soxr(audio: Audio) -> Audio:
    return librosa.resample(audio, orig_sr=SOURCE, target_sr=RATE)


def polyphase(audio: Audio) -> Audio:
    return np.asarray(scipy.signal.resample_poly(audio, 147, 320))


def fourier(audio: Audio) -> Audio:
    return librosa.resample(audio, orig_sr=SOURCE, target_sr=RATE, res_type="fft")


def linear(audio: Audio) -> Audio:
    return np.interp(places(len(audio)), np.arange(len(audio)), audio)


def nearest(audio: Audio) -> Audio:
    return audio[np.round(places(len(audio))).astype(int)]


def cut_index(audio: Audio) -> Audio:
    return audio[places(len(audio)).astype(int)]


def cubic(audio: Audio) -> Audio:
    return np.asarray(CubicSpline(np.arange(len(audio)), audio)(places(len(audio))))


@pytest.fixture(scope="module")
def handshake(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.client.get("/init/configuration").json()
    return found


@pytest.fixture(scope="module")
def clips(server: Server, handshake: dict[str, Any]) -> dict[str, Audio]:
    """The audio (samples, channels) of each reference."""
    contents = {
        reference["name"]: server.client.get(reference["url"]).content
        for reference in handshake["references"]
    }
    return {
        name: soundfile.read(io.BytesIO(content), always_2d=True)[0]
        for name, content in contents.items()
    }


def verdict(server: Server, name: str, audio: Audio, **options: Any) -> dict[str, Any]:
    """The verdict about features that librosa computes from mono audio at 22,050 Hz."""
    speech, _ = librosa.effects.trim(audio.astype(np.float32), top_db=30)
    mfccs = librosa.feature.mfcc(y=speech, sr=RATE, n_mfcc=25, **options).T
    body = {"mfccs": mfccs.tolist(), "reference": name}
    response = server.client.post("/init/verification", json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [mistake["code"] for mistake in found["mistakes"]]


@pytest.mark.parametrize("name", [MONO, STEREO])
@pytest.mark.parametrize("resample", [soxr, polyphase, fourier])
def test_a_proper_filter_agrees(
    server: Server, clips: dict[str, Audio], name: str, resample: Resample
) -> None:
    found = verdict(server, name, resample(clips[name].mean(axis=1)))
    assert (found["verdict"], codes(found)) == ("agreement", [])


@pytest.mark.parametrize("name", [MONO, STEREO])
@pytest.mark.parametrize(
    ("resample", "code"),
    [
        (linear, "resampling-linear"),
        (nearest, "resampling-nearest"),
        (cut_index, "resampling-nearest"),
        (cubic, "resampling-no-low-pass"),
    ],
)
def test_a_resampler_without_a_low_pass_is_named(
    server: Server, clips: dict[str, Audio], name: str, resample: Resample, code: str
) -> None:
    found = verdict(server, name, resample(clips[name].mean(axis=1)))
    assert (found["verdict"], codes(found)) == ("mistake", [code])


@pytest.mark.parametrize(
    ("mix", "code"),
    [
        (lambda stereo: stereo[:, 0], "downmix-one-channel"),
        (lambda stereo: stereo[:, 1], "downmix-one-channel"),
        (lambda stereo: stereo.sum(axis=1), "downmix-sum"),
    ],
)
def test_another_mix_of_the_channels_is_named(
    server: Server, clips: dict[str, Audio], mix: Callable[[Audio], Audio], code: str
) -> None:
    found = verdict(server, STEREO, soxr(mix(clips[STEREO])))
    assert (found["verdict"], codes(found)) == ("mistake", [code])


@pytest.mark.parametrize("name", [MONO, STEREO])
def test_the_mistakes_of_features_are_named_after_a_proper_filter(
    server: Server, clips: dict[str, Audio], name: str
) -> None:
    audio = soxr(clips[name].mean(axis=1))
    assert codes(verdict(server, name, audio, htk=True)) == ["mel-scale-htk"]
    assert codes(verdict(server, name, audio * 32_768)) == ["samples-not-scaled"]
    assert codes(verdict(server, name, audio, n_mels=40)) == ["mel-bands-40"]


def test_linear_resampling_and_one_channel_are_named_together(
    server: Server, clips: dict[str, Audio]
) -> None:
    found = verdict(server, STEREO, linear(clips[STEREO][:, 0]))
    assert sorted(codes(found)) == ["downmix-one-channel", "resampling-linear"]


def test_the_old_reference_cannot_show_how_a_client_resamples(
    server: Server, clips: dict[str, Audio]
) -> None:
    assert verdict(server, "reference", clips["reference"][:, 0])["verdict"] == "agreement"


@pytest.mark.parametrize("name", ["reference", MONO, STEREO])
def test_the_extractors_of_the_handshake_agree(
    server: Server, handshake: dict[str, Any], clips: dict[str, Audio], name: str
) -> None:
    references = {item["name"]: item for item in handshake["references"]}
    extractors = {item["sampleRate"]: item for item in handshake["recordings"]["extractors"]}
    content = server.client.get(extractors[references[name]["sampleRate"]]["url"]).content
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    audio = clips[name].astype(np.float32)
    frames, mfccs, prosody, statistics = session.run(
        handshake["recordings"]["outputs"], {handshake["recordings"]["input"]: audio}
    )
    assert len(statistics) == len(handshake["prosody"]["statistics"])
    assert np.abs(mfccs - references[name]["mfccs"]).max() < references[name]["tolerance"]["mfccs"]
    assert len(frames) == references[name]["frames"]
    body = {"mfccs": frames.tolist(), "prosody": prosody.tolist(), "reference": name}
    found = server.client.post("/init/verification", json=body).json()
    assert (found["verdict"], found["prosody"]["verdict"]) == ("agreement", "agreement")
    assert found["prosody"]["evidence"]["pitchDifference"] < 0.001
