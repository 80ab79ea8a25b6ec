"""How much is loaded and how long it takes, on this machine."""

from pathlib import Path

from playwright.sync_api import Request, Route, expect

from tests.support.harness import Server
from tests.support.sounds import load, write
from tests.web.conftest import Open

SCRIPT_BUDGET = 300_000  # bytes, compressed
DROP_BUDGET = 1_500  # ms
ROUNDS = 5


def test_the_first_view_needs_little_script_and_no_webassembly(visit: Open, site: Server) -> None:
    visited = visit("about:blank")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    # The runtime is withheld, so that it cannot have had a part in the first view.
    visited.page.context.route("**/*.wasm", hold)
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


def test_a_clip_is_heard_soon_after_it_is_dropped(
    visit: Open, original: Path, tmp_path: Path
) -> None:
    samples, rate = load(original)
    clip = write(tmp_path / "clip.wav", samples[: 3 * rate], rate)
    visited = visit()
    visited.wait_for_agreement()
    visited.page.reload()  # now the browser has the runtime in its cache
    visited.wait_for_agreement()
    found = [visited.drop(clip, f"clip-{number}.wav") for number in range(ROUNDS)]
    print("drop to bars, ms:", ", ".join(f"{elapsed:.0f}" for elapsed in found))
    assert min(found) <= DROP_BUDGET
