"""The content security policy is strict, and the browser enforces it."""

import pytest

from tests.support.harness import Server
from tests.web.visits import Visit

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "media-src": "blob:",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.mark.parametrize("path", ["/", "/index.html"])
def test_the_policy_is_strict(site: Server, path: str) -> None:
    header = site.client.get(path).headers["content-security-policy"]
    assert dict(part.strip().split(" ", 1) for part in header.split(";")) == POLICY


def test_the_workers_have_the_same_policy(shared_page: Visit, site: Server) -> None:
    expected = site.client.get("/").headers["content-security-policy"]
    requests, extractor = shared_page.page.workers
    for worker in (requests, extractor):
        assert site.client.get(worker.url).headers["content-security-policy"] == expected


BREACHES = {
    "an inline script": "document.head.append(Object.assign(document.createElement('script'),"
    " {textContent: 'globalThis.breached = true'}))",
    "an inline style": "document.body.setAttribute('style', 'color: red')",
    "a foreign server": "fetch('https://example.org/').catch(() => null)",
    "a foreign picture": "document.body.append(Object.assign(new Image(),"
    " {src: 'https://example.org/a.png'}))",
    "a frame": "document.body.append(Object.assign(document.createElement('iframe'), {src: '/'}))",
    "a sent form": "(() => { const form = document.createElement('form');"
    " document.body.append(form); form.submit(); })()",
}


@pytest.mark.parametrize("name", BREACHES)
def test_the_browser_blocks(shared_page: Visit, name: str) -> None:
    visited = shared_page
    stopped = visited.page.evaluate(
        f"""() => new Promise(resolve => {{
            addEventListener("securitypolicyviolation", event => resolve(event.disposition));
            {BREACHES[name]};
        }})"""
    )
    assert stopped == "enforce"
    assert not visited.page.evaluate("'breached' in globalThis")
    assert all("example.org" not in r.url or r.failure for r in visited.requests)
    visited.errors.clear()  # this test caused them


def test_assets_are_cached_and_the_page_is_not(shared_page: Visit, site: Server) -> None:
    assets = [r.url for r in shared_page.requests if "/assets/" in r.url]
    assert len(assets) > 3
    for url in assets:
        answer = site.client.get(url)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["x-content-type-options"] == "nosniff"
    page = site.client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    again = site.client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


def test_webassembly_has_its_media_type(shared_page: Visit, site: Server) -> None:
    (url,) = [r.url for r in shared_page.requests if r.url.endswith(".wasm")]
    assert site.client.get(url).headers["content-type"] == "application/wasm"


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/", "/assets/../server/app.py"])
def test_a_missing_file_is_a_problem_document(site: Server, path: str) -> None:
    answer = site.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_page_of_a_server_without_downloads_asks_the_server(shared_page: Visit) -> None:
    assert not shared_page.by_id("device").is_visible()
    assert shared_page.page.evaluate("navigator.serviceWorker.controller") is None
