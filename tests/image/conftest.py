import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.podman import Container, Podman
from tests.support.missing import missing

TOOLS = ("podman", "runc", "mmdebstrap")


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """Podman, with the image built from the Dockerfile."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        missing(f"Missing: {', '.join(absent)}: sudo apt-get install {' '.join(absent)}")
    if os.geteuid() != 0:
        missing("Building a base image and entering a container's network needs root")
    # Not in pytest's folder, where the path of a socket would be too long.
    with tempfile.TemporaryDirectory(prefix="image-", dir="/var/tmp") as folder:
        podman = Podman(Path(folder))
        try:
            podman.make_base()
            podman.build()
            yield podman
        finally:
            podman.remove_everything()


@pytest.fixture(scope="session")
def container(podman: Podman) -> Iterator[Container]:
    """The server in a locked-down container, shared by the tests that leave it unchanged."""
    with podman.running() as container, container.client():
        yield container
