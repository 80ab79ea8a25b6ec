"""A shipped network on recordings that it was not trained on."""

from pathlib import Path

import pytest

from benchmarks.elsewhere import Answer, answered, common_emotions, main, recall
from configuration import ROOT
from tests.training.conftest import write_tone

SPEAKERS = ("anna", "bert")
EMOTIONS = {"angry": 200, "calm": 300, "neutral": 400, "surprised": 500}  # hertz
OPEN = str(ROOT / "models-open")  # knows neither calm nor surprised


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two clips of each speaker in each emotion, and one file without sound."""
    rows = ["path,speaker,emotion", "noise.wav,anna,angry"]
    (tmp_path / "noise.wav").write_text("no sound", encoding="utf-8")
    for emotion, hertz in EMOTIONS.items():
        for number, speaker in enumerate(SPEAKERS * 2):
            name = f"{emotion}-{number}.wav"
            write_tone(tmp_path / name, hertz + number)
            rows.append(f"{name},{speaker},{emotion}")
    path = tmp_path / "voices.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def rows_of(printed: str) -> list[dict[str, str]]:
    """Of the Markdown table."""
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    head, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_recall_is_measured_without_and_with_a_baseline(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([OPEN, "--network", "TCN", "--baseline", "1", "--corpus", str(table)]) == 0
    printed = capsys.readouterr()
    assert "left out: " in printed.err
    assert "noise.wav" in printed.err
    rows = rows_of(printed.out)
    assert [row["clips of the baseline"] for row in rows] == ["0", "1"]
    for row in rows:
        # Calm counts as neutral, and the network does not know surprised.
        assert (row["corpus"], row["clips"], row["emotions"]) == ("voices", "12", "2")
        assert row["guessing"] == "0.500"
        assert 0 <= float(row["recall"]) <= 1


def test_a_baseline_of_no_clips_is_not_measured_twice(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([OPEN, "--network", "TCN", "--baseline", "0", "--corpus", str(table)]) == 0
    assert [row["clips of the baseline"] for row in rows_of(capsys.readouterr().out)] == ["0"]


@pytest.mark.parametrize(
    ("corpus", "network", "common"),
    [
        # Calm is an emotion of its own only where both have it beside neutral.
        (
            ["calm", "neutral", "sad"],
            ["calm", "neutral", "sad"],
            {"calm": "calm", "neutral": "neutral", "sad": "sad"},
        ),
        (
            ["neutral", "sad", "surprised"],
            ["calm", "neutral", "sad"],
            {"calm": "neutral", "neutral": "neutral", "sad": "sad"},
        ),
        (
            ["calm", "sad"],
            ["neutral", "sad"],
            {"calm": "neutral", "neutral": "neutral", "sad": "sad"},
        ),
        (["calm", "sad"], ["angry", "sad"], {"sad": "sad"}),
    ],
)
def test_emotions_that_corpus_and_network_share(
    corpus: list[str], network: list[str], common: dict[str, str]
) -> None:
    assert common_emotions(corpus, network) == common


def test_an_answer_is_one_of_the_common_emotions() -> None:
    probabilities = {"calm": 0.2, "neutral": 0.15, "sad": 0.25, "angry": 0.4}
    common = common_emotions(["neutral", "sad"], probabilities)
    answer = answered("neutral", probabilities, common)
    assert (answer.target, answer.emotion) == ("neutral", "neutral")
    assert answer.probability == pytest.approx(0.35 / 0.6)


def test_recall_is_the_mean_over_the_emotions() -> None:
    answers = [Answer("sad", "sad", 0.9)] * 8 + [Answer("angry", "sad", 0.9)]
    assert recall([*answers, Answer("angry", "angry", 0.5)]) == 0.75


def test_mistakes_are_named(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few.csv"
    few.write_text("path,speaker,emotion\nangry-0.wav,anna,angry\nsurprised-0.wav,bert,surprised")
    unreadable = tmp_path / "unreadable.csv"
    (tmp_path / "other.wav").touch()
    unreadable.write_text("path,speaker,emotion\nnoise.wav,anna,angry\nother.wav,bert,sad")
    for corpus, message in (
        (tmp_path / "none.csv", "none.csv"),
        (few, "its emotions are angry, surprised; expected at least 2 of TCN"),
        (unreadable, "none of 2 recordings can be read"),
    ):
        assert main([OPEN, "--network", "TCN", "--corpus", str(corpus)]) == 1
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([OPEN, "--baseline", "-1", "--corpus", str(table)])
    assert "'-1'; expected an integer of at least 0" in capsys.readouterr().err
