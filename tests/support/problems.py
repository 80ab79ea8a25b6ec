"""Checks of problem documents (RFC 9457)."""

import httpx

MEDIA_TYPE = "application/problem+json"


def check_problem(response: httpx.Response, status: int) -> dict[str, object]:
    """Asserts that the response is a problem document with this status; returns the document."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    problem: dict[str, object] = response.json()
    assert problem["status"] == status
    assert all(isinstance(problem[member], str) for member in ("type", "title", "detail"))
    return problem
