"""The report: one HTML file that holds all that it shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from training.arrays import Float32
from training.corpora.reader import Corpus
from training.evaluation import Evaluation
from training.report import sections
from training.report.attributions import Attribution, choose_clips
from training.report.corpus import CorpusSummary
from training.report.drawing import Drawing, theme_css
from training.report.saliency import attribute, listener
from training.report.sections import Section
from training.storage.atomic_write import written_whole
from training.systems.base.system import Fitted

TEMPLATE = "report.html.jinja"
CARD_REMARK = (
    "What the networks may be used for, their licence\n"
    "and their limits stand in the model card beside this file."
)


def write_report(
    path: Path,
    corpus: Corpus,
    evaluations: Sequence[Evaluation],
    fitted: Mapping[str, Fitted],
    clips: Sequence[Float32],
) -> None:
    """Writes the report; the same input gives the same bytes.

    Args:
        path: of the HTML file.
        corpus: the recordings that `evaluations` are of.
        evaluations: at least one, in the order in which they are to be shown.
        fitted: by name, the networks to look into.
        clips: frames float32 (T, 25) of each utterance of the corpus, in its order.
    """
    attributions = {
        evaluation.network: _look_into(fitted[evaluation.network], evaluation, clips)
        for evaluation in evaluations
        if evaluation.network in fitted
    }
    page = render(CorpusSummary.of(corpus), evaluations, attributions)
    with written_whole(path) as part:
        part.write_text(page, encoding="utf-8")


def _look_into(
    fitted: Fitted, evaluation: Evaluation, clips: Sequence[Float32]
) -> list[Attribution]:
    chosen = choose_clips(evaluation.speakers, evaluation.targets)
    inputs = [clips[index] for index in chosen]
    if evaluation.input == "vector":  # all that it is given of a clip
        inputs = [clip.mean(axis=0, keepdims=True) for clip in inputs]
    targets = evaluation.targets[chosen].tolist()
    return attribute(listener(fitted), inputs, targets, progress=evaluation.network)


def render(
    summary: CorpusSummary,
    evaluations: Sequence[Evaluation],
    attributions: Mapping[str, Sequence[Attribution]],
) -> str:
    """The page as HTML text; `attributions` by network."""
    by_name = {evaluation.network: evaluation for evaluation in evaluations}
    chapters = [
        sections.results(summary, evaluations),
        sections.checks(evaluations),
        sections.corpus(summary),
        sections.confusions(evaluations),
        sections.speakers(summary, evaluations),
        sections.calibration(evaluations),
        sections.robustness(evaluations),
        *(sections.listening(by_name[name], found) for name, found in attributions.items()),
        sections.maps(evaluations),
        sections.learning(evaluations),
    ]
    return render_page(
        "Speech emotion networks: report", "python -m training report", CARD_REMARK, chapters
    )


def render_page(title: str, command: str, remark: str, chapters: Sequence[Section]) -> str:
    """Any chapters as one HTML page, with the command that made it."""
    template = _environment().get_template(TEMPLATE)
    return template.render(title=title, command=command, remark=remark, sections=chapters)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("training.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.globals["theme"] = {
        "light": Markup(theme_css(dark=False)),  # noqa: S704 - our own constants
        "dark": Markup(theme_css(dark=True)),  # noqa: S704
    }
    environment.filters["svg"] = _svg
    return environment


def _svg(drawing: Drawing) -> Markup:
    return Markup(drawing.svg)  # noqa: S704 - matplotlib escapes what it writes
