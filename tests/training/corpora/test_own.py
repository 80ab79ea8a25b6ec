"""A corpus of one's own: a table of clips, or a folder for each emotion."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.training.conftest import write_tone
from training.__main__ import main
from training.corpora.reader import EMOTIONS, Corpus, CorpusError, auxiliary_labels
from training.corpora.union import read_corpora
from training.settings import DataSettings

HEADER = "path,speaker,emotion"
ROWS = ("clips/a1.wav,anna,angry", "clips/a2.wav,anna,sad", "clips/b1.wav,bert,angry")
PATTERN = r"/([a-z]+)-\d+\.\w+$"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a table beside four clips."""
    (tmp_path / "clips").mkdir()
    for number, name in enumerate(("a1", "a2", "b1", "b2")):
        write_tone(tmp_path / "clips" / f"{name}.wav", 200 + number)

    def write(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "My voices.csv"
        path.write_text("\n".join([header, *rows]), encoding="utf-8")
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    names = ("angry/anna-1", "angry/bert-1", "sad/anna-1", "sad/deep/bert-1")
    for number, name in enumerate(names):
        path = folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tone(path, 200 + number)
    return folder


def read(path: Path, **settings: str) -> Corpus:
    (corpus,) = read_corpora(DataSettings((str(path),), **settings)).corpora  # type: ignore[arg-type]
    return corpus


def pairs(corpus: Corpus) -> list[tuple[str, str]]:
    return [(item.speaker, item.emotion) for item in corpus.utterances]


def test_a_table_names_clips_speakers_and_emotions(write: Write) -> None:
    corpus = read(write(*ROWS), licence="CC0")
    assert pairs(corpus) == [("anna", "angry"), ("anna", "sad"), ("bert", "angry")]
    assert corpus.reader.key == "my-voices"
    assert corpus.reader.name == "My voices"
    assert corpus.reader.emotions == ("angry", "sad")
    assert corpus.reader.licence == "CC0"
    assert corpus.reader.sex("anna") == ""


def test_a_table_may_tell_more(write: Write) -> None:
    corpus = read(
        write(
            "clips/a1.wav,anna,angry,female,It rains.,strong,train",
            "clips/a2.wav,anna,sad,female,It snows.,normal,",
            "clips/b1.wav,bert,angry,,,,",
            "clips/b2.wav,bert,sad,,It rains.,,test",
            header=f"{HEADER},sex,sentence,intensity,split",
        )
    )
    labels = auxiliary_labels(corpus.utterances, ("sex", "sentence", "intensity"))
    assert labels.tolist() == [[0, 0, 1], [0, 1, 0], [-1, -1, -1]]
    assert [item.path.name for item in corpus.tests] == ["b2.wav"]
    assert corpus.reader.sex("anna") == "female"


def test_the_licence_is_not_invented(write: Write) -> None:
    assert read(write(*ROWS)).reader.licence == "not stated"


@pytest.mark.parametrize("kind", ["table", "folders"])
def test_a_table_maps_names_of_emotions(
    kind: str, write: Write, folder: Path, tmp_path: Path
) -> None:
    table = "name,emotion\nWut,angry\nLangeweile,bored\nunclear,-\n"
    if kind == "table":
        path, options = write(*(row.replace("angry", "Wut") for row in ROWS), WIND), {}
        (tmp_path / "emotions.csv").write_text(table)
    else:
        path, options = folder, {"speaker_pattern": PATTERN}
        (folder / "angry").rename(folder / "wut")
        (folder / "unclear").mkdir()
        write_tone(folder / "unclear" / "anna-9.wav", 300)
        (folder / "emotions.csv").write_text(table)
    corpus = read(path, **options)
    assert set(pairs(corpus)) >= {("anna", "angry"), ("anna", "sad"), ("bert", "angry")}
    (left_out,) = corpus.unusable
    assert left_out.reason == "emotion 'unclear' is left out"


WIND = "clips/b2.wav,bert,unclear"


def test_a_folder_for_each_emotion_needs_only_a_pattern(folder: Path) -> None:
    (folder / "notes.txt").write_text("about")
    write_tone(folder / "stray-1.wav", 300)
    write_tone(folder / "sad" / "42.wav", 301)
    corpus = read(folder, speaker_pattern=PATTERN)
    assert sorted(pairs(corpus)) == [
        *(("anna", "angry"), ("anna", "sad"), ("bert", "angry"), ("bert", "sad"))
    ]
    reasons = {item.path.name: item.reason for item in corpus.unusable}
    assert reasons["stray-1.wav"] == "not in the folder of an emotion"
    assert "finds no speaker in sad/42.wav" in reasons["42.wav"]
    assert "not a sound file" in reasons["notes.txt"]


SEVERAL = f"{HEADER},sex,split"


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (HEADER, [*ROWS, "clips/c1.wav,bert,sad"], r":5: 'clips/c1.wav': no such file in "),
        (HEADER, [*ROWS, "clips/b2.wav,bert,joy"], r":5: emotion 'joy' is none of angry, calm, .*"),
        (HEADER, [*ROWS, "../secret.wav,bert,sad"], r":5: '../secret.wav' leaves the folder"),
        (HEADER, [*ROWS, "/etc/passwd,bert,sad"], r":5: '/etc/passwd' leaves the folder"),
        (HEADER, [*ROWS, "link.wav,bert,sad"], r":5: 'link.wav' leaves the folder"),
        (HEADER, [*ROWS, "notes.txt,bert,sad"], r":5: 'notes.txt' is not a sound file, such as"),
        (HEADER, [*ROWS, "loop.wav,bert,sad"], r":5: 'loop.wav'"),
        (HEADER, [*ROWS, "a\0b.wav,bert,sad"], r":5: 'a\\x00b.wav' is not a path: embedded null"),
        (HEADER, [*ROWS, f"{'a' * 5000},bert,sad"], r":5: 'a{100}' is not a path: .* too long"),
        (HEADER, [*ROWS, "clips,bert,sad"], r":5: 'clips': no such file in"),
        (HEADER, [*ROWS, "./clips/a1.wav,bert,sad"], r":5: './clips/a1.wav': line 2 has this file"),
        (HEADER, [*ROWS, "clips/b2.wav,,sad"], r":5: speaker is empty"),
        (HEADER, [*ROWS, "clips/b2.wav,bert"], r":5: 2 cells; the header has 3"),
        (HEADER, ROWS[:2], r":3: every clip is of speaker 'anna'; expected several"),
        (HEADER, [], r":2: no clips; expected a row of path,speaker,emotion for each"),
        (ROWS[0], ROWS[1:], r":1: no column 'path'; the header is 'clips/a1.wav,anna,angry', exp"),
        ("", [], r":1: no column 'path'; the header is ''"),
        (f"{HEADER},age", [], r":1: unknown column 'age'; .* expected path,speaker,emotion\[,sex"),
        (f"{HEADER},path", [], r":1: column 'path' twice"),
        (SEVERAL, ["clips/a1.wav,anna,sad,woman,"], r":2: sex 'woman'; expected female or male"),
        (SEVERAL, ["clips/a1.wav,anna,sad,,dev"], r":2: split 'dev'; expected train or test"),
        (
            SEVERAL,
            ["clips/a1.wav,anna,sad,female,", "clips/a2.wav,anna,sad,male,"],
            r":3: speaker 'anna' has sex 'male' here and 'female' before",
        ),
        (
            SEVERAL,
            ["clips/a1.wav,anna,sad,,test", "clips/b1.wav,bert,sad,,test"],
            r":3: every clip is left out of fits",
        ),
        (HEADER, [ROWS[0], ROWS[2]], r":3: every clip is of emotion 'angry'; expected several"),
        (
            SEVERAL,
            [*(f"{row},," for row in ROWS), "clips/b2.wav,bert,calm,,test"],
            r":5: no clip with split train has emotion 'calm'",
        ),
    ],
)
def test_a_wrong_table_is_named_with_the_line(
    write: Write, tmp_path: Path, header: str, rows: Sequence[str], message: str
) -> None:
    (tmp_path / "notes.txt").write_text("about")
    (tmp_path / "link.wav").symlink_to("/etc/passwd")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    path = write(*rows, header=header)
    with pytest.raises(CorpusError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,emotion\nWut,anger\n", r"emotions\.csv:2: emotion 'anger' is none of angry, calm"),
        ("Wut,angry\n", r"emotions\.csv:1: no column 'name'"),
    ],
)
def test_a_wrong_table_of_emotions_is_named_with_the_line(
    write: Write, tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "emotions.csv").write_text(table)
    with pytest.raises(CorpusError, match=message):
        read(write(*ROWS))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (None, r"a folder for each emotion needs --speaker-pattern, a regular expression"),
        ("(a", r"--speaker-pattern '\(a': not a regular expression: missing \)"),
        ("[a-z]+", r"--speaker-pattern '\[a-z\]\+': 0 groups; expected one, around the speaker"),
        ("(x+)-", r"no usable recording; .* named EMOTION/\.\.\., with the speaker as"),
        (r"\.(wav)$", r"every clip is of speaker 'wav'; expected several"),
    ],
)
def test_a_pattern_that_finds_no_speakers_is_named(
    folder: Path, pattern: str | None, message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read(folder, **({"speaker_pattern": pattern} if pattern else {}))


def test_a_folder_of_an_unknown_emotion_is_named(folder: Path) -> None:
    (folder / "sad").rename(folder / "joy")
    with pytest.raises(CorpusError, match=r"voices/joy: emotion 'joy' is none of angry, calm, "):
        read(folder, speaker_pattern=PATTERN)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/", "nowhere: neither a folder nor a .csv file"),
        ("nowhere.csv", r"nowhere\.csv: cannot be read as a table: .*No such file"),
        ("ravdess.csv", r"ravdess\.csv: 'ravdess' is the name of another corpus; rename it"),
    ],
)
def test_a_path_that_is_no_corpus_is_named(
    write: Write, tmp_path: Path, name: str, message: str
) -> None:
    write(*ROWS).rename(tmp_path / "ravdess.csv")
    with pytest.raises(CorpusError, match=message):
        read_corpora(DataSettings((f"{tmp_path}/{name}",)))


def test_an_own_corpus_stands_beside_a_published_one(write: Write, tmp_path: Path) -> None:
    (tmp_path / "emovo").mkdir()
    write_tone(tmp_path / "emovo" / "dis-f1-b1.wav", 200)
    data = DataSettings(("emovo", str(write(*ROWS))), corpora_path=tmp_path)
    corpora = read_corpora(data)
    assert corpora.labels == tuple(label for label in EMOTIONS if label != "calm")
    assert {item.speaker for item in corpora.utterances} == {
        *("emovo/f1", "my-voices/anna", "my-voices/bert")
    }
    assert corpora.possible()[-1].tolist() == [
        label in ("angry", "sad") for label in corpora.labels
    ]
    assert corpora.sex("my-voices/anna") == ""


def test_a_folder_of_its_own_needs_no_source_path(write: Write, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"source_path is .*; leave it empty for .*voices\.csv"):
        read_corpora(DataSettings((str(write(*ROWS)),), source_path=tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["features", "--corpus", "./nowhere.csv"], "/nowhere.csv: cannot be read as a table"),
        (  # the clip may follow the corpus
            ["predict", "--recipe=none", "--output-path=/nowhere", "--corpus", "ravdess", "a.wav"],
            "/nowhere/models/none.onnx: no such file",
        ),
    ],
)
def test_the_command_names_what_is_not_there(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert message in capsys.readouterr().err
