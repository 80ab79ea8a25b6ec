"""A project of others: a fresh Vite project with the two packages, served from its own origin."""

import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.harness import Server, running
from tests.support.web.node import NODE_MODULES, find_node, npm_command

WEB = NODE_MODULES.parent
PROJECT = Path(__file__).parent / "project"
# Installed by `npm install` from the registry, in a project that has one.
FROM_THE_REGISTRY = ("@noble", "onnxruntime-common", "onnxruntime-web", "typescript", "vite")


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a line for each on standard error."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


def run(*command: str | Path, folder: Path) -> None:
    """Runs a command of the project; its output is that of the test if it fails."""
    environment = {**os.environ, "PATH": f"{Path(find_node()).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def project(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, with both packages as `npm pack` makes them."""
    folder = tmp_path_factory.mktemp("elsewhere") / "project"
    shutil.copytree(PROJECT, folder)
    npm = npm_command()
    run(*npm, "pack", "--workspaces", "--pack-destination", folder, folder=WEB)
    element, extractor = sorted(folder.glob("speech-emotion-*.tgz"))
    run(*npm, "install", "--offline", "--no-audit", "--no-fund", f"./{element.name}", folder=folder)
    modules = folder / "node_modules"
    with tarfile.open(extractor) as archive:
        archive.extractall(folder, filter="data")
    (folder / "package").rename(modules / "speech-emotion-extractor")
    for name in FROM_THE_REGISTRY:
        (modules / name).symlink_to(NODE_MODULES / name)
    return folder


@pytest.fixture(scope="session")
def built_project(project: Path) -> Path:
    """The folder that Vite built with its default settings, after a check of the types."""
    node = find_node()
    run(node, project / "node_modules/typescript/bin/tsc", "--project", ".", folder=project)
    run(node, project / "node_modules/vite/bin/vite.js", "build", folder=project)
    return project / "dist"


@pytest.fixture(scope="session")
def origin(built_project: Path) -> Iterator[str]:
    """The origin of the built project."""
    handler = partial(QuietHandler, directory=str(built_project))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def far_server(
    origin: str, nginx: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that allows the origin, and offers its networks' files."""
    settings = {"SER_SERVER_CORS_ORIGINS": origin, "SER_MODELS_DOWNLOADS": "yes"}
    with running(tmp_path_factory.mktemp("far"), **settings) as server:
        yield server


def description(folder: Path) -> dict[str, object]:
    """The package.json of a folder."""
    found: dict[str, object] = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    return found
