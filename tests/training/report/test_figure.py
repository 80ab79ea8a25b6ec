import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from configuration import ROOT
from training.corpora.union import Corpora
from training.evaluation import Evaluation
from training.report.attribution_figures import first_filters
from training.report.corpus_figures import (
    CorpusSummary,
    draw_emotions,
    draw_lengths,
    draw_speakers,
)
from training.report.evaluation_figures import (
    PublishedResult,
    Recall,
    draw_confusion,
    draw_embedding,
    draw_history,
    draw_recalls,
    draw_reliability,
    draw_robustness,
)
from training.report.evaluation_figures import draw_speakers as draw_speaker_recalls
from training.report.figure import THEME, Figure

OTHER = PublishedResult("listeners <&>", 0.6, "somebody")
Draw = Callable[[list[Evaluation], CorpusSummary], Figure]


def confusion_figure(evaluation: Evaluation) -> Figure:
    return draw_confusion(evaluation.network, evaluation.confusion(), evaluation.labels)


FIGURES: dict[str, Draw] = {
    "recalls": lambda found, _: draw_recalls([Recall.of(e) for e in found], 0.125, [OTHER]),
    "confusion": lambda found, _: confusion_figure(found[0]),
    "speaker recalls": lambda found, corpus: draw_speaker_recalls(found, list(corpus.speakers)),
    "reliability": lambda found, _: draw_reliability(found[0]),
    "robustness": lambda found, _: draw_robustness(found),
    "history": lambda found, _: draw_history(found[0], "loss"),
    "embedding": lambda found, _: draw_embedding(found[0]),
    "emotions": lambda _, corpus: draw_emotions(corpus),
    "speakers": lambda _, corpus: draw_speakers(corpus),
    "lengths": lambda _, corpus: draw_lengths(corpus),
}


@pytest.fixture(params=FIGURES, scope="module")
def twice(
    request: pytest.FixtureRequest, evaluations: list[Evaluation], summary: CorpusSummary
) -> tuple[Figure, Figure]:
    """One figure, drawn two times."""
    draw = FIGURES[request.param]
    return draw(evaluations, summary), draw(evaluations, summary)


@pytest.fixture
def figure(twice: tuple[Figure, Figure]) -> Figure:
    return twice[0]


def test_the_same_input_gives_the_same_bytes(twice: tuple[Figure, Figure]) -> None:
    first, second = twice
    assert first == second


def test_a_figure_is_valid_svg_with_a_title_and_a_text_alternative(figure: Figure) -> None:
    root = ET.fromstring(figure.svg)
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert figure.title in texts
    assert root.get("role") == "img"
    assert root.get("aria-label") == figure.description


def test_every_colour_of_a_line_follows_the_theme(figure: Figure) -> None:
    svg = re.sub(r"var\([^)]*\)", "", figure.svg)
    fixed = set(re.findall(r"(?:stroke|fill): (#\w+)", svg))
    # Numbers in the cells of a confusion matrix: the cells keep their colours too.
    assert fixed <= {"#fefefe", "#010101"}


def test_a_standalone_file_defines_both_themes(figure: Figure) -> None:
    svg = figure.standalone()
    ET.fromstring(svg)
    assert "prefers-color-scheme: dark" in svg
    assert all(f"--{c.name}: {c.light};" in svg and f"--{c.name}: {c.dark};" in svg for c in THEME)


def test_the_title_gives_the_calibration_error(evaluations: list[Evaluation]) -> None:
    evaluation = evaluations[0]
    figure = draw_reliability(evaluation)
    assert f"{evaluation.ece().mean:.3f}" in figure.title
    assert figure.title in figure.svg


def test_the_description_gives_the_recalls(evaluations: list[Evaluation]) -> None:
    recall = Recall("Net", 0.664, 0.612, 0.7)
    assert "Net 66.4% (61.2% to 70.0%)" in draw_recalls([recall], 0.125, [OTHER]).description
    evaluation = evaluations[0]
    angry = 100 * evaluation.emotions()["angry"].recall
    assert f"angry {angry:.0f} %" in confusion_figure(evaluation).description


def test_a_summary_counts_and_measures(corpora: Corpora, summary: CorpusSummary) -> None:
    facts = summary.facts()
    assert facts["Speakers"] == "10: 5 female, 5 male"
    assert facts["Recordings"].startswith(f"{len(corpora.utterances)},")
    assert facts["Length"] == "0.2 to 0.2 s, median 0.2 s"
    assert summary.counts["angry", "female"] == 5
    assert summary.recordings["01"] == 8


def test_the_filters_of_a_network_are_those_of_its_first_convolution() -> None:
    filters = first_filters(ROOT / "models" / "CNN.onnx")
    assert filters is not None
    assert filters.shape == (64, 1, 5)
    assert first_filters(ROOT / "models" / "DNN.onnx") is None
