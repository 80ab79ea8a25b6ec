import json
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.support.models.tiny import (
    write_extractor,
    write_frame_network,
    write_recording_extractor,
    write_vector_network,
)
from tests.support.openapi import Exchange, check


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models' directory with one vector network and one frame network."""
    write_extractor(tmp_path)
    write_vector_network(tmp_path, "DNN")
    write_frame_network(tmp_path, "TCN")
    return tmp_path


@pytest.fixture
def models_with_recordings(models: Path) -> Path:
    """The same with extractors of recordings at three sample rates, and their reference clips."""
    for rate in (8_000, 22_050, 48_000):
        write_recording_extractor(models, rate)
    return models


class CheckedClient(falcon.testing.TestClient):
    """Holds every exchange to the description."""

    def simulate_request(self, *arguments: Any, **options: Any) -> Any:
        answer = super().simulate_request(*arguments, **options)
        method, path = arguments
        body = json.dumps(options["json"]) if "json" in options else options.get("body") or b""
        request = body.encode() if isinstance(body, str) else body
        headers = {name.lower(): value for name, value in answer.headers.items()}
        exchange = Exchange(method, path, request, answer.status_code, headers, answer.content)
        check(exchange, with_headers=False)
        return answer


def make_app(models: Path, **options: Any) -> Any:
    settings = Settings(ServerSettings(), ModelSettings(models))
    return create_app(settings, load_catalog(models), **options)


def make_client(models: Path) -> falcon.testing.TestClient:
    return CheckedClient(make_app(models))


@pytest.fixture
def client(models: Path) -> falcon.testing.TestClient:
    return make_client(models)
