import shutil

import pytest

from configuration import ROOT
from tests.support.missing import missing


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus's tool that checks configurations and tests rules."""
    found = shutil.which("promtool", path=f"{ROOT / '.venv-tools'}:/usr/bin:/usr/local/bin")
    if found is None:
        missing("promtool is missing: scripts/promtool")
    return found
