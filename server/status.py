"""What `models status` prints: the releases that a server serves, with their files."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from server.launch.runtime_directory import Runtime
from server.models.activation import network_names
from server.models.files import VERSION_DIGITS, is_extractor, read_file
from server.models.releases import ReleaseStore

HUNDRED = 100.0
CHANGING = "A change of the models is under way, or was interrupted and is to be undone"


def status_lines(runtime: Runtime) -> Iterator[str]:
    """One line for each release, then its time, its workers and its files with their hashes."""
    store = ReleaseStore(runtime.state)
    found = store.deployment
    for role, title, release in (
        ("current", "current", found.current),
        ("previous", "previous", found.previous),
        ("canary", f"canary for {HUNDRED * found.share:g}%", found.canary),
    ):
        if release:
            yield f"{title}: {release} {', '.join(network_names(store, release))}"
            since = datetime.fromtimestamp(store.changed_at(role), UTC)
            yield f"  since {since:%Y-%m-%d %H:%M:%S} UTC{_workers(runtime, role, release)}"
            yield from _files(store.release(release))
    if store.unfinished:
        yield CHANGING


def _workers(runtime: Runtime, role: str, release: str) -> str:
    """How many of the workers serve the release."""
    if role == "previous":
        return ""
    master = runtime.gunicorn
    reports = list(runtime.workers(master).values()) if master else []
    key = "canary" if role == "canary" else "release"
    serving = sum(getattr(report, key) == release for report in reports if report)
    return f"; served by {serving} of {len(reports)} workers"


def _files(release: Path) -> Iterator[str]:
    paths = sorted(path for path in release.glob("*.onnx") if not path.is_symlink())
    width = max((len(path.name) for path in paths), default=0)
    for path in paths:
        sha256 = read_file(path, path.stat().st_size).sha256
        version = "" if is_extractor(path) else f"  version {sha256[:VERSION_DIGITS]}"
        yield f"  {path.name:<{width}}  sha256 {sha256}{version}"
