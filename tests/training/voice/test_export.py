"""The exported network, and the distance from a baseline."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from scipy.special import softmax

from configuration import ROOT
from training.arrays import Float32
from training.calibration import Temperature
from training.examples import Examples
from training.export.deployable import deployable_model
from training.export.deployable_voice import DeployableVoice
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features.cache import ORIGINAL
from training.protocols.results import MFCCS_ALONE
from training.systems.base.system import Caches
from training.systems.dnn_prosody import FittedVoice
from training.voice.baseline_distance import BaselineError, Discriminant
from training.voice.clips import ALL, FORMS, voice_rows
from training.voice.identification import identify
from training.voice.summary import split

TEMPERATURES = {
    MFCCS_ALONE: Temperature(1.3, 0.4),
    "prosody": Temperature(0.9, 0.2),
    "baseline": Temperature(1.1),
    "prosody and baseline": Temperature(0.7, 0.5),
}
Answer = Callable[[Float32], list[Float32]]


@pytest.fixture(scope="module")
def deployable(fitted: FittedVoice, distance: Distance) -> DeployableVoice:
    model = deployable_model(fitted, distance, TEMPERATURES)
    assert isinstance(model, DeployableVoice)
    return model


@pytest.fixture(scope="module")
def rows(voices: Examples, caches: Caches) -> Float32:
    """Every clip with prosody and a baseline."""
    return np.stack(voice_rows(voices, range(len(voices.targets)), caches.features, ALL))


@pytest.fixture(scope="module")
def answer(
    deployable: DeployableVoice, rows: Float32, tmp_path_factory: pytest.TempPathFactory
) -> Answer:
    """Runs the exported file; the export itself compares every form of request with PyTorch."""
    path = tmp_path_factory.mktemp("export") / "network.onnx"
    export_network(deployable, {"format": "test"}, list(rows), path)
    session = onnxruntime.InferenceSession(path)
    names = [node.name for node in session.get_inputs()]
    assert names == ["mfccs", "prosody", "baseline"]
    assert [node.name for node in session.get_outputs()][-1] == "baseline_distance"
    return lambda given: list(session.run(None, dict(zip(names, split(given), strict=True))))


def test_the_file_agrees_with_the_fitted_network(
    voices: Examples, caches: Caches, fitted: FittedVoice, answer: Answer
) -> None:
    for form, temperature in TEMPERATURES.items():
        folder = form if form in FORMS else ORIGINAL.folder
        clips = voice_rows(voices, range(20), caches.features, folder)
        found, distances, _ = answer(np.stack(clips))
        logits = fitted.logits(clips) / temperature.of(distances)[:, None]
        np.testing.assert_allclose(found, softmax(logits, axis=1), atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_each_input_changes_the_answer(
    form: str, voices: Examples, caches: Caches, answer: Answer
) -> None:
    alone, given = (
        np.stack(voice_rows(voices, range(20), caches.features, name))
        for name in ("original", form)
    )
    assert np.abs(answer(alone)[0] - answer(given)[0]).max() > 0.01


def test_without_a_baseline_its_distance_is_zero(rows: Float32, answer: Answer) -> None:
    strangers = rows.copy()
    strangers[:, -57:] = 0
    assert (answer(strangers)[2] == 0).all()
    assert (answer(rows)[2] > 0).all()


@pytest.mark.parametrize("part", [slice(0, 25), slice(25, 37), slice(37, 94), slice(0, 94)])
def test_outputs_are_finite_for_any_finite_input(
    part: slice, rows: Float32, answer: Answer
) -> None:
    random = np.random.default_rng(0)
    extreme = np.repeat(rows[:1], 200, axis=0)
    shape = extreme[:, part].shape
    scales = 10.0 ** random.uniform(-38, 38.5, (shape[0], 1))
    extreme[:, part] = random.choice([-1, 1], shape) * scales
    probabilities, distance, baseline_distance = answer(extreme)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(distance).all()
    assert np.isfinite(baseline_distance).all()
    assert (baseline_distance >= 0).all()


def test_the_distance_tells_another_speaker(voices: Examples) -> None:
    folds = (("00", "01", "02"), ("03", "04", "05"), ("06", "07"))
    moved = voices.recordings.copy()
    moved[:, :25] += 40 * np.sin(np.arange(25)).astype(np.float32)  # another microphone
    found = identify(voices.recordings, moved, voices.speakers, folds)
    for shares in (found.mfccs, found.prosody):
        assert shares.own <= 0.05
        assert shares.other_speaker > 0.7
        assert shares.telephone > 0.7


def test_a_corpus_of_one_speaker_is_told(voices: Examples) -> None:
    alone = voices.where(voices.of(["00"]))
    with pytest.raises(BaselineError, match="1 of 1 speakers with more than one recording"):
        Discriminant.fit(alone.recordings, alone.speakers)


def test_folds_of_one_speaker_are_told(voices: Examples) -> None:
    rows, folds = voices.recordings, [("00",), ("01",)]
    with pytest.raises(BaselineError, match="2 folds of one speaker each"):
        identify(rows, rows, voices.speakers, folds)


def test_speakers_with_one_recording_do_not_count(voices: Examples) -> None:
    names = voices.speakers.copy()
    names[0] = "once"
    without = Discriminant.fit(voices.recordings[1:], names[1:])
    np.testing.assert_array_equal(Discriminant.fit(voices.recordings, names).spoken, without.spoken)


def facts(path: Path) -> dict[str, str]:
    session = onnxruntime.InferenceSession(path)
    return dict(session.get_modelmeta().custom_metadata_map)


def test_the_committed_file_says_what_each_missing_input_costs() -> None:
    found = facts(ROOT / "models" / "DNN-prosody.onnx")
    metrics = json.loads(found["metrics"])
    several = "otherCorpora" in metrics
    assert found["format"] == f"speech-emotion-network/{3 if several else 2}"
    alone = metrics["speakerIndependentUar"]
    recalls = {
        " and ".join(f["given"]): f["speakerIndependentUar"] for f in metrics["optionalMembers"]
    }
    assert recalls.keys() == FORMS.keys()
    assert recalls["prosody"] > alone + 0.02
    assert recalls["baseline"] > alone + 0.02
    assert recalls[ALL] > max(recalls["prosody"], recalls["baseline"])


@pytest.mark.parametrize("given", ["mfccs", "prosody"])
def test_the_committed_limit_lets_own_clips_pass(given: str) -> None:
    found = facts(ROOT / "models" / "DNN-prosody.onnx")
    shares = json.loads(found["metrics"])["baselineDistance"][given]
    assert json.loads(found["baseline_limit"]) > 0
    assert shares["ownClipsWarned"] <= 0.05
    assert shares["otherSpeakersWarned"] > 0.6
    assert shares["telephoneWarned"] > 0.8
