"""A canary answers a share of the predictions, is completed or rolled back; nothing is lost."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import httpx
import onnx
import pytest

from server.models.releases import ReleaseStore
from tests.support.harness import (
    MFCCS,
    PYTHON,
    ROOT,
    Load,
    Server,
    free_port,
    run_to_its_end,
    running,
    wait_until,
)
from tests.support.metrics import samples
from training.export.checksum import with_checksum

IDS = [f"request-{number}" for number in range(500)]
SHARE = 0.2


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's models with another file as DNN."""
    directory = tmp_path_factory.mktemp("canary") / "models"
    shutil.copytree(ROOT / "models", directory)
    shutil.copy(directory / "CNN.onnx", directory / "DNN.onnx")
    return directory


class Operated:
    """A server with an operator port and a state directory."""

    def __init__(self, server: Server, state: Path, operator_port: int) -> None:
        self.server = server
        self.store = ReleaseStore(state)
        self._operator_port = operator_port

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        line = (PYTHON, "-m", "server", "models", *arguments)
        return run_to_its_end(line, self.server.port, self.server.runtime)

    def must(self, *arguments: str | Path) -> str:
        result = self.command(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def releases(self, names: list[str]) -> dict[str, str]:
        """The release that answers each identifier."""
        return {name: self.predict(name).headers["X-Model-Release"] for name in names}

    def predict(self, name: str, path: str = "/prediction/DNN") -> httpx.Response:
        headers = {"X-Request-Id": name}
        answer = self.server.client.post(path, json={"mfccs": MFCCS}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    def predictions(self, **labels: str) -> float:
        text = httpx.get(f"http://127.0.0.1:{self._operator_port}/metrics", timeout=60).text
        key = ("network_duration_seconds_count", frozenset({"network": "DNN", **labels}.items()))
        return samples(text).get(key, 0.0)


@pytest.fixture(scope="module")
def operated(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder, port = tmp_path_factory.mktemp("run"), free_port()
    settings: dict[str, Any] = {
        "SER_MODELS_STATE_DIRECTORY": folder / "state",
        "SER_SERVER_OPERATOR_PORT": port,
    }
    with running(folder / "run", **settings) as server:
        yield Operated(server, folder / "state", port)


@pytest.fixture
def canary(operated: Operated, models: Path) -> Operated:
    """The same server with a canary."""
    if operated.store.deployment.share != SHARE:
        operated.must("activate", models, "--share", f"{SHARE:.0%}")
    return operated


@pytest.fixture
def without_canary(operated: Operated) -> Operated:
    """The same server."""
    if operated.store.deployment.canary:
        operated.must("rollback")
    return operated


def test_a_canary_answers_its_share(canary: Operated) -> None:
    found = canary.store.deployment
    before = canary.predictions(), canary.predictions(release="canary")
    releases = canary.releases(IDS)
    counts = Counter(releases.values())
    assert set(counts) == {found.current, found.canary}
    assert found.canary
    spread = sqrt(len(IDS) * SHARE * (1 - SHARE))
    assert abs(counts[found.canary] - len(IDS) * SHARE) < 5 * spread
    # The same identifier gets the same release, from either worker.
    some = IDS[:100]
    assert canary.releases(some) == {name: releases[name] for name in some}
    after = canary.predictions(), canary.predictions(release="canary")
    again = sum(releases[name] == found.canary for name in some)
    assert after[1] - before[1] == counts[found.canary] + again
    assert after[0] - before[0] == len(IDS) + len(some) - counts[found.canary] - again


def test_the_answers_are_those_of_the_release(canary: Operated) -> None:
    found = canary.store.deployment
    answers = {}
    for name in IDS[:50]:
        answer = canary.predict(name)
        answers[answer.headers["X-Model-Release"]] = answer.json()
    # The canary's DNN is a copy of CNN.
    other = canary.server.client.post("/prediction/CNN", json={"mfccs": MFCCS}).json()
    assert answers[found.canary or ""] == other != answers[found.current or ""]


def test_everything_else_comes_from_the_current_release(canary: Operated) -> None:
    found = canary.store.deployment
    for path in ("/init/configuration", "/readyz", "/v2/models/DNN"):
        for name in IDS[:20]:
            answer = canary.server.client.get(path, headers={"X-Request-Id": name})
            assert answer.headers["X-Model-Release"] == found.current
    ready = canary.server.client.get("/readyz").json()
    assert ready["release"] == found.current
    assert ready["canary"] == {"release": found.canary, "share": SHARE}


def test_a_worker_that_replaces_a_killed_one_serves_the_canary_too(canary: Operated) -> None:
    releases = canary.releases(IDS[:100])
    old = canary.server.workers()
    for worker in old:
        worker.kill()
    wait_until(lambda: not set(canary.server.workers()) & set(old), "other workers")
    assert canary.releases(IDS[:100]) == releases


def test_status_and_a_larger_share(canary: Operated, models: Path) -> None:
    found = canary.store.deployment
    networks = "CNN, DNN, DNN-prosody, TCN, TCN-ensemble"
    assert f"canary for 20%: {found.canary} {networks}" in canary.must("status")
    small = canary.releases(IDS[:150])
    canary.must("activate", models, "--share", "60.5%")
    assert "canary for 60.5%: " in canary.must("status")
    assert canary.must("status").count("; served by 2 of 2 workers") == 2
    large = canary.releases(IDS[:150])
    moved = {(small[name], large[name]) for name in small}
    assert moved == {
        (found.current, found.current),
        (found.current, found.canary),
        (found.canary, found.canary),
    }


def test_a_canary_under_load_loses_no_answer(without_canary: Operated, tmp_path: Path) -> None:
    """The canary has other bytes and the same answers."""
    operated = without_canary
    same = tmp_path / "same"
    shutil.copytree(ROOT / "models", same)
    network = onnx.load(same / "DNN.onnx")
    network.producer_name = "another"
    (same / "DNN.onnx").write_bytes(with_checksum(network))
    old = operated.store.deployment.current
    with Load(operated.server) as load:
        for action in (
            ("activate", same, "--share", "5%"),
            ("rollback",),
            ("activate", same, "--share", "50%"),
            ("activate", same, "--share", "100%"),
        ):
            operated.must(*action)
            load.wait_for_answers(50)
        assert operated.store.deployment.previous == old
        assert operated.store.deployment.canary is None
        operated.must("rollback")
        assert operated.store.deployment.current == old
        load.wait_for_answers(50)
        assert load.failures == []
    assert "X-Model-Release" not in operated.predict("a").headers


def test_a_canary_that_clients_could_not_use_is_refused(
    without_canary: Operated, models: Path
) -> None:
    operated = without_canary
    before = operated.store.deployment
    other = models.parent / "other"
    shutil.copytree(models, other)
    shutil.copy(other / "DNN.onnx", other / "MLP.onnx")
    (other / "CNN.onnx").write_bytes(b"broken")
    result = operated.command("activate", other, "--share", "5%")
    assert (result.returncode, result.stderr.splitlines()[0]) == (1, "Refused:")
    assert "CNN.onnx: is not a model" in result.stderr
    shutil.copy(models / "CNN.onnx", other / "CNN.onnx")
    result = operated.command("activate", other, "--share", "5%")
    assert (
        result.stderr
        == "Refused:\nMLP.onnx: is not one of the current models, so it cannot be in a canary\n"
    )
    assert operated.store.deployment == before


@pytest.mark.parametrize("share", ["0%", "101%", "5", "-5%", "nan%"])
def test_a_share_is_a_percentage(operated: Operated, models: Path, share: str) -> None:
    result = operated.command("activate", models, f"--share={share}")
    assert result.returncode == 2
    assert f"{share!r} is not a percentage above 0% and up to 100%, such as 5%" in result.stderr
