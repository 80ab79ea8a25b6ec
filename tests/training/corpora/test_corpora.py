import sys
from pathlib import Path

import pytest

from tests.training.conftest import clip_name, write_tone
from training import corpora
from training.corpora.emodb import EMODB, EMODB_2S
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import CorpusError, auxiliary_labels, read_corpus
from training.corpora.registry import reader_named

TASKS = ("intensity", "sex", "statement")
NEW_CORPUS = """
from training.corpora.reader import Utterance


class Tess:
    key = "voices"
    name = description = licence = citation = "TESS"
    pattern = "SPEAKER_WORD_EMOTION"
    emotions = ("angry", "happy")

    def read_name(self, path):
        speaker, word, emotion = path.stem.split("_")
        return Utterance(path, speaker, emotion, {"age": 0 if speaker == "YAF" else 1})

    def sex(self, speaker):
        return "female"


CORPORA = (Tess(),)
"""


def reasons(folder: Path) -> dict[str, str]:
    return {item.path.name: item.reason for item in read_corpus(folder, RAVDESS).unusable}


def test_a_ravdess_name_gives_emotion_and_speaker() -> None:
    utterance = RAVDESS.read_name(Path("03-01-08-02-01-02-12.wav"))
    assert (utterance.emotion, utterance.speaker) == ("surprised", "12")
    assert RAVDESS.sex("12") == "female"
    assert auxiliary_labels([utterance], TASKS).tolist() == [[1, 0, 0]]


def test_an_emodb_name_gives_speaker_and_emotion() -> None:
    utterance = EMODB.read_name(Path("03a01Fa.wav"))
    assert (utterance.speaker, utterance.emotion) == ("03", "happy")
    assert [EMODB.sex(speaker) for speaker in ("03", "08")] == ["male", "female"]
    assert auxiliary_labels([utterance], TASKS).tolist() == [[-1, 1, -1]]


@pytest.mark.parametrize(
    ("corpus", "name", "speaker", "emotion", "others"),
    [
        ("cremad", "1001_DFA_ANG_XX.ogg", "1001", "angry", ("male", -1)),
        ("cremad", "1001_IEO_ANG_MD.ogg", "1001", "angry", ("male", -1)),
        ("cremad", "1002_IEO_DIS_HI.wav", "1002", "disgust", ("female", 1)),
        ("cremad", "1002_IEO_DIS_LO.wav", "1002", "disgust", ("female", 0)),
        ("nemo", "EB0_fear_10.ogg", "EB0", "fearful", ("female", -1)),
        ("nemo", "SM0_surprised_2.wav", "SM0", "surprised", ("male", -1)),
        ("nemo", "XY0_neutral_2.wav", "XY0", "neutral", ("", -1)),
        ("savee", "AudioData/DC/sa01.wav", "DC", "sad", ("male", -1)),
        ("savee", "ALL/KL_su15.wav", "KL", "surprised", ("male", -1)),
        ("savee", "JK_a07.wav", "JK", "angry", ("male", -1)),
        ("tess", "OAF_back_angry.wav", "OAF", "angry", ("female", -1)),
        ("tess", "YAF_pleasant/YAF_mob_ps.wav", "YAF", "surprised", ("female", -1)),
        ("tess", "OA_bite_neutral.wav", "OAF", "neutral", ("female", -1)),
        ("emovo", "f1/dis-f1-b1.wav", "f1", "disgust", ("female", -1)),
        ("emovo", "rab-m3-n5.wav", "m3", "angry", ("male", -1)),
    ],
)
def test_a_name_gives_speaker_and_emotion(
    corpus: str, name: str, speaker: str, emotion: str, others: tuple[str, int]
) -> None:
    sex, intensity = others
    reader = reader_named(corpus)
    utterance = reader.read_name(Path(name))
    assert (utterance.speaker, utterance.emotion) == (speaker, emotion)
    assert emotion in reader.emotions
    assert reader.sex(speaker) == sex
    assert auxiliary_labels([utterance], TASKS).tolist() == [
        [intensity, ("", "female", "male").index(sex) - 1, -1]
    ]


@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("cremad", "1001_DFA_ANG"),
        ("cremad", "1001_DFA_JOY_XX"),
        ("cremad", "2001_DFA_ANG_XX"),
        ("nemo", "EB0_joy_10"),
        ("nemo", "EB0_anger"),
        ("nemo", "_anger_10"),
        ("savee", "a01"),
        ("savee", "DC_x01"),
        ("savee", "XY_a01"),
        ("tess", "OAF_back"),
        ("tess", "OAF_back_joy"),
        ("emovo", "dis-x1-b1"),
        ("emovo", "joy-f1-b1"),
    ],
)
def test_a_name_of_no_corpus_is_told(corpus: str, name: str) -> None:
    reader = reader_named(corpus)
    with pytest.raises(ValueError, match=f"unexpected file name; expected {reader.pattern}"):
        reader.read_name(Path(f"{name}.wav"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("03a01F", "unexpected file name; expected SSTTTEV, such as 03a01Fa"),
        ("03a01F1", "unexpected file name; expected SSTTTEV, such as 03a01Fa"),
        ("17a01Fa", "unexpected file name; speaker 17 is none of 03, 08, "),
        ("03a03Fa", "unexpected file name; text a03 is none of a01, a02, "),
        ("03a01Xa", "unexpected file name; emotion X is none of A, E, F, L, N, T, W"),
    ],
)
def test_a_name_outside_emodbs_pattern_is_rejected(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        EMODB.read_name(Path(f"{name}.wav"))


def test_the_cut_copy_of_emodb_is_read_completely_and_has_its_own_name(emodb: Path) -> None:
    corpus = read_corpus(emodb, EMODB_2S)
    assert corpus.reader.name == "emodb-2s"
    assert len(corpus.utterances) == 428
    assert len({item.speaker for item in corpus.utterances}) == 8
    assert {item.emotion for item in corpus.utterances} == set(EMODB.emotions)
    assert not corpus.unusable


def test_the_error_for_an_unknown_corpus_lists_the_known_ones() -> None:
    with pytest.raises(
        CorpusError, match="'iemocap': no such corpus; known: cremad, emodb, emodb-2s, emovo, nemo"
    ):
        reader_named("iemocap")


def test_wav_and_flac_are_found_at_any_depth(tmp_path: Path) -> None:
    deep = tmp_path / "Actor_02" / "more"
    deep.mkdir(parents=True)
    write_tone(deep / clip_name(5, 2, ".flac"), 200)
    write_tone(tmp_path / clip_name(1, 1, ".WAV"), 200)
    corpus = read_corpus(tmp_path, RAVDESS)
    assert [(item.emotion, item.speaker) for item in corpus.utterances] == [
        ("neutral", "01"),
        ("angry", "02"),
    ]
    assert not corpus.unusable


def test_every_unusable_file_is_listed_with_the_reason(synthetic: Path) -> None:
    (synthetic / clip_name(1, 20)).touch()
    (synthetic / "notes.txt").write_text("?")
    (synthetic / "holiday.wav").write_bytes(b"?")
    (synthetic / "03-01-09-01-01-01-01.wav").write_bytes(b"?")
    (synthetic / "03-02-05-01-01-01-01.wav").write_bytes(b"?")
    found = reasons(synthetic)
    assert found.pop(clip_name(1, 20)) == "empty file"
    assert (
        found.pop("notes.txt")
        == "not a sound file, such as .wav, .flac, .ogg, .opus, .mp3 or .aiff"
    )
    assert found.pop("holiday.wav").startswith("unexpected file name; expected MM-01-EE")
    assert (
        found.pop("03-01-09-01-01-01-01.wav") == "unexpected file name; emotion 09 is not 01 to 08"
    )
    assert found.pop("03-02-05-01-01-01-01.wav").startswith("song")
    assert not found


def test_a_broken_link_is_listed_as_unusable(synthetic: Path) -> None:
    (synthetic / clip_name(1, 20)).unlink(missing_ok=True)
    (synthetic / clip_name(1, 20)).symlink_to(synthetic / "gone.wav")
    assert reasons(synthetic) == {clip_name(1, 20): "cannot be read: No such file or directory"}


def test_a_second_copy_of_an_utterance_is_left_out(synthetic: Path) -> None:
    copy = synthetic / "copy"
    copy.mkdir()
    name = clip_name(3, 4)
    (copy / name).write_bytes((synthetic / name).read_bytes())
    assert len(read_corpus(synthetic, RAVDESS).utterances) == 48
    assert reasons(synthetic) == {name: f"the same utterance as {name}"}


def test_the_error_for_a_folder_without_recordings_lists_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "holiday.wav").write_bytes(b"?")
    with pytest.raises(CorpusError) as caught:
        read_corpus(tmp_path, RAVDESS)
    assert all(word in str(caught.value) for word in (str(tmp_path), ".flac", "MM-01-", "holiday"))


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere: no such folder"):
        read_corpus(tmp_path / "nowhere", RAVDESS)


def test_a_link_to_a_folder_is_read_like_a_folder(synthetic: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "Actor_01").symlink_to(synthetic, target_is_directory=True)
    corpus = read_corpus(linked, RAVDESS)
    assert len(corpus.utterances) == 48
    assert corpus.utterances[0].path.is_relative_to(linked / "Actor_01")
    assert not corpus.unusable


def test_a_cycle_of_links_is_read_once(synthetic: Path) -> None:
    deep = synthetic / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "up").symlink_to(synthetic, target_is_directory=True)
    (deep / "self").symlink_to(deep, target_is_directory=True)
    write_tone(deep / clip_name(1, 20), 200)
    corpus = read_corpus(synthetic, RAVDESS)
    assert len(corpus.utterances) == 49
    assert not corpus.unusable


def test_a_folder_behind_two_links_is_read_once(synthetic: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("one", "other"):
        (linked / name).symlink_to(synthetic, target_is_directory=True)
    corpus = read_corpus(linked, RAVDESS)
    assert {item.path.parent.name for item in corpus.utterances} == {"one"}
    assert not corpus.unusable


def test_a_corpus_is_added_with_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "voices.py").write_text(NEW_CORPUS)
    monkeypatch.setattr(corpora, "__path__", [*corpora.__path__, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "training.corpora.voices", None)  # removed afterwards
    del sys.modules["training.corpora.voices"]
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    write_tone(recordings / "YAF_back_angry.wav", 200)
    corpus = read_corpus(recordings, reader_named("voices"))
    assert [(item.speaker, item.emotion) for item in corpus.utterances] == [("YAF", "angry")]
    assert auxiliary_labels(corpus.utterances, ("age", "sex")).tolist() == [[0, -1]]
