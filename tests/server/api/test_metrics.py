"""`GET /metrics`."""

from pathlib import Path

from falcon.testing import TestClient

from tests.server.conftest import make_app
from tests.support.metrics import Samples, samples, value

BODY = f'{{"mfccs": {[0.5] * 25}}}'
FAR = f'{{"mfccs": {[1e6] * 25}}}'


def scrape(client: TestClient) -> Samples:
    return samples(client.simulate_get("/metrics").text)


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


def test_runs_distances_and_warnings_of_a_network_are_counted(client: TestClient) -> None:
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


def test_openmetrics_is_returned_to_clients_that_accept_it(client: TestClient) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = client.simulate_get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_a_server_without_nginx_has_no_metrics(models: Path) -> None:
    client = TestClient(make_app(models, nginx=False))
    assert client.simulate_get("/metrics").status_code == 404
