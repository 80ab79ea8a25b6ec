"""The contents of the image."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.bill_of_materials import bill_of_materials
from server import VERSION
from tests.image.podman import IMAGE, Podman

LARGEST = 400e6  # bytes, with the base image, unpacked


@pytest.fixture(scope="module")
def files(podman: Podman) -> Iterator[Path]:
    with podman.files() as root:
        yield root


@pytest.mark.parametrize(
    "command", ["cc", "gcc", "g++", "ld", "make", "pip", "pip3", "node", "npm"]
)
def test_no_build_tool_is_installed(files: Path, command: str) -> None:
    folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "app/.venv/bin")
    assert not [folder for folder in folders if (files / folder / command).exists()]


@pytest.mark.parametrize("package", ["torch", "librosa", "pip", "setuptools", "onnx", "scipy"])
def test_no_unneeded_package_is_installed(files: Path, package: str) -> None:
    assert not list(files.glob(f"**/*-packages/{package}"))


def test_no_build_file_is_left(files: Path) -> None:
    assert not (files / "app/clients/web/node_modules").exists()
    assert not list((files / "var/lib/apt/lists").glob("*_dists_*"))


def test_no_file_is_setuid_or_setgid(files: Path) -> None:
    special = [path for path in files.rglob("*") if path.lstat().st_mode & 0o6000]
    assert not [path for path in special if path.is_file()]


def test_the_bill_of_materials_names_the_packages(files: Path) -> None:
    bill = json.loads(bill_of_materials(files))
    kinds = Counter(part["purl"].partition("/")[0] for part in bill["components"])
    assert set(kinds) == {"pkg:deb", "pkg:pypi", "pkg:npm"}
    versions = {part["name"]: part["version"] for part in bill["components"]}
    assert versions["onnxruntime"] == metadata.version("onnxruntime")
    assert {"nginx", "libssl3", "falcon", "onnxruntime-web"} <= set(versions)
    assert "pip" not in versions
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_the_image_has_the_labels_of_the_open_container_initiative(podman: Podman) -> None:
    labels = podman.inspect(IMAGE)["Config"]["Labels"]
    of_image = {k.rpartition(".")[2]: v for k, v in labels.items() if "opencontainers" in k}
    assert of_image.keys() == {"title", "description", "licenses", "version", "revision"}
    assert of_image["licenses"] == "Apache-2.0"
    assert of_image["version"] == VERSION


def test_the_program_has_its_name_in_the_image(files: Path) -> None:
    assert (files / "usr/local/bin/ser").readlink() == Path("/app/ser")
    assert os.access(files / "app/ser", os.X_OK)


def test_the_image_is_small(podman: Podman) -> None:
    assert podman.inspect(IMAGE)["Size"] < LARGEST


def test_the_image_sets_its_user_port_and_health_check(podman: Podman) -> None:
    image = podman.inspect(IMAGE)
    assert image["Config"]["User"] not in ("", "0", "root")
    assert image["Config"]["ExposedPorts"] == {"8080/tcp": {}}
    assert image["Healthcheck"]["Test"] == ["CMD", "python", "-m", "server.healthcheck"]
