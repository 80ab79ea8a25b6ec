from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.models.tiny import (
    LABELS,
    network_metadata,
    write_extractor,
    write_frame_network,
    write_vector_network,
)
from training.export.onnx_file import ExportError
from training.report.card import write_model_card

SCORE = {"precision": 0.5, "recall": 0.25, "f1": 0.333, "utterances": 40}
METRICS = {
    "protocol": "folds by speaker",
    "speakerIndependentUar": 0.664,
    "uarDeviation": 0.006,
    "uarInterval": [0.612, 0.701],
    "speakerIndependentAccuracy": 0.671,
    "macroF1": 0.651,
    "foldUar": [0.66, 0.668],
    "expectedCalibrationError": 0.031,
    "unseenSpeakersWarned": 0.007,
    "permutedLabelsUar": 0.333,
    "inflatedRandomSplitUar": 0.876,
    "robustness": {"gain +12 dB": 0.644},
    "perEmotion": dict.fromkeys(LABELS, SCORE),
}
CORPUS = {
    "name": "some speech",
    "description": "two sentences",
    "speakers": 20,
    "utterances": 1200,
    "licence": "CC BY-NC-SA 4.0",
    "citation": "Somebody (2018)",
}


def metadata(**metrics: Any) -> dict[str, Any]:
    return network_metadata(metrics=METRICS | metrics, corpus=CORPUS)


def card(directory: Path) -> str:
    return write_model_card(directory).read_text(encoding="utf-8")


def test_the_card_gives_the_metadata_of_the_files(tmp_path: Path) -> None:
    write_extractor(tmp_path)
    path = write_frame_network(tmp_path, "TCN", **metadata() | {"input": "frames"})
    text = card(tmp_path)
    row = next(line for line in text.splitlines() if line.startswith("| TCN | "))
    size = f"{path.stat().st_size / 1e6:.2f} MB"
    values = "0.664 | 0.006 | 0.612 to 0.701 | 0.333 | 0.671 | 0.651 | 0.031"
    assert row.startswith(f"| TCN | frames | {values} | {size} | ")
    assert "| gain +12 dB | 0.644 (-2.0) |" in text
    assert "| calm | 0.500 | 0.250 | 0.333 | 40 |" in text
    assert "- some speech: **CC BY-NC-SA 4.0**. Somebody (2018)" in text


def test_a_licence_is_explained_only_where_it_applies(tmp_path: Path) -> None:
    write_vector_network(tmp_path, "DNN", **metadata())
    assert "no commercial use" in card(tmp_path)
    free = network_metadata(metrics=METRICS, corpus=CORPUS | {"licence": "free to use"})
    write_vector_network(tmp_path, "DNN", **free)
    assert "no commercial use" not in card(tmp_path)


def test_the_result_of_a_random_split_is_one_line_marked_inflated(tmp_path: Path) -> None:
    write_vector_network(tmp_path, "DNN", **metadata())
    lines = [line for line in card(tmp_path).splitlines() if "0.876" in line]
    assert len(lines) == 1
    assert "Inflated" in lines[0]


def test_checks_that_were_not_made_are_omitted(tmp_path: Path) -> None:
    missing = {"permutedLabelsUar": None, "inflatedRandomSplitUar": None}
    write_vector_network(tmp_path, "DNN", **metadata(**missing))
    text = card(tmp_path)
    assert "permuted" not in text
    assert "random split" not in text


def test_a_figure_of_the_recall_is_written_beside_the_card(tmp_path: Path) -> None:
    write_vector_network(tmp_path, "DNN", **metadata())
    assert "(networks.svg)" in card(tmp_path)
    figure = ET.parse(tmp_path / "networks.svg").getroot()
    assert "DNN 66.4% (61.2% to 70.1%)" in str(figure.get("aria-label"))


def test_a_condition_of_only_some_networks_is_included(tmp_path: Path) -> None:
    write_vector_network(tmp_path, "CNN", **metadata(robustness={}))
    write_vector_network(tmp_path, "DNN", **metadata())
    assert "| gain +12 dB | not measured | 0.644 (-2.0) |" in card(tmp_path)


def test_the_error_names_the_metadata_that_a_file_lacks(tmp_path: Path) -> None:
    write_vector_network(tmp_path, "DNN")
    with pytest.raises(ExportError, match="lacks 'uarInterval'"):
        write_model_card(tmp_path)


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    write_extractor(tmp_path)
    with pytest.raises(ExportError, match="no network file"):
        write_model_card(tmp_path)


def test_networks_of_open_corpora_alone_say_that_they_may_be_sold(tmp_path: Path) -> None:
    open_database = {**CORPUS, "name": "A", "licence": "Open Database License 1.0"}
    free = {**CORPUS, "name": "B", "licence": "free to use"}
    together = {**CORPUS, "name": "A, B", "licence": "...", "corpora": [open_database, free]}
    write_vector_network(tmp_path, "DNN", **network_metadata(metrics=METRICS, corpus=together))
    text = " ".join(card(tmp_path).split())
    assert "- A: **Open Database License 1.0**. Somebody (2018) - B: **free to use**." in text
    assert "None of these licences forbids commercial use." in text
    assert "no commercial use" not in text
