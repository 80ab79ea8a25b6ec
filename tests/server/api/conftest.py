"""Networks of all kinds: vectors and frames, with and without prosody and baseline."""

import pytest
from falcon.testing import TestClient

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.server.conftest import CheckedClient
from tests.support.models.tiny import (
    write_extractor,
    write_frame_network,
    write_recording_extractor,
    write_vector_network,
)

BOTH = ("prosody", "baseline")
MEMBERS = {"plain": (), "prosody": ("prosody",), "baseline": ("baseline",), "both": BOTH}


@pytest.fixture(scope="session")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """Networks with names such as vector-both and frames-plain."""
    models = tmp_path_factory.mktemp("models")
    write_extractor(models)
    write_recording_extractor(models, 48_000)
    for name, members in MEMBERS.items():
        write_vector_network(models, f"vector-{name}", members=members)
        write_frame_network(models, f"frames-{name}", members=members)
    settings = Settings(ServerSettings(maximum_frames=600), ModelSettings(models))
    catalog = load_catalog(models)
    assert not catalog.faults
    return CheckedClient(create_app(settings, catalog))
