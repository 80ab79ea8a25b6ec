"""Extractors of a hostile server: the client neither runs nor believes them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech_emotion import Baseline, Client, Limits
from speech_emotion.errors import ExtractorError
from speech_emotion.extraction.cache import CACHED_FILES
from speech_emotion.extraction.features import Expected
from speech_emotion_worker import pipes

from tests.clients.python.conftest import (
    CLIP,
    DEADLINE,
    HANDSHAKE,
    Connect,
    Emotion,
    predict,
    verify,
)
from tests.support.hostile import extractors
from tests.support.hostile.server import HostileServer


def test_an_innocent_server_is_believed(hostile: HostileServer, connect: Connect) -> None:
    assert predict(connect(hostile)).emotion == "happy"
    np.testing.assert_allclose(hostile.posted[0]["mfccs"], [CLIP[:25]], atol=6e-4)
    assert [item.verdict for item in verify(hostile, connect)] == ["agreement"] * 2


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


AUDIO = np.random.default_rng(0).uniform(-0.5, 0.5, 49_500)  # a second at 48 kHz, and more
STATISTIC = list(np.arange(extractors.STATISTICS) / 4)


@pytest.mark.parametrize("network", ["V", "F"])
def test_an_innocent_server_gets_prosody_and_a_baseline(network: str, connect: Connect) -> None:
    with HostileServer(recordings={48_000: extractors.of_recordings()}) as server:
        client = connect(server)
        features = client.features(AUDIO, 48_000)
        baseline = Baseline().with_clip(features)
        assert client.predict(AUDIO, network, 48_000, baseline).emotion == "happy"
        (body,) = server.posted
    mfccs, prosody = list(range(25)), [2.0, 0.75, -30.0]
    assert body == {
        "mfccs": mfccs if network == "V" else [mfccs],
        "prosody": STATISTIC if network == "V" else [prosody],
        "baseline": {
            "clips": 1,
            "mfccs": {"mean": mfccs, "spread": [0] * 25},
            "prosody": {"mean": prosody, "spread": [0] * 3},
        },
    }


def test_the_extractor_gets_the_channels_at_the_rate_of_the_recording(connect: Connect) -> None:
    files = {rate: extractors.passing_the_channels_on(rate) for rate in (16_000, 48_000)}
    with HostileServer(recordings=files) as server:
        client = connect(server)
        client.predict(np.stack([AUDIO, -AUDIO], axis=1), "V", 48_000)
        client.predict(AUDIO, "V", 16_000)
        client.predict(np.stack([AUDIO] * 3, axis=1), "V", 16_000)
        bodies = [[body["mfccs"][0], *body["prosody"][:3]] for body in server.posted]
        paths = [path for path in server.paths if "extractor" in path]
    first = round(AUDIO[0], 5)
    assert bodies == [[48_000, first, -first, 0], *[[16_000, first, 0, 0]] * 2]
    assert paths == ["/init/extractor-48000.onnx", "/init/extractor-16000.onnx"]


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (
            extractors.passing_a_recording_on("frames", [-1, 25]),
            "sent 198,.* expected at most 5,252",
        ),
        (
            extractors.passing_a_recording_on("prosody", [-1, 3]),
            "sent 198,.* expected at most 5,252",
        ),
        (extractors.passing_a_recording_on("prosody_statistics", [-1]), "expected at most 5,252"),
        (extractors.of_recordings(prosody=np.ones((2, 3))), "1 frames, but prosody of 2"),
        (extractors.of_recordings(prosody=np.ones((1, 4))), r"\(1, 4\); expected \(1 to 45, 3\)"),
        (
            extractors.of_recordings(prosody=np.ones(3)),
            r"prosody is float32 of shape \(3,\)",
        ),
        (extractors.of_recordings(prosody=np.ones((0, 3))), r"prosody of shape \(0, 3\)"),
        (extractors.of_recordings(frames=np.ones((46, 25))), r"\(46, 25\); expected \(1 to 45, 25"),
        (extractors.of_recordings(mfccs=np.ones(26)), r"mfccs of shape \(1, 26\)"),
        (
            extractors.of_recordings(prosody_statistics=np.ones(13)),
            r"of shape \(1, 13\)",
        ),
        (
            extractors.of_recordings(prosody_statistics=[[1.0]]),
            "prosody_statistics is float",
        ),
        (extractors.of_recordings(prosody=[[2.0, 0.5, -np.inf]]), "prosody that are not finite"),
        (extractors.of_recordings(prosody_statistics=[np.nan] * 12), "that are not finite"),
        (extractors.innocent(), "was refused"),
    ],
)
def test_each_output_for_a_recording_is_checked(
    extractor: bytes, message: str, connect: Connect
) -> None:
    with HostileServer(recordings={48_000: extractor}) as server:
        with pytest.raises(ExtractorError, match=message):
            connect(server).predict(AUDIO, "V", sample_rate=48_000)
        assert server.posted == []


def packed(rows: int, columns: int, numbers: int) -> bytes:
    return pipes.SHAPE.pack(rows, columns) + bytes(4 * numbers)


FRAMES = packed(2, 25, 50)
MFCCS = packed(1, 25, 25)
PROSODY = packed(2, 3, 6)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", r"frames of shape \(0, 0\)"),
        (FRAMES[:10], "frames that are cut off"),
        (FRAMES[:-1], "frames that are cut off"),
        (packed(2**63, 25, 50), r"frames of shape \(9223372036854775808, 25\)"),
        (packed(2, 2**62, 50), r"frames of shape \(2, 4611686018427387904\)"),
        (FRAMES + MFCCS, r"prosody of shape \(0, 0\); expected \(1 to 9, 3\)"),
        (FRAMES + packed(2, 25, 50), r"mfccs of shape \(2, 25\); expected \(1 to 1, 25\)"),
        (FRAMES + MFCCS + PROSODY + packed(1, 12, 11), "statistics that are cut off"),
        (FRAMES + MFCCS + PROSODY + packed(1, 12, 13), "more than its outputs"),
    ],
)
def test_a_process_that_was_taken_over_is_not_believed(answer: bytes, message: str) -> None:
    expected = Expected(most_frames=9, coefficients=25, statistics=12)
    with pytest.raises(ExtractorError, match=message):
        expected.read(answer, 0.0, 1.0)


def test_only_an_allowed_extractor_of_several_is_used(connect: Connect) -> None:
    files = {rate: extractors.of_recordings(mfccs=np.full(25, rate)) for rate in (16_000, 48_000)}
    with HostileServer(recordings=files) as server:
        hashes = [one["sha256"] for one in server.document["recordings"]["extractors"]]
        first = server.document["extractor"]["sha256"]
        for allowed in (hashes, hashes[:1], [hashes[1].upper(), first], first):
            connect(server, extractor_sha256=allowed).predict(AUDIO, "V", 16_000)
        found = [body["mfccs"][0] for body in server.posted]
        with pytest.raises(ExtractorError, match=f"{hashes[0]}, {hashes[1]}, {first}; expected 00"):
            connect(server, extractor_sha256="0" * 64).predict(AUDIO, "V", 16_000)
        assert "prosody" not in server.posted[3]
    assert found[:3] == [16_000, 16_000, 48_000]
    assert len(found) == 4


def test_short_audio_is_not_passed_on_within_the_limit(connect: Connect) -> None:
    """2,500 samples are 100 frames of 25; five frames are expected."""
    with HostileServer(extractors.passing_the_audio_on()) as server:
        with pytest.raises(ExtractorError, match="expected at most"):
            connect(server).predict(CLIP[:2_500], "F", sample_rate=22_050)
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


def process_of(client: Client) -> "subprocess.Popen[bytes]":
    assert client._extractor._worker is not None
    return client._extractor._worker._process


def test_the_process_of_the_extractor_has_neither_secrets_nor_files(
    hostile: HostileServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = connect(hostile)
    predict(client)
    pid = process_of(client).pid
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
    assert process_of(client).pid == pid


def test_the_process_of_the_extractor_ends_with_the_client(
    hostile: HostileServer, connect: Connect
) -> None:
    client = connect(hostile)
    predict(client)
    process = process_of(client)
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


def test_escape_sequences_of_an_extractor_do_not_reach_the_terminal(connect: Connect) -> None:
    with (
        HostileServer(extractors.with_escape_sequences()) as server,
        pytest.raises(ExtractorError, match=r"\[31mNo") as caught,
    ):
        predict(connect(server))
    assert str(caught.value).isprintable()


def test_a_pinned_extractor_is_accepted_and_another_is_not_fetched(
    hostile: HostileServer, connect: Connect, emotion: Emotion, tmp_path: Path
) -> None:
    sha256 = hostile.document["extractor"]["sha256"]
    assert predict(connect(hostile, extractor_sha256=sha256.upper())).emotion == "happy"
    hostile.paths.clear()
    with pytest.raises(ExtractorError, match=rf"{sha256}; expected {'0' * 64}\. It was not fetch"):
        predict(connect(hostile, extractor_sha256="0" * 64))
    file = tmp_path / "sound.wav"
    soundfile.write(file, CLIP, 22_050)
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
    for number in range(CACHED_FILES + 12):
        (cache / f"{number}.onnx").touch()
        os.utime(cache / f"{number}.onnx", (number, number))
    predict(connect(hostile))
    assert len(list(cache.iterdir())) == CACHED_FILES
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
