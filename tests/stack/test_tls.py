"""HTTPS: protocols, ciphers, HTTP/2, renewed certificates and client certificates."""

import json
import os
import socket
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.harness import (
    MFCCS,
    RUN,
    Server,
    check_against_description,
    free_port,
    run_to_its_end,
    started,
    wait_until,
)
from tests.support.machine.certificates import (
    Pair,
    make_certificate,
    make_revocation_list,
    protect_key,
)
from tests.support.problems import check_problem

KEPT = "the TLS files stay as they were"
HEALTH = ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready")


@dataclass(frozen=True)
class Pairs:
    """Certificates of the server, of two authorities, and of a client of each authority."""

    first: Pair
    second: Pair
    authority: Pair
    other_authority: Pair
    client: Pair
    other_client: Pair


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    folder = tmp_path_factory.mktemp("tls")
    authority = make_certificate(folder, "authority")
    other = make_certificate(folder, "other-authority")
    return Pairs(
        make_certificate(folder, "first"),
        make_certificate(folder, "second"),
        authority,
        other,
        make_certificate(folder, "client", authority),
        make_certificate(folder, "other-client", other),
    )


@dataclass(frozen=True)
class SecureServer:
    """A server with HTTPS; `pair` and `authority` are the files that it watches."""

    server: Server
    pair: Pair
    authority: Path
    url: str

    def client(self, pairs: Pairs, certificate: Pair | None = None) -> httpx.Client:
        """A client that trusts both certificates of the server."""
        context = ssl.create_default_context()
        for pair in (pairs.first, pairs.second):
            context.load_verify_locations(pair.certificate)
        if certificate:
            context.load_cert_chain(certificate.certificate, certificate.key)
        hooks = {"response": [check_against_description]}
        return httpx.Client(base_url=self.url, verify=context, event_hooks=hooks, timeout=60)

    def presented(self) -> str:
        """The certificate that the server presents in a new handshake."""
        return ssl.get_server_certificate(("127.0.0.1", self.server.port))


@pytest.fixture(scope="module")
def secure(
    nginx: Path, pairs: Pairs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecureServer]:
    """A server with HTTPS and optional client certificates."""
    folder = tmp_path_factory.mktemp("watched")
    pair = pairs.first.copy_to(folder)
    authority = folder / "authority.pem"
    authority.write_bytes(pairs.authority.certificate.read_bytes())
    settings: dict[str, Any] = {
        "SER_SERVER_TLS_CERTIFICATE_PATH": pair.certificate,
        "SER_SERVER_TLS_KEY_PATH": pair.key,
        "SER_SERVER_CLIENT_CA_PATH": authority,
    }
    with started(tmp_path_factory.mktemp("run"), **settings) as server:
        url = server.wait_for_line("Ready: ", "Running, ").removeprefix("Ready: ").strip()
        assert url == f"https://127.0.0.1:{server.port}"
        yield SecureServer(server, pair, authority, url)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_accepted(
    secure: SecureServer, pairs: Pairs, version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context(cafile=pairs.first.certificate)
    context.minimum_version = context.maximum_version = version
    answer = httpx.get(f"{secure.url}/livez", verify=context)
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]


def test_older_versions_and_weak_suites_are_refused(secure: SecureServer) -> None:
    context = ssl._create_unverified_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert not is_accepted(secure.server.port, context)
    context = ssl._create_unverified_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for ciphers, expected in (("ECDHE+AESGCM", True), ("ECDHE+AES:!AESGCM:!AESCCM", False)):
        context.set_ciphers(ciphers)
        assert is_accepted(secure.server.port, context) == expected


def is_accepted(port: int, context: ssl.SSLContext) -> bool:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        try:
            context.wrap_socket(connection).close()
        except (ssl.SSLError, ConnectionError):
            return False
        return True


def test_plain_http_is_refused(secure: SecureServer) -> None:
    check_problem(secure.server.client.get("/livez"), 400)


def curl(secure: SecureServer, pairs: Pairs, path: str, *arguments: str, text: str = "") -> str:
    """The body, the HTTP version and the status of a response."""
    command = ["curl", "--silent", "--show-error", "--http2", "--cacert", pairs.first.certificate]
    command += ["--cert", pairs.client.certificate, "--key", pairs.client.key]
    command += ["--write-out", " %{http_version} %{http_code}", *arguments, f"{secure.url}{path}"]
    done = subprocess.run(
        [*map(str, command)], input=text, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_http_2_is_served(secure: SecureServer, pairs: Pairs) -> None:
    assert curl(secure, pairs, "/livez") == '{"status":"alive"} 2 200'
    body = json.dumps({"mfccs": MFCCS})
    json_type = ("--header", "Content-Type: application/json")
    for arguments in (
        ("--data-binary", "@-"),
        ("--request", "POST", "--upload-file", "-"),  # without a Content-Length
    ):
        answer = curl(secure, pairs, "/prediction/DNN", *json_type, *arguments, text=body)
        assert '"results"' in answer
        assert answer.endswith(" 2 200")


def test_a_client_without_a_valid_certificate_is_refused(
    secure: SecureServer, pairs: Pairs
) -> None:
    body = {"mfccs": MFCCS}
    with secure.client(pairs, pairs.client) as client:
        assert client.post("/prediction/DNN", json=body).status_code == 200
        assert client.get("/init/mfcc.onnx").status_code == 200
    for certificate in (None, pairs.other_client):
        with secure.client(pairs, certificate) as client:
            for path in ("/init/configuration", "/init/mfcc.onnx", "/nowhere", "/"):
                problem = check_problem(client.get(path), 403)
                assert problem["type"] == "urn:problem:speech-emotion:certificate-needed"
            check_problem(client.post("/prediction/DNN", json=body), 403)
            answer = client.get("/v2/models/DNN")
            assert answer.status_code == 403
            assert answer.json() == {"error": "A valid client certificate is required."}
    with secure.client(pairs) as client:
        for path in HEALTH:
            assert client.get(path).status_code == 200


def test_a_certificate_without_its_key_survives_a_restart_of_nginx(
    secure: SecureServer, pairs: Pairs
) -> None:
    """The middle of a renewal: only the certificate is new."""
    secure.pair.certificate.write_bytes(pairs.second.certificate.read_bytes())
    wait_until(lambda: KEPT in secure.server.output, "an error")
    master = secure.server.nginx()
    old = [master, *master.children()]
    master.kill()
    wait_until(lambda: not any(process.is_running() for process in old), "the end of Nginx")
    wait_until(lambda: is_open(secure.server.port), "another Nginx")
    assert secure.presented() == pairs.first.certificate.read_text()
    assert secure.server.output.count(KEPT) == 1
    pairs.first.copy_to(secure.pair.certificate.parent)


@pytest.mark.parametrize(
    ("replace", "expected"),
    [
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: path.write_bytes(bytes(2**21)), "is larger than 1048576 bytes"),
    ],
)
def test_a_key_that_is_no_usable_file_leaves_the_pair_as_it_was(
    secure: SecureServer, pairs: Pairs, replace: Callable[[Path], object], expected: str
) -> None:
    lines = len(secure.server.lines)
    secure.pair.key.unlink()
    replace(secure.pair.key)

    def is_told() -> bool:
        return any(KEPT in line and expected in line for line in secure.server.lines[lines:])

    wait_until(is_told, "an error")
    secure.pair.key.unlink()
    pairs.second.copy_to(secure.pair.certificate.parent)
    renewed = pairs.second.certificate.read_text()
    wait_until(lambda: secure.presented() == renewed, "the other certificate")
    pairs.first.copy_to(secure.pair.certificate.parent)
    first = pairs.first.certificate.read_text()
    wait_until(lambda: secure.presented() == first, "the first certificate")


def test_a_renewed_certificate_closes_no_connection(secure: SecureServer, pairs: Pairs) -> None:
    with secure.client(pairs, pairs.client) as client:
        stream = client.get("/livez").extensions["network_stream"]
        pairs.second.copy_to(secure.pair.certificate.parent)
        renewed = pairs.second.certificate.read_text()
        wait_until(lambda: secure.presented() == renewed, "the other certificate")
        assert client.get("/livez").extensions["network_stream"] is stream
    kept = next(secure.server.runtime.glob("*/tls.pem"))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_a_changed_authority_is_used_without_a_restart(secure: SecureServer, pairs: Pairs) -> None:
    def status(certificate: Pair) -> int:
        with secure.client(pairs, certificate) as client:
            return client.get("/init/configuration").status_code

    secure.authority.write_text("no certificate\n")
    wait_until(lambda: "client_ca_path: " in secure.server.output, "an error")
    secure.authority.write_bytes(make_revocation_list(pairs.authority).read_bytes())
    wait_until(lambda: "PEM format: it contains none" in secure.server.output, "another error")
    assert status(pairs.client) == 200
    secure.authority.write_bytes(pairs.other_authority.certificate.read_bytes())
    wait_until(lambda: status(pairs.other_client) == 200, "the other authority")
    wait_until(lambda: status(pairs.client) == 403, "the end of the former authority")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("mismatch", "expected a certificate and its key in PEM format: KEY_VALUES_MISMATCH"),
        ("password", "is protected by a password"),
        ("empty", "expected a certificate and its key in PEM format"),
    ],
)
def test_unusable_files_are_an_error_at_start(
    nginx: Path, pairs: Pairs, tmp_path: Path, fault: str, expected: str
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    keys = {"mismatch": pairs.second.key, "password": protect_key(pairs.first, "x"), "empty": empty}
    settings: dict[str, Any] = {
        "SER_SERVER_TLS_CERTIFICATE_PATH": pairs.first.certificate,
        "SER_SERVER_TLS_KEY_PATH": keys[fault],
    }
    done = run_to_its_end(RUN, free_port(), tmp_path / "run", **settings)
    assert done.returncode == 2
    assert "[server] tls_" in done.stderr
    assert expected in done.stderr
    assert str(keys[fault]) in done.stderr
