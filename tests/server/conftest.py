from pathlib import Path

import falcon.testing
import pytest

from server.app import create_app
from server.networks import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.server.tiny_models import write_extractor, write_frame_network, write_vector_network


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models' directory with one vector network and one frame network."""
    write_extractor(tmp_path)
    write_vector_network(tmp_path, "DNN")
    write_frame_network(tmp_path, "TCN")
    return tmp_path


def make_client(models: Path) -> falcon.testing.TestClient:
    settings = Settings(ServerSettings(), ModelSettings(models))
    return falcon.testing.TestClient(create_app(settings, load_catalog(models)))


@pytest.fixture
def client(models: Path) -> falcon.testing.TestClient:
    return make_client(models)
