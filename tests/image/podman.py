"""Builds the image and runs containers with podman, in a temporary store."""

import contextlib
import ctypes
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from configuration import ROOT
from server import VERSION
from tests.support.harness import DEADLINE, wait_until

NETWORK_NAMESPACE = 0x40000000  # CLONE_NEWNET
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = "docker.io/library/debian:bookworm-slim"
IMAGE = "localhost/emotion-recognition"
SECONDS_TO_BUILD = 900.0

STORAGE = """[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
# crun fails if control groups of both versions are mounted.
CONTAINERS = """[containers]
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/tmp"
[network]
network_config_dir = "{folder}/networks"
"""

# Like Debian's official slim image: no manuals, and no Perl, which `usrmerge` would install.
PIN = r"Package: usrmerge\nPin: release *\nPin-Priority: -1\n"
PREFERENCES = '"$1/etc/apt/preferences.d"'
BASE_RECIPE = (
    "mmdebstrap",
    "--variant=minbase",
    "--quiet",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")),
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    f"--setup-hook=mkdir -p {PREFERENCES} && printf '{PIN}' > {PREFERENCES}/usr-is-merged",
    "bookworm",
    "-",
    "http://deb.debian.org/debian",
)

# The recommended options, stricter than the defaults of podman: only /tmp is writable.
LOCKED_DOWN = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp:rw,noexec,nosuid,size=64m",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=768m",
    "--memory-swap=768m",
    "--pids-limit=128",
)


class Podman:
    """The podman command with its store in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "networks").mkdir()
        self._environment = os.environ | {
            "CONTAINERS_STORAGE_CONF": self._write("storage.conf", STORAGE),
            "CONTAINERS_CONF": self._write("containers.conf", CONTAINERS),
            "TMPDIR": str(folder),
        }

    def __call__(
        self, *arguments: str, check: bool = True, timeout: float = DEADLINE
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            ["podman", *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert result.returncode == 0 or not check, f"podman {arguments}:\n{result.stdout}"
        return result

    def make_base(self) -> None:
        """Creates a replacement for the official base image, so that no registry is needed."""
        with subprocess.Popen(BASE_RECIPE, stdout=subprocess.PIPE) as recipe:
            subprocess.run(
                ["podman", "import", "-", BASE],
                env=self._environment,
                stdin=recipe.stdout,
                capture_output=True,
                check=True,
                timeout=SECONDS_TO_BUILD,
            )
        assert recipe.returncode == 0

    def build(self) -> None:
        """Builds the Dockerfile, with the certificates of this machine mounted for registries."""
        pip = self._write("pip.conf", "[global]\ncert = /run/build-ca.crt\n")
        npm = self._write("npmrc", "cafile = /run/build-ca.crt\n")
        mounts = ((AUTHORITIES, "/run/build-ca.crt"), (pip, "/etc/pip.conf"), (npm, "/root/.npmrc"))
        volumes = [f"--volume={source}:{target}:ro" for source, target in mounts]
        options = ("--pull=never", "--network=host", "--isolation=chroot", "--format=docker")
        version = f"--build-arg=VERSION={VERSION}"
        self(
            "build",
            *options,
            *volumes,
            version,
            f"--tag={IMAGE}",
            str(ROOT),
            timeout=SECONDS_TO_BUILD,
        )

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("inspect", name).stdout)[0]
        return found

    @contextlib.contextmanager
    def files(self) -> Iterator[Path]:
        """Mounts the image; yields its root folder."""
        try:
            yield Path(self("image", "mount", IMAGE).stdout.strip())
        finally:
            self("image", "unmount", IMAGE)

    @contextlib.contextmanager
    def running(
        self, *options: str, command: Sequence[str] = (), locked_down: bool = True
    ) -> Iterator["Container"]:
        """Starts a container whose only network is its loopback interface."""
        options = (*(LOCKED_DOWN if locked_down else ()), *options)
        run = self("run", "--detach", "--network=none", *options, IMAGE, *command)
        name = run.stdout.split()[-1]
        try:
            yield Container(self, name)
        finally:
            self("rm", "--force", "--time=0", name)

    def remove_everything(self) -> None:
        """Removes containers, images and mounts, so that the folder can be deleted."""
        self("rm", "--all", "--force", "--time=0")
        self("rmi", "--all", "--force")
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for point in reversed(mounted):
            if Path(point).is_relative_to(self._folder):
                subprocess.run(["umount", point], check=True)

    def _write(self, name: str, text: str) -> str:
        path = self._folder / name
        path.write_text(text.format(folder=self._folder))
        return str(path)


@dataclass(frozen=True)
class Container:
    """A running container."""

    podman: Podman
    name: str

    @property
    def process(self) -> int:
        """The id, on this machine, of the first process in the container."""
        process: int = self.podman.inspect(self.name)["State"]["Pid"]
        assert process, self.log
        return process

    @property
    def log(self) -> str:
        return self.podman("logs", self.name).stdout

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Moves this thread to the network of the container, where its port can be reached."""
        its_network = Path(f"/proc/{self.process}/ns/net")
        with Path("/proc/thread-self/ns/net").open() as own, its_network.open() as its:
            _enter(its.fileno())
            try:
                yield
            finally:
                _enter(own.fileno())

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Waits until the server is ready; yields a client in the network of the container."""
        url = "http://127.0.0.1:8080"
        with self.network(), httpx.Client(base_url=url, timeout=DEADLINE) as client:
            wait_until(lambda: _is_ready(client), "readiness")
            yield client

    def healthcheck(self) -> int:
        """The exit status of the health check of the image; 0 means healthy."""
        return self.podman("healthcheck", "run", self.name, check=False).returncode

    def stop(self, seconds: int) -> int:
        """Stops the container; returns its exit status."""
        self.podman("stop", f"--time={seconds}", self.name)
        return self.wait()

    def wait(self) -> int:
        """Waits until the container has ended; returns its exit status."""
        return int(self.podman("wait", self.name).stdout)

    def processes(self) -> list[Path]:
        """The folders in /proc of all processes in the container."""
        pids = self.podman("top", self.name, "hpid").stdout.split()[1:]
        return [Path("/proc", pid) for pid in pids]

    def tasks(self) -> int:
        """The number of threads of all processes."""
        return sum(len(list((process / "task").iterdir())) for process in self.processes())

    def killed_for_memory(self) -> int:
        """The number of processes that the kernel killed for memory."""
        groups = Path(f"/proc/{self.process}/cgroup").read_text().splitlines()
        fields = [group.split(":", 2) for group in groups]
        of_version_1 = [path for _, controllers, path in fields if controllers == "memory"]
        if of_version_1:
            events = Path("/sys/fs/cgroup/memory") / of_version_1[0].lstrip("/")
            text = (events / "memory.oom_control").read_text()
        else:
            path = next(path for _, controllers, path in fields if not controllers)
            text = (Path("/sys/fs/cgroup") / path.lstrip("/") / "memory.events").read_text()
        return int(dict(line.split() for line in text.splitlines())["oom_kill"])


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, NETWORK_NAMESPACE):
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
