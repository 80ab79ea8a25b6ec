"""The page, in a browser, against a server that means its user harm."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.clip_requests import members_of
from tests.support.hostile import extractors
from tests.support.hostile.faulty_proxy import Answer, Change, FaultyProxy, replaced_by
from tests.support.hostile.pages import (
    EXTRACTOR,
    HANDSHAKE,
    PROBLEM,
    HostilePages,
    bomb_bytes,
    sha256,
)
from tests.support.models.tiny import recall
from tests.support.sounds import noise, write
from tests.web.conftest import OpenPage
from tests.web.visits import TIMEOUT, is_prediction

VERIFICATION = "/init/verification"
RATE = 22_050
JSON = "application/json"
AGREEMENT = {"verdict": "agreement", "detail": "Fine."}
# Let the timers of a worker run twenty times as fast, and as before.
FAST = "own = setTimeout; setTimeout = (call, ms, ...rest) => own(call, ms / 20, ...rest)"
NORMAL = "setTimeout = own"
MARKUP = "\x1b[1m<img src=x onerror=\"document.title='breached'\">\u202egnorw"


def offer(proxy: FaultyProxy, extractor: bytes) -> None:
    """Replaces the extractor, with its hash in the handshake; there are none for recordings."""

    def change(handshake: Any) -> None:
        handshake["extractor"]["sha256"] = sha256(extractor)
        of_version_1(handshake)

    proxy.faults[HANDSHAKE] = [changed(change)]
    kind = "application/octet-stream"
    proxy.faults[EXTRACTOR] = [replaced_by(200, extractor, Content_Type=kind)] * 4


def changed(change: Callable[[Any], None]) -> Change:
    """An answer with another content."""

    def apply(answer: Answer) -> Answer:
        document = json.loads(answer.body)
        change(document)
        return Answer(answer.status, json.dumps(document).encode(), answer.headers)

    return apply


def of_version_1(handshake: Any) -> None:
    """Removes what version 2 of the contract, and later networks, added to the handshake."""
    for member in ("recordings", "prosody", "references"):
        del handshake[member]
    for network in handshake["networks"]:
        for member in ("optionalMembers", "newSpeakers", "otherCorpora"):
            del network[member]


def answered(value: Any, status: int = 200, kind: str = JSON) -> Change:
    return replaced_by(status, json.dumps(value).encode(), Content_Type=kind)


def test_an_extractor_that_never_ends_is_ended_and_replaced(
    open_through: OpenPage, proxy: FaultyProxy, tmp_path: Path
) -> None:
    offer(proxy, extractors.endless(beyond=int(3.5 * RATE)))
    proxy.faults[VERIFICATION] = [answered(AGREEMENT)] * 2
    visited = open_through().wait_for_agreement()
    engine, worker = visited.page.workers
    engine.evaluate(FAST)
    with worker.expect_event("close", timeout=TIMEOUT):
        visited.upload(write(tmp_path / "long.wav", noise(3.6), RATE))
        expect(visited.by_id("progress")).to_be_visible()
        notice = visited.expect_fault("extractor")
    expect(notice).to_contain_text("was ended: it did not finish within 14 s. Nothing was sent.")
    visited.screenshot("fault-endless-extractor")
    assert not any(is_prediction(path) for path, _ in proxy.requests)

    engine.evaluate(NORMAL)
    visited.analyse(write(tmp_path / "short.wav", noise(1), RATE))  # with a new worker


def test_an_extractor_passing_the_audio_on_sends_nothing(
    open_through: OpenPage, proxy: FaultyProxy
) -> None:
    offer(proxy, extractors.passing_the_audio_on(1))
    visited = open_through()
    expect(visited.expect_fault("extractor")).to_contain_text("is not the one of the recipe")
    assert not any(body for _, body in proxy.requests)


def test_an_extractor_of_recordings_passing_the_audio_on_sends_nothing(
    open_through: OpenPage, proxy: FaultyProxy
) -> None:
    extractor = extractors.passing_a_recording_on("prosody", [-1, 3])

    def change(handshake: Any) -> None:
        for each in handshake["recordings"]["extractors"]:
            each["sha256"] = sha256(extractor)

    proxy.faults[HANDSHAKE] = [changed(change)]
    kind = "application/octet-stream"
    proxy.faults["/init/extractor-22050.onnx"] = [replaced_by(200, extractor, Content_Type=kind)]
    visited = open_through()
    expect(visited.expect_fault("extractor")).to_contain_text("is not the one of the recipe")
    assert not any(body for _, body in proxy.requests)


def test_a_server_of_version_1_gets_only_what_it_knows(
    open_through: OpenPage, proxy: FaultyProxy, original: Path
) -> None:
    proxy.faults[HANDSHAKE] = [changed(of_version_1)]
    visited = open_through().wait_for_agreement()
    visited.analyse(original)
    expect(visited.by_id("voice")).to_be_hidden()
    bodies = [members_of(body) for _, body in proxy.requests if body]
    assert len(bodies) == 3
    assert all(list(body) == ["mfccs"] for body in bodies)
    fetched = {path for path, _ in proxy.requests if path.startswith("/init/")}
    assert fetched == {HANDSHAKE, EXTRACTOR, "/init/reference.wav", VERIFICATION}


def test_an_extractor_that_reads_files_is_not_loaded(
    open_through: OpenPage, proxy: FaultyProxy
) -> None:
    offer(proxy, extractors.reading("mfcc.bin"))
    visited = open_through()
    expect(visited.expect_fault("extractor")).to_contain_text("it reads other files")
    assert not any(request.url.endswith(("mfcc.bin", ".wasm")) for request in visited.requests)


def test_a_recipe_that_makes_the_samples_the_features_is_refused(
    open_through: OpenPage, proxy: FaultyProxy
) -> None:
    def change(handshake: Any) -> None:
        handshake["features"]["hopLength"] = 25

    proxy.faults[HANDSHAKE] = [changed(change)]
    expect(open_through().expect_fault("wrong-server")).to_contain_text("features.hopLength is 25")


def test_a_handshake_that_decompresses_to_200_mb_is_refused(
    open_through: OpenPage, proxy: FaultyProxy
) -> None:
    answer = replaced_by(200, bomb_bytes(), Content_Type=JSON, Content_Encoding="gzip")
    proxy.faults[HANDSHAKE] = [answer]
    visited = open_through()
    expect(visited.expect_fault("wrong-server")).to_contain_text("has more than 1048576 bytes")


def test_texts_are_shown_as_plain_text(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, original: Path
) -> None:
    def change(handshake: Any) -> None:
        for network in handshake["networks"]:
            network["protocol"] = MARKUP
            network["intendedUse"]["not_for"] = [MARKUP]
            network["newSpeakers"] = recall(0.5, MARKUP)
            network["otherCorpora"] = None

    shown = MARKUP.replace("\x1b", "").replace("\u202e", "")
    proxy.faults[HANDSHAKE] = [changed(change)]
    proxy.faults[prediction] = [answered({"title": "No", "detail": MARKUP}, 422, PROBLEM)]
    visited = open_through().wait_for_agreement()
    visited.upload(original)
    expect(visited.expect_fault("refused").locator(".hint")).to_have_text(f"No: {shown}")
    expect(visited.by_id("network-details").locator("li")).to_have_text(shown)
    expect(visited.by_id("network-details").locator("tbody th")).to_have_text(shown)
    expect(visited.page.locator("img")).to_have_count(0)
    assert visited.page.title() != "breached"


ABSURD = {
    "negative": [{"emotionType": "a", "prediction": -1}, {"emotionType": "b", "prediction": 2}],
    "no number": [{"emotionType": "a", "prediction": "width: 100%"}],
    "too many": [{"emotionType": f"e{i}", "prediction": 0} for i in range(9_000)],
}


@pytest.mark.parametrize("name", ABSURD)
def test_an_absurd_prediction_is_not_shown(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, original: Path, name: str
) -> None:
    visited = open_through().wait_for_agreement()
    proxy.faults[prediction] = [answered({"results": ABSURD[name]})]
    visited.upload(original)
    visited.expect_fault("wrong-server")
    expect(visited.by_id("bars").locator("li")).to_have_count(0)


def test_features_do_not_follow_a_redirect_to_another_server(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, original: Path
) -> None:
    with HostilePages() as elsewhere:
        visited = open_through().wait_for_agreement()
        proxy.faults[prediction] = [replaced_by(307, Location=f"{elsewhere.url}{prediction}")]
        visited.upload(original)
        expect(visited.expect_fault("wrong-server")).to_contain_text("it redirects /prediction/")
        assert elsewhere.requests == []
