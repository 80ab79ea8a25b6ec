import pytest

from training.folds import FoldsError, evaluation_folds
from training.protocols.few_speakers import folds_of_several, worth


def sex(_speaker: str) -> str:
    return ""


@pytest.mark.parametrize(("speakers", "folds"), [(2, 2), (3, 3), (4, 4), (5, 5), (9, 5)])
def test_there_are_as_many_folds_as_speakers_up_to_five(speakers: int, folds: int) -> None:
    found = evaluation_folds(map(str, range(speakers)), sex)
    assert len(found) == folds
    assert sum(map(len, found)) == speakers
    assert bool(worth(found)) == (speakers < 5)


def test_one_speaker_cannot_be_measured() -> None:
    with pytest.raises(FoldsError, match=r"1 speakers \(a\); expected at least 2"):
        evaluation_folds(["a"], sex)


def test_single_speakers_are_joined_to_compare_them_with_others() -> None:
    folds = folds_of_several([(name,) for name in "abcde"])
    assert folds == (("a", "c", "e"), ("b", "d"))
    assert folds_of_several(folds) == folds
