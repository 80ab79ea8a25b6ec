"""Key rings of several workers read one published file."""

import hashlib
from pathlib import Path

from server.http.api_keys import KeyRing
from server.http.key_files import keep_keys


def publish(path: Path, key: str) -> None:
    keep_keys([hashlib.sha256(key.encode()).digest()], path)


def test_all_workers_know_a_new_key_at_once(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    publish(path, "old")
    first, second = KeyRing(path), KeyRing(path)
    assert first.holds("old")
    for old, new in (("old", "new"), ("new", "newer")):
        publish(path, new)
        for ring in (second, first):
            assert ring.holds(new)
            assert not ring.holds(old)
