"""What the workers count, and what they tell of it."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import falcon.testing
import numpy as np
import pytest
from falcon.testing import TestClient

from configuration import ROOT
from server.app import create_app
from server.metrics.middleware import NetworkRecorder
from server.metrics.store import Key, Page, read_pages
from server.models.registry import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.support.metrics import Samples, samples, value

KEY = Key("family", ("label",))
BODY = f'{{"mfccs": {[0.5] * 25}}}'
FAR = f'{{"mfccs": {[1e6] * 25}}}'


def scrape(client: TestClient) -> Samples:
    return samples(client.simulate_get("/metrics").text)


COUNT_AND_STAY = """
import sys
from contextlib import closing
from pathlib import Path
from server.metrics.store import Key, Page
Page.take(Path(sys.argv[1])).series(Key("family", ("label",)), 2)[1] += 1.0
print("counted", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_its_counts_to_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT_AND_STAY, str(tmp_path)]
    for number in range(1, 4):
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"counted\n"
            assert read_pages(tmp_path) == {KEY: [0.0, number]}
            process.kill()
    assert len(list(tmp_path.glob("*.keys"))) == 1


def test_processes_that_live_have_pages_of_their_own(tmp_path: Path) -> None:
    pages = [Page.take(tmp_path) for _ in range(3)]
    for page in pages:
        page.series(KEY, 1)[0] += 1.0
        page.close()
    assert read_pages(tmp_path) == {KEY: [3.0]}


def test_a_name_that_was_not_written_to_its_end_is_written_again(tmp_path: Path) -> None:
    with closing(Page.take(tmp_path)) as page:
        page.series(KEY, 1)[0] = 5.0
    with (tmp_path / "0.keys").open("ab") as keys:
        keys.write(b'["other", ["la')
    assert read_pages(tmp_path) == {KEY: [5.0]}
    other = Key("other", ("label",))
    with closing(Page.take(tmp_path)) as page:
        page.series(other, 1)[0] = 7.0
    assert read_pages(tmp_path) == {KEY: [5.0], other: [7.0]}


def test_a_metric_that_has_no_place_costs_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Page.take(tmp_path)) as page:
        page.series(KEY, 16_000)
        page.series(Key("more", ()), 1_000)[999] += 1.0
    assert list(read_pages(tmp_path)) == [KEY]
    assert "not kept" in caplog.text


def test_requests_are_counted_by_route_method_and_status(client: TestClient) -> None:
    for body in (BODY, BODY, "no JSON"):
        client.simulate_post("/prediction/DNN", body=body)
    client.simulate_get("/no/such/path")
    client.simulate_request("BREW", "/livez")
    found = scrape(client)
    route = "/prediction/{networkType}"
    assert value(found, "requests_total", route=route, method="POST", status="200") == 2
    assert value(found, "requests_total", route=route, method="POST", status="400") == 1
    assert value(found, "requests_total", route="", method="GET", status="404") == 1
    assert value(found, "requests_total", route="/livez", method="other", status="400") == 1
    durations = {"route": route, "method": "POST", "status": "200"}
    assert value(found, "request_duration_seconds_bucket", **durations, le="+Inf") == 2
    assert 0 < value(found, "request_duration_seconds_sum", **durations) < 60


def test_a_network_s_runs_inputs_and_warnings_are_counted(client: TestClient) -> None:
    client.simulate_post("/prediction/DNN", body=BODY)
    assert "warning" in client.simulate_post("/prediction/dnn", body=FAR).json
    found = scrape(client)
    assert value(found, "network_duration_seconds_count", network="DNN") == 2
    assert value(found, "batch_rows_count", network="DNN") == 0
    assert value(found, "input_distance_ratio_bucket", network="DNN", le="1.0") == 1
    assert 2 < value(found, "input_distance_ratio_sum", network="DNN") < 11
    warning = {"network": "DNN", "code": "outside-training-distribution"}
    assert value(found, "warnings_total", **warning) == 1
    assert value(found, "network_duration_seconds_count", network="TCN") == 0


def test_a_batch_is_one_run(client: TestClient) -> None:
    rows = {"name": "mfccs", "shape": [3, 25], "datatype": "FP32", "data": [0.5] * 50 + [1e6] * 25}
    assert client.simulate_post("/v2/models/dnn/infer", json={"inputs": [rows]}).status_code == 200
    found = scrape(client)
    assert value(found, "network_duration_seconds_count", network="DNN") == 1
    assert value(found, "batch_rows_sum", network="DNN") == 3
    assert value(found, "input_distance_ratio_count", network="DNN") == 3
    warning = {"network": "DNN", "code": "outside-training-distribution"}
    assert value(found, "warnings_total", **warning) == 1


def test_a_batch_is_counted_as_its_rows_would_be(models: Path) -> None:
    distances = np.random.default_rng(1).gamma(2, 1, 500).astype(np.float32)
    counts = []
    for batch in (True, False):
        page = Page.in_memory()
        recorder = NetworkRecorder(page, "DNN", 2.0)
        if batch:
            recorder.predicted_batch(0.25, distances)
        else:
            for distance in distances:
                recorder.predicted(0.25, float(distance))
        counts.append(page.read())
    names = ("input_distance_ratio", "warnings")
    batched, single = ({k: v for k, v in c.items() if k.family in names} for c in counts)
    assert batched.keys() == single.keys()
    for key, values in batched.items():
        assert values == pytest.approx(single[key], rel=1e-6)


def test_the_networks_and_the_server_are_described(client: TestClient) -> None:
    found = scrape(client)
    assert value(found, "network_unweighted_average_recall_ratio", network="DNN") == 0.4
    assert value(found, "workers") == 1
    assert value(found, "workers_memory_bytes") > 1e6
    assert value(found, "worker_starts_total") == 1
    assert value(found, "ready") == 1
    facts = [dict(labels) for name, labels in found if name == "network_info"]
    assert [(f["network"], f["input"], len(f["sha256"])) for f in facts] == [
        ("DNN", "vector", 64),
        ("TCN", "frames", 64),
    ]


def test_openmetrics_is_told_to_whom_asks_for_it(client: TestClient) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = client.simulate_get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_a_worker_that_stands_alone_tells_them_on_the_operator_s_port_only(models: Path) -> None:
    settings = Settings(ServerSettings(operator_port=9000), ModelSettings(models))
    app = create_app(settings, load_catalog(models), alone=True)
    client = falcon.testing.TestClient(app)
    assert client.simulate_get("/metrics", port=9000).status_code == 200
    assert client.simulate_get("/metrics", port=8080).status_code == 404
    host = {"Host": "localhost:9000"}
    assert client.simulate_get("/metrics", port=8080, headers=host).status_code == 404
