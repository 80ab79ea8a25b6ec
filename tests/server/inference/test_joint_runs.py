"""Predictions that wait in one slice of the event loop share a run, and nothing else."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import falcon.testing
import numpy as np
import onnxruntime
import pytest

from configuration import ROOT
from server.app import create_app
from server.codecs.optional_members import Utterance
from server.inference.joint_inputs import predict_jointly
from server.inference.joint_runs import MOST_FRAMES, MOST_ROWS, JointRuns
from server.inference.single_clips import find_clip
from server.inference.time_slice import EventLoopTimeSlice
from server.models.batch_predictors import Scores, frame_batch_predictor
from server.models.catalog import NetworkCatalog, load_catalog
from server.models.network import Network
from server.models.predictors import Prediction
from server.settings import ModelSettings, ServerSettings, Settings
from tests.server.conftest import make_app

REQUESTS = 10
RANDOM = np.random.default_rng(3)
FOREIGN = [1e6] * 25
Predictions = list[Prediction | BaseException]


@pytest.fixture(scope="module")
def shipped() -> NetworkCatalog:
    return load_catalog(ROOT / "models", run_extractors=False)


def normal(*shape: int) -> Any:
    return RANDOM.normal(-10, 40, shape).astype(np.float32)


def prosody(frames: int) -> Any:
    return RANDOM.uniform((0, 0, -90), (5, 1, 0), (frames, 3)).astype(np.float32)


def baseline() -> Any:
    return np.abs(normal(57)) + 1


def utterance(frames: int, number: int) -> Utterance:
    """Frames with prosody, a baseline, both or none."""
    given = [prosody(frames) if number % 2 else None, baseline() if number % 3 else None]
    return Utterance(normal(frames, 25), *given)


def run_together(network: Network, utterances: Sequence[Utterance]) -> Predictions:
    """Adds all in one slice; failures stand for themselves."""

    async def run() -> Any:
        joint_runs = JointRuns(network, EventLoopTimeSlice())
        waiting = [joint_runs.add(one) for one in utterances]
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = asyncio.run(run())
    return [one if isinstance(one, BaseException) else one[0] for one in found]


def alone(network: Network, one: Utterance) -> Prediction:
    return network.predict(one.mfccs, one.prosody, one.baseline)


def counting(network: Network, rows: list[int]) -> Network:
    """The network; it notes the rows of each joint run."""

    def predict_batch(mfccs: Any, *others: Any, **members: Any) -> Scores:
        rows.append(len(mfccs))
        return network.predict_batch(mfccs, *others, **members)

    return replace(network, predict_batch=predict_batch)


def assert_same(found: Prediction | BaseException, expected: Prediction) -> None:
    assert isinstance(found, Prediction)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-5)


@pytest.mark.parametrize("name", ["DNN", "CNN", "DNN-prosody", "TCN", "TCN-ensemble"])
def test_a_joint_run_has_the_predictions_of_single_runs(shipped: NetworkCatalog, name: str) -> None:
    network = shipped.networks[name.lower()]
    utterances = [utterance(frames, i) for i, frames in enumerate((1, 60, 9, 130, 61, 60, 2, 31))]
    if network.takes_vectors:
        utterances += [Utterance(normal(25)), Utterance(normal(25), None, baseline())]
    found: Predictions = [*predict_jointly(network, utterances)]
    found += run_together(network, utterances)
    for prediction, one in zip(found, 2 * utterances, strict=True):
        assert_same(prediction, alone(network, one))


def test_statistics_of_prosody_share_a_run(shipped: NetworkCatalog) -> None:
    network, contract = shipped.networks["dnn-prosody"], shipped.contract
    assert contract is not None
    statistics = np.ones(len(contract.statistics), np.float32)
    utterances = [Utterance(normal(25), statistics), utterance(5, 1), Utterance(normal(25))]
    for found, one in zip(run_together(network, utterances), utterances, strict=True):
        assert_same(found, alone(network, one))


def test_a_run_has_a_limited_size(shipped: NetworkCatalog) -> None:
    rows: list[int] = []
    vectors = [Utterance(normal(25)) for _ in range(2 * MOST_ROWS + 3)]
    run_together(counting(shipped.networks["dnn"], rows), vectors)
    assert rows == [MOST_ROWS, MOST_ROWS, 3]
    rows.clear()
    length = MOST_FRAMES // 3
    clips = [Utterance(normal(length, 25)) for _ in range(7)]
    run_together(counting(shipped.networks["tcn"], rows), clips)
    assert rows == [3, 3]  # the seventh runs alone


class CountedSession:
    """A session; it notes the shape of the frames of each run."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.shapes: list[tuple[int, ...]] = []

    def run(self, outputs: Any, feed: Any) -> Any:
        self.shapes.append(feed["frames"].shape)
        return self.session.run(outputs, feed)


def test_clips_of_similar_lengths_are_one_run(shipped: NetworkCatalog) -> None:
    network = shipped.networks["tcn"]
    session = onnxruntime.InferenceSession(ROOT / "models" / "TCN.onnx")
    counted: Any = CountedSession(session)
    labels = len(network.metadata.labels)
    batch = frame_batch_predictor(counted, labels, network.optional_inputs)
    utterances = [utterance(frames, frames) for frames in (31, 10, 50, 33, 30)]
    found = run_together(replace(network, predict_batch=batch), utterances)
    assert counted.shapes == [(3, 33, 25)]  # the others run alone
    for prediction, one in zip(found, utterances, strict=True):
        assert_same(prediction, alone(network, one))


def test_a_wrong_number_of_rows_leaves_each_prediction_alone(
    shipped: NetworkCatalog, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as of a file that reduces the distances of a batch to one."""
    network = shipped.networks["dnn"]

    def predict_batch(*given: Any, **members: Any) -> Scores:
        scores = network.predict_batch(*given, **members)
        return scores._replace(distance=scores.distance[:1])

    utterances = [Utterance(normal(25)) for _ in range(3)]
    found = run_together(replace(network, predict_batch=predict_batch), utterances)
    for prediction, one in zip(found, utterances, strict=True):
        assert_same(prediction, alone(network, one))
    assert "DNN: a joint run failed; each prediction runs alone" in caplog.text


def failing(network: Network, fails: Callable[[Any], bool]) -> Network:
    """The network; every run that has such MFCCs fails."""

    def predict_batch(mfccs: Any, *others: Any, **members: Any) -> Scores:
        if fails(mfccs):
            raise RuntimeError("of the joint run")
        return network.predict_batch(mfccs, *others, **members)

    def predict(mfccs: Any, prosody: Any = None, baseline: Any = None) -> Prediction:
        if fails(mfccs):
            raise RuntimeError("of one prediction")
        return network.predict(mfccs, prosody, baseline)

    return replace(network, predict=predict, predict_batch=predict_batch)


def test_a_prediction_that_fails_leaves_the_others_alone(shipped: NetworkCatalog) -> None:
    network = shipped.networks["dnn"]
    utterances = [Utterance(normal(25)) for _ in range(5)]
    utterances[2] = Utterance(np.array(FOREIGN, np.float32))
    fragile = failing(network, lambda mfccs: bool(mfccs.max() == FOREIGN[0]))
    found = run_together(fragile, utterances)
    assert str(found.pop(2)) == "of one prediction"
    del utterances[2]
    for prediction, one in zip(found, utterances, strict=True):
        assert_same(prediction, alone(network, one))


def test_networks_of_two_releases_never_share_a_run(shipped: NetworkCatalog) -> None:
    rows: dict[str, list[int]] = {"DNN": [], "CNN": []}
    networks = [counting(shipped.networks[name.lower()], rows[name]) for name in rows]
    utterances = [Utterance(normal(25)) for _ in range(REQUESTS)]

    async def run() -> Any:
        time_slice = EventLoopTimeSlice()  # a canary shares it
        joint_runs = [JointRuns(network, time_slice) for network in networks]
        waiting = [joint_runs[i % 2].add(one) for i, one in enumerate(utterances)]
        return await asyncio.gather(*waiting)

    for i, ((found, _), one) in enumerate(zip(asyncio.run(run()), utterances, strict=True)):
        assert_same(found, alone(networks[i % 2], one))
    assert rows == {"DNN": [REQUESTS // 2], "CNN": [REQUESTS // 2]}


def test_a_cancelled_prediction_leaves_the_others_alone(shipped: NetworkCatalog) -> None:
    async def run() -> Any:
        joint_runs = JointRuns(shipped.networks["dnn"], EventLoopTimeSlice())
        first, second, third = (
            asyncio.ensure_future(joint_runs.add(Utterance(normal(25)))) for _ in range(3)
        )
        second.cancel()
        return await asyncio.gather(first, third)

    assert len(asyncio.run(run())) == 2


def post_together(app: Any, path: str, bodies: Sequence[Any]) -> list[Any]:
    """The answers to requests that arrive in one iteration of the event loop."""

    async def post() -> list[Any]:
        async with falcon.testing.ASGIConductor(app) as conductor:
            requests = [conductor.simulate_post(path, json={"mfccs": body}) for body in bodies]
            answers = await asyncio.gather(*requests)
        return list(answers)

    return asyncio.run(post())


@pytest.mark.parametrize("name", ["DNN", "TCN"])
def test_requests_in_one_iteration_get_the_answers_of_single_ones(models: Path, name: str) -> None:
    rows: list[int] = []
    catalog = load_catalog(models)
    network = catalog.networks[name.lower()]
    networks = {name.lower(): counting(network, rows)}
    settings = Settings(ServerSettings(), ModelSettings(models))
    app = create_app(settings, replace(catalog, networks=networks))
    shape = (25,) if network.takes_vectors else (4, 25)
    utterances = [Utterance(np.abs(normal(*shape)) / 40) for _ in range(REQUESTS)]
    utterances[-2] = Utterance(np.full(shape, FOREIGN[0], np.float32))
    bodies = [one.mfccs.tolist() for one in utterances]
    answers = post_together(app, f"/prediction/{name}", bodies)
    for answer, one in zip(answers, utterances, strict=True):
        found = [result["prediction"] for result in answer.json["results"]]
        expected = alone(network, one)
        np.testing.assert_allclose(found, expected.probabilities, atol=1e-6)
        is_foreign = expected.distance > network.metadata.distance_limit
        assert ("warning" in answer.json) == is_foreign
    assert "warning" in answers[-2].json
    assert max(rows) > 1


def tensors(mfccs: Any, padding: int, **members: Any) -> dict[str, Any]:
    """An inference request for one clip, with frames of padding after it."""
    frames = np.pad(mfccs, ((0, padding), (0, 0)), constant_values=99.0)[None]
    given = {"frames": frames, "lengths": np.array([len(mfccs)])} | members
    inputs = [
        {
            "name": name,
            "shape": array.shape,
            "datatype": "INT64" if name == "lengths" else "FP32",
            "data": array.ravel().tolist(),
        }
        for name, array in given.items()
    ]
    return {"inputs": inputs}


def test_inference_requests_for_one_clip_share_the_runs_of_predictions() -> None:
    rows: list[int] = []
    catalog = load_catalog(ROOT / "models", run_extractors=False)
    network = catalog.networks["tcn"]
    networks = {"tcn": counting(network, rows)}
    settings = Settings(ServerSettings(), ModelSettings(ROOT / "models"))
    app = create_app(settings, replace(catalog, networks=networks))
    # Long and short bodies: the frames of 13 kB in binary take another way than those of 1 kB.
    clips = [Utterance(normal(frames, 25)) for frames in (30, 31, 30, 3, 3)]
    given = [(f"/prediction/{network.name}", {"mfccs": one.mfccs.tolist()}) for one in clips]
    path = f"/v2/models/{network.name}/infer"
    given += [(path, tensors(one.mfccs, padding)) for padding, one in enumerate(clips)]

    async def post() -> list[Any]:
        async with falcon.testing.ASGIConductor(app) as conductor:
            requests = [conductor.simulate_post(path, json=body) for path, body in given]
            answers = await asyncio.gather(*requests)
        return list(answers)

    answers = [answer.json for answer in asyncio.run(post())]
    half = len(clips)
    for one, prediction, inference in zip(clips, answers[:half], answers[half:], strict=True):
        expected = alone(network, one)
        found = [result["prediction"] for result in prediction["results"]]
        np.testing.assert_allclose(found, expected.probabilities, atol=1e-6)
        probabilities, distance, _ = (output["data"] for output in inference["outputs"])
        np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-6)
        np.testing.assert_allclose(distance, expected.distance, rtol=1e-5)
    assert max(rows) > 1
    metrics = falcon.testing.TestClient(app).simulate_get("/metrics").text
    assert f'input_distance_ratio_count{{network="TCN"}} {len(given)}.0' in metrics


def test_one_clip_that_is_long_leaves_the_loop(shipped: NetworkCatalog) -> None:
    frames = normal(1, MOST_FRAMES + 1, 25)
    assert find_clip({"frames": frames}) is None
    assert find_clip({"frames": frames, "lengths": np.array([9])}) is not None
    assert find_clip({"frames": normal(2, 9, 25)}) is None
    assert find_clip({"mfccs": normal(1, 25)}) is None


def test_every_prediction_of_a_joint_run_is_counted(models: Path) -> None:
    app = make_app(models)
    post_together(app, "/prediction/TCN", [[[1.0] * 25] * 2] * REQUESTS)
    metrics = falcon.testing.TestClient(app).simulate_get("/metrics").text
    assert f'network_duration_seconds_count{{network="TCN"}} {REQUESTS}.0' in metrics
    assert f'input_distance_ratio_count{{network="TCN"}} {REQUESTS}.0' in metrics


def test_an_invalid_request_leaves_the_others_alone(models: Path) -> None:
    bodies = [[[1.0] * 24], "none", [[1.0] * 25] * 2] * 3
    answers = post_together(make_app(models), "/prediction/TCN", bodies)
    assert [answer.status_code for answer in answers] == [422, 422, 200] * 3
