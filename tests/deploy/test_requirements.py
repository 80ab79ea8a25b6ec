"""The locked requirements of the server."""

import re

from configuration import ROOT

PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
HASHES = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def test_the_lock_has_the_packages_of_the_requirements_with_hashes() -> None:
    folder = ROOT / "requirements"
    lock = (folder / "server.lock").read_text()
    pins = PIN.findall(lock)
    wanted = PIN.findall((folder / "server.txt").read_text())
    assert sorted(pins) == sorted(wanted), "run scripts/lock"
    for package in re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]:
        assert HASHES.search(package)
