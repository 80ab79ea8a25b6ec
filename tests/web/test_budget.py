"""The amount of script that is loaded, and the time of an analysis."""

from pathlib import Path

from playwright.sync_api import Request, Route, expect

from tests.support.harness import Server
from tests.support.sounds import load, write
from tests.web.conftest import OpenPage

SCRIPT_BUDGET = 60_000  # bytes, compressed
DROP_BUDGET = 1_500  # ms
ROUNDS = 5


def test_the_first_view_loads_little_script_and_no_webassembly(
    visit: OpenPage, site: Server
) -> None:
    visited = visit("about:blank")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    # The first view must not need the runtime, so its requests are never answered.
    visited.page.context.route("**/*.wasm", hold)
    with visited.page.context.expect_event("request", lambda one: one.url.endswith(".wasm")):
        visited.page.goto(str(site.client.base_url))
    expect(visited.by_id("file")).to_be_enabled()
    expect(visited.page.get_by_role("button", name="Listen live")).to_be_enabled()
    visited.page.wait_for_function("document.readyState === 'complete'")
    scripts = [r for r in visited.requests if r.resource_type == "script"]
    sizes = [compressed_size(request) for request in scripts]
    print(f"{len(scripts)} scripts of {sum(sizes):,} bytes before the WebAssembly")
    assert len(scripts) >= 2
    assert sum(sizes) <= SCRIPT_BUDGET
    expect(visited.by_id("verification")).to_have_attribute("data-state", "waiting")


def compressed_size(request: Request) -> int:
    response = request.response()
    assert response
    assert response.header_value("content-encoding") == "gzip"
    return int(response.header_value("content-length") or "")


def test_a_dropped_clip_is_analysed_quickly(
    visit: OpenPage, original: Path, tmp_path: Path
) -> None:
    samples, rate = load(original)
    clip = write(tmp_path / "clip.wav", samples[: 3 * rate], rate)
    visited = visit().wait_for_agreement()
    visited.page.reload()  # the browser has cached the runtime
    visited.wait_for_agreement()
    found = [visited.drop(clip, f"clip-{number}.wav") for number in range(ROUNDS)]
    print("drop to bars, ms:", ", ".join(f"{elapsed:.0f}" for elapsed in found))
    assert min(found) <= DROP_BUDGET
