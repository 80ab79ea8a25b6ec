"""`python -m training` with several corpora, as a user types it."""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.training.conftest import write_tone
from training.__main__ import main
from training.protocols import conditions

SPEAKERS = range(1, 4)
RAVDESS_EMOTIONS = range(1, 9)
CREMAD_EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
NEMO_EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
NEMO_SPEAKERS = ("SB0", "MK1", "KJ0")
KEYS = ("ravdess", "cremad", "nemo")


@dataclass(frozen=True)
class Exported:
    """What the commands printed and wrote."""

    printed: dict[str, str]  # by command
    models: Path

    def metadata(self, network: str) -> dict[str, Any]:
        properties = onnx.load(self.models / f"{network}.onnx").metadata_props
        texts = {item.key: item.value for item in properties}
        plain = {"format": texts.pop("format"), "sha256": texts.pop("sha256", "")}
        return {**plain, **{key: json.loads(text) for key, text in texts.items()}}


def write_corpora(folder: Path) -> None:
    """A short tone for each emotion and speaker, and four sounds of noise."""
    for key in (*KEYS, "noise"):
        (folder / key).mkdir(parents=True)
    for speaker in SPEAKERS:
        names = [f"03-01-{emotion:02d}-01-01-01-{speaker:02d}" for emotion in RAVDESS_EMOTIONS]
        _write(folder / "ravdess", names, speaker)
        names = [f"10{speaker:02d}_DFA_{emotion}_XX" for emotion in CREMAD_EMOTIONS]
        _write(folder / "cremad", names, 10 * speaker)
        names = [f"{NEMO_SPEAKERS[speaker - 1]}_{emotion}_1" for emotion in NEMO_EMOTIONS]
        _write(folder / "nemo", names, 100 * speaker)
    _write(folder / "noise", ["rain-1", "rain-2", "rain-3", "rain-4"], 7)


def _write(folder: Path, names: list[str], shift: int) -> None:
    for index, name in enumerate(names, 1):
        write_tone(folder / f"{name}.wav", 150 * index + shift)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder, printed = tmp_path_factory.mktemp("several"), {}
    write_corpora(folder / "data")
    paths = {"corpora": folder / "data", "cache": folder / "cache", "models": folder / "models"}
    options = ["--network=DNN", "--epochs=2", "--variants=0", "--seeds=1", "--corpus", *KEYS]
    options += [f"--{name}-path={path}" for name, path in paths.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        patch.setattr(conditions, "MOST", 8)  # clips of each corpus
        for command in ("evaluate", "fit", "export", "report"):
            with contextlib.redirect_stdout(io.StringIO()) as text:
                assert main([command, *options]) == 0
            printed[command] = text.getvalue()
        yield Exported(printed, folder / "models")


def test_evaluate_prints_both_protocols_by_corpus(exported: Exported) -> None:
    printed = exported.printed["evaluate"]
    other, new = printed.split("new speakers of known corpora: 3 folds by speaker")
    assert "corpora that it was not trained on" in other
    for part, emotions in ((other, "7"), (new, "8")):
        rows = {line.split()[0]: line.split() for line in part.splitlines() if line.strip()}
        assert rows["ravdess"][1:3] == ["24", emotions]
        assert rows["cremad"][1:5] == ["18", "6", "0.167", "0.420"]
        assert rows["nemo"][4] == "-"
        assert rows["mean"][1] == "60"
    assert "permuted" not in printed  # unless asked for
    assert "real noise 10 dB" in printed


def test_the_file_holds_the_figures_of_both_protocols(exported: Exported) -> None:
    facts = exported.metadata("DNN")
    assert facts["format"] == "speech-emotion-network/3"
    assert len(facts["labels"]) == 8
    metrics = facts["metrics"]
    for key in ("newSpeakers", "otherCorpora"):
        found = metrics[key]
        names = [corpus["name"] for corpus in found["corpora"]]
        assert names == ["RAVDESS speech", "CREMA-D", "nEMO"]
        assert found["baselineUar"] is None
        for figure in ("uar", "chance", "mfccsUar"):
            parts = [corpus[figure] for corpus in found["corpora"]]
            assert found[figure] == pytest.approx(sum(parts) / 3, abs=1e-3)
        assert [corpus["speakers"] for corpus in found["corpora"]] == [3, 3, 3]
        assert [corpus["utterances"] for corpus in found["corpora"]] == [24, 18, 18]
        assert [corpus["listeners"] for corpus in found["corpora"]] == [0.624, 0.42, None]
        assert 0 <= found["calibrationError"] <= 1
        assert 0 <= found["confidentShare"] <= 1
    assert metrics["speakerIndependentUar"] == metrics["newSpeakers"]["mfccsUar"]
    corpora = facts["corpus"]["corpora"]
    assert facts["corpus"]["name"] == ", ".join(corpus["name"] for corpus in corpora)


def test_the_card_is_headed_by_other_corpora_and_names_each_licence(exported: Exported) -> None:
    card = (exported.models / "README.md").read_text(encoding="utf-8")
    found = exported.metadata("DNN")["metrics"]["otherCorpora"]
    rows = [line for line in card.splitlines() if line.startswith("| DNN | ")]
    assert rows[0].startswith(
        f"| DNN | corpora that it was not trained on | **{found['uar']:.3f}**"
    )
    assert "| 0.420 to 0.624 |" in rows[0]
    assert rows[1].startswith("| DNN | new speakers of known corpora |")
    for corpus in ("RAVDESS speech: **CC BY-NC-SA", "CREMA-D: **Open Database", "nEMO: **CC BY-NC"):
        assert f"- {corpus}" in card
    text = " ".join(card.split())
    assert "must not be used commercially, because of RAVDESS speech and nEMO" in text
    assert "The Open Database License allows commercial use" in text


def test_the_report_begins_with_other_corpora(exported: Exported) -> None:
    page = (exported.models / "report.html").read_text(encoding="utf-8")
    first = page.index("Recall on other corpora")
    assert first < page.index("Recall on unseen speakers")
    assert f"{exported.metadata('DNN')['metrics']['otherCorpora']['uar']:.1%}" in page
