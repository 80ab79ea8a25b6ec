"""Long recordings, folders, and results as CSV."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech_emotion import Client
from speech_emotion.command.output import PredictionTable
from speech_emotion.command.table_file import TableFile
from speech_emotion.errors import ServerProblemError
from speech_emotion.results.finding import SILENCE

from tests.clients.python.conftest import Connect, Emotion
from tests.support.hostile.server import HostileServer

LABELS = {"angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised"}


@pytest.fixture
def long(tone: Path, tmp_path: Path) -> Path:
    """72 s: the tone of 4 s, and in the middle 12 s of silence."""
    samples, rate = soundfile.read(tone)
    whole = np.tile(samples, 18)
    whole[30 * rate : 42 * rate] = 0
    path = tmp_path / "long.wav"
    soundfile.write(path, whole, rate)
    return path


def test_a_long_recording_has_a_timeline_and_an_overall_answer(client: Client, long: Path) -> None:
    timeline = client.timeline(long, "Frames")
    windows, answer = timeline.windows, timeline.overall
    assert (answer.start, answer.end) == (0.0, 72.0)
    assert [window.start for window in windows] == [3.0 * n for n in range(24)]
    assert {window.finding for window in windows[10:14]} == {SILENCE}
    heard = [window.probabilities for window in (*windows[:10], *windows[14:])]
    for label, mean in answer.probabilities.items():
        assert mean == pytest.approx(np.mean([one[label] for one in heard]))
    table = PredictionTable([], list(answer.probabilities), in_windows=False, width=None)
    assert "      30.0 -     42.0 s  silent" in table.rows("long.wav", timeline)
    samples, rate = soundfile.read(long, dtype="float32")
    assert client.timeline(samples, "Frames", rate) == timeline


def test_a_long_recording_is_one_line_of_json(server: str, emotion: Emotion, long: Path) -> None:
    done = emotion("predict", long, "--json", "--network", "CNN", "--server", server)
    answer = json.loads(done.stdout)
    assert (answer["file"], answer["end"], len(answer["windows"])) == (str(long), 72.0, 24)


def test_a_recording_up_to_a_minute_is_one_clip(client: Client, tone: Path) -> None:
    timeline = client.timeline(tone, "CNN")
    assert not timeline.windows
    assert timeline.overall == client.predict_features(client.features(tone), "CNN")


def test_a_server_that_takes_few_frames_gets_short_windows(
    hostile: HostileServer, connect: Connect
) -> None:
    for network in hostile.document["networks"]:
        network["frames"] = {"minimum": 1, "maximum": 44}  # one second
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 22_050)
    windows = connect(hostile).timeline(sound, "F", 22_050).windows
    assert len(windows) > 3
    assert all(len(body["mfccs"]) <= 44 for body in hostile.posted)


def test_a_folder_becomes_a_csv_file_with_a_row_for_each_recording(
    server: str, emotion: Emotion, tone: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    (folder / "deeper").mkdir(parents=True)
    shutil.copy(tone, folder / "a.wav")
    (folder / "b.wav").write_text("no sound")
    soundfile.write(folder / "deeper" / "c.FLAC", np.zeros(16_000), 16_000, format="FLAC")
    (folder / "notes.txt").write_text("no recording")
    (folder / ".hidden.wav").write_text("no recording")
    out = tmp_path / "out.csv"
    done = emotion("predict", folder, "--recursive", "--csv", out, "--server", server)
    with out.open(newline="", encoding="utf-8") as file:
        good, bad, silent = csv.DictReader(file)
    assert done.returncode == 8
    assert done.stdout == f"{out}: 3 rows, 1 of them errors\n"
    assert good["file"] == str(folder / "a.wav")
    assert sum(float(good[label]) for label in LABELS) == pytest.approx(1, abs=1e-4)
    assert bad["error"].startswith(f"{folder / 'b.wav'}: not readable as audio")
    assert (bad["emotion"], bad["angry"]) == ("", "")
    assert (silent["emotion"], silent["finding"], silent["error"]) == ("", "silence", "")


def test_a_csv_file_has_no_formula_and_no_two_values_of_a_column(
    hostile: HostileServer, emotion: Emotion, tone: Path, tmp_path: Path
) -> None:
    names = ["=1+1", "error"]  # the second is the name of a column too
    for network in hostile.document["networks"]:
        network["emotions"] = names
    hostile.prediction = {"results": [{"emotionType": name, "prediction": 0.5} for name in names]}
    out = tmp_path / "out.csv"
    emotion("predict", tone, "--network", "V", "--server", hostile.url, "--csv", out)
    with out.open(newline="", encoding="utf-8") as file:
        header, row = csv.reader(file)
    assert header[-3:] == ["error", "'=1+1", "error"]
    assert row[3:] == ["'=1+1", "0.500000", "", "", "", "0.500000", "0.500000"]


def test_a_csv_file_has_no_formula_of_a_name_or_a_reason() -> None:
    text = io.StringIO()
    table = TableFile(text, ["calm"])
    table.add_failure("-3+3.wav", ServerProblemError(422, "=2+2", ""))
    assert text.getvalue().splitlines()[1] == "'-3+3.wav,,,,,,,'=2+2,"


def test_a_csv_file_that_cannot_be_written_is_an_error(
    server: str, emotion: Emotion, tone: Path, tmp_path: Path
) -> None:
    done = emotion("predict", tone, "--csv", tmp_path / "none" / "out.csv", "--server", server)
    assert done.returncode == 13
    assert "not writable: No such file or directory" in done.stderr


def test_a_folder_needs_the_option_and_a_recording(
    server: str, emotion: Emotion, tmp_path: Path
) -> None:
    without = emotion("predict", tmp_path, "--server", server)
    empty = emotion("predict", tmp_path, "--recursive", "--server", server)
    assert (without.returncode, empty.returncode) == (8, 8)
    assert "`emotion predict --recursive` takes folders" in without.stderr
    assert f"{tmp_path}: no recordings in it" in empty.stderr
