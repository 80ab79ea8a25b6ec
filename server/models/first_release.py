"""The release that a server starts with, and its verification beside the start.

A model that loops or asks for all memory would end one worker after the other. So the launcher
starts a process that verifies the release within limits. Workers wait for its result before they
load a model. PERF: the process ends before most workers have started.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from configuration import CONFIG_VARIABLE, ROOT
from server.atomic_write import write_atomically
from server.models.deployment import Deployment
from server.models.releases import ReleaseError, ReleaseStore, is_intact
from server.models.verification import VerificationError, verify
from server.processes import end_with_parent
from server.settings import ModelSettings, load_settings

POLL_INTERVAL_SECONDS = 0.02


class _Verdict(msgspec.Struct, frozen=True):
    release: str
    faults: dict[str, str]  # file name -> reason


def deploy_at_start(store: ReleaseStore, settings: ModelSettings) -> None:
    """Chooses the releases that a starting server serves.

    These are the releases of the last change that ended, or else a copy of the models directory.
    They are not verified here: the workers report their faults.

    Raises:
        ReleaseError: a file cannot be copied.
    """
    if store.unfinished:
        store.deploy(store.unfinished)
    found, activated = store.deployment, store.activated
    if activated is None:
        with store.staged(settings.directory, settings.maximum_file_bytes) as staged:
            for file, reason in staged.faults.items():
                raise ReleaseError(f"{settings.directory}: {file} {reason}")
            store.deploy(Deployment(store.publish(staged).name))
    elif activated != found.current or (
        found.canary and not is_intact(store.release(found.canary))
    ):
        store.deploy(Deployment(activated, found.previous))
    store.end_change()


def start_verification(store: ReleaseStore, settings_path: Path) -> None:
    """Starts a process that verifies the current release; `refused_files` returns its result."""
    _verdict(store).unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "server.models.first_release", str(store.directory)],
        cwd=ROOT,
        env=os.environ | {CONFIG_VARIABLE: str(settings_path)},
        stdin=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C in a terminal stops the launcher, which stops this process
    )
    write_atomically(_verifying(store), str(process.pid))


def refused_files(store: ReleaseStore, release: str) -> Mapping[str, str]:
    """The faults that the verification at the start found in the release, by file name.

    Waits until the verification has ended.
    """
    while True:
        try:
            verdict = msgspec.json.decode(_verdict(store).read_bytes(), type=_Verdict)
        except FileNotFoundError:
            if not _is_pending(store):
                return {}
            time.sleep(POLL_INTERVAL_SECONDS)
        else:
            return verdict.faults if verdict.release == release else {}


def _is_pending(store: ReleaseStore) -> bool:
    """Whether a verdict exists by now, or a process is to write one."""
    try:
        process = _verifying(store).read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return Path("/proc", process).exists() or _verdict(store).exists()


def _verdict(store: ReleaseStore) -> Path:
    return store.directory / "verdict.json"


def _verifying(store: ReleaseStore) -> Path:
    return store.directory / "verifying"


def _main() -> None:
    """Verifies the current release of a state directory; never outlives the launcher."""
    end_with_parent(signal.SIGKILL)
    store = ReleaseStore(Path(sys.argv[1]))
    release = store.deployment.current or ""
    faults: Mapping[str, str] = {}
    try:
        faults = verify(store.release(release), load_settings().models).faults
    except VerificationError as error:
        print(error, file=sys.stderr, flush=True)
    verdict = _Verdict(release, dict(faults))
    write_atomically(_verdict(store), msgspec.json.encode(verdict).decode())


if __name__ == "__main__":
    _main()
