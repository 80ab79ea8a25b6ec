"""Models are activated and rolled back under load; invalid models are refused."""

import hashlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from configuration import ROOT
from server.launch.running_server import RELOAD_TIMEOUT_SECONDS
from server.launch.runtime_directory import Runtime
from server.models.deployment import Deployment
from server.models.releases import ReleaseStore
from tests.support.harness import (
    DEADLINE,
    MFCCS,
    PYTHON,
    Load,
    Server,
    environment,
    run_to_its_end,
    running,
    wait_until,
)

MODELS = ROOT / "models"

SHARED = sorted(path.stem for path in MODELS.glob("[A-Z]*.onnx"))
WITH_ANOTHER = sorted([*SHARED, "MLP"])
SERVING_SHARED = f"Serving: {', '.join(SHARED)}\n"
SERVING_ANOTHER = f"Serving: {', '.join(WITH_ANOTHER)}\n"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The project's models and one more network."""
    directory = tmp_path / "models"
    shutil.copytree(MODELS, directory)
    shutil.copy(MODELS / "DNN.onnx", directory / "MLP.onnx")
    return directory


@pytest.fixture(scope="module")
def activated(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that activate models."""
    with running(tmp_path_factory.mktemp("run")) as server:
        yield server


@pytest.fixture
def server(activated: Server) -> Iterator[Server]:
    """The same server with the project's models; rolled back afterwards."""
    yield activated
    if networks(activated) != SHARED:
        assert command(activated, "rollback").returncode == 0
    assert networks(activated) == SHARED


def command(
    server: Server, *arguments: str | Path, runtime: Path | None = None
) -> subprocess.CompletedProcess[str]:
    line = (PYTHON, "-m", "server", "models", *arguments)
    return run_to_its_end(line, server.port, runtime or server.runtime)


def networks(server: Server) -> list[str]:
    names: list[str] = server.client.get("/readyz").json()["networks"]
    return names


def check_files(server: Server) -> dict[str, Any]:
    """Asserts that both files have the hashes of the handshake; returns the handshake."""
    handshake: dict[str, Any] = server.client.get("/init/configuration").json()
    for name in ("extractor", "reference"):
        file = handshake[name]
        for url in (file["url"], file["url"].partition("?")[0]):
            content = server.client.get(url).content
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
    return handshake


def test_models_are_activated_and_rolled_back(server: Server, models: Path) -> None:
    result = command(server, "activate", models)
    assert (result.returncode, result.stdout) == (0, SERVING_ANOTHER), result.stderr
    assert networks(server) == WITH_ANOTHER
    check_files(server)
    assert server.predict("MLP") == server.predict("DNN")
    again = command(server, "activate", models)
    assert (again.returncode, again.stdout) == (0, SERVING_ANOTHER), again.stderr
    result = command(server, "rollback")
    assert (result.returncode, result.stdout) == (0, SERVING_SHARED), result.stderr
    assert networks(server) == SHARED


def test_older_models_serve_clients_with_the_handshake_of_newer_ones(
    server: Server, tmp_path: Path
) -> None:
    handshake = check_files(server)
    older = tmp_path / "older"
    newer = ("extractor-*.onnx", "reference-*.wav", "DNN-prosody.onnx", "TCN*.onnx")
    shutil.copytree(MODELS, older, ignore=shutil.ignore_patterns(*newer))
    result = command(server, "activate", older)
    assert result.returncode == 0, result.stderr
    assert "recordings" not in check_files(server)
    for file in (*handshake["recordings"]["extractors"], *handshake["references"][1:]):
        content = server.client.get(file["url"]).content
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert server.client.get(file["url"].partition("?")[0]).status_code == 404
    moments = {"mean": [0.0] * 25, "spread": [1.0] * 25}
    members = {
        "prosody": [0.0] * len(handshake["prosody"]["statistics"]),
        "baseline": {"clips": 1, "mfccs": moments},
    }
    answer = server.client.post("/prediction/DNN", json={"mfccs": MFCCS} | members)
    assert (answer.status_code, answer.json()) == (200, server.predict("DNN"))


def test_invalid_models_are_refused_and_change_nothing(server: Server, models: Path) -> None:
    content = (models / "CNN.onnx").read_bytes()
    (models / "CNN.onnx").write_bytes(content[:5000] + bytes([content[5000] ^ 4]) + content[5001:])
    (models / "MLP.onnx").write_bytes(b"no model")
    before, workers = networks(server), server.gunicorn().children()
    for action in ("check", "activate"):
        result = command(server, action, models)
        assert result.returncode == 1
        first, *reasons = result.stderr.splitlines()
        assert first == "Refused:"
        assert [reason.partition(":")[0] for reason in reasons] == ["CNN.onnx", "MLP.onnx"]
    assert networks(server) == before
    assert server.gunicorn().children() == workers


def test_activation_needs_a_running_server(server: Server, models: Path, tmp_path: Path) -> None:
    result = command(server, "activate", models, runtime=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: No server of this user runs")


def with_another_extractor(models: Path) -> None:
    """Changes the hash of the extractor, but not its graph."""
    import onnx

    from training.export.checksum import with_checksum

    extractor = onnx.load(models / "mfcc.onnx")
    extractor.producer_name = "another"
    (models / "mfcc.onnx").write_bytes(with_checksum(extractor))


def test_activation_under_load_loses_no_answer(server: Server, models: Path) -> None:
    with_another_extractor(models)
    with Load(server) as load:
        old = check_files(server)["extractor"]
        for action in (("activate", models), ("rollback",), ("activate", models)):
            result = command(server, *action)
            assert result.returncode == 0, result.stderr
            load.wait_for_answers(100)
        new = check_files(server)["extractor"]
        assert old["sha256"] != new["sha256"]
        # A client with the old handshake still gets the old file.
        content = server.client.get(old["url"]).content
        assert hashlib.sha256(content).hexdigest() == old["sha256"]
        gone = server.client.get("/init/mfcc.onnx?sha256=" + "0" * 64)
        assert (gone.status_code, gone.json()["title"]) == (404, "File replaced")
        assert load.failures == []


def test_a_running_server_ignores_changes_of_the_models_directory(
    nginx: Path, models: Path, tmp_path: Path
) -> None:
    with running(tmp_path / "run", SER_MODELS_DIRECTORY=models) as server, Load(server) as load:
        for path in models.iterdir():
            path.write_bytes(b"broken")
        old = server.workers()
        server.gunicorn().send_signal(signal.SIGHUP)
        wait_until(lambda: not set(server.workers()) & set(old), "other workers")
        load.wait_for_answers(100)
        assert networks(server) == WITH_ANOTHER
        check_files(server)
        assert load.failures == []


def test_activated_models_survive_a_restart(nginx: Path, models: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(tmp_path / "run", SER_MODELS_STATE_DIRECTORY=state) as server:
        assert command(server, "activate", models).returncode == 0
    with running(tmp_path / "run", SER_MODELS_STATE_DIRECTORY=state) as server:
        assert networks(server) == WITH_ANOTHER
        assert command(server, "rollback").returncode == 0
        assert networks(server) == SHARED


def test_workers_of_a_killed_master_do_not_answer_after_an_activation(
    server: Server, models: Path
) -> None:
    shutil.copy(MODELS / "CNN.onnx", models / "DNN.onnx")
    old = server.predict("DNN")
    server.gunicorn().kill()
    result = command(server, "activate", models)
    assert result.returncode == 0, result.stderr
    for _ in range(100):
        assert server.predict("DNN") != old


def with_a_large_network(models: Path) -> None:
    """Adds a valid network of three million bytes."""
    import onnx

    from training.export.checksum import with_checksum

    network = onnx.load(models / "DNN.onnx")
    network.doc_string = "x" * 3_000_000
    (models / "MLP.onnx").write_bytes(with_checksum(network))


def test_models_that_workers_refuse_are_rolled_back(
    nginx: Path, models: Path, tmp_path: Path
) -> None:
    with_a_large_network(models)
    small = {"SER_MODELS_MAXIMUM_FILE_BYTES": 2_000_000}  # the command does not get this setting
    with running(tmp_path / "run", **small) as server, Load(server) as load:
        result = command(server, "activate", models)
        assert result.returncode != 0
        assert "MLP.onnx" in result.stderr
        assert "2,000,000" in result.stderr
        assert networks(server) == SHARED
        check_files(server)
        load.wait_for_answers(100)
        assert load.failures == []


def runtime_of(server: Server) -> Runtime:
    (path,) = server.runtime.glob("speech-emotion-*")
    return Runtime(path)


def store(server: Server) -> ReleaseStore:
    return ReleaseStore(runtime_of(server).state)


def served(server: Server) -> set[str | None]:
    """The releases that the workers serve; None stands for a worker that is starting."""
    runtime = runtime_of(server)
    reports = runtime.workers(runtime.gunicorn or 0).values()
    return {report.release if report else None for report in reports}


@contextmanager
def switched_activation(server: Server, models: Path) -> Iterator[subprocess.Popen[str]]:
    """Starts an activation, and waits until it has switched the models."""
    before = store(server).deployment.current
    with subprocess.Popen(
        (PYTHON, "-m", "server", "models", "activate", models),
        cwd=ROOT,
        env=environment(server.port, server.runtime),
        stderr=subprocess.PIPE,
        text=True,
    ) as activation:
        wait_until(lambda: store(server).deployment.current != before, "a switch")
        yield activation


def interrupt_activation(server: Server, models: Path, number: signal.Signals) -> tuple[int, str]:
    """Sends a signal to an activation that has switched the models; returns its end."""
    with switched_activation(server, models) as activation:
        activation.send_signal(number)
        _, errors = activation.communicate(timeout=DEADLINE)
        return activation.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_activation_restores_the_models(
    server: Server, models: Path, number: signal.Signals
) -> None:
    before = store(server).deployment
    with Load(server) as load:
        status, errors = interrupt_activation(server, models, number)
        assert status == 2
        assert errors == f"error: Interrupted by {number.name}; the models are the same as before\n"
        assert store(server).deployment == before
        wait_until(lambda: served(server) == {before.current}, "workers of one generation")
        load.wait_for_answers(50)
        assert load.failures == []


def test_the_server_undoes_a_killed_activation(server: Server, models: Path) -> None:
    before = store(server).deployment
    with Load(server) as load:
        interrupt_activation(server, models, signal.SIGKILL)
        wait_until(lambda: store(server).unfinished is None, "the end of the change")
        assert store(server).deployment == before
        wait_until(lambda: served(server) == {before.current}, "workers of one generation")
        assert server.client.get("/readyz").json()["release"] == before.current
        load.wait_for_answers(50)
        assert load.failures == []


def test_the_server_goes_on_until_an_activation_can_be_undone(server: Server) -> None:
    obstacle = store(server).directory / "current.part"
    obstacle.mkdir()
    current = store(server).directory / "current"
    release = current.readlink()
    store(server).begin_change()
    current.unlink()  # what the change has done so far
    wait_until(lambda: "cannot undo an interrupted change" in server.output, "a failed try")
    obstacle.rmdir()
    wait_until(lambda: store(server).unfinished is None, "the end of the change")
    assert current.readlink() == release


def test_a_stop_does_not_wait_for_the_undoing_of_a_killed_activation(
    nginx: Path, models: Path, tmp_path: Path
) -> None:
    with running(tmp_path) as server:
        before, master = store(server).deployment, server.gunicorn()
        master.suspend()  # workers are not replaced
        interrupt_activation(server, models, signal.SIGKILL)
        wait_until(lambda: store(server).deployment.current == before.current, "the undoing")
        master.resume()
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < RELOAD_TIMEOUT_SECONDS / 2


def test_an_activation_ends_with_its_server(nginx: Path, models: Path, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        master = server.gunicorn()
        master.suspend()  # workers are not replaced
        with switched_activation(server, models) as activation:
            activation.send_signal(signal.SIGSTOP)
            master.resume()
            assert server.stop() == 0
            activation.send_signal(signal.SIGCONT)
            _, errors = activation.communicate(timeout=RELOAD_TIMEOUT_SECONDS / 2)
        assert activation.returncode == 2
        assert errors == "error: The server has ended\n"


def test_status_names_the_releases(server: Server, models: Path) -> None:
    old = store(server).deployment.current
    assert command(server, "activate", models).returncode == 0
    new = store(server).deployment
    assert new == Deployment(new.current, old)
    titles = [
        f"current: {new.current} {', '.join(WITH_ANOTHER)}",
        f"previous: {old} {', '.join(SHARED)}",
    ]
    lines = command(server, "status").stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == titles
    since, *files = lines[1 : lines.index(titles[1])]
    assert re.fullmatch(r"  since [\d-]{10} [\d:]{8} UTC; served by 2 of 2 workers", since)
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in models.glob("*.onnx")}
    assert {row.split()[0]: row.split()[2] for row in files} == digests
    versions = {row.split()[0]: row.partition("version ")[2] for row in files}
    assert versions["MLP.onnx"] == digests["MLP.onnx"][:12]
    assert versions["mfcc.onnx"] == ""
