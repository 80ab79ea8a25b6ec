"""The container needs no capabilities, little memory and few processes."""

from pathlib import Path

import pytest

from tests.image.podman import Container, Podman

MFCCS = {"mfccs": [float(value) for value in range(-400, 600, 40)]}
LONG = {"mfccs": [[1.5] * 25] * 3_000}


def status(process: Path, *keys: str) -> list[str]:
    lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return [lines[key].split()[0] for key in keys]


def test_no_process_has_a_capability(container: Container) -> None:
    processes = container.processes()
    assert len(processes) >= 6
    for process in processes:
        uid, capabilities, no_more = status(process, "Uid", "CapBnd", "NoNewPrivs")
        assert (uid, int(capabilities, 16), no_more) == ("10001", 0, "1")


def test_memory_and_processes_stay_within_their_limits(container: Container) -> None:
    with container.client() as client:
        names = [n["networkType"] for n in client.get("/init/configuration").json()["networks"]]
        for _ in range(20):
            for name in names:
                assert client.post(f"/prediction/{name}", json=LONG).status_code == 200
    assert container.killed_for_memory() == 0
    assert container.tasks() < 64  # half the limit


@pytest.mark.parametrize("user", ["54321:54321", "2000000:0"])
def test_any_user_id_can_run_it(podman: Podman, user: str) -> None:
    with podman.running(f"--user={user}") as container, container.client() as client:
        assert client.post("/prediction/DNN", json=MFCCS).status_code == 200
        assert {status(process, "Uid")[0] for process in container.processes()} == {
            user.partition(":")[0]
        }


def test_it_also_runs_without_restrictions(podman: Podman) -> None:
    with podman.running(locked_down=False) as container, container.client() as client:
        assert client.post("/prediction/DNN", json=MFCCS).status_code == 200


@pytest.mark.parametrize(("memory", "workers"), [("256m", 1), ("2g", 2)])
def test_memory_bounds_the_number_of_workers(podman: Podman, memory: str, workers: int) -> None:
    options = (f"--memory={memory}", f"--memory-swap={memory}", "--cpus=2")
    with podman.running(*options) as container, container.client():
        commands = [(process / "cmdline").read_bytes() for process in container.processes()]
        assert sum(b"gunicorn" in command for command in commands) == workers + 1  # the master
