"""The verifier names wrong resampling and wrong downmix of the references at 48 kHz."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
import scipy.signal

from configuration import ROOT
from server.models.contract.mistakes import KnownMistakes, Verdict, Verifier
from server.problems import messages
from tests.support.models.shipped import metadata_of
from tests.training.contract import recording_clients
from tests.training.contract.recording_clients import (
    MONO,
    SOURCE,
    STEREO,
    Resampler,
    bad_downmixes,
    bad_resamplers,
    features,
    good_resamplers,
    mono,
    recording,
    resampled,
    wrong_features,
)
from tests.training.contract.wrong_clients import Array, frames, trimmed
from training.contract.mistakes import OUTWARD_MISTAKES
from training.contract.recording_mistakes import (
    DOWNMIX_MISTAKES,
    PROSODY_MISTAKES,
    RESAMPLING_MISTAKES,
)
from training.features.recordings.files import RecordingExtractor

MODEL = ROOT / "models" / "extractor-48000.onnx"
NAMES = (MONO, STEREO)
RESAMPLING = [pytest.param(code, how, id=f"{code} {how}") for code, how, _ in bad_resamplers()]
DOWNMIXES = [pytest.param(code, how, id=f"{code} {how}") for code, how, _ in bad_downmixes()]
FEATURES = [pytest.param(code, how, id=f"{code} {how}") for code, how, _ in wrong_features(MONO)]


@pytest.fixture(scope="module")
def references() -> dict[str, dict[str, Any]]:
    """The metadata of each reference, by name."""
    metadata = metadata_of(MODEL)
    return {entry["name"]: entry for entry in json.loads(metadata["references"])}


@pytest.fixture(scope="module")
def verifiers(references: dict[str, dict[str, Any]]) -> dict[str, Verifier]:
    known = {
        name: msgspec.convert(entry["mistakes"], type=KnownMistakes)
        for name, entry in references.items()
    }
    for mistakes in known.values():
        mistakes.check(25)
    return {name: Verifier(mistakes) for name, mistakes in known.items()}


def judge(verifier: Verifier, sent: Array) -> Verdict:
    return verifier.verify(sent.astype(np.float32))


def named(verdict: Verdict) -> set[str]:
    return {mistake.code for mistake in verdict.mistakes}


def forms(sent: Array) -> list[Array]:
    """The forms in which a client can send features: the vector, and frames if it has them."""
    return [sent] if sent.ndim == 1 else [sent.mean(axis=0), sent]


def chosen(cases: list[tuple[str, str, Any]], code: str, how: str) -> Any:
    return next(made for c, h, made in cases if (c, h) == (code, how))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("resampler", good_resamplers())
def test_every_usual_filter_agrees(
    verifiers: dict[str, Verifier], name: str, resampler: str
) -> None:
    for sent in forms(features(good_resamplers()[resampler](mono(name)))):
        assert judge(verifiers[name], sent).outcome == "agreement"


@pytest.mark.parametrize("name", NAMES)
def test_the_extractor_agrees(verifiers: dict[str, Verifier], name: str) -> None:
    actual = RecordingExtractor.load(MODEL.read_bytes()).extract(recording(name))
    for sent in (actual.mfccs, actual.frames):
        verdict = judge(verifiers[name], sent)
        assert verdict.outcome == "agreement"
        assert verdict.right.difference < 0.1 * verdict.right.tolerance + 0.01


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("code", "how"), RESAMPLING)
def test_resampling_without_a_filter_is_named(
    verifiers: dict[str, Verifier], name: str, code: str, how: str
) -> None:
    resample: Resampler = chosen(bad_resamplers(), code, how)
    for sent in forms(features(resample(mono(name)))):
        verdict = judge(verifiers[name], sent)
        assert (verdict.outcome, named(verdict)) == ("mistake", {code})


@pytest.mark.parametrize(("code", "how"), DOWNMIXES)
def test_a_wrong_downmix_is_named(verifiers: dict[str, Verifier], code: str, how: str) -> None:
    channel = chosen(bad_downmixes(), code, how)()
    for resample in (good_resamplers()["soxr HQ"], good_resamplers()["scipy polyphase"]):
        for sent in forms(features(resample(channel))):
            verdict = judge(verifiers[STEREO], sent)
            assert (verdict.outcome, named(verdict)) == ("mistake", {code})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("code", "how"), FEATURES)
def test_a_mistake_in_the_features_is_named(
    verifiers: dict[str, Verifier], name: str, code: str, how: str
) -> None:
    sent = chosen(wrong_features(name), code, how)()
    for form in [sent] if code == "transposed-frames" else forms(sent):
        verdict = judge(verifiers[name], form)
        assert (verdict.outcome, named(verdict)) == ("mistake", {code})


def test_the_clients_make_every_mistake_of_recordings() -> None:
    made = {code for code, _, _ in (*bad_resamplers(), *bad_downmixes(), *wrong_features(MONO))}
    new = {mistake.code for mistake in (*RESAMPLING_MISTAKES, *DOWNMIX_MISTAKES)}
    assert new | {mistake.code for mistake in OUTWARD_MISTAKES} <= made


def test_the_document_names_the_mistakes_that_the_server_finds_in_prosody() -> None:
    assert list(PROSODY_MISTAKES) == list(messages.PROSODY_MISTAKES)


@pytest.mark.parametrize("resampler", ["np.interp", "zoom"])
def test_one_channel_resampled_without_a_filter_has_both_mistakes(
    verifiers: dict[str, Verifier], resampler: str
) -> None:
    code = "resampling-linear" if resampler == "np.interp" else "resampling-nearest"
    resample: Resampler = chosen(bad_resamplers(), code, resampler)
    verdict = judge(verifiers[STEREO], features(resample(recording(STEREO)[:, 0])))
    assert named(verdict) == {"downmix-one-channel", code}


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        ("silence-not-trimmed", frames),
        ("mel-scale-htk", lambda audio: frames(trimmed(audio), htk=True)),
        ("mel-bands-40", lambda audio: frames(trimmed(audio), n_mels=40)),
        ("amplitude-scale", lambda audio: frames(trimmed(audio / 3))),
        ("samples-not-scaled", lambda audio: frames(trimmed(audio * 32_768))),
    ],
)
def test_linear_resampling_with_a_mistake_in_the_features_has_both(
    verifiers: dict[str, Verifier], code: str, sent: Any
) -> None:
    audio = recording_clients.by_numpy(mono(MONO)).astype(np.float32)
    assert named(judge(verifiers[MONO], sent(audio))) == {"resampling-linear", code}


@pytest.mark.parametrize("hertz", [7_000, 9_500, 12_000])
def test_a_filter_that_removes_too_much_or_too_little_does_not_agree(
    verifiers: dict[str, Verifier], hertz: int
) -> None:
    """A gentle filter before linear interpolation: some alias, or some of the speech is lost."""
    numerator, denominator = scipy.signal.butter(2, hertz / (SOURCE / 2))
    filtered = scipy.signal.lfilter(numerator, denominator, mono(MONO))
    sent = features(recording_clients.by_numpy(filtered))
    assert judge(verifiers[MONO], sent).outcome != "agreement"


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", NAMES)
def test_a_perturbed_vector_matches_no_mistake(
    verifiers: dict[str, Verifier], name: str, seed: int
) -> None:
    random = np.random.default_rng(seed)
    right = features(resampled(name)).mean(axis=0)
    perturbed = right + random.normal(0, 10 ** random.uniform(-1, 2), right.shape)
    assert named(judge(verifiers[name], perturbed)) == set()


def test_features_of_another_reference_are_unrecognised(verifiers: dict[str, Verifier]) -> None:
    assert judge(verifiers[STEREO], features(resampled(MONO))).outcome == "unrecognised"
    assert judge(verifiers[MONO], features(resampled(STEREO))).outcome == "unrecognised"
