"""The server without Nginx: it answers the API, and refuses settings that need Nginx."""

import json
import socket
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from server.launch.nginx.needed import NEED_NGINX
from server.settings import ServerSettings
from tests.support.harness import RUN, Server, free_port, run_to_its_end, running, started
from tests.support.problems import check_problem

# Values that differ from the defaults, as an operator writes them.
VALUES: dict[str, Any] = {
    "tls_certificate_path": Path(__file__),
    "api_keys_path": Path(__file__),
    "trusted_proxies": "10.0.0.0/8",
    "operator_port": 9090,
    "connections_per_address": 8,
    "requests_per_second_per_address": 20,
    "minimum_answer_bytes_per_second": 1_000,
    "maximum_body_memory_bytes": 1_000_000,
    "maximum_connections": 1024,
    "maximum_header_line_bytes": 4096,
    "maximum_open_requests": 200,
    "header_timeout_seconds": 5,
    "body_timeout_seconds": 10,
    "send_timeout_seconds": 10,
    "idle_timeout_seconds": 20,
}


def test_the_api_is_answered(gunicorn_alone: Server) -> None:
    assert len(gunicorn_alone.predict()["results"]) > 1
    for path in ("/init/configuration", "/init/mfcc.onnx", "/openapi.yaml", "/livez", "/readyz"):
        assert gunicorn_alone.client.get(path).status_code == 200


def test_one_message_at_start_names_what_needs_nginx(gunicorn_alone: Server) -> None:
    (message,) = [line for line in gunicorn_alone.lines if "without Nginx" in line]
    for missing in ("HTTPS", "API keys", "limits", "access log", "web pages", "/metrics"):
        assert missing in message
    assert "sudo apt-get install nginx" in message


def test_a_machine_without_nginx_serves_in_the_same_way(tmp_path: Path) -> None:
    """`PATH` and Debian's own place hold no Nginx."""
    program = (
        "import sys, server.launch.launcher as launcher, server.__main__ as main;"
        "launcher.NGINX_PATH = '/nowhere';"
        "sys.exit(main.main(['run']))"
    )
    with started(tmp_path, command=(RUN[0], "-c", program)) as server:
        assert "sudo apt-get install nginx" in server.wait_for_line("Serving without Nginx")
        server.wait_for_line("Ready: ")
        assert server.predict()


@pytest.mark.parametrize("key", VALUES)
def test_a_setting_that_needs_nginx_is_refused(tmp_path: Path, key: str) -> None:
    settings = {f"SER_SERVER_{key.upper()}": VALUES[key]}
    if key == "tls_certificate_path":
        settings["SER_SERVER_TLS_KEY_PATH"] = VALUES[key]
    result = run_to_its_end([*RUN, "--without-nginx"], free_port(), tmp_path, **settings)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: [server] {key}: '{VALUES[key]}' needs Nginx: ")
    assert "sudo apt-get install nginx" in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_every_setting_that_needs_nginx_is_tested() -> None:
    assert VALUES.keys() | {"tls_key_path"} == set(NEED_NGINX)
    defaults = ServerSettings()
    assert all(getattr(defaults, key) != value for key, value in VALUES.items())


def test_metrics_are_not_public(gunicorn_alone: Server) -> None:
    for headers in ({}, {"Host": "localhost:9090"}, {"X-Nginx-Counts": "/,200,1"}):
        check_problem(gunicorn_alone.client.get("/metrics", headers=headers), 404)


def test_no_request_is_logged(gunicorn_alone: Server) -> None:
    gunicorn_alone.client.get("/livez", headers={"X-Request-Id": "never-logged"})
    assert "never-logged" not in gunicorn_alone.output


@pytest.mark.parametrize("given", ["my-request.1", "", "a b", "a" * 65])
def test_every_answer_has_a_request_id(gunicorn_alone: Server, given: str) -> None:
    answer = gunicorn_alone.client.get("/livez", headers={"X-Request-Id": given})
    (found,) = answer.headers.get_list("x-request-id")
    assert found == given if given == "my-request.1" else len(found) == 32


def test_the_application_s_own_limits_and_origins_hold(tmp_path: Path) -> None:
    settings = {
        "SER_SERVER_MAXIMUM_BODY_BYTES": 2_000,
        "SER_SERVER_MAXIMUM_BATCH_ROWS": 1,
        "SER_SERVER_CORS_ORIGINS": "https://example.org",
    }
    with running(tmp_path, "--without-nginx", **settings) as server:
        content = b'{"mfccs": [' + b" " * 2_000
        check_problem(server.client.post("/prediction/DNN", content=content), 413)
        rows = {"name": "mfccs", "datatype": "FP32", "shape": [2, 25], "data": [0.5] * 50}
        assert (
            server.client.post("/v2/models/DNN/infer", json={"inputs": [rows]}).status_code == 413
        )
        answer = server.client.get("/livez", headers={"Origin": "https://example.org"})
        assert answer.headers["access-control-allow-origin"] == "https://example.org"


def test_a_worker_refuses_an_unknown_method(gunicorn_alone: Server, server: Server) -> None:
    """Nginx forwards such requests."""
    for running_server in (gunicorn_alone, server):
        for content in (None, b" " * 1_000_000):
            answer = running_server.client.request("BREW", "/livez", content=content)
            check_problem(answer, 400)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /livez HTTP/1.1\r\n" + b"X: 0123456789\r\n" * 10_000, 431),
    ],
)
def test_a_worker_refuses_a_request_that_nginx_would_refuse(
    gunicorn_alone: Server, request_bytes: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", gunicorn_alone.port), timeout=30) as connection:
        connection.sendall(request_bytes)
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == status
        assert json.loads(answer.read())["status"] == status
    assert gunicorn_alone.client.get("/livez").status_code == 200
