"""Profiles in files: safe names, damaged files, a full disk, two processes at once."""

import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speech_emotion import Features
from speech_emotion.errors import ProfileError, ProfileNameError
from speech_emotion.profiles.store import ProfileStore

from tests.clients.python.conftest import DEADLINE
from tests.support.machine.small_disk import small_disk

RECIPE = "a" * 64
FRAMES = np.random.default_rng(0).normal(0, 20, (30, 25)).astype(np.float32)
PROSODY = np.array([[2.5, 0.75, -30.0]] * 30, np.float32)
CLIP = Features(0.0, 1.0, FRAMES, FRAMES.mean(axis=0), PROSODY, np.zeros(12, np.float32))


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "profiles")


def test_a_profile_is_kept_exactly_and_for_the_user_alone(store: ProfileStore) -> None:
    for clips in (1, 2):
        added = store.add("me", RECIPE, CLIP)
        assert added.baseline.clips == clips
    assert store.load("me") == added
    assert store.names() == ["me"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()}
    assert modes == {"me.json": 0o600, ".lock": 0o600}
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_a_forgotten_profile_leaves_nothing(store: ProfileStore) -> None:
    assert store.forget("me") is False
    assert not store.folder.exists()
    store.add("me", RECIPE, CLIP)
    (store.folder / ".me.json.new").touch()  # a crash left it
    assert store.forget("me") is True
    assert [path.name for path in store.folder.iterdir()] == [".lock"]
    assert (store.load("me"), store.names()) == (None, [])


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../me", "a/b", "/etc/passwd", ".hidden", "-rf", "a\0", "a\n", "a" * 65, "ä"],
)
def test_a_name_that_is_no_safe_file_name_is_refused(name: str, store: ProfileStore) -> None:
    for action in (store.load, store.forget, lambda name: store.add(name, RECIPE, CLIP)):
        with pytest.raises(ProfileNameError, match="is not a name of a profile; expected 1 to 64"):
            action(name)
    assert not store.folder.exists()


def change(**members: Any) -> Any:
    return lambda document: document | members


def moments(mean: int, spread: int, value: float = 0.0) -> dict[str, list[float]]:
    return {"mean": [value] * mean, "spread": [value] * spread}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (change(version=2), "2 is not an integer from 1 to 1"),
        (change(recipe="a"), "is not a SHA-256 hash"),
        (change(clips=0), "0 is not an integer from 1 to 1,000,000"),
        (change(clips=1.5), "1.5 is not an integer"),
        (change(mfccs=moments(25, 24)), "25 means and 24 spreads"),
        (change(mfccs=moments(0, 0)), "it is of 0 coefficients"),
        (change(mfccs=moments(25, 25, float("nan"))), "nan is not a number"),
        (change(mfccs=moments(25, 25, -1.0)), "-1.0 is not a number from 0"),
        (change(prosody=moments(4, 4)), "4 of prosody"),
        (change(prosody=None), "it is no profile"),
        (lambda document: {"version": document["version"]}, "'recipe' is missing"),
        (lambda _: [], "it is no profile"),
    ],
)
def test_a_damaged_profile_is_an_error_that_says_what_to_do(
    edit: Any, reason: str, store: ProfileStore
) -> None:
    store.add("me", RECIPE, CLIP)
    path = store.path("me")
    path.write_text(json.dumps(edit(json.loads(path.read_text()))))
    with pytest.raises(ProfileError, match=r"'me' is damaged: .*profile forget me") as e:
        store.load("me")
    assert reason in str(e.value)
    damaged = path.read_bytes()
    with pytest.raises(ProfileError, match="is damaged"):
        store.add("me", RECIPE, CLIP)
    assert path.read_bytes() == damaged
    assert store.forget("me") is True


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"{}" + b" " * 2**21])
def test_a_file_that_is_no_profile_is_an_error(content: bytes, store: ProfileStore) -> None:
    store.folder.mkdir()
    store.path("me").write_bytes(content)
    with pytest.raises(ProfileError, match="The profile 'me' is damaged: "):
        store.load("me")


def test_a_profile_of_other_features_is_refused(store: ProfileStore) -> None:
    store.add("me", RECIPE, CLIP)
    with pytest.raises(ProfileError, match=r"made with other features .* `emotion profile forget"):
        store.add("me", "b" * 64, CLIP)
    profile = store.load_for("me", RECIPE)
    assert profile is not None
    assert profile.baseline.clips == 1


@pytest.mark.parametrize("number", [1e7, 3e38, -3e38, np.inf])
def test_absurd_numbers_of_an_extractor_do_not_spoil_a_profile(
    number: float, store: ProfileStore
) -> None:
    before = store.add("me", RECIPE, CLIP)
    frames = np.full((2, 25), number, np.float32)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ProfileError, match="The clip does not fit the profile 'me': "),
    ):
        store.add("me", RECIPE, replace(CLIP, frames=frames))
    assert store.load("me") == before


def test_a_full_disk_is_an_error_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        store = ProfileStore(disk.path / "profiles")
        before = store.add("me", RECIPE, CLIP)
        disk.fill()
        with pytest.raises(ProfileError, match="'me' cannot be written: No space left on device"):
            store.add("me", RECIPE, CLIP)
        assert store.load("me") == before
        assert {path.name for path in store.folder.iterdir()} == {"me.json", ".lock"}
        disk.clear()
        assert store.add("me", RECIPE, CLIP).baseline.clips == 2


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ProfileStore(tmp_path / "file" / "profiles")
    with pytest.raises(ProfileError, match=r"'me' cannot be (read|written): Not a directory"):
        store.add("me", RECIPE, CLIP)
    assert store.names() == []


def test_two_processes_at_once_lose_nothing(store: ProfileStore) -> None:
    code = f"""
import pathlib, sys
import numpy as np
from speech_emotion import Features
from speech_emotion.profiles.store import ProfileStore
frames, prosody = np.ones((3, 25), np.float32), np.ones((3, 3), np.float32)
store = ProfileStore(pathlib.Path({str(store.folder)!r}))
print("ready", flush=True)
sys.stdin.read()
for _ in range(30):
    store.add("me", {RECIPE!r}, Features(0, 1, frames, frames[0], prosody))
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:  # now they start together
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        assert process.wait(DEADLINE) == 0
        assert process.stdout is not None
        process.stdout.close()
    profile = store.load("me")
    assert profile is not None
    assert profile.baseline.clips == 60
    np.testing.assert_allclose(profile.baseline.mfccs.mean, 1)


def test_a_reader_never_meets_half_a_profile(store: ProfileStore) -> None:
    """The old file stays whole for those who have it open, or if the writer is killed."""
    store.add("me", RECIPE, CLIP)
    with store.path("me").open() as file:
        store.add("me", RECIPE, CLIP)
        assert json.load(file)["clips"] == 1
