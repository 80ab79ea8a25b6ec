"""Which requests a canary answers."""

import asyncio
from math import sqrt
from typing import Any

import pytest

from server.http.canary import CanaryDispatcher, is_selected

IDS = [f"request-{number}".encode() for number in range(20_000)]


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.99])
def test_the_share_of_requests_is_within_binomial_bounds(share: float) -> None:
    found = sum(is_selected(name, share) for name in IDS)
    spread = sqrt(len(IDS) * share * (1 - share))
    assert abs(found - len(IDS) * share) < 5 * spread


def test_a_larger_share_keeps_the_requests_of_a_smaller_one() -> None:
    small = {name for name in IDS if is_selected(name, 0.05)}
    assert small < {name for name in IDS if is_selected(name, 0.2)}
    assert small == {name for name in IDS if is_selected(name, 0.05)}


def chosen(method: str, path: str, share: float, *headers: tuple[bytes, bytes]) -> str:
    answers: list[str] = []

    def application(name: str) -> Any:
        async def answer(*_: Any) -> None:
            answers.append(name)

        return answer

    dispatcher = CanaryDispatcher(application("current"), application("canary"), share, {"new"})
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(dispatcher(scope, None, None))
    return answers[0]


@pytest.mark.parametrize(
    ("method", "path", "release"),
    [
        ("POST", "/prediction/DNN", "canary"),
        ("POST", "/v2/models/DNN/infer", "canary"),
        ("POST", "/v2/models/DNN/versions/new/infer", "canary"),
        ("POST", "/v2/models/DNN/versions/old/infer", "current"),
        ("OPTIONS", "/prediction/DNN", "current"),
        ("GET", "/init/configuration", "current"),
        ("GET", "/readyz", "current"),
        ("GET", "/v2/models/DNN", "current"),
        ("POST", "/init/verification", "current"),
    ],
)
def test_only_predictions_go_to_the_canary(method: str, path: str, release: str) -> None:
    assert chosen(method, path, 1.0) == release


def test_a_version_that_only_the_canary_has_needs_no_luck() -> None:
    assert chosen("POST", "/v2/models/DNN/versions/new/infer", 0.0) == "canary"


def test_without_an_identifier_the_choice_is_random() -> None:
    found = {chosen("POST", "/prediction/DNN", 0.5) for _ in range(64)}
    assert found == {"current", "canary"}
