"""What is in the image, and what is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.podman import IMAGE, Podman

LARGEST = 400e6  # bytes, with the base image, unpacked


@pytest.fixture(scope="module")
def files(podman: Podman) -> Iterator[Path]:
    with podman.files() as root:
        yield root


@pytest.mark.parametrize(
    "command", ["cc", "gcc", "g++", "ld", "make", "pip", "pip3", "node", "npm"]
)
def test_there_is_no_tool_to_build_or_install(files: Path, command: str) -> None:
    folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "app/.venv/bin")
    assert not [folder for folder in folders if (files / folder / command).exists()]


@pytest.mark.parametrize("package", ["torch", "librosa", "pip", "setuptools", "onnx", "scipy"])
def test_there_is_no_package_that_the_server_does_not_need(files: Path, package: str) -> None:
    assert not list(files.glob(f"**/*-packages/{package}"))


def test_nothing_is_left_of_the_build(files: Path) -> None:
    assert not (files / "app/clients/web/node_modules").exists()
    assert not list((files / "var/lib/apt/lists").glob("*_dists_*"))


def test_no_file_gives_another_user_more_rights_in_the_app(files: Path) -> None:
    assert not [path for path in (files / "app").rglob("*") if path.lstat().st_mode & 0o6000]


def test_the_image_is_small(podman: Podman) -> None:
    assert podman.inspect(IMAGE)["Size"] < LARGEST


def test_the_image_says_how_it_is_run(podman: Podman) -> None:
    image = podman.inspect(IMAGE)
    assert image["Config"]["User"] not in ("", "0", "root")
    assert image["Config"]["ExposedPorts"] == {"8080/tcp": {}}
    assert image["Healthcheck"]["Test"] == ["CMD", "python", "-m", "server.healthcheck"]
