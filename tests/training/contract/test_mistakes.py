"""The verifier names the mistakes of clients that share no code with the fingerprints."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import scipy.signal
import soundfile
import soxr

from configuration import ROOT
from server.models.contract.mistakes import KnownMistakes, Verdict, Verifier
from tests.support.models.shipped import metadata_of
from tests.training.contract import wrong_clients
from tests.training.contract.wrong_clients import Array, Client, audio, frames, spectra, trimmed
from training.contract.mistakes import MISTAKES, OUTWARD_MISTAKES
from training.features.extractor import Extractor

MODEL = ROOT / "models" / "mfcc.onnx"
RATE = 22_050
SINGLE = [
    *wrong_clients.sample_mistakes(),
    *wrong_clients.framing_mistakes(),
    *wrong_clients.spectral_mistakes(),
    *wrong_clients.cepstral_mistakes(),
]
PAIRS = wrong_clients.pairs()


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    metadata = metadata_of(MODEL)
    return Verifier(msgspec.json.decode(metadata["mistakes"], type=KnownMistakes))


def judge(verifier: Verifier, sent: Array) -> Verdict:
    return verifier.verify(sent.astype(np.float32))


def codes(verdict: Verdict) -> set[str]:
    return {mistake.code for mistake in verdict.mistakes}


def forms(sent: Array) -> list[Array]:
    """The forms in which a client can send features: the vector, and frames if it has them."""
    return [sent] if sent.ndim == 1 else [sent.mean(axis=0), sent]


@pytest.mark.parametrize(
    ("code", "client"),
    [pytest.param(code, client, id=f"{code} {how}") for code, how, client in SINGLE],
)
def test_a_mistake_is_named(verifier: Verifier, code: str, client: Client) -> None:
    for sent in forms(client()):
        verdict = judge(verifier, sent)
        assert (verdict.outcome, codes(verdict)) == ("mistake", {code})


@pytest.mark.parametrize(
    ("both", "client"),
    [pytest.param(both, client, id=" ".join(sorted(both))) for both, client in PAIRS],
)
def test_two_mistakes_are_named(verifier: Verifier, both: set[str], client: Client) -> None:
    for sent in forms(client()):
        assert codes(judge(verifier, sent)) == both


def test_the_wrong_clients_cover_every_known_mistake() -> None:
    known = {mistake.code for mistake in (*MISTAKES, *OUTWARD_MISTAKES)}
    made = {code for code, _, _ in SINGLE}
    assert known - made == {"transposed-frames"}


def test_transposed_frames_are_named(verifier: Verifier) -> None:
    assert codes(judge(verifier, frames().T)) == {"transposed-frames"}


def right_clients() -> dict[str, Client]:
    """The recipe with other resamplers, windows and libraries."""
    y = audio()

    def through(there: Array, rate: int) -> Array:
        return frames(trimmed(soxr.resample(there, rate, RATE)))

    def polyphase(up: int, down: int) -> Array:
        there = scipy.signal.resample_poly(y, up, down)
        return frames(trimmed(scipy.signal.resample_poly(there, down, up).astype(np.float32)))

    return {
        "librosa": frames,
        "scipy": lambda: wrong_clients.cepstra(wrong_clients.decibels(spectra())),
        "through 48 kHz, soxr": lambda: through(soxr.resample(y, RATE, 48_000), 48_000),
        "through 44.1 kHz, soxr MQ": lambda: through(soxr.resample(y, RATE, 44_100, "MQ"), 44_100),
        "through 48 kHz, scipy": lambda: polyphase(320, 147),
        "through 44.1 kHz, scipy": lambda: polyphase(2, 1),
        "symmetric Hann window": lambda: wrong_clients.cepstra(
            wrong_clients.decibels(spectra(np.hanning(2_048)))
        ),
        "the extractor": lambda: Extractor.load(MODEL.read_bytes()).extract(y)[0],
    }


@pytest.mark.parametrize("name", right_clients())
def test_the_right_recipe_is_accepted(verifier: Verifier, name: str) -> None:
    for sent in forms(right_clients()[name]()):
        assert judge(verifier, sent).outcome == "agreement"


def test_24_bit_files_of_the_clip_are_accepted(verifier: Verifier, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "clip.wav", audio(), RATE, subtype="PCM_24")
    again, _ = soundfile.read(tmp_path / "clip.wav", dtype="float32")
    assert judge(verifier, frames(trimmed(again))).outcome == "agreement"


@pytest.mark.parametrize("seed", range(50))
def test_a_perturbed_vector_matches_no_mistake(verifier: Verifier, seed: int) -> None:
    random = np.random.default_rng(seed)
    right = frames().mean(axis=0)
    perturbed = right + random.normal(0, 10 ** random.uniform(-1, 2), right.shape)
    assert codes(judge(verifier, perturbed)) == set()


@pytest.mark.parametrize("seed", range(50))
def test_a_perturbed_mistake_is_not_confused_with_another(verifier: Verifier, seed: int) -> None:
    random = np.random.default_rng(seed)
    code, _, client = SINGLE[random.integers(len(SINGLE))]
    sent = forms(client())[0]
    perturbed = sent * (1 + random.normal(0, 10 ** random.uniform(-4, -1), sent.shape))
    assert codes(judge(verifier, perturbed)) <= {code}


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4, 1e30])
@pytest.mark.parametrize("coefficients", [1, 2, 7, 13, 24, 25, 26, 128])
def test_garbage_is_unrecognised(verifier: Verifier, coefficients: int, scale: float) -> None:
    garbage = np.random.default_rng(coefficients).normal(1, scale, (40, coefficients))
    for sent in forms(garbage):
        assert judge(verifier, sent).outcome == "unrecognised"


def test_other_speech_is_unrecognised(verifier: Verifier) -> None:
    backwards = audio()[::-1][: 2 * RATE].copy()
    assert judge(verifier, frames(trimmed(backwards))).outcome == "unrecognised"


def test_too_few_coefficients_are_unrecognised(verifier: Verifier) -> None:
    assert judge(verifier, frames(n_mfcc=5)).outcome == "unrecognised"


def test_a_wrong_number_of_frames_excludes_agreement(verifier: Verifier) -> None:
    repeated = np.repeat(frames(), 2, axis=0)
    assert judge(verifier, repeated.mean(axis=0)).outcome == "agreement"
    verdict = judge(verifier, repeated)
    assert verdict.outcome == "unrecognised"
    assert verdict.right.excluded
    assert verdict.right.difference < verdict.right.tolerance


def test_the_verdict_contains_the_distances(verifier: Verifier) -> None:
    verdict = judge(verifier, frames(htk=True).mean(axis=0))
    assert verdict.nearest.codes == ("mel-scale-htk",)
    assert verdict.nearest.distance < 0.1
    assert verdict.right.difference > 10
    assert verdict.runner_up is not None
    assert verdict.runner_up.distance > 1.5


def test_a_gain_is_measured(verifier: Verifier) -> None:
    verdict = judge(verifier, frames(trimmed(audio() / 2)))
    assert verdict.nearest.gain_decibels == pytest.approx(-6.02, abs=0.05)
