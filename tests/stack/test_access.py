"""API keys, CORS origins, trusted proxies and request ids."""

import hashlib
import http.client
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.harness import DEADLINE, MFCCS, Server, running, started, wait_until
from tests.support.problems import check_problem

ORIGIN = "https://example.org"
GOOD, LATER = "first-key", "second-key"


def write_keys(path: Path, *keys: str) -> None:
    lines = [f"name{i} {hashlib.sha256(k.encode()).hexdigest()}" for i, k in enumerate(keys)]
    part = path.with_name("part")
    part.write_text("# names and hashes\n" + "\n".join(lines) + "\n")
    part.replace(path)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def guarded(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server that requires an API key and allows one origin, and its key file."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    write_keys(keys, GOOD)
    settings = {"SER_SERVER_API_KEYS_PATH": keys, "SER_SERVER_CORS_ORIGINS": ORIGIN}
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server, keys


PATHS = [
    "/init/configuration",
    "/init/mfcc.onnx",
    "/init/reference.wav",
    "/init/extractor-48000.onnx",
    "/init/reference-48000.wav",
    "/nowhere",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", [{}, bearer("wrong"), {"Authorization": f"Basic {GOOD}"}])
def test_without_a_key_every_path_is_refused(
    guarded: tuple[Server, Path], path: str, header: dict[str, str]
) -> None:
    server, _ = guarded
    answer = server.client.get(path, headers=header)
    assert check_problem(answer, 401)["type"] == "urn:problem:speech-emotion:key-needed"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_with_a_key_requests_are_answered(guarded: tuple[Server, Path]) -> None:
    server, _ = guarded
    for path in PATHS[:3]:
        assert server.client.get(path, headers=bearer(GOOD)).status_code == 200
    body = {"mfccs": MFCCS}
    answer = server.client.post("/prediction/DNN", json=body, headers=bearer(GOOD))
    assert answer.status_code == 200
    assert server.client.post("/prediction/DNN", json=body).status_code == 401
    for path in ("/livez", "/readyz"):
        assert server.client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/prediction/DNN", "/v2/models/DNN/infer"])
def test_a_large_body_without_a_key_is_refused_before_it_is_read(
    guarded: tuple[Server, Path], path: str
) -> None:
    server, _ = guarded
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n".encode()
        )
        refusal = http.client.HTTPResponse(connection)
        refusal.begin()
        content = refusal.read()
    whole = server.client.post(path, content=b"1" * 500_000)
    assert refusal.status == whole.status_code == 401
    assert refusal.headers["www-authenticate"] == whole.headers["www-authenticate"]
    assert refusal.headers["content-type"] == whole.headers["content-type"]
    assert content == whole.content


def test_a_large_body_with_a_key_is_read(guarded: tuple[Server, Path]) -> None:
    server, _ = guarded
    body = json.dumps({"mfccs": [[0.5] * 25] * 2_000})
    answer = server.client.post("/prediction/TCN", content=body, headers=bearer(GOOD))
    assert answer.status_code == 200, answer.text


def test_keys_change_without_a_restart(guarded: tuple[Server, Path]) -> None:
    server, keys = guarded

    def statuses() -> list[int]:
        """The statuses of several requests, which reach both workers."""
        answers = [
            server.client.get("/init/configuration", headers=bearer(key) | {"Connection": "close"})
            for key in [GOOD, LATER] * 5
        ]
        return [answer.status_code for answer in answers]

    write_keys(keys, LATER)
    wait_until(lambda: statuses() == [401, 200] * 5, "the other key")
    keys.write_text("neither name nor hash\n")
    wait_until(
        lambda: statuses() == [401, 200] * 5 and "the keys stay as they were" in server.output,
        "an error in the log, and the same keys",
    )
    write_keys(keys, GOOD)
    wait_until(lambda: statuses() == [200, 401] * 5, "the key again")


def test_an_unusable_key_file_changes_nothing_and_hangs_nobody(
    guarded: tuple[Server, Path],
) -> None:
    server, keys = guarded
    empty = hashlib.sha256(b"").hexdigest()
    for make, reason in (
        (lambda: os.mkfifo(keys), "is not a regular file"),
        (keys.mkdir, "Is a directory"),
        (lambda: keys.write_text(f"phones {empty}\n"), "is the hash of an empty key"),
        (lambda: keys.write_bytes(b"#" * 2_000_000), "is larger than"),
    ):
        keys.rename(keys.with_name("old"))
        make()
        wait_until(lambda text=reason: text in server.output, reason)  # type: ignore[misc]
        for _ in range(10):
            answer = server.client.get("/init/configuration", headers=bearer(GOOD))
            assert answer.status_code == 200
        keys.rmdir() if keys.is_dir() else keys.unlink()
        keys.with_name("old").rename(keys)


def test_keys_survive_the_loss_of_their_file(nginx: Path, tmp_path: Path) -> None:
    """A worker that starts while the key file is missing uses the last keys that were read."""
    keys = tmp_path / "keys"
    write_keys(keys, GOOD, LATER)
    # Two keys of one name, as during the replacement of a key.
    keys.write_text(keys.read_text().replace("name1", "name0"))
    with running(tmp_path, SER_SERVER_API_KEYS_PATH=keys, SER_SERVER_WORKERS=1) as server:
        keys.unlink()
        (old,) = server.workers()
        old.kill()
        wait_until(lambda: server.workers() not in ([], [old]), "another worker")
        for key, status in ((GOOD, 200), (LATER, 200), ("another", 401)):
            answer = server.client.get("/init/configuration", headers=bearer(key))
            assert answer.status_code == status


def test_an_invalid_key_file_is_an_error_at_start(nginx: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("neither name nor hash\n")
    with started(tmp_path, SER_SERVER_API_KEYS_PATH=keys) as server:
        assert server.process.wait(60) == 2
    assert "keys, line 1: expected a name and the SHA-256" in server.output


def test_the_hash_of_an_empty_key_is_an_error_at_start(nginx: Path, tmp_path: Path) -> None:
    """A script with an unset variable writes it; then an empty key would be accepted."""
    keys = tmp_path / "keys"
    write_keys(keys, GOOD, "")
    with started(tmp_path, SER_SERVER_API_KEYS_PATH=keys) as server:
        assert server.process.wait(60) == 2
    assert "keys, line 3: is the hash of an empty key" in server.output


def test_no_key_is_ever_logged(guarded: tuple[Server, Path]) -> None:
    server, _ = guarded
    server.client.get("/init/configuration", headers=bearer(GOOD) | {"X-Request-Id": "seen"})
    wait_until(lambda: '"seen"' in server.output, "the request in the log")
    assert GOOD not in server.output


def allowed(answer: httpx.Response) -> str | None:
    value: str | None = answer.headers.get("access-control-allow-origin")
    return value


@pytest.mark.parametrize("path", [*PATHS, "/prediction/DNN"])
def test_the_allowed_origin_may_send_requests(guarded: tuple[Server, Path], path: str) -> None:
    server, _ = guarded
    method = "POST" if "prediction" in path else "GET"
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    preflight = server.client.options(path, headers=headers)
    assert allowed(preflight) in (ORIGIN, None)
    if path != "/nowhere":
        assert preflight.status_code == 200
        assert method in preflight.headers["access-control-allow-methods"]
        assert "authorization" in preflight.headers["access-control-allow-headers"]
    answer = server.client.request(method, path, headers=bearer(GOOD) | {"Origin": ORIGIN})
    assert answer.headers.get_list("access-control-allow-origin") == [ORIGIN]
    refused = server.client.request(method, path, headers={"Origin": ORIGIN})
    assert (refused.status_code, allowed(refused)) == (401, ORIGIN)
    other = server.client.get(path, headers=bearer(GOOD) | {"Origin": "https://example.com"})
    assert allowed(other) is None


def test_without_allowed_origins_no_header_allows_one(server: Server) -> None:
    for path in PATHS:
        assert allowed(server.client.get(path, headers={"Origin": ORIGIN})) is None


def test_a_client_s_request_id_is_returned(server: Server) -> None:
    for path in ("/livez", "/nowhere", "/init/mfcc.onnx"):
        answer = server.client.get(path, headers={"X-Request-Id": "my-request.1"})
        assert answer.headers.get_list("x-request-id") == ["my-request.1"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["", "a b", 'quote"', "a" * 65])
def test_an_invalid_request_id_is_replaced(server: Server, name: str) -> None:
    answer = server.client.get("/livez", headers={"X-Request-Id": name})
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize(("trusted", "limited"), [("127.0.0.0/8", False), ("192.0.2.1", True)])
def test_forwarded_addresses_count_from_trusted_proxies_only(
    nginx: Path, tmp_path: Path, trusted: str, limited: bool
) -> None:
    settings = {
        "SER_SERVER_TRUSTED_PROXIES": trusted,
        "SER_SERVER_REQUESTS_PER_SECOND_PER_ADDRESS": 1,
    }
    with running(tmp_path, **settings) as server:
        headers = ({"X-Forwarded-For": f"198.51.100.{client}"} for client in range(50))
        answers = [server.client.get("/init/configuration", headers=h) for h in headers]
        statuses = {answer.status_code for answer in answers}
        assert statuses == ({200, 429} if limited else {200})


def test_runtime_files_are_private(guarded: tuple[Server, Path]) -> None:
    server, _ = guarded
    for path in server.runtime.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert path.stat().st_uid == os.getuid()
