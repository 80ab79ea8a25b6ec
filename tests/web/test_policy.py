"""The content security policy is strict, and the page works under it."""

import pytest

from tests.support.harness import Server
from tests.web.conftest import Open

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "media-src": "blob:",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.mark.parametrize("path", ["/", "/index.html"])
def test_the_policy_is_strict(site: Server, path: str) -> None:
    header = site.client.get(path).headers["content-security-policy"]
    assert dict(part.strip().split(" ", 1) for part in header.split(";")) == POLICY


def test_the_worker_is_under_the_same_policy(visit: Open, site: Server) -> None:
    visited = visit()
    visited.wait_for_agreement()
    (worker,) = visited.page.workers
    header = site.client.get(worker.url).headers["content-security-policy"]
    assert header == site.client.get("/").headers["content-security-policy"]


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
def test_the_browser_stops(visit: Open, name: str) -> None:
    visited = visit()
    visited.wait_for_agreement()
    stopped = visited.page.evaluate(
        f"""() => new Promise(resolve => {{
            addEventListener("securitypolicyviolation", event => resolve(event.disposition));
            {BREACHES[name]};
        }})"""
    )
    assert stopped == "enforce"
    assert not visited.page.evaluate("'breached' in globalThis")
    assert all("example.org" not in r.url or r.failure for r in visited.requests)
    visited.complaints.clear()  # they were asked for


def test_files_are_kept_by_their_hash_and_the_page_is_not(visit: Open, site: Server) -> None:
    visited = visit()
    visited.wait_for_agreement()
    assets = [r.url for r in visited.requests if "/assets/" in r.url]
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


def test_webassembly_has_its_own_media_type(visit: Open, site: Server) -> None:
    visited = visit()
    visited.wait_for_agreement()
    (url,) = [r.url for r in visited.requests if r.url.endswith(".wasm")]
    assert site.client.get(url).headers["content-type"] == "application/wasm"


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/", "/assets/../server/app.py"])
def test_what_is_not_there_is_a_problem_document(site: Server, path: str) -> None:
    answer = site.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
