from pathlib import Path

import pytest

from training.corpora.ravdess import RAVDESS
from training.folds import FoldsError, read_folds, speaker_folds

ACTORS = [f"{actor:02d}" for actor in range(1, 21)]


def test_every_speaker_is_held_out_once_and_the_sexes_are_even() -> None:
    folds = speaker_folds(ACTORS * 60, RAVDESS.sex)
    assert sorted(speaker for fold in folds for speaker in fold) == ACTORS
    assert [len(fold) for fold in folds] == [4] * 5
    assert all(sum(RAVDESS.sex(actor) == "male" for actor in fold) == 2 for fold in folds)
    assert folds == speaker_folds(ACTORS[::-1], RAVDESS.sex)


def test_too_few_speakers_for_the_folds_is_an_error() -> None:
    with pytest.raises(FoldsError, match=r"2 speakers \(02, 01\); expected at least 5"):
        speaker_folds(["01", "02", "01"], RAVDESS.sex)


def test_anyone_elses_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    path.write_bytes(b"\xef\xbb\xbfspeaker,fold\r\n01,10\r\n02, 2\r\n03,9\r\n\r\n04,2\r\n")
    assert read_folds(path, ["01", "02", "03", "04"]) == (("02", "04"), ("03",), ("01",))


def test_a_spreadsheet_may_have_eaten_the_zeros(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    path.write_text("speaker,fold\n1,1\n2,2\n10,3\n")
    assert read_folds(path, ["01", "02", "10"]) == (("01",), ("02",), ("10",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the header is ''; expected 'speaker,fold'"),
        ("01,1\n02,2\n", "the header is '01,1'; expected 'speaker,fold'"),
        ("speaker,fold\n01\n", "row 2 is '01'; expected 'speaker,fold'"),
        ("speaker,fold\n01,\n", "row 2 is '01,'; expected 'speaker,fold'"),
        ("speaker,fold\n01,1\n02,2\n03,3\n9,1\n99,2\n", "not in the corpus: 9, 99"),
        ("speaker,fold\n01,1\n", "of the corpus but in no fold: 02, 03"),
        ("speaker,fold\n01,1\n02,2\n03,3\n02,3\n", "given twice: 02"),
        ("speaker,fold\n01,1\n02,2\n03,2\n", "2 folds; expected at least 3"),
        ('speaker,fold\n"01,1\n', "cannot be read as a file of folds"),
    ],
)
def test_a_file_that_does_not_split_the_corpus_is_refused_by_name(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "folds.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FoldsError) as caught:
        read_folds(path, ["01", "02", "03"])
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
