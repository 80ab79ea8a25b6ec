"""Short versions of `make soak`: killed processes, activated models, malformed requests."""

import socket
from pathlib import Path

import pytest

from tests.soak.fault_tolerance import Options, endure_faults, report
from tests.soak.faults import Counts
from tests.soak.fuzz import fuzz_server
from tests.soak.fuzz import report as report_fuzz
from tests.support.harness import Server, running

COUNTS = Counts(
    worker_kills=4,
    worker_reloads=1,
    gunicorn_kills=1,
    nginx_reloads=2,
    nginx_kills=1,
    activations=2,
)
BODIES = 6_000  # two thirds for /prediction, the others for /v2


def test_no_answer_is_lost_or_wrong_when_processes_are_killed(nginx: Path) -> None:
    outcome = endure_faults(Options(6_000, COUNTS, seed=2, minutes=3, quiet=True))
    assert not outcome.unexpected, report(outcome)
    assert not outcome.unexplained, report(outcome)
    assert outcome.tally.answers >= 6_000
    assert set(outcome.tally.of_release) == {"as committed", "names swapped"}


def test_malformed_requests_cause_no_error_and_end_no_process(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path, SER_SERVER_ACCESS_LOG="no") as server:
        findings = fuzz_server(server, BODIES, seed=3)
        assert not findings.errors, report_fuzz(findings)
        assert not findings.restarted
        assert findings.answers["inference: good", 200]  # most mutants derive from these
        assert server.predict()


LENGTH = "Content-Length: 5\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
SMUGGLING = {
    "length and chunks": LENGTH + CHUNKED,
    "chunks and length": CHUNKED + LENGTH,
    "two lengths": LENGTH + "Content-Length: 6\r\n",
    "the same length twice": LENGTH + LENGTH,
    "lengths in a list": "Content-Length: 5, 5\r\n",
    "a length with a sign": "Content-Length: +5\r\n",
    "a negative length": "Content-Length: -5\r\n",
    "a hexadecimal length": "Content-Length: 0x5\r\n",
    "a space before the colon": "Content-Length : 5\r\n",
    "chunks twice": CHUNKED + CHUNKED,
    "an unknown coding": "Transfer-Encoding: xchunked\r\n",
    "chunks within a coding": "Transfer-Encoding: chunked, gzip\r\n",
    "a coding around chunks": "Transfer-Encoding: gzip, chunked\r\n",
    "identity and length": "Transfer-Encoding: identity\r\n" + LENGTH,
    "chunks after a tab": "Transfer-Encoding:\tchunked\r\n" + LENGTH,
    "chunks after a vertical tab": "Transfer-Encoding: \vchunked\r\n",
    "chunks on a folded line": "Transfer-Encoding:\r\n chunked\r\n" + LENGTH,
    "chunks with a space before the colon": "Transfer-Encoding : chunked\r\n" + LENGTH,
    "chunks in quotes": 'Transfer-Encoding: "chunked"\r\n' + LENGTH,
    "a null in a name": "Transfer\0-Encoding: chunked\r\n" + LENGTH,
    "a bare carriage return": "X: y\rTransfer-Encoding: chunked\r\n" + LENGTH,
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_a_request_that_could_smuggle_another_is_refused(stack: Server, name: str) -> None:
    smuggled = "0\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    request = f"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\n{SMUGGLING[name]}\r\n{smuggled}"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1 ") == 1
