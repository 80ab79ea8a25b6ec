"""One corpus, and several together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from configuration import SettingError, read_section
from tests.training.conftest import Here, write_corpus, write_tone
from training.corpora.reader import CorpusError, Unusable
from training.corpora.union import Corpora, read_corpora
from training.examples import Examples, changes, load_examples
from training.features.cache import FeatureCache
from training.features.extraction import extract_corpora
from training.report.text import extraction_text
from training.settings import DataSettings

EIGHT = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
CLIPS = {
    "cremad": ("1001_DFA_ANG_XX", "1002_DFA_SAD_XX"),
    "nemo": ("EB0_surprised_1", "MP0_neutral_1", "MP0_neutral_2"),
    "emodb-2s": ("03a01Wa", "08a01La", "08a01Na"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four corpora with a few short tones each."""
    folder = tmp_path_factory.mktemp("corpora")
    write_corpus(folder / "ravdess")
    for key, names in CLIPS.items():
        (folder / key).mkdir()
        for number, name in enumerate(names):
            write_tone(folder / key / f"{name}.ogg", 200 + 40 * number)
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> DataSettings:
    return DataSettings(("ravdess", *CLIPS), corpora_path=folder)


@pytest.fixture(scope="module")
def corpora(data: DataSettings) -> Corpora:
    return read_corpora(data)


@pytest.fixture(scope="module")
def examples(corpora: Corpora, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    cache = FeatureCache(tmp_path_factory.mktemp("features"))
    return load_examples(extract_corpora(corpora, cache, changes(0), Here()), cache, 0)


def test_speakers_of_several_corpora_are_named_after_theirs(corpora: Corpora) -> None:
    assert {item.speaker for item in corpora.utterances} >= {"ravdess/01", "cremad/1001"}
    assert corpora.corpus_of[0] == "ravdess"
    assert corpora.corpus_of[-1] == "emodb-2s"
    assert corpora.key == "ravdess+cremad+nemo+emodb-2s"
    assert corpora.sex("cremad/1001") == "male"
    assert corpora.sex("nemo/EB0") == "female"


def test_one_corpus_keeps_its_own_speakers_and_labels(data: DataSettings) -> None:
    alone = read_corpora(replace(data, corpus=("emodb-2s",)))
    assert {item.speaker for item in alone.utterances} == {"03", "08"}
    assert "bored" in alone.labels
    assert alone.key == "emodb-2s"
    assert alone.sex("03") == "male"
    assert not alone.unusable


def test_several_corpora_have_the_labels_of_the_contract(corpora: Corpora) -> None:
    assert corpora.labels == EIGHT
    (bored,) = corpora.unusable
    assert bored.path.stem == "08a01La"
    assert bored.reason == "bored: not an emotion of several corpora together"


def test_a_label_that_none_of_several_corpora_has_is_left_out(data: DataSettings) -> None:
    labels = read_corpora(replace(data, corpus=("cremad", "nemo"))).labels
    assert labels == tuple(label for label in EIGHT if label != "calm")


def test_a_corpus_says_nothing_about_emotions_that_it_lacks(examples: Examples) -> None:
    of = dict(zip(examples.corpora.tolist(), examples.possible, strict=True))
    assert of["ravdess"].all()
    assert of["cremad"].tolist() == [label not in ("calm", "surprised") for label in EIGHT]
    assert of["nemo"].tolist() == [label not in ("calm", "disgust") for label in EIGHT]
    assert of["emodb-2s"].tolist() == [label not in ("calm", "surprised") for label in EIGHT]


def test_chosen_examples_keep_what_belongs_to_them(examples: Examples) -> None:
    some = examples.where(examples.corpora == "nemo").with_occurring_labels()
    assert some.labels == ("neutral", "surprised")
    assert some.corpora.tolist() == ["nemo"] * 3
    assert some.possible.shape == (3, 2)
    assert some.possible.all()


def test_the_digest_tells_what_a_corpus_has(examples: Examples) -> None:
    others = {
        replace(examples, possible=~examples.possible).digest(),
        replace(examples, corpora=np.char.upper(examples.corpora)).digest(),
    }
    assert len({examples.digest(), *others}) == 3


def test_unreadable_files_are_left_out_of_their_corpus(corpora: Corpora) -> None:
    broken = corpora.utterances[-1]
    less = corpora.without([Unusable(broken.path, "broken")])
    assert broken.path not in {item.path for item in less.utterances}
    assert "broken" in {item.reason for item in less.unusable}
    assert len(less.corpus_of) == len(corpora.utterances) - 1


def test_the_summary_names_files_and_their_corpora(corpora: Corpora, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    text = extraction_text(extract_corpora(corpora, cache, changes(0), Here()))
    assert "features: 55 recordings of RAVDESS speech, CREMA-D, nEMO, emodb-2s in " in text
    assert "left out: 08a01La.ogg: bored: not an emotion of several corpora together" in text


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (("ravdess", "ravdess"), "the same recordings twice: ravdess"),
        (("emodb", "emodb-2s"), "the same recordings twice: Burkhardt"),
        (("ravdess", "tes"), "'tes': no such corpus; known: cremad, emodb"),
        (("ravdess", "emodb"), "emodb: no such folder; --corpus ravdess reads the others alone; "),
    ],
)
def test_corpora_that_cannot_be_read_together_are_named(
    data: DataSettings, folder: Path, corpus: tuple[str, ...], message: str
) -> None:
    if corpus[0] == "emodb":
        (folder / "emodb").symlink_to(folder / "emodb-2s")
    with pytest.raises(CorpusError, match=message):
        read_corpora(replace(data, corpus=corpus))
    (folder / "emodb").unlink(missing_ok=True)


def test_every_folder_that_lacks_is_named(data: DataSettings, tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as refused:
        read_corpora(replace(data, corpus=("savee", "cremad", "tess")))
    folder = data.corpora_path.resolve()
    assert str(refused.value) == (
        f"{folder}/savee, {folder}/tess: no such folder; --corpus cremad reads the others alone; "
        "[data] corpora_path has a folder for each corpus, [data] source_path is that of one"
    )
    with pytest.raises(CorpusError, match=r"savee: no such folder; \[data\] corpora_path"):
        read_corpora(replace(data, corpus=("savee",)))
    with pytest.raises(CorpusError, match="nowhere: no such folder"):
        read_corpora(replace(data, corpus=("savee",), source_path=tmp_path / "nowhere"))


def test_one_folder_cannot_be_that_of_several_corpora(data: DataSettings, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"source_path is .* one, which --corpus KEY chooses"):
        read_corpora(replace(data, source_path=tmp_path))


def test_the_settings_name_several_corpora_with_spaces(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_text("[data]\ncorpus = ravdess cremad\n", encoding="utf-8")
    assert read_section(DataSettings, "data", path, {}).corpus == ("ravdess", "cremad")


def test_paths_in_the_settings_are_relative_to_their_file(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_text("[data]\ncorpus = ravdess voices.csv './my voices'\n", encoding="utf-8")
    found = read_section(DataSettings, "data", path, {}).corpus
    assert found == ("ravdess", f"{tmp_path}/voices.csv", f"{tmp_path}/my voices")


def test_a_list_with_an_open_quote_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_text("[data]\ncorpus = ravdess 'cremad\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"corpus: \"ravdess 'cremad\" is not a list of words"):
        read_section(DataSettings, "data", path, {})
