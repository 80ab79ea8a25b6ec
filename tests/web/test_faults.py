"""Every fault is explained on the page, with a way to continue."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.support.harness import Server, open_until, running, wait_until
from tests.support.hostile.faulty_proxy import (
    Change,
    FaultyProxy,
    replaced_by,
    reset,
    unchanged,
)
from tests.support.sounds import noise, silence, tone, write
from tests.support.web.browser import FLAGS
from tests.web.conftest import OpenPage
from tests.web.visits import visiting

HANDSHAKE = "/init/configuration"
VERIFICATION = "/init/verification"
CONNECTIONS = 12  # more than a browser opens


def problem(status: int, **headers: str) -> Change:
    """A problem document of the server."""
    document = {"type": "about:blank", "title": "No", "status": status, "detail": "Not now."}
    kind = "application/problem+json"
    return replaced_by(status, json.dumps(document).encode(), Content_Type=kind, **headers)


@pytest.mark.parametrize("content", ["Dear server, this is no audio.", ""])
def test_an_unreadable_file(visit: OpenPage, tmp_path: Path, content: str) -> None:
    path = tmp_path / "letter.wav"
    path.write_text(content)
    visited = visit().wait_for_agreement()
    visited.upload(path)
    visited.expect_fault("unreadable")
    visited.screenshot("fault-unreadable")


@pytest.mark.parametrize(("kind", "seconds"), [("too-short", 0.05), ("too-long", 601)])
def test_a_clip_of_a_wrong_length(
    visit: OpenPage, tmp_path: Path, kind: str, seconds: float
) -> None:
    visited = visit().wait_for_agreement()
    visited.upload(write(tmp_path / "clip.wav", noise(seconds, 8_000), 8_000))
    visited.expect_fault(kind)
    visited.screenshot(f"fault-{kind}")


def test_silence(visit: OpenPage, original: Path, tmp_path: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.upload(write(tmp_path / "silence.wav", silence(3), 22_050))
    visited.expect_fault("silent")
    visited.screenshot("fault-silent")
    assert visited.predictions == []

    visited.analyse(original)
    expect(visited.by_id("notice")).to_be_empty()


def test_an_out_of_distribution_input_gets_a_warning(visit: OpenPage, tmp_path: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(write(tmp_path / "tone.wav", tone(3), 22_050))
    expect(visited.by_id("warning")).to_contain_text("The result is only a guess")
    visited.screenshot("warning")


def test_an_unreachable_server_at_the_start(open_through: OpenPage, proxy: FaultyProxy) -> None:
    proxy.faults[HANDSHAKE] = [reset] * 4  # a browser tries more than once
    visited = open_through()
    visited.expect_fault("away")
    visited.screenshot("fault-away")
    proxy.faults[HANDSHAKE].clear()
    visited.page.get_by_role("button", name="Try again").click()
    visited.wait_for_agreement()
    expect(visited.by_id("notice")).to_be_empty()


def test_a_server_that_becomes_unreachable(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, original: Path
) -> None:
    visited = open_through().wait_for_agreement()
    proxy.faults[prediction] = [reset] * 4
    visited.upload(original)
    visited.expect_fault("away")
    proxy.faults[prediction].clear()
    visited.page.get_by_role("button", name="Try again").click()
    visited.wait_for_result()


REFUSALS = {"too-many-requests": 429, "overloaded": 503, "refused": 422}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_server_that_refuses(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, original: Path, kind: str
) -> None:
    visited = open_through().wait_for_agreement()
    proxy.faults[prediction] = [problem(REFUSALS[kind], Retry_After="7")]
    visited.upload(original)
    notice = visited.expect_fault(kind)
    if kind == "refused":
        expect(notice).to_contain_text("Not now.")
    else:
        expect(notice).to_contain_text("The suggested wait is 7 seconds")
    visited.screenshot(f"fault-{kind}")
    visited.page.get_by_role("button", name="Try again").click()
    visited.wait_for_result()


def test_the_connection_limit_of_the_server(
    nginx: Path, browser: Browser, original: Path, tmp_path: Path
) -> None:
    limit = {
        "SER_SERVER_CONNECTIONS_PER_ADDRESS": CONNECTIONS,
        "SER_MODELS_DOWNLOADS": "no",
    }
    with (
        running(tmp_path / "run", **limit) as server,
        visiting(browser, str(server.client.base_url)) as open_page,
    ):
        visited = open_page().wait_for_agreement()
        visited.upload(original)  # loads the rest of the page
        visited.wait_for_result()
        with open_until(server, 429, lambda: server.client.get(HANDSHAKE)):
            visited.upload(original)
            visited.expect_fault("too-many-requests")
        wait_until(lambda: server.client.get(HANDSHAKE).status_code == 200, "the limit ends")
        visited.by_id("notice").get_by_role("button", name="Try again").click()
        visited.wait_for_result()


def test_windows_are_retried_when_the_server_is_busy(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, tmp_path: Path
) -> None:
    visited = open_through().wait_for_agreement()
    # The requests for the whole clip and for its first window are answered.
    proxy.faults[prediction] = [unchanged, unchanged, problem(429, Retry_After="1")]
    visited.upload(write(tmp_path / "clip.wav", noise(6), 22_050))
    expect(visited.by_id("timeline-table").locator("tbody tr")).to_have_count(4)
    expect(visited.by_id("notice")).to_be_empty()


def test_live_mode_continues_after_a_refusal(
    proxy: FaultyProxy, browser_with_microphone: Browser, prediction: str
) -> None:
    with visiting(browser_with_microphone, f"{proxy.url}/") as open_page:
        visited = open_page().wait_for_agreement()
        proxy.faults[prediction] = [problem(429, Retry_After="5")]  # as long it is shown
        visited.page.get_by_role("button", name="Listen live").click()
        visited.expect_fault("too-many-requests")
        expect(visited.by_id("source")).to_contain_text("Live")
        expect(visited.by_id("notice")).to_be_empty()


def test_another_kind_of_server(open_through: OpenPage, proxy: FaultyProxy) -> None:
    proxy.faults[HANDSHAKE] = [replaced_by(200, b"{}", Content_Type="application/json")]
    visited = open_through()
    visited.expect_fault("wrong-server")
    visited.screenshot("fault-wrong-server")


def test_an_extractor_with_another_hash(open_through: OpenPage, proxy: FaultyProxy) -> None:
    kind = "application/octet-stream"
    proxy.faults["/init/extractor-22050.onnx"] = [replaced_by(200, b"not it", Content_Type=kind)]
    visited = open_through()
    visited.expect_fault("extractor")
    expect(visited.by_id("verification")).to_have_attribute("data-state", "unknown")
    visited.page.get_by_role("button", name="Try again").click()
    visited.wait_for_agreement()


def test_features_that_the_server_rejects(open_through: OpenPage, proxy: FaultyProxy) -> None:
    document = {"verdict": "mistake", "detail": "The mel filters are HTK's."}
    answer = replaced_by(200, json.dumps(document).encode(), Content_Type="application/json")
    proxy.faults[VERIFICATION] = [answer]
    visited = open_through()
    expect(visited.by_id("verification")).to_have_attribute("data-state", "disagreement")
    expect(visited.by_id("verification")).to_contain_text("HTK")
    visited.screenshot("disagreement")


@pytest.fixture
def open_from_another_host(
    site: Server, playwright: Playwright, chromium: str
) -> Iterator[OpenPage]:
    """Opens the page under another host name, which is not a secure context."""
    flags = [*FLAGS, "--host-resolver-rules=MAP speech.test 127.0.0.1"]
    browser = playwright.chromium.launch(executable_path=chromium, args=flags)
    with visiting(browser, f"http://speech.test:{site.port}/") as open_page:
        yield open_page
    browser.close()


def test_a_page_of_another_host_without_https(
    open_from_another_host: OpenPage, original: Path
) -> None:
    visited = open_from_another_host().wait_for_agreement()
    visited.page.get_by_role("button", name="Record", exact=True).click()
    visited.expect_fault("microphone-insecure")
    visited.screenshot("fault-microphone-insecure")
    visited.analyse(original)
    visited.page.get_by_role("button", name="Copy as curl").click()
    expect(visited.by_id("copied")).to_contain_text("Ctrl+C")
    selected = "code => code.value.slice(code.selectionStart, code.selectionEnd)"
    assert visited.by_id("code").evaluate(selected).startswith("curl 'http://speech.test:")
