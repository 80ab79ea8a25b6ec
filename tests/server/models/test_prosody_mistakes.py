"""Prosody of the shipped reference clips: right trackers agree, mistakes are named."""

import io
from collections.abc import Callable
from functools import cache

import librosa
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from configuration import ROOT
from server.models.catalog import load_catalog
from server.models.contract.prosody_mistakes import OCTAVE_ERRORS, ProsodyVerdict, ProsodyVerifier
from server.models.contract.references import ReferenceClip

Prosody = NDArray[np.float64]
RATE, HOP = 22_050, 512
HERTZ = 27.5


@cache
def references() -> dict[str, ReferenceClip]:
    contract = load_catalog(ROOT / "models", run_extractors=False).contract
    assert contract
    return {clip.name: clip for clip in contract.references}


@pytest.fixture(params=[*references()])
def clip(request: pytest.FixtureRequest) -> ReferenceClip:
    return references()[request.param]


@pytest.fixture
def right(clip: ReferenceClip) -> Prosody:
    """The reference's own prosody (T, 3)."""
    return np.array(clip.prosody)


def verify(clip: ReferenceClip, prosody: Prosody) -> ProsodyVerdict:
    assert clip.prosody
    return ProsodyVerifier(clip.prosody, HERTZ).verify(prosody.astype(np.float32))


def audio(clip: ReferenceClip) -> NDArray[np.float32]:
    """The trimmed clip (samples,), mono at 22,050 Hz."""
    samples, rate = soundfile.read(io.BytesIO(clip.file.content), always_2d=True)
    mono = librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=RATE)
    return librosa.effects.trim(mono.astype(np.float32), top_db=30)[0]


def level(speech: NDArray[np.float32], hop: int = HOP) -> NDArray[np.float32]:
    power = librosa.feature.rms(y=speech, hop_length=hop)[0] ** 2
    return np.asarray(10 * np.log10(np.maximum(power, 1e-10)))


def of_pyin(clip: ReferenceClip, hop: int = HOP) -> Prosody:
    speech = audio(clip)
    pitch, is_voiced, voicing = librosa.pyin(speech, fmin=60, fmax=500, sr=RATE, hop_length=hop)
    log_f0 = np.where(is_voiced, np.log2(np.nan_to_num(pitch, nan=HERTZ) / HERTZ), 0)
    return np.stack([log_f0, voicing, level(speech, hop)], axis=1)


def of_yin(clip: ReferenceClip, *, is_voiced: NDArray[np.bool_]) -> Prosody:
    """YIN does not decide on voicing."""
    speech = audio(clip)
    pitch = librosa.yin(speech, fmin=60, fmax=500, sr=RATE, hop_length=HOP)
    log_f0 = np.where(is_voiced, np.log2(pitch / HERTZ), 0)
    return np.stack([log_f0, is_voiced, level(speech)], axis=1)


def test_pyin_agrees(clip: ReferenceClip) -> None:
    verdict = verify(clip, of_pyin(clip))
    assert (verdict.outcome, verdict.differs_in) == ("agreement", ())
    assert verdict.pitch.difference < 0.025  # half of the tolerance
    assert verdict.level.difference < 0.75


def test_yin_agrees_if_unvoiced_frames_are_zero(clip: ReferenceClip, right: Prosody) -> None:
    loud = right[:, 2] > right[:, 2].max() - 25
    assert verify(clip, of_yin(clip, is_voiced=loud)).outcome == "agreement"
    always = of_yin(clip, is_voiced=np.ones_like(loud))
    assert verify(clip, always).codes == ("unvoiced-not-zero",)


@pytest.mark.parametrize("hop", [220, 256, 1_024])
def test_another_hop_is_told_by_the_number_of_rows(clip: ReferenceClip, hop: int) -> None:
    verdict = verify(clip, of_pyin(clip, hop))
    assert verdict.codes == ("prosody-hop-length",)
    assert verdict.differs_in == ()


def pitch(convert: Callable[[Prosody], Prosody], unvoiced: float = 0.0) -> Callable[..., Prosody]:
    """Prosody with another function of the pitch in hertz."""

    def changed(right: Prosody) -> Prosody:
        hertz = HERTZ * 2 ** right[:, 0]
        log_f0 = np.where(right[:, 0] > 0, convert(hertz), unvoiced)
        return np.column_stack([log_f0, right[:, 1:]])

    return changed


def levels(convert: Callable[[Prosody], Prosody]) -> Callable[..., Prosody]:
    return lambda right: np.column_stack([right[:, :2], convert(right[:, 2])])


def in_part(octaves: int) -> Callable[..., Prosody]:
    """Octave errors in a quarter of the voiced frames."""

    def changed(right: Prosody) -> Prosody:
        wrong = right.copy()
        wrong[np.flatnonzero(right[:, 0])[::4], 0] += octaves
        return wrong

    return changed


MISTAKES: dict[str, tuple[Callable[..., Prosody], tuple[str, ...]]] = {
    "hertz": (pitch(lambda f: f), ("pitch-in-hertz",)),
    "hertz, -1": (pitch(lambda f: f, -1), ("pitch-in-hertz", "unvoiced-not-zero")),
    "nepers": (pitch(lambda f: np.log(f / HERTZ)), ("pitch-natural-logarithm",)),
    "logarithm of hertz": (pitch(np.log), ("pitch-natural-logarithm",)),
    "with a floor": (
        pitch(np.log, np.log(1e-10)),
        ("pitch-natural-logarithm", "unvoiced-not-zero"),
    ),
    "semitones": (pitch(lambda f: 12 * np.log2(f / HERTZ)), ("pitch-in-semitones",)),
    "semitones of 100 Hz": (pitch(lambda f: 12 * np.log2(f / 100)), ("pitch-in-semitones",)),
    "notes": (pitch(lambda f: 69 + 12 * np.log2(f / 440)), ("pitch-in-semitones",)),
    "octaves of 1 Hz": (pitch(np.log2), ("pitch-reference-frequency",)),
    "half": (pitch(lambda f: np.log2(f / 2 / HERTZ)), ("pitch-octave-low",)),
    "half in part": (in_part(-1), ("pitch-octave-low",)),
    "double in part": (in_part(1), ("pitch-octave-high",)),
    "double in hertz": (pitch(lambda f: 2 * f), ("pitch-in-hertz", "pitch-octave-high")),
    "lowest pitch": (pitch(lambda f: np.log2(f / HERTZ), 1.1), ("unvoiced-not-zero",)),
    "amplitudes": (levels(lambda db: 10 ** (db / 20)), ("level-not-decibels",)),
    "powers": (levels(lambda db: 10 ** (db / 10)), ("level-not-decibels",)),
    "bels": (levels(lambda db: db / 10), ("level-not-decibels",)),
    "natural logarithms": (levels(lambda db: db * np.log(10) / 20), ("level-not-decibels",)),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(clip: ReferenceClip, right: Prosody, name: str) -> None:
    make, codes = MISTAKES[name]
    verdict = verify(clip, make(right))
    assert (verdict.outcome, verdict.codes, verdict.differs_in) == ("mistake", codes, ())


def test_the_share_of_octave_errors_is_evidence(clip: ReferenceClip, right: Prosody) -> None:
    found = verify(clip, in_part(-1)(right)).pitch
    assert found.low == pytest.approx(0.25, abs=0.02)
    assert found.high == 0
    few = right.copy()
    voiced = np.flatnonzero(right[:, 0])
    few[voiced[: int(len(voiced) * OCTAVE_ERRORS / 2)], 0] += 1
    assert verify(clip, few).outcome == "agreement"


def test_a_mistake_does_not_hide_another_difference(clip: ReferenceClip, right: Prosody) -> None:
    wrong = np.add(pitch(lambda f: f)(right), [0, 0, 20])
    verdict = verify(clip, wrong)
    assert (verdict.outcome, verdict.codes) == ("mistake", ("pitch-in-hertz",))
    assert verdict.differs_in == ("level",)


@pytest.mark.parametrize(
    ("change", "differs_in"),
    [
        (lambda right: np.add(right, [0, 0, 4]), ("level",)),
        (lambda right: right * [1, 100, 1], ("voicing",)),
        (lambda right: right[:-2], ("rows",)),
        (lambda right: right * [0, 1, 1], ("pitch",)),
        (lambda right: np.add(right, [0.06, 0, 0]), ("pitch",)),
        (lambda right: np.full((3_000, 3), 3e38), ("rows", "pitch", "voicing", "level")),
        (lambda right: np.full((1, 3), -3e38), ("rows", "pitch", "voicing", "level")),
    ],
)
def test_what_no_mistake_explains_is_unrecognised(
    clip: ReferenceClip,
    right: Prosody,
    change: Callable[[Prosody], Prosody],
    differs_in: tuple[str, ...],
) -> None:
    verdict = verify(clip, change(right))
    assert (verdict.outcome, verdict.differs_in) == ("unrecognised", differs_in)
