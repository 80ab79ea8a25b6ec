import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.clients.python.conftest import MODELS, Emotion
from tests.support.clip_requests import members_of
from tests.support.harness import free_port
from tests.support.hostile.faulty_proxy import Answer, FaultyProxy, replaced_by


def test_predict_prints_a_table(server: str, emotion: Emotion) -> None:
    clip = MODELS / "reference.wav"
    done = emotion("predict", clip, "--network", "cnn", "--server", server)
    header, row, *_ = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert header.split() == ["file", "emotion", "prob.", "other", "emotions"]
    file, name, probability, *rest = row.split()
    others = [float(value) for value in rest[1::2]]
    assert file == str(clip)
    assert name in {"angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised"}
    assert len(others) == 7
    assert others == sorted(others, reverse=True)
    assert float(probability) + sum(others) == pytest.approx(1, abs=0.05)


def test_predict_json_prints_one_document_per_file(
    server: str, emotion: Emotion, tone: Path
) -> None:
    done = emotion("predict", tone, tone, "--json", "--network", "DNN", "--server", server)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert len(answers) == 2
    assert answers[0]["network"] == "DNN"
    assert answers[0]["probability"] == max(answers[0]["probabilities"].values())
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert (answers[0]["start"], answers[0]["end"]) == (0.0, 4.0)


def test_predict_in_windows(server: str, emotion: Emotion, tone: Path) -> None:
    done = emotion("predict", tone, "--every", "1.5", "--json", "--server", server)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(answer["start"], answer["end"]) for answer in answers] == [
        (0.0, 1.5),
        (1.5, 3.0),
        (3.0, 4.0),
    ]


def test_frames_are_posted_to_a_frame_network(
    proxy: FaultyProxy, emotion: Emotion, tone: Path
) -> None:
    for network in ("Frames", "CNN"):
        assert emotion("predict", tone, "--network", network, "--server", proxy.url).returncode == 0
    bodies = [members_of(body) for _, body in proxy.requests if body]
    assert np.shape(bodies[0]["mfccs"]) == (173, 25)
    np.testing.assert_allclose(np.mean(bodies[0]["mfccs"], axis=0), bodies[1]["mfccs"], atol=1e-3)


def test_nothing_but_coefficients_leaves_the_machine(
    proxy: FaultyProxy, emotion: Emotion, tone: Path
) -> None:
    emotion("predict", tone, "--network", "CNN", "--server", proxy.url)
    (body,) = [body for _, body in proxy.requests if body]
    assert list(json.loads(body)) == ["mfccs"]
    assert np.shape(json.loads(body)["mfccs"]) == (25,)


def test_the_best_network_is_the_default(server: str, emotion: Emotion, tone: Path) -> None:
    listed = emotion("networks", "--json", "--server", server)
    networks = [json.loads(line) for line in listed.stdout.splitlines()]
    best = max(networks, key=rank)
    done = emotion("predict", tone, "--json", "--server", server)
    assert json.loads(done.stdout)["network"] == best["name"]


def rank(network: dict[str, Any]) -> tuple[bool, float]:
    """The recall by which the best network is chosen: measured on other corpora, if it was."""
    other = network["other_corpora"]
    return other is not None, (other or {"uar": network["speaker_independent_uar"]})["uar"]


SECONDS = np.arange(3 * 16_000) / 16_000
DOUBTFUL = {
    "silence": np.zeros(16_000),
    "no-speech": np.random.default_rng(0).normal(0, 0.1, 48_000),
    "unfamiliar": 0.1 * sum(np.sin(2 * np.pi * f * SECONDS) for f in (220, 277, 330)),
}


def test_what_is_no_familiar_speech_has_no_emotion_as_headline(
    server: str, emotion: Emotion, tmp_path: Path
) -> None:
    for code, samples in DOUBTFUL.items():
        soundfile.write(tmp_path / f"{code}.wav", samples, 16_000)
    files = [tmp_path / f"{code}.wav" for code in DOUBTFUL]
    arguments = ("predict", *files, "--network", "CNN", "--server", server)
    table, lines = emotion(*arguments), emotion(*arguments, "--json")
    assert (table.returncode, lines.returncode) == (0, 0)
    rows = table.stdout.splitlines()[1:]
    for index, line in enumerate(lines.stdout.splitlines()):
        answer = json.loads(line)
        finding, best = answer["finding"], f"{answer['emotion']} {answer['probability']:.2f}"
        headline, advice, guess = rows[3 * index : 3 * index + 3]
        assert finding["code"] == [*DOUBTFUL][index]
        assert headline.split(maxsplit=3)[1:] == ["-", "-", finding["title"]]
        assert advice == f"  {finding['advice']}"
        assert guess.startswith(f"  only a guess: {best}  ")
    assert "POST /" not in table.stdout


def test_a_warning_about_the_profile_is_shown_below_the_emotion(
    proxy: FaultyProxy, emotion: Emotion, tone: Path
) -> None:
    warning = {"code": "baseline-of-another-voice", "detail": "Odd.", "distance": 2, "limit": 1}

    def warned(answer: Answer) -> Answer:
        body = json.loads(answer.body) | {"warning": warning}
        return Answer(200, json.dumps(body).encode(), answer.headers)

    proxy.faults["/prediction/CNN"] = [warned]
    done = emotion("predict", tone, "--network", "CNN", "--server", proxy.url)
    _, row, below, *_ = done.stdout.splitlines()
    assert row.split()[1] != "-"
    assert below == "  warning: Odd."


def test_networks_are_listed_with_their_quality(server: str, emotion: Emotion) -> None:
    done = emotion("networks", "--server", server)
    cells = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert ["Frames", "frames", "not", "measured", "10.0%", "33.3%"] in [row[:6] for row in cells]
    assert ["CNN", "vector"] in [row[:2] for row in cells]
    voice = next(line for line in done.stdout.splitlines() if line.startswith("Voice "))
    assert "  prosody, baseline  " in voice
    assert "not measured: the network was trained and measured on one corpus" in done.stdout
    assert "Frames, Voice are not for: anything else" in done.stdout


def test_verify_agrees(server: str, emotion: Emotion) -> None:
    done = emotion("verify", "--server", server)
    assert done.returncode == 0, done.stdout + done.stderr
    references = ["reference", "reference-48000", "reference-48000-stereo"]
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        [form, "agreement", reference]
        for reference in references
        for form in ("vector", "frames", "prosody")
    ]


def test_verify_reports_a_mistake_and_fails(proxy: FaultyProxy, emotion: Emotion) -> None:
    verdict = {"verdict": "mistake", "detail": "The mel scale looks like HTK's."}
    mistake = replaced_by(200, json.dumps(verdict | {"prosody": verdict}).encode())
    proxy.faults["/init/verification"] = [mistake, mistake]
    done = emotion("verify", "--server", proxy.url)
    assert done.returncode == 11
    assert done.stdout.splitlines()[0].split(maxsplit=3) == [
        "vector",
        "mistake",
        "reference",
        "The mel scale looks like HTK's.",
    ]


def test_the_extractor_is_fetched_once(proxy: FaultyProxy, emotion: Emotion, tone: Path) -> None:
    cache = str(tone.parent / "cache")
    for _ in range(2):
        emotion("predict", tone, tone, "--server", proxy.url, XDG_CACHE_HOME=cache)
    assert proxy.count("/init/extractor-16000.onnx") == 1
    assert len(list(Path(cache, "speech-emotion").iterdir())) == 1


def test_a_damaged_cache_is_replaced(
    proxy: FaultyProxy, emotion: Emotion, tone: Path, tmp_path: Path
) -> None:
    arguments = ("predict", tone, "--json", "--server", proxy.url)
    before = emotion(*arguments, XDG_CACHE_HOME=str(tmp_path))
    (cached,) = Path(tmp_path, "speech-emotion").iterdir()
    whole = cached.read_bytes()
    cached.write_bytes(whole[:1000])
    after = emotion(*arguments, XDG_CACHE_HOME=str(tmp_path))
    assert after.stdout == before.stdout
    assert cached.read_bytes() == whole


def test_an_unwritable_cache_is_ignored(server: str, emotion: Emotion, tone: Path) -> None:
    done = emotion("predict", tone, "--server", server, XDG_CACHE_HOME=str(tone))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("--network", "GRU"), 5, "The server has no network 'GRU'. Networks: CNN, DNN"),
        (("--every", "0.1"), 2, "expected seconds from 0.2 to 600"),
        (("--every", "nan"), 2, "expected seconds from 0.2 to 600"),
        (("--server", "ftp://localhost"), 2, "expected one like http://localhost:8080"),
        (("--server", "http://[::1"), 2, "expected one like http://localhost:8080"),
        (("--server", "http://"), 2, "expected one like http://localhost:8080"),
    ],
)
def test_wrong_usage_is_explained(
    *,
    arguments: tuple[str, ...],
    exit_code: int,
    message: str,
    server: str,
    emotion: Emotion,
    tone: Path,
) -> None:
    done = emotion("predict", tone, "--server", server, *arguments)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_server_is_reported(emotion: Emotion, tone: Path) -> None:
    address = f"localhost:{free_port()}"
    done = emotion("predict", tone, "--server", address)
    assert done.returncode == 3
    assert done.stderr.startswith(f"emotion: No server answers at http://{address}: ")
    assert done.stderr.count("\n") == 1


def test_a_file_name_that_is_not_utf_8_is_shown(server: str, emotion: Emotion, tone: Path) -> None:
    odd = tone.rename(tone.parent / "caf\udce9.wav")
    for form in ([], ["--json"]):
        done = emotion("predict", odd, *form, "--server", server)
        assert done.returncode == 0, done.stderr
        assert r"caf\udce9.wav" in done.stdout
