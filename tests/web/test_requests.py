"""The requests of the browser: they load files and send features, nothing else."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Request, expect

from tests.support.harness import Server, wait_until
from tests.web.conftest import OpenPage
from tests.web.visits import Visit, members, recorded_for
from training.features.recordings.statistics import STATISTICS

FILES = re.compile(r"/(favicon\.svg|assets/[\w.-]+)?")
VERSION = re.compile(r"sha256=[0-9a-f]{64}")  # of the extractor and of the reference clip
HANDSHAKE = re.compile(
    r"/init/(configuration|mfcc\.onnx|extractor-\d+\.onnx|reference(-48000(-stereo)?)?\.wav)"
)
POSTS = re.compile(r"/init/verification|/prediction/[\w-]+|/v2/models/[\w-]+/infer")
LARGEST_FEATURE = 10_000.0
TIMES = " \u00d7 "


def over_the_network(visited: Visit) -> list[Request]:
    """All requests except those for objects in the browser's memory."""
    return [request for request in visited.requests if not request.url.startswith("blob:")]


def listed(visited: Visit) -> list[Request]:
    """The requests over the network, once the page's list has as many.

    The code of the heat map is fetched last, when the bars are shown already.
    """

    def has_all() -> bool:
        text = visited.by_id("log-summary").inner_text()  # meanwhile requests are reported
        found = over_the_network(visited)
        has_last = any("/assets/heatmap-" in request.url for request in found)
        return has_last and text.startswith(f"{len(found)} requests")

    wait_until(has_all, "as many requests in the list of the page as the browser made")
    return over_the_network(visited)


def check_numbers(value: Any, columns: int) -> None:
    """As many numbers, or a few hundred rows of them; audio would be tens of thousands."""
    rows = value if isinstance(value[0], list) else [value]
    assert len(rows) < 300
    assert all(len(row) == columns for row in rows)
    assert all(abs(number) < LARGEST_FEATURE for row in rows for number in row)


def check_features(document: dict[str, Any]) -> None:
    assert document.keys() <= {"mfccs", "prosody", "reference"}
    check_numbers(document["mfccs"], 25)
    if "prosody" in document:
        are_rows = isinstance(document["mfccs"][0], list)
        check_numbers(document["prosody"], 3 if are_rows else len(STATISTICS))
    assert re.fullmatch(r"reference[\w-]*", document.get("reference", "reference"))


def check(request: Request, host: str) -> None:
    address = urlsplit(request.url)
    assert address.netloc == host
    assert not address.query or VERSION.fullmatch(address.query)
    if request.method == "GET":
        assert FILES.fullmatch(address.path) or HANDSHAKE.fullmatch(address.path), address.path
        assert request.post_data_buffer is None
    else:
        assert request.method == "POST"
        assert POSTS.fullmatch(address.path), address.path
        is_binary = address.path.startswith("/v2/")
        kind = "application/octet-stream" if is_binary else "application/json"
        assert request.headers["content-type"] == kind
        check_features(members(request))


def test_only_features_leave_the_machine(
    visit_with_microphone: OpenPage, site: Server, originals: list[Path]
) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    for path in originals[:2]:
        visited.upload(path)
        expect(visited.by_id("source")).to_contain_text(path.name)
    visited.choose("Frames")
    visited.page.get_by_role("button", name="Record", exact=True).click()
    expect(visited.by_id("elapsed")).to_have_text(recorded_for(2))
    visited.page.get_by_role("button", name="Stop recording").click()
    visited.wait_for_result()

    found = over_the_network(visited)
    for request in found:
        check(request, f"127.0.0.1:{site.port}")
    posts = [request for request in found if request.method == "POST"]
    assert {urlsplit(request.url).path.split("/")[1] for request in posts} == {"init", "v2"}


def test_the_page_lists_its_requests(visit: OpenPage, site: Server, original: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(original)
    summary = visited.by_id("log-summary")
    found = listed(visited)
    expect(summary).to_contain_text(f"{len(found)} requests, all to 127.0.0.1:{site.port}.")
    expect(summary).to_contain_text("Audio sent: none.")
    sent = sum(len(request.post_data_buffer or b"") for request in found)
    expect(summary).to_contain_text(f"Features sent: {sent / 1_000:.1f} kB")

    summary.click()
    rows = visited.by_id("log-rows").locator("tr")
    shown = sorted(row.locator("th").inner_text() for row in rows.all())
    assert shown == sorted(urlsplit(request.url).path for request in found)
    visited.screenshot("requests")


def test_the_log_is_exact_for_a_binary_request(visit: OpenPage, original: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.choose("Frames")
    visited.analyse(original)
    request = visited.predictions[-1]
    body = request.post_data_buffer or b""
    size = int(request.headers["inference-header-content-length"])
    frames = np.frombuffer(body[size:], "<f4").reshape(-1, 25)

    visited.by_id("log-summary").click()
    row = visited.by_id("log-rows").locator("tr", has_text="/v2/models/Frames/infer").last
    expect(row).to_contain_text(
        f"{len(frames)}{TIMES}25 MFCCs; {len(body) / 1_000:.1f} kB in binary"
    )
    row.locator("summary").click()
    text, heading, *rows = row.locator("pre").inner_text().splitlines()
    assert text.encode() == body[:size]
    assert heading == f"frames: 1{TIMES}{len(frames)}{TIMES}25 FP32, {frames.nbytes} bytes"
    assert np.array_equal(np.loadtxt(rows, np.float32), frames)
    expect(row.get_by_role("region", name="The numbers of this request")).to_be_visible()
    assert visited.severe_violations() == []
    visited.screenshot("binary-request")
