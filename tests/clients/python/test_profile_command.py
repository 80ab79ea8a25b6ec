"""`emotion profile`, and `emotion predict --profile`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from speech_emotion.cli import main
from speech_emotion.profiles.store import ProfileStore

from tests.clients.python.conftest import Emotion
from tests.clients.python.test_profiles import CLIP
from tests.support.clip_requests import members_of
from tests.support.hostile.faulty_proxy import FaultyProxy
from tests.support.hostile.server import HostileServer
from training.features.recordings.statistics import STATISTICS


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Own = Callable[..., Done]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def own(
    environment: dict[str, str],
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Own:
    """Runs the command in this process, which is quicker, with a data folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", environment["XDG_CACHE_HOME"])
    monkeypatch.setenv("XDG_DATA_HOME", str(data))

    def run(*arguments: str | Path) -> Done:
        try:
            code = main([*map(str, arguments)])
        except SystemExit as error:  # of argparse
            code = int(error.code or 0)
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def store(data: Path) -> ProfileStore:
    return ProfileStore(data / "speech-emotion/profiles")


def clips(store: ProfileStore) -> int:
    profile = store.load("me")
    return profile.baseline.clips if profile else 0


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Another voice."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 16_000), 16_000)
    return path


def posted(proxy: FaultyProxy) -> list[Any]:
    return [members_of(body) for _, body in proxy.requests if body]


def test_a_profile_is_made_shown_listed_and_forgotten(
    server: str, own: Own, emotion: Emotion, tone: Path, data: Path
) -> None:
    files = (tone, "missing.wav", tone)
    variables = {"XDG_DATA_HOME": str(data)}
    added = emotion("profile", "add", "me", *files, "--server", server, **variables)
    assert added.stdout.splitlines() == ["me: 1 clip", "me: 2 clips"]
    assert (added.returncode, added.stderr.count("missing.wav: not readable")) == (8, 1)
    file = data / "speech-emotion/profiles/me.json"
    shown = own("profile", "show", "me").stdout
    assert "clips    2\n" in shown
    assert "pitch    120 Hz" in shown
    assert str(file) in shown
    members = json.loads(own("profile", "show", "me", "--json").stdout)
    assert members["clips"] == 2
    assert len(members["mfccs"]["mean"]) == 25
    assert own("profile", "list").stdout == "me\n"
    assert own("profile", "forget", "me").returncode == 0
    assert not file.exists()
    for action in ("forget", "show"):
        done = own("profile", action, "me")
        assert done.returncode == 12
        assert done.stderr == "emotion: There is no profile 'me'. Profiles: none.\n"


@pytest.mark.parametrize(
    ("network", "shape"), [("Voice", (173, 3)), ("DNN-prosody", (len(STATISTICS),))]
)
def test_predict_sends_the_profile_so_far_and_then_adds_the_clip(
    *,
    network: str,
    shape: tuple[int, ...],
    proxy: FaultyProxy,
    own: Own,
    tone: Path,
    store: ProfileStore,
) -> None:
    arguments = ("predict", tone, tone, "--network", network, "--server", proxy.url)
    for extra in (["--profile", "me"], ["--profile", "me", "--no-update"], []):
        done = own(*arguments, *extra)
        assert done.returncode == 0, done.stderr
    bodies = posted(proxy)
    assert [body.get("baseline", {}).get("clips") for body in bodies] == [None, 1, 2, 2, None, None]
    assert np.shape(bodies[0]["prosody"]) == shape
    frames = np.asarray(bodies[0]["mfccs"])
    mean = frames.mean(axis=0) if frames.ndim == 2 else frames
    np.testing.assert_allclose(bodies[1]["baseline"]["mfccs"]["mean"], mean, atol=1e-3)
    assert clips(store) == 2


def test_each_window_is_a_clip_of_the_profile(proxy: FaultyProxy, own: Own, tone: Path) -> None:
    arguments = ("--every", "1", "--profile", "me", "--network", "Voice", "--server", proxy.url)
    done = own("predict", tone, *arguments)
    assert done.stderr.count("there is no profile 'me' yet: it starts with this clip") == 1
    assert [body.get("baseline", {}).get("clips") for body in posted(proxy)] == [None, 1, 2, 3]


def test_a_network_that_does_not_use_a_profile_is_named(
    proxy: FaultyProxy, own: Own, tone: Path, store: ProfileStore
) -> None:
    done = own("predict", tone, "--profile", "me", "--network", "CNN", "--server", proxy.url)
    assert done.returncode == 0
    warning = "the network CNN does not use the profile 'me': it is only updated; these use it: "
    assert warning + "DNN-prosody, TCN, TCN-ensemble, Voice (--network NAME)\n" in done.stderr
    assert [list(body) for body in posted(proxy)] == [["mfccs"]]
    assert clips(store) == 1


def test_another_voice_is_warned_of_and_not_added(
    server: str, own: Own, tone: Path, noise: Path, store: ProfileStore
) -> None:
    arguments = ("--profile", "me", "--network", "Voice", "--server", server, "--json")
    done = own("predict", tone, noise, *arguments)
    first, second = (json.loads(line)["warning"] for line in done.stdout.splitlines())
    assert first is None
    assert second["code"] == "baseline-of-another-voice"
    assert second["distance"] > second["limit"]
    assert "this clip is not added to the profile 'me': see the warning" in done.stderr
    assert clips(store) == 1


def test_a_clip_without_speech_is_not_added(
    server: str, own: Own, tone: Path, noise: Path, store: ProfileStore
) -> None:
    added = own("profile", "add", "me", noise, tone, "--server", server)
    assert (added.returncode, added.stdout) == (8, "me: 1 clip\n")
    assert f"{noise}: hardly any speech; not added to the profile\n" in added.stderr
    done = own("predict", noise, "--profile", "me", "--network", "CNN", "--server", server)
    assert "this clip is not added to the profile 'me': hardly any speech\n" in done.stderr
    assert (done.returncode, clips(store)) == (0, 1)


def test_a_profile_of_other_features_is_refused_before_anything_is_sent(
    proxy: FaultyProxy, own: Own, tone: Path, store: ProfileStore
) -> None:
    store.add("me", "0" * 64, CLIP)
    for command in (("predict", tone, "--profile", "me"), ("profile", "add", "me", tone)):
        done = own(*command, "--server", proxy.url)
        assert done.returncode == 12
        assert "made with other features than those of this server" in done.stderr
        assert "`emotion profile forget me`" in done.stderr
    assert posted(proxy) == []


def test_a_server_of_version_1_gets_no_profile(own: Own, tone: Path, data: Path) -> None:
    with HostileServer() as hostile:
        predicted = own("predict", tone, "--profile", "me", "--server", hostile.url)
        added = own("profile", "add", "me", tone, "--server", hostile.url)
        assert [list(body) for body in hostile.posted] == [["mfccs"]]
    assert predicted.returncode == 0
    assert "the profile 'me' is neither used nor updated" in predicted.stderr
    assert (added.returncode, added.stdout) == (12, "")
    assert not data.exists()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("--profile", "../me"), 2, "'../me' is not a name of a profile"),
        (("--profile", ""), 2, "'' is not a name of a profile"),
        (("--no-update",), 2, "--no-update needs --profile NAME"),
        (("--profile", "me", "--no-update"), 12, "There is no profile 'me'. Make it: `emotion pro"),
    ],
)
def test_a_profile_that_cannot_be_used_is_an_error(
    *,
    arguments: tuple[str, ...],
    exit_code: int,
    message: str,
    server: str,
    own: Own,
    tone: Path,
) -> None:
    done = own("predict", tone, "--server", server, *arguments)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
