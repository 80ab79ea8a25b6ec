"""Faults of the server, or of a proxy before it, and how the client handles them."""

import itertools
import json
import socket
from pathlib import Path

import numpy as np
import pytest
import soundfile
import urllib3
from speech_emotion import Client
from speech_emotion.errors import (
    ExtractorError,
    NoServerError,
    ServerProblemError,
    SpeechEmotionError,
    WrongServerError,
)
from speech_emotion.transport import RETRIES, Transport

from tests.clients.python.conftest import Emotion
from tests.support.hostile.faulty_proxy import Answer, Change, FaultyProxy, replaced_by, reset

PREDICTION = "/prediction/CNN"
HANDSHAKE = "/init/configuration"
EXTRACTOR = "/init/extractor-22050.onnx"  # for SAMPLES
SAMPLES = np.random.default_rng(0).uniform(-0.5, 0.5, 22_050)


@pytest.fixture
def client(proxy: FaultyProxy, tmp_path: Path) -> Client:
    return Client(proxy.url, cache=tmp_path)


def predict(client: Client) -> float:
    return client.predict(SAMPLES, "CNN", sample_rate=22_050).probability


@pytest.mark.parametrize(
    "faults",
    [
        [replaced_by(503)],
        [replaced_by(502), replaced_by(504)],
        [reset, reset],
        [replaced_by(429, Retry_After="0")],
        [replaced_by(503, Retry_After="1")],
    ],
)
@pytest.mark.parametrize("path", [HANDSHAKE, EXTRACTOR, PREDICTION])
def test_temporary_faults_are_retried(
    faults: list[Change], path: str, client: Client, proxy: FaultyProxy
) -> None:
    proxy.faults[path] = list(faults)
    assert predict(client) > 0
    assert proxy.count(path) == len(faults) + 1


@pytest.mark.parametrize("fault", [replaced_by(503), reset])
def test_permanent_faults_end_the_retries(
    fault: Change, client: Client, proxy: FaultyProxy
) -> None:
    proxy.faults[PREDICTION] = list(itertools.repeat(fault, 100))
    with pytest.raises(SpeechEmotionError):
        predict(client)
    assert proxy.count(PREDICTION) == RETRIES + 1


@pytest.mark.parametrize(
    "fault",
    [
        replaced_by(500),
        replaced_by(429),
        replaced_by(429, Retry_After="3600"),
        replaced_by(503, Retry_After="3600"),
        replaced_by(413),
    ],
)
def test_errors_that_a_retry_cannot_fix_are_not_retried(
    fault: Change, client: Client, proxy: FaultyProxy
) -> None:
    proxy.faults[PREDICTION] = [fault]
    with pytest.raises(ServerProblemError):
        predict(client)
    assert proxy.count(PREDICTION) == 1


def test_a_read_timeout_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = Transport(
            f"127.0.0.1:{listener.getsockname()[1]}", urllib3.Timeout(connect=5, read=0.1)
        )
        with pytest.raises(NoServerError, match="does not answer in time"):
            transport.get("/")


def test_a_problem_document_becomes_an_error_with_its_members(
    client: Client, proxy: FaultyProxy
) -> None:
    document = {
        "type": "urn:problem:speech-emotion:invalid-features",
        "title": "Invalid features",
        "status": 422,
        "detail": "Wrong number of coefficients: expected 25, got 24.",
        "pointer": "/mfccs",
    }
    proxy.faults[PREDICTION] = [
        replaced_by(422, json.dumps(document).encode(), Content_Type="application/problem+json")
    ]
    with pytest.raises(ServerProblemError) as caught:
        predict(client)
    assert str(caught.value) == f"{document['title']}: {document['detail']}"
    assert (caught.value.status, caught.value.pointer) == (422, "/mfccs")


def test_an_extractor_with_another_hash_is_not_used(
    client: Client, proxy: FaultyProxy, tmp_path: Path
) -> None:
    proxy.faults[EXTRACTOR] = [lambda answer: Answer(200, answer.body[:-1] + b"\0", answer.headers)]
    with pytest.raises(ExtractorError, match=r"hash [0-9a-f]{64}; the handshake says"):
        predict(client)
    assert not list(tmp_path.iterdir())
    assert proxy.count(PREDICTION) == 0


def without(*members: str) -> Change:
    def change(answer: Answer) -> Answer:
        document = json.loads(answer.body)
        for member in members:
            del document[member]
        return Answer(200, json.dumps(document).encode(), answer.headers)

    return change


@pytest.mark.parametrize(
    "fault",
    [
        replaced_by(200, b"<html>It works!</html>", Content_Type="text/html"),
        replaced_by(200, b"[1, 2]", Content_Type="application/json"),
        replaced_by(200, b"{}", Content_Type="application/json"),
        replaced_by(200, b"[" * 100_000, Content_Type="application/json"),
        replaced_by(404, b"<html>Not Found</html>", Content_Type="text/html"),
        replaced_by(301, Location="https://example.org/"),
        replaced_by(401),
        without("extractor"),
        without("networks"),
    ],
)
def test_another_kind_of_server_is_an_error(
    fault: Change, client: Client, proxy: FaultyProxy
) -> None:
    proxy.faults[HANDSHAKE] = [fault]
    with pytest.raises(WrongServerError, match=proxy.url):
        predict(client)


@pytest.mark.parametrize("body", [b"{}", b'{"results": 1}', b'{"results": [{}]}', b"null"])
def test_an_answer_without_prediction_is_an_error(
    body: bytes, client: Client, proxy: FaultyProxy
) -> None:
    proxy.faults[PREDICTION] = [replaced_by(200, body)]
    with pytest.raises(WrongServerError, match="is not a speech emotion server: unexpected"):
        predict(client)


def test_a_hash_that_is_a_path_is_refused(client: Client, proxy: FaultyProxy) -> None:
    def change(answer: Answer) -> Answer:
        document = json.loads(answer.body)
        document["extractor"]["sha256"] = "../../evil"
        return Answer(200, json.dumps(document).encode(), answer.headers)

    proxy.faults[HANDSHAKE] = [change]
    with pytest.raises(WrongServerError, match="is not a SHA-256 hash"):
        predict(client)


def test_the_command_continues_after_a_refused_file(
    proxy: FaultyProxy, emotion: Emotion, tmp_path: Path
) -> None:
    file = tmp_path / "sound.wav"
    soundfile.write(file, SAMPLES, 22_050)
    proxy.faults[PREDICTION] = [replaced_by(413)]
    done = emotion("predict", file, file, "--json", "--network", "CNN", "--server", proxy.url)
    assert done.returncode == 7
    assert len(done.stdout.splitlines()) == 1
    assert f"emotion: {file}: 413 " in done.stderr
    assert "--every SECONDS" in done.stderr
    assert "Traceback" not in done.stderr
