"""The web module, in Node, against a server that means it harm."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from tests.support.hostile import extractors
from tests.support.hostile import pages as hostile
from tests.support.hostile.pages import (
    CLIP,
    EXTRACTOR,
    HANDSHAKE,
    PREDICTION,
    HostilePages,
    Page,
    document,
    network,
    page,
)
from tests.support.models.tiny import recall
from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule

REAL = (hostile.ROOT / "models" / "mfcc.onnx").read_bytes()
FRAMES = np.zeros((3, 25), np.float32)
HARMLESS = extractors.with_frames(FRAMES)
MOST_GROWTH = 150_000_000  # bytes of memory; a response of 200 MB takes more
ESCAPES = "\x1b[31mred\x07\u202eder\u2066\r\n\x9b2J"
PLAIN = "[31mredder 2J"


@pytest.fixture
def server() -> Iterator[HostilePages]:
    with HostilePages() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[HostilePages]:
    """Another server, which must get no request."""
    with HostilePages() as server:
        server.offer(HARMLESS)
        yield server
        assert server.requests == []


def predict(web: WebModule, server: HostilePages, **options: Any) -> Any:
    """Does all that a client does with a clip."""
    web.call("connect", address=server.url, options=options)
    return web.call_with(noise(1), "predict", network="Net")


def refusal(web: WebModule, server: HostilePages, **options: Any) -> WebError:
    """The error of the same; no request had features."""
    with pytest.raises(WebError) as caught:
        predict(web, server, **options)
    assert server.posts == []
    return caught.value


# Extractors


def test_a_harmless_extractor_is_run(web: WebModule, server: HostilePages) -> None:
    server.offer(HARMLESS)
    assert predict(web, server)["results"] == [{"emotionType": "calm", "prediction": 1}]
    assert server.posts == [PREDICTION]


@pytest.mark.parametrize("place", extractors.READING)
@pytest.mark.parametrize("location", ["secret.bin", "dev/stdin", "../../etc/passwd"])
def test_an_extractor_that_reads_files_is_not_loaded(
    web: WebModule, server: HostilePages, place: str, location: str
) -> None:
    server.offer(extractors.READING[place](location))
    assert "ExtractorError: The extractor was not loaded: it reads other files" in str(
        refusal(web, server)
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x14\x00\x00\x00ORTM" + bytes(100), "it is in another format"),
        (REAL[:-1], "it ends too early"),
        (b"\x00" + REAL, "a field with the tag 0"),
        (b"\x0b\x0c" + REAL, "a field with the tag 11"),
        (b"\xff" * 20, "more than ten bytes"),
    ],
)
def test_a_file_that_is_not_onnx_is_not_loaded(
    web: WebModule, server: HostilePages, content: bytes, reason: str
) -> None:
    server.offer(content)
    assert reason in str(refusal(web, server))


def loud(value: float) -> bytes:
    frames = FRAMES.copy()
    frames[1, 2] = value
    return extractors.with_frames(frames)


OTHER_FEATURES = {
    "samples": (extractors.passing_the_audio_on(), r"\(882, 25\)"),
    "samples in rows": (extractors.passing_the_audio_on(441), r"\(50, 441\)"),
    "samples as the mean": (extractors.passing_the_audio_on_as_mean(), r"\(22050\)"),
    "one frame too many": (
        extractors.with_frames(np.zeros((45, 25))),
        r"\(45, 25\) .* expected \(1 to 44, 25\)",
    ),
    "no frame": (extractors.with_frames(np.zeros((0, 25))), r"\(0, 25\)"),
    "one dimension": (extractors.with_frames(np.zeros(25)), r"makes \(25\)"),
    "not a number": (loud(np.nan), "the coefficient NaN"),
    "infinity": (loud(-np.inf), "the coefficient -Infinity"),
    "a large number": (loud(1e9), "the coefficient 1000000000"),
}


@pytest.mark.parametrize("name", OTHER_FEATURES)
def test_what_is_not_features_is_not_sent(web: WebModule, server: HostilePages, name: str) -> None:
    content, reason = OTHER_FEATURES[name]
    server.offer(content)
    error = refusal(web, server)
    error.args = (str(error),)
    assert error.name == "ExtractorError"
    with pytest.raises(WebError, match=reason):
        raise error


def test_an_extractor_that_never_ends_is_ended_and_replaced(
    web: WebModule, server: HostilePages
) -> None:
    server.offer(extractors.endless(beyond=20_000))
    options = {"extractionSeconds": 1}
    web.call("connect", address=server.url, options=options, inThread=True)
    with pytest.raises(WebError, match=r"ExtractorError: .* did not finish within 2 s"):
        web.extract(noise(1))
    frames, _ = web.extract(noise(0.5))  # in a new thread
    assert frames.shape == (1, 25)


def test_a_thread_is_replaced_after_an_error(web: WebModule, server: HostilePages) -> None:
    server.offer(extractors.passing_the_audio_on())
    web.call("connect", address=server.url, inThread=True)
    for _ in range(2):
        with pytest.raises(WebError, match="not the one of the recipe"):
            web.extract(noise(1))
    fetched = [path for _, path, _ in server.requests].count(EXTRACTOR)
    assert fetched == 2


def test_a_thread_computes_the_same(web: WebModule, server: HostilePages) -> None:
    server.offer(REAL)
    web.call("connect", address=server.url)
    expected, _ = web.extract(noise(1))
    web.call("connect", address=server.url, inThread=True)
    found, _ = web.extract(noise(1))
    assert np.array_equal(found, expected)
    with pytest.raises(WebError, match="AudioTooShortError"):
        web.extract(noise(0.05))


# The pinned extractor


def test_the_pinned_extractor_is_run(web: WebModule, server: HostilePages) -> None:
    server.offer(HARMLESS)
    assert predict(web, server, extractorSha256=hostile.sha256(HARMLESS).upper())


def test_another_extractor_than_the_pinned_is_not_fetched(
    web: WebModule, server: HostilePages
) -> None:
    server.offer(HARMLESS)
    error = refusal(web, server, extractorSha256=hostile.sha256(REAL))
    assert error.name == "ExtractorError"
    assert f"expected {hostile.sha256(REAL)}" in str(error)
    assert [path for _, path, _ in server.requests] == [HANDSHAKE]


INVALID_OPTIONS: dict[str, Any] = {
    "extractorSha256": "abc",
    "requestSeconds": 0,
    "extractionSeconds": 1e9,
}


@pytest.mark.parametrize("name", INVALID_OPTIONS)
def test_an_invalid_option_is_named(web: WebModule, server: HostilePages, name: str) -> None:
    error = refusal(web, server, **{name: INVALID_OPTIONS[name]})
    assert error.name == "InvalidOptionError"
    assert name in str(error)


# Sizes and times


def verify(web: WebModule, server: HostilePages) -> None:
    web.call("connect", address=server.url)
    web.call("verify")


FETCHES = {HANDSHAKE: predict, EXTRACTOR: predict, PREDICTION: predict, CLIP: verify}


@pytest.mark.parametrize("path", FETCHES)
def test_a_response_that_decompresses_to_200_mb_is_not_read(
    web: WebModule, server: HostilePages, path: str
) -> None:
    server.offer(HARMLESS)
    server.pages[path] = hostile.bomb()
    process = psutil.Process(web.process.pid)
    before = process.memory_info().rss
    with pytest.raises(WebError, match=r"WrongServerError: .* has more than \d+ bytes"):
        FETCHES[path](web, server)
    assert process.memory_info().rss < before + MOST_GROWTH


def test_a_problem_document_of_200_mb_is_not_read(web: WebModule, server: HostilePages) -> None:
    server.pages[HANDSHAKE] = hostile.bomb(hostile.PROBLEM, status=503)
    error = refusal(web, server)
    assert error.members["problem"]["title"] == "Status 503"


def test_a_body_without_an_end_is_not_read(web: WebModule, server: HostilePages) -> None:
    server.pages[HANDSHAKE] = hostile.flood
    assert "has more than 1048576 bytes" in str(refusal(web, server))


@pytest.mark.parametrize("answer", [hostile.drip, hostile.dripping_header])
def test_a_response_without_an_end_is_abandoned(
    web: WebModule, server: HostilePages, answer: Page
) -> None:
    server.pages[HANDSHAKE] = answer
    error = refusal(web, server, requestSeconds=0.5)
    assert f"No server answers at {server.url}/ within 0.5 s" in str(error)


def test_json_that_is_nested_deeply_is_refused(web: WebModule, server: HostilePages) -> None:
    server.pages[HANDSHAKE] = page(b"[" * 500_000 + b"]" * 500_000)
    assert "is not JSON" in str(refusal(web, server))


# Numbers


FEATURES: dict[str, Any] = {"sampleRate": 22_050, "hopLength": 512, "nMfcc": 25}
ABSURD_FEATURES: dict[str, list[Any]] = {
    "sampleRate": [0, -22_050, 1, 1e308, 22_050.5, "22050", None, [22_050]],
    "hopLength": [0, 1, 25, 199, 1e9, -512],  # with 25, the features could be the audio
    "nMfcc": [0, 129, 1e9, "25"],
}
ABSURD_NETWORKS: dict[str, list[Any]] = {
    "networkType": ["", "..", "a/b", "a'b", "x" * 101, "\u202e", 7, None],
    "input": ["audio"],
    "emotions": [[], ["calm"] * 101, [1], "calm"],
    "speakerIndependentUar": [1.1, -1, "1", 1e308],
    "newSpeakers": ["0.5", recall(0.5), recall(0.5, *map(str, range(101)))],
    "otherCorpora": [
        recall(1.1, "a"),
        recall(0.5, "x" * 101),
        recall(0.5, "a", baselineUar="1"),
        recall(0.5, corpora=[{"name": "a", "uar": 0.5, "chance": 0.2, "listeners": 2}]),
    ],
    "protocol": [None],
    "corpus": [None, {"name": 1}],
    "intendedUse": [None, {"not_for": "all"}],
}
ABSURD: list[tuple[str, dict[str, Any]]] = [
    ("has 101 networks", {"networks": [network()] * 101}),
    ("the networks are missing", {"networks": "Net"}),
    ("numberOfMfccs is 24; expected features.nMfcc, 25", {"numberOfMfccs": 24}),
    *(
        (f"features.{name} is ", {"features": FEATURES | {name: value}})
        for name, values in ABSURD_FEATURES.items()
        for value in values
    ),
    *(
        ("network", {"networks": [network(**{name: value})]})
        for name, values in ABSURD_NETWORKS.items()
        for value in values
    ),
]


@pytest.mark.parametrize(("reason", "changes"), ABSURD, ids=lambda each: json.dumps(each)[:60])
def test_a_handshake_with_an_absurd_value_is_refused(
    web: WebModule, server: HostilePages, reason: str, changes: dict[str, Any]
) -> None:
    server.offer(HARMLESS, **changes)
    error = refusal(web, server)
    assert error.name == "WrongServerError"
    assert reason in str(error)
    assert len(str(error)) < 1_000


def results(*probabilities: Any) -> bytes:
    items = [f'{{"emotionType": "e{i}", "prediction": {p}}}' for i, p in enumerate(probabilities)]
    return f'{{"results": [{", ".join(items)}]}}'.encode()


ABSURD_PREDICTIONS = {
    "none": (b"null", "has no results"),
    "no results": (b'{"results": []}', "has 0 results"),
    "many": (results(*[0] * 5_000), "has 5000 results"),
    "infinity": (results("1e999"), r"probability in \[0, 1\]"),
    "negative": (results(-1, 2), r"probability in \[0, 1\]"),
    "text": (results('"1"'), r"probability in \[0, 1\]"),
    "a wrong sum": (results(0.9, 0.9), "sum to 1.8"),
    "no emotion": (b'{"results": [{"emotionType": 7, "prediction": 1}]}', "not an emotion"),
    "a wrong warning": (results(1)[:-1] + b', "warning": {"detail": 5}}', "its warning"),
}


@pytest.mark.parametrize("name", ABSURD_PREDICTIONS)
def test_an_absurd_prediction_is_refused(web: WebModule, server: HostilePages, name: str) -> None:
    server.offer(HARMLESS)
    body, reason = ABSURD_PREDICTIONS[name]
    server.pages[PREDICTION] = page(body)
    with pytest.raises(WebError, match=f"WrongServerError.*{reason}"):
        predict(web, server)


@pytest.mark.parametrize("wait", ["1e308", "-1", "Infinity", "0x10000", "soon"])
def test_an_absurd_wait_is_ignored(web: WebModule, server: HostilePages, wait: str) -> None:
    server.pages[HANDSHAKE] = page(b"", status=503, Retry_After=wait)
    assert "retryAfter" not in refusal(web, server).members


# Texts


def test_texts_of_the_server_are_plain_and_short(web: WebModule, server: HostilePages) -> None:
    problem = {"title": ESCAPES, "detail": "x" * 900_000, "type": ESCAPES, "pointer": ESCAPES}
    server.pages[HANDSHAKE] = document(problem, hostile.PROBLEM, status=422)
    error = refusal(web, server)
    found = error.members["problem"]
    assert [found["title"], found["type"], found["pointer"]] == [PLAIN] * 3
    assert found["detail"] == "x" * 1_999 + "…"
    assert str(error) == f"ServerProblemError: {PLAIN}: {found['detail']}"


def test_texts_of_the_handshake_are_plain(web: WebModule, server: HostilePages) -> None:
    server.offer(HARMLESS, networks=[network(protocol=ESCAPES, emotions=[ESCAPES])])
    (found,) = web.call("connect", address=server.url)["networks"]
    assert found["protocol"] == PLAIN
    assert found["emotions"] == [PLAIN]


# Other servers


@pytest.mark.parametrize("name", ["extractor", "reference"])
@pytest.mark.parametrize(
    "form",
    ["{}/init/mfcc.onnx", "\\\\{host}\\init", "data:,x", "file:///etc/passwd", "/../init"],
)
def test_a_file_of_another_server_is_not_fetched(
    web: WebModule, server: HostilePages, elsewhere: HostilePages, name: str, form: str
) -> None:
    url = form.format(elsewhere.url, host=elsewhere.url.removeprefix("http://"))
    server.offer(HARMLESS, **{name: {"url": url, "sha256": hostile.sha256(HARMLESS)}})
    server.pages[f"/prefix{HANDSHAKE}"] = server.pages[HANDSHAKE]
    with pytest.raises(WebError, match=r"WrongServerError: .* names a file of another server"):
        web.call("connect", address=f"{server.url}/prefix")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", [HANDSHAKE, EXTRACTOR, PREDICTION])
def test_a_redirect_is_not_followed(
    web: WebModule, server: HostilePages, elsewhere: HostilePages, path: str, status: int
) -> None:
    server.offer(HARMLESS)
    server.pages[path] = page(b"", status=status, Location=f"{elsewhere.url}{path}")
    with pytest.raises(WebError, match=f"WrongServerError: .* it redirects {path}"):
        predict(web, server)
