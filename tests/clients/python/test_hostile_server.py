"""What a hostile server sends, and that the client neither believes nor suffers it."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from speech_emotion import Client, Limits
from speech_emotion.errors import (
    ExtractorError,
    NoServerError,
    ServerProblemError,
    SpeechEmotionError,
    WrongServerError,
)

from tests.clients.python.conftest import DEADLINE, Emotion
from tests.support import hostile_extractors as extractors
from tests.support.hostile_server import (
    MOST_CHUNKS,
    PREDICTION,
    HostileServer,
    Replies,
    Reply,
    head,
    response,
)

HANDSHAKE = "/init/configuration"
SAMPLES = np.random.default_rng(0).uniform(-0.5, 0.5, 22_050)  # one second
QUICK = Limits(request_seconds=0.5)
ESCAPE = "\x1b]0;title\x07\x1b[31mred\u202e\r\n"

Connect = Callable[..., Client]


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    def connect(server: HostileServer, **options: Any) -> Client:
        return Client(server.url, cache=tmp_path / "cache", **options)

    return connect


def predict(client: Client, network: str = "F") -> Any:
    return client.predict(SAMPLES, network, sample_rate=22_050)


def test_an_innocent_server_is_believed(hostile: HostileServer, connect: Connect) -> None:
    assert predict(connect(hostile)).emotion == "happy"
    np.testing.assert_allclose(hostile.posted[0]["mfccs"], [SAMPLES[:25]], atol=1e-4)
    assert [item.verdict for item in verify(hostile, connect)] == ["agreement"] * 2


def verify(hostile: HostileServer, connect: Connect) -> Any:
    hostile.prediction = {"verdict": "agreement", "detail": ""}
    return connect(hostile).verify()


@pytest.mark.parametrize("network", ["V", "F"])
@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (extractors.passing_the_audio_on(), r"sent 88,\d+ bytes; expected at most 4,\d+"),
        (extractors.passing_the_audio_on_as_mean(), r"sent 88,\d+ bytes; expected at most"),
        (extractors.with_frames(np.full((1, 25), np.nan)), "not finite"),
        (extractors.reading("secret.bin"), "stored in another file"),
        (extractors.greedy(8), "Failed to allocate memory"),
        (extractors.model([]), "was refused"),
        (b"", "was refused"),
        (b"not an ONNX file", "is not an ONNX model"),
    ],
    ids=["audio", "audio as mean", "NaN", "file", "memory", "empty graph", "empty", "text"],
)
def test_an_extractor_that_does_more_than_extract_is_refused(
    *,
    extractor: bytes,
    message: str,
    network: str,
    connect: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(b"secret" * 100)
    with HostileServer(extractor or b"\0") as server:
        client = connect(server)
        with pytest.raises(ExtractorError, match=message if extractor else "ONNX"):
            predict(client, network)
        assert server.posted == []


def test_short_audio_is_not_passed_on_within_the_limit(connect: Connect) -> None:
    """2,500 samples are 100 frames of 25; five frames are expected."""
    with HostileServer(extractors.passing_the_audio_on()) as server:
        with pytest.raises(ExtractorError, match="expected at most"):
            connect(server).predict(SAMPLES[:2_500], "F", sample_rate=22_050)
        assert server.posted == []


def test_an_extractor_with_fewer_coefficients_is_refused(
    hostile: HostileServer, connect: Connect
) -> None:
    hostile.document["numberOfMfccs"] = 26
    with pytest.raises(ExtractorError, match=r"shape \(1, 25\); expected \(1 to 44, 26\)"):
        predict(connect(hostile))
    assert hostile.posted == []


def test_an_endless_extractor_is_killed_and_a_new_process_serves_the_next_clip(
    connect: Connect,
) -> None:
    with HostileServer(extractors.endless()) as server:
        client = connect(server, limits=Limits(run_seconds=1.0))
        for _ in range(2):
            with pytest.raises(ExtractorError, match="took longer than 1"):
                predict(client)
        assert server.posted == []


def test_the_process_of_the_extractor_has_neither_secrets_nor_files(
    hostile: HostileServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = connect(hostile)
    predict(client)
    pid = client._worker._process.pid
    variables = dict(
        line.split("=", 1)
        for line in Path(f"/proc/{pid}/environ").read_text().rstrip("\0").split("\0")
    )
    known = {"PYTHONPATH", "ORT_DISABLE_TELEMETRY", "OPENBLAS_NUM_THREADS", "LD_LIBRARY_PATH"}
    assert set(variables) <= known
    assert variables["ORT_DISABLE_TELEMETRY"] == "1"
    limits = Path(f"/proc/{pid}/limits").read_text()
    found = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    for name in ("Max open files", "Max processes", "Max file size", "Max core file size"):
        assert found[name] == ["0", "0"]
    assert found["Max data size"] == [str(Limits().memory_bytes)] * 2
    predict(client)
    assert client._worker._process.pid == pid


def test_the_process_of_the_extractor_ends_with_the_client(
    hostile: HostileServer, connect: Connect
) -> None:
    client = connect(hostile)
    predict(client)
    process = client._worker._process
    del client
    assert process.wait(DEADLINE) < 0


def test_a_fork_uses_a_process_of_its_own(hostile: HostileServer, tmp_path: Path) -> None:
    code = f"""
import os, numpy as np, pathlib
from speech_emotion import Client
client = Client({hostile.url!r}, pathlib.Path({str(tmp_path)!r}))
samples = np.full(22050, 0.25)
client.predict(samples, "F", 22050)
child = os.fork()
print(client.predict(samples, "F", 22050).emotion, flush=True)
if child:
    assert os.waitpid(child, 0)[1] == 0
    print(client.predict(samples, "F", 22050).emotion, flush=True)
"""
    script = tmp_path / "script.py"  # without `if __name__ == "__main__"`
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("happy\n" * 3, "", 0)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("sampleRate", 10**15),
        ("sampleRate", 10**4000),
        ("sampleRate", 7_999),
        ("sampleRate", -22_050),
        ("sampleRate", True),
        ("sampleRate", 22_050.0),
        ("sampleRate", "22050"),
        ("hopLength", 25),  # all samples, 25 in a frame
        ("hopLength", 0),
        ("hopLength", None),
    ],
)
def test_numbers_of_the_recipe_out_of_range_are_refused(
    member: str, value: Any, hostile: HostileServer, connect: Connect
) -> None:
    hostile.document["features"][member] = value
    with pytest.raises(WrongServerError, match=r"is not an integer from|numbers a second"):
        predict(connect(hostile))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/mfcc.onnx",
        "//example.org/mfcc.onnx",
        "file:///etc/passwd",
        "/init/../../admin",
        "/init/..",
        "/init/mfcc.onnx\r\nX-Evil: 1",
        "/init/%2e%2e/admin",
        "@example.org/",
        "",
        5,
    ],
)
@pytest.mark.parametrize("member", ["extractor", "reference"])
def test_an_address_elsewhere_is_refused(
    member: str, url: Any, hostile: HostileServer, connect: Connect
) -> None:
    hostile.document[member]["url"] = url
    with pytest.raises(WrongServerError, match="is not a path on the server"):
        predict(connect(hostile))
    assert hostile.paths == [HANDSHAKE]


@pytest.mark.parametrize(
    "change",
    [
        {"networkType": ESCAPE},
        {"networkType": ".."},
        {"networkType": "n" * 101},
        {"emotions": [ESCAPE, "calm"]},
        {"emotions": ["e" * 101, "calm"]},
        {"emotions": [f"e{i}" for i in range(101)]},
        {"emotions": "calm"},
        {"speakerIndependentUar": 10**4000},
        {"speakerIndependentUar": "0.5"},
        {"speakerIndependentUar": 7},
        {"corpus": {"name": ["a"]}},
        {"input": ["vector"]},
    ],
)
def test_an_odd_network_is_refused(
    change: dict[str, Any], hostile: HostileServer, connect: Connect
) -> None:
    hostile.document["networks"][0] |= change
    with pytest.raises(WrongServerError, match="unexpected response for") as caught:
        predict(connect(hostile))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_thousands_of_networks_are_refused(hostile: HostileServer, connect: Connect) -> None:
    hostile.document["networks"] *= 1_000
    with pytest.raises(WrongServerError, match="is not a list of at most 100 items"):
        predict(connect(hostile))


def results(*values: Any, **members: Any) -> dict[str, Any]:
    pairs = zip(("calm", "happy"), values, strict=True)
    return {"results": [{"emotionType": e, "prediction": v} for e, v in pairs]} | members


WARNING = {"code": "c", "detail": "d", "distance": 2.0, "limit": 1.0}


@pytest.mark.parametrize(
    "answer",
    [
        {"results": []},
        {"results": PREDICTION["results"][:1]},
        {"results": PREDICTION["results"] * 2},
        {"results": [{"emotionType": "evil", "prediction": 0.5}] * 2},
        {"results": [{"emotionType": [], "prediction": 0.5}] * 2},
        results(float("nan"), 0.5),
        results(float("inf"), 0.5),
        results(10**400, 0.5),
        results(-1, 2),
        results(0.5, 0.6),
        results("0.5", 0.5),
        results(0.5, 0.5, warning="w"),
        results(0.5, 0.5, warning=WARNING | {"distance": 10**400}),
        results(0.5, 0.5, warning=WARNING | {"detail": ["d"]}),
        [],
    ],
)
def test_an_impossible_prediction_is_refused(
    answer: Any, hostile: HostileServer, connect: Connect
) -> None:
    hostile.prediction = answer
    with pytest.raises(WrongServerError, match="is not a speech emotion server"):
        predict(connect(hostile))


def test_escape_sequences_of_results_do_not_reach_the_terminal(
    hostile: HostileServer, emotion: Emotion, tmp_path: Path
) -> None:
    file = tmp_path / "sound.wav"
    soundfile.write(file, SAMPLES, 22_050)
    hostile.prediction = results(0.5, 0.5, warning=WARNING | {"detail": ESCAPE})
    network = hostile.document["networks"][0]
    network["corpus"], network["intendedUse"] = {"name": ESCAPE}, {"not_for": [ESCAPE]}
    predicted = emotion("predict", file, "--server", hostile.url)
    listed = emotion("networks", "--server", hostile.url)
    hostile.prediction = {"verdict": ESCAPE, "detail": ESCAPE}
    verified = emotion("verify", "--server", hostile.url)
    assert [done.returncode for done in (predicted, listed, verified)] == [0, 0, 11]
    for done in (predicted, listed, verified):
        assert "[31mred" in done.stdout
        assert done.stdout.replace("\n", "").isprintable()


def problem(title: str, detail: str) -> Reply:
    yield response(
        json.dumps({"title": title, "detail": detail}).encode(),
        "application/problem+json",
        "422 Unprocessable",
    )


@pytest.mark.parametrize(
    "reply",
    [
        lambda: problem(ESCAPE, ESCAPE),
        lambda: iter([response(b"", status=f"500 {ESCAPE.strip()}")]),
        lambda: iter([response(b"", status="301 Moved", Location="http://\x1b[31mred")]),
        lambda: iter([b"\x1b[31mred\r\n\r\n"]),
        lambda: iter([head(Transfer_Encoding="chunked"), b"\x1b[31mred\r\n"]),
        lambda: iter([response(b"", Content_Encoding="\x1b[31mred")]),
    ],
    ids=["problem", "reason", "redirect", "status line", "chunk", "encoding"],
)
def test_escape_sequences_of_errors_do_not_reach_the_terminal(
    reply: Replies, hostile: HostileServer, emotion: Emotion
) -> None:
    hostile.replies[HANDSHAKE] = reply
    done = emotion("networks", "--server", hostile.url)
    assert done.returncode in (3, 4, 7)
    assert done.stderr.endswith("\n")
    assert done.stderr[:-1].isprintable()


def test_escape_sequences_of_an_extractor_do_not_reach_the_terminal(connect: Connect) -> None:
    with (
        HostileServer(extractors.with_escape_sequences()) as server,
        pytest.raises(ExtractorError, match=r"\[31mNo") as caught,
    ):
        predict(connect(server))
    assert str(caught.value).isprintable()


def endless(first: bytes, chunk: bytes) -> Reply:
    yield first
    for _ in range(MOST_CHUNKS):
        yield chunk


@pytest.mark.parametrize(
    "reply",
    [
        lambda: endless(head(), b" " * 65_536),
        lambda: endless(head(Transfer_Encoding="chunked"), b"10000\r\n" + b" " * 65_536 + b"\r\n"),
        lambda: endless(head("503 Busy"), b" " * 65_536),
        lambda: iter([head(Content_Length="1048577"), b" " * 1_048_577]),
    ],
    ids=["without length", "chunked", "temporary", "one byte too much"],
)
def test_an_answer_without_end_is_refused(
    reply: Replies, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = reply
    with pytest.raises(WrongServerError, match="larger than 1048576 bytes"):
        predict(connect(hostile))


def test_a_file_without_end_is_refused(hostile: HostileServer, connect: Connect) -> None:
    hostile.replies["/init/mfcc.onnx"] = lambda: endless(head(), b" " * 65_536)
    with pytest.raises(WrongServerError, match="larger than 16777216 bytes"):
        predict(connect(hostile))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_compressed_answer_is_not_decompressed(
    encoding: str, hostile: HostileServer, connect: Connect
) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    hostile.replies[HANDSHAKE] = lambda: iter([response(bomb, Content_Encoding=encoding)])
    with pytest.raises(WrongServerError, match=f"compresses its response: {encoding}"):
        predict(connect(hostile))


def drip(server: HostileServer, first: bytes, chunk: bytes = b" ") -> Replies:
    """Sends a little every 20 ms, less than any time-out of a socket notices."""

    def reply() -> Reply:
        yield first
        while not server.stopped.wait(0.02):
            yield chunk

    return reply


@pytest.mark.parametrize(
    ("first", "chunk"),
    [
        (head(), b" "),
        (head(Content_Length="1000000"), b" "),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (head(Transfer_Encoding="chunked"), b"1\r\n \r\n"),
        (head(Transfer_Encoding="chunked") + b"0\r\n", b"X: y\r\n"),
        (head("503 Busy"), b" "),
    ],
    ids=["body", "length", "header", "1xx", "chunks", "trailers", "temporary"],
)
def test_an_answer_that_drips_ends_with_the_request(
    first: bytes, chunk: bytes, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = drip(hostile, first, chunk)
    with pytest.raises(NoServerError, match=r"no complete answer in 0\.5 s"):
        predict(connect(hostile, limits=QUICK))


def test_a_handshake_of_tls_that_drips_ends_with_the_request(hostile: HostileServer) -> None:
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"  # a handshake message of 16 kB follows
    hostile.greeting = drip(hostile, record)
    client = Client(hostile.url.replace("http:", "https:"), limits=QUICK)
    with pytest.raises(NoServerError, match=r"no complete answer in 0\.5 s"):
        predict(client)


@pytest.mark.parametrize("retry_after", ["9" * 5_000, "-1", "\xb2", "1e9", "29"])
def test_a_strange_retry_after_delays_nobody(
    retry_after: str, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = lambda: iter(
        [response(b"", "text/plain", "503 Busy", Retry_After=retry_after)]
    )
    with pytest.raises(ServerProblemError):
        predict(connect(hostile, limits=Limits(request_seconds=20.0)))


@pytest.mark.parametrize("status", ["200 OK", "422 Unprocessable"])
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000, b'"\xff"'])
def test_documents_that_cannot_be_read_are_refused(
    body: bytes, status: str, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = lambda: iter([response(body, "application/problem+json", status)])
    with pytest.raises(WrongServerError):
        predict(connect(hostile))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str, hostile: HostileServer, connect: Connect) -> None:
    with HostileServer() as other:
        location = response(b"", status=status, Location=f"{other.url}/prediction/F")
        hostile.replies["/prediction/F"] = lambda: iter([location])
        with pytest.raises(WrongServerError, match="and redirects to"):
            predict(connect(hostile))
        assert other.paths == []


@pytest.mark.parametrize(
    "clip", [b"fLaC" + bytes(100), b"RIFF", b"", b"RIFF\xff\xff\xff\xffWAVEfmt "]
)
def test_a_reference_clip_of_another_kind_is_refused(
    clip: bytes, hostile: HostileServer, connect: Connect
) -> None:
    hostile.files["/init/reference.wav"] = clip
    hostile.document["reference"]["sha256"] = hashlib.sha256(clip).hexdigest()
    with pytest.raises(WrongServerError, match="reference clip is not a WAV file"):
        verify(hostile, connect)


def test_a_pinned_extractor_is_accepted_and_another_is_not_fetched(
    hostile: HostileServer, connect: Connect, emotion: Emotion, tmp_path: Path
) -> None:
    sha256 = hostile.document["extractor"]["sha256"]
    assert predict(connect(hostile, extractor_sha256=sha256.upper())).emotion == "happy"
    hostile.paths.clear()
    with pytest.raises(ExtractorError, match=rf"{sha256}; expected {'0' * 64}\. It was not fetch"):
        predict(connect(hostile, extractor_sha256="0" * 64))
    file = tmp_path / "sound.wav"
    soundfile.write(file, SAMPLES, 22_050)
    done = emotion("predict", file, "--extractor-sha256", "0" * 64, "--server", hostile.url)
    assert done.returncode == 6
    assert set(hostile.paths) == {HANDSHAKE}
    done = emotion("predict", file, "--extractor-sha256", "0", "--server", hostile.url)
    assert done.returncode == 2
    assert "expected 64 hexadecimal digits" in done.stderr
    with pytest.raises(ValueError, match="is not a SHA-256 hash"):
        connect(hostile, extractor_sha256="0")


def test_the_cache_does_not_grow_without_end(
    hostile: HostileServer, connect: Connect, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for number in range(20):
        (cache / f"{number}.onnx").touch()
        os.utime(cache / f"{number}.onnx", (number, number))
    predict(connect(hostile))
    assert len(list(cache.iterdir())) == 8
    assert (cache / f"{hostile.document['extractor']['sha256']}.onnx").is_file()


def test_threads_share_a_client(hostile: HostileServer, connect: Connect) -> None:
    client = connect(hostile)
    found: list[str] = []

    def work() -> None:
        found.extend(predict(client).emotion for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["happy"] * 20


def test_a_server_that_is_gone_ends_the_retries(connect: Connect) -> None:
    with HostileServer() as server:
        client = connect(server)
        predict(client)
    start = time.monotonic()
    with pytest.raises(SpeechEmotionError):
        predict(client)
    assert time.monotonic() - start < 30
