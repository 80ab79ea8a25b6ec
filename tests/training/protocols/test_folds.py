import pytest

from training.folds import FoldsError
from training.protocols.folds import union_folds


def names(corpus: str, count: int) -> list[str]:
    return [f"{corpus}/{index:02d}" for index in range(count)]


def sex(speaker: str) -> str:
    return "female" if int(speaker[-2:]) % 2 else "male"


def test_every_fold_has_speakers_of_every_corpus() -> None:
    speakers = [*names("large", 20), *names("small", 5)]
    folds = union_folds(speakers * 2, sex)
    assert sorted(speaker for fold in folds for speaker in fold) == sorted(speakers)
    for fold in folds:
        assert sum(speaker.startswith("large") for speaker in fold) == 4
        assert sum(speaker.startswith("small") for speaker in fold) == 1


def test_a_corpus_of_two_speakers_is_in_two_folds() -> None:
    folds = union_folds([*names("large", 20), *names("duo", 2)], sex)
    assert [sum(speaker.startswith("duo") for speaker in fold) for fold in folds] == [1, 1, 0, 0, 0]


def test_too_few_speakers_are_an_error() -> None:
    with pytest.raises(FoldsError, match="at most 1 speaker in a corpus; expected 2"):
        union_folds([*names("one", 1), *names("other", 1)], sex)
