"""Request ids in answers and in the error log, without Nginx."""

from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from tests.server.conftest import make_app


class FailingResource:
    async def on_get(self, *_: Any) -> None:
        raise RuntimeError


@pytest.fixture
def client(models: Path) -> falcon.testing.TestClient:
    app = make_app(models, nginx=False)
    app.add_route("/failing", FailingResource())
    return falcon.testing.TestClient(app)


@pytest.mark.parametrize("headers", [{}, {"X-Request-Id": "my-request.1"}])
def test_the_error_log_names_the_request_id_of_the_answer(
    client: falcon.testing.TestClient, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.simulate_get("/failing", headers=headers)
    assert answer.status_code == 500
    (record,) = caplog.records
    expected = {"request_id": answer.headers["x-request-id"], "route": "/failing"}
    assert record.__dict__["fields"] == expected
    assert headers.get("X-Request-Id") in (None, expected["request_id"])


def test_every_request_gets_an_id_of_its_own(client: falcon.testing.TestClient) -> None:
    ids = {client.simulate_get("/livez").headers["x-request-id"] for _ in range(10)}
    assert len(ids) == 10
