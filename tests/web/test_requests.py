"""The requests of the browser: they load files and send features, nothing else."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Request, expect

from tests.support.harness import Server
from tests.web.conftest import OpenPage
from tests.web.visits import Visit
from training.features.recordings.statistics import STATISTICS

FILES = re.compile(r"/(favicon\.svg|assets/[\w.-]+)?")
VERSION = re.compile(r"sha256=[0-9a-f]{64}")  # of the extractor and of the reference clip
HANDSHAKE = re.compile(
    r"/init/(configuration|mfcc\.onnx|extractor-\d+\.onnx|reference(-48000(-stereo)?)?\.wav)"
)
POSTS = re.compile(r"/init/verification|/prediction/\w+")
LARGEST_FEATURE = 10_000.0


def over_the_network(visited: Visit) -> list[Request]:
    """All requests except those for objects in the browser's memory."""
    return [request for request in visited.requests if not request.url.startswith("blob:")]


def check_numbers(value: Any, columns: int) -> None:
    """As many numbers, or a few hundred rows of them; audio would be tens of thousands."""
    rows = value if isinstance(value[0], list) else [value]
    assert len(rows) < 300
    assert all(len(row) == columns for row in rows)
    assert all(abs(number) < LARGEST_FEATURE for row in rows for number in row)


def check_features(body: str) -> None:
    document = json.loads(body)
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
        assert request.headers["content-type"] == "application/json"
        check_features(request.post_data or "")


def test_only_features_leave_the_machine(
    visit_with_microphone: OpenPage, site: Server, originals: list[Path]
) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    for path in originals[:2]:
        visited.upload(path)
        expect(visited.by_id("source")).to_contain_text(path.name)
    visited.choose("Frames")
    visited.page.get_by_role("button", name="Record", exact=True).click()
    expect(visited.by_id("elapsed")).to_have_text("Recording, 0:02")
    visited.page.get_by_role("button", name="Stop recording").click()
    visited.wait_for_result()

    found = over_the_network(visited)
    for request in found:
        check(request, f"127.0.0.1:{site.port}")
    posts = [request for request in found if request.method == "POST"]
    assert {urlsplit(request.url).path.split("/")[1] for request in posts} == {"init", "prediction"}


def test_the_page_lists_its_requests(visit: OpenPage, site: Server, original: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(original)
    found = over_the_network(visited)
    summary = visited.by_id("log-summary")
    expect(summary).to_contain_text(f"{len(found)} requests, all to 127.0.0.1:{site.port}.")
    expect(summary).to_contain_text("Audio sent: none.")
    sent = sum(len(request.post_data or "") for request in found)
    expect(summary).to_contain_text(f"Features sent: {sent / 1_000:.1f} kB")

    summary.click()
    rows = visited.by_id("log-rows").locator("tr")
    shown = sorted(row.locator("th").inner_text() for row in rows.all())
    assert shown == sorted(urlsplit(request.url).path for request in found)
    visited.screenshot("requests")
