import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from training.corpora.reader import Corpus
from training.evaluation import Evaluation
from training.report.comparators import Comparator
from training.report.corpus import CorpusSummary, draw_emotions, draw_lengths
from training.report.drawing import THEME, Drawing
from training.report.embedding import draw_map
from training.report.results import (
    Recall,
    draw_confusion,
    draw_history,
    draw_recalls,
    draw_reliability,
    draw_robustness,
    draw_speakers,
)

OTHER = Comparator("listeners <&>", 0.6, "somebody")
Draw = Callable[[list[Evaluation], CorpusSummary], Drawing]
DRAWINGS: dict[str, Draw] = {
    "recalls": lambda found, _: draw_recalls([Recall.of(e) for e in found], 0.125, [OTHER]),
    "confusion": lambda found, _: draw_confusion(found[0]),
    "speakers": lambda found, summary: draw_speakers(found, list(summary.speakers)),
    "reliability": lambda found, _: draw_reliability(found[0]),
    "robustness": lambda found, _: draw_robustness(found),
    "history": lambda found, _: draw_history(found[0], "loss"),
    "map": lambda found, _: draw_map(found[0]),
    "emotions": lambda _, summary: draw_emotions(summary),
    "lengths": lambda _, summary: draw_lengths(summary),
}


@pytest.fixture(params=DRAWINGS)
def draw(
    request: pytest.FixtureRequest, evaluations: list[Evaluation], summary: CorpusSummary
) -> Callable[[], Drawing]:
    return lambda: DRAWINGS[request.param](evaluations, summary)


def test_the_same_input_gives_the_same_bytes(draw: Callable[[], Drawing]) -> None:
    assert draw() == draw()


def test_it_is_whole_and_has_a_title_and_words_for_those_who_cannot_see_it(
    draw: Callable[[], Drawing],
) -> None:
    drawing = draw()
    root = ET.fromstring(drawing.svg)
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert drawing.title in texts
    assert root.get("role") == "img"
    assert root.get("aria-label") == drawing.description


def test_every_colour_of_a_line_follows_the_theme(draw: Callable[[], Drawing]) -> None:
    svg = re.sub(r"var\([^)]*\)", "", draw().svg)
    fixed = set(re.findall(r"(?:stroke|fill): (#\w+)", svg))
    # Figures in the cells of a confusion matrix: the cells keep their colours too.
    assert fixed <= {"#fefefe", "#010101"}


def test_a_file_of_its_own_knows_both_themes(draw: Callable[[], Drawing]) -> None:
    svg = draw().standalone()
    ET.fromstring(svg)
    assert "prefers-color-scheme: dark" in svg
    assert all(f"--{c.name}: {c.light};" in svg and f"--{c.name}: {c.dark};" in svg for c in THEME)


def test_figures_are_written_out_in_full(evaluations: list[Evaluation]) -> None:
    evaluation = evaluations[0]
    drawing = draw_reliability(evaluation)
    assert f"{evaluation.ece().mean:.3f}" in drawing.title
    assert drawing.title in drawing.svg


def test_the_description_gives_the_figures(evaluations: list[Evaluation]) -> None:
    recall = Recall("Net", 0.664, 0.612, 0.7)
    assert "Net 66.4% (61.2% to 70.0%)" in draw_recalls([recall], 0.125, [OTHER]).description
    evaluation = evaluations[0]
    angry = 100 * evaluation.emotions()["angry"].recall
    assert f"angry {angry:.0f} %" in draw_confusion(evaluation).description


def test_a_summary_counts_and_measures(corpus: Corpus, summary: CorpusSummary) -> None:
    facts = summary.facts()
    assert facts["Speakers"] == "10: 5 female, 5 male"
    assert facts["Recordings"].startswith(f"{len(corpus.utterances)},")
    assert facts["Length"] == "0.2 to 0.2 s, median 0.2 s"
    assert summary.counts["angry", "female"] == 5
