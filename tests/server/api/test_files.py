"""Files: conditional requests and ranges."""

import pytest
from falcon.testing import TestClient

from tests.support.models.tiny import REFERENCE_CLIP


def test_a_conditional_request_returns_304_for_a_current_copy(client: TestClient) -> None:
    tag = client.simulate_get("/init/mfcc.onnx").headers["etag"]
    for known in (tag, f'"other", {tag}', "*"):
        headers = {"If-None-Match": known}
        answer = client.simulate_get("/init/mfcc.onnx", headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    headers = {"If-None-Match": '"other"'}
    assert client.simulate_get("/init/mfcc.onnx", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("span", "expected"),
    [("bytes=0-3", slice(0, 4)), ("bytes=4-", slice(4, None)), ("bytes=-5", slice(-5, None))],
)
def test_a_range_of_a_file_is_served(client: TestClient, span: str, expected: slice) -> None:
    answer = client.simulate_get("/init/reference.wav", headers={"Range": span})
    assert answer.status_code == 206
    assert answer.content == REFERENCE_CLIP[expected]
    start, stop, _ = expected.indices(len(REFERENCE_CLIP))
    size = len(REFERENCE_CLIP)
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"


@pytest.mark.parametrize("span", ["bytes=", "lines=1-2", "nonsense", "bytes=9-5", "bytes=0-0,2-2"])
def test_ranges_other_than_one_range_of_bytes_are_ignored(client: TestClient, span: str) -> None:
    answer = client.simulate_get("/init/reference.wav", headers={"Range": span})
    assert (answer.status_code, answer.content) == (200, REFERENCE_CLIP)


def test_if_range_with_another_version_returns_the_whole_file(client: TestClient) -> None:
    tag = client.simulate_get("/init/reference.wav").headers["etag"]
    for known, status in ((tag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-3", "If-Range": known}
        assert client.simulate_get("/init/reference.wav", headers=headers).status_code == status


def test_a_range_beyond_the_end_returns_416(client: TestClient) -> None:
    answer = client.simulate_get("/init/reference.wav", headers={"Range": "bytes=1000-"})
    assert answer.status_code == 416
    assert answer.headers["content-type"] == "application/problem+json"
