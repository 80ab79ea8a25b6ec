"""The report on networks: one HTML page with the results of their evaluations."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from training.arrays import Float32
from training.corpora.union import Corpora
from training.evaluation import Evaluation, Score
from training.protocols.results import Results
from training.report.attribution import (
    Attribution,
    choose_clips,
    frame_module,
    integrated_gradients,
    shares,
    takes_frames_alone,
)
from training.report.attribution_figures import (
    draw_coefficients,
    draw_emotion_maps,
    draw_example,
    draw_times,
)
from training.report.corpus_figures import UNKNOWN, CorpusSummary, draw_emotions, draw_lengths
from training.report.evaluation_figures import (
    PUBLISHED,
    Recall,
    draw_confusion,
    draw_embedding,
    draw_history,
    draw_recalls,
    draw_reliability,
    draw_robustness,
    draw_speakers,
)
from training.report.page import Section, render_page
from training.report.protocols.section import other_corpora
from training.report.text import Row
from training.storage.atomic_write import atomic_write
from training.systems.base.system import Fitted

CARD_REMARK = (
    "The model card beside this file states\n"
    "the intended use of the networks, their licence and their limits."
)
CORPUS = (
    "The corpus is acted speech: actors portray emotions on request. Spontaneous emotional "
    "speech differs from it."
)
SPEAKERS = "The mean hides the variation between speakers. (f) is female, (m) is male."
CALIBRATION = (
    "Out-of-fold predictions of all seeds. The temperature of each fold was fitted to other "
    "speakers. The upper bars show the accuracy of the predictions in each bin of "
    "confidence; the dashed line is perfect calibration. The lower bars show the share of "
    "predictions in each bin. The expected calibration error is the mean distance from the "
    "line, weighted by these shares."
)
TSNE = (
    "Out-of-fold log-probabilities of the first seed: clips with similar predictions lie "
    "close together. Each plot highlights one true emotion. Distances have no unit."
)


def write_report(
    path: Path,
    corpora: Corpora,
    results: Sequence[Results],
    fitted: Mapping[str, Fitted],
    clips: Sequence[Float32],
) -> None:
    """Write the report; the same input gives the same bytes.

    Args:
        path: the HTML file.
        corpora: the recordings of the results.
        results: those of at least one network, in the order of their presentation.
        fitted: networks by name, for the attributions of those that take frames alone.
        clips: frames float32 (T, 25) of each utterance of the corpora, in their order.
    """
    evaluations = [item.evaluation for item in results]
    attributions = {
        evaluation.network: _attributions(fitted[evaluation.network], evaluation, clips)
        for evaluation in evaluations
        if evaluation.network in fitted and takes_frames_alone(fitted[evaluation.network])
    }
    page = render(CorpusSummary.of(corpora), results, attributions)
    with atomic_write(path) as part:
        part.write_text(page, encoding="utf-8")


def _attributions(
    fitted: Fitted, evaluation: Evaluation, clips: Sequence[Float32]
) -> list[Attribution]:
    chosen = choose_clips(evaluation.speakers, evaluation.targets)
    inputs = [clips[index] for index in chosen]
    if evaluation.input == "vector":  # the network's input is the mean frame
        inputs = [clip.mean(axis=0, keepdims=True) for clip in inputs]
    targets = evaluation.targets[chosen].tolist()
    return integrated_gradients(frame_module(fitted), inputs, targets, progress=evaluation.network)


def render(
    summary: CorpusSummary,
    results: Sequence[Results],
    attributions: Mapping[str, Sequence[Attribution]],
) -> str:
    """Return the report as HTML; `attributions` are by network."""
    evaluations = [item.evaluation for item in results]
    by_name = {evaluation.network: evaluation for evaluation in evaluations}
    names = [
        speaker if sex == UNKNOWN else f"{speaker} ({sex[0]})"
        for speaker, sex in summary.speakers.items()
    ]
    chapters = [
        *other_corpora(results, summary.corpora),
        _results(summary.corpora, evaluations),
        _checks(evaluations),
        Section(
            "The recordings",
            CORPUS,
            [("fact", "value"), *summary.facts().items()],
            [draw_emotions(summary), draw_lengths(summary)],
        ),
        Section(
            "Confusion matrices",
            "Means over the seeds. The diagonal is the recall of each emotion.",
            figures=[draw_confusion(e.network, e.confusion(), e.labels) for e in evaluations],
        ),
        Section("Recall by speaker", SPEAKERS, figures=[draw_speakers(evaluations, names)]),
        Section("Calibration", CALIBRATION, figures=[draw_reliability(e) for e in evaluations]),
        _robustness(evaluations),
        *(_attribution(by_name[name], found) for name, found in attributions.items()),
        Section("t-SNE of the predictions", TSNE, figures=[draw_embedding(e) for e in evaluations]),
        Section(
            "Learning curves",
            "The line is the mean over the fits of all folds and seeds, the band is their range.",
            figures=[draw_history(e, curve) for e in evaluations for curve in e.history],
        ),
    ]
    return render_page(
        "Speech emotion networks: report", "python -m training report", CARD_REMARK, chapters
    )


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"{count} seeds"


def _results(corpora: Corpora, evaluations: Sequence[Evaluation]) -> Section:
    """Recall, accuracy and F1, beside chance and published results."""
    first = evaluations[0]
    published = PUBLISHED.get(corpora.name, ())
    recalls = [Recall.of(evaluation) for evaluation in evaluations]
    others = "; ".join(f"{result.name}, {result.source}" for result in published)
    return Section(
        "Recall on unseen speakers",
        "All results are on speakers that do not occur in training: "
        f"{len(first.folds)} folds by speaker, {_seeds(len(first.seeds))}. "
        "Recall is the unweighted average over the emotions. The bars are 95 % intervals, "
        "bootstrapped over speakers; ± is the standard deviation over seeds."
        + (f" Published results: {others}." if others else ""),
        [
            ("network", "input", "recall", "95 % interval", "accuracy", "macro F1"),
            *map(_result, evaluations),
        ],
        [draw_recalls(recalls, first.chance(), published)],
    )


def _result(evaluation: Evaluation) -> Row:
    interval = evaluation.interval()
    return (
        evaluation.network,
        evaluation.input,
        _percent(evaluation.uar()),
        f"{interval.low:.1%} to {interval.high:.1%}",
        _percent(evaluation.accuracy()),
        _percent(evaluation.macro_f1()),
    )


def _percent(score: Score) -> str:
    return f"{score.mean:.1%} ± {100 * score.deviation:.1f}"


def _checks(evaluations: Sequence[Evaluation]) -> Section:
    """Permuted labels and a random split, which reveal leakage."""
    return Section(
        "Checks for data leakage",
        "A network trained on permuted labels must not exceed chance; otherwise information on "
        "the test speakers leaks into training. In a random split of the clips the test speakers "
        "also occur in training. Its recall is inflated and does not generalise to unseen "
        "speakers.",
        [
            ("network", "recall", "permuted labels", "chance", "random split (inflated)"),
            *(
                (
                    evaluation.network,
                    f"{evaluation.uar().mean:.1%}",
                    _measured(evaluation.permuted_uar),
                    f"{evaluation.chance():.1%}",
                    _measured(evaluation.random_split_uar),
                )
                for evaluation in evaluations
            ),
        ],
    )


def _measured(uar: float | None) -> str:
    return "not measured" if uar is None else f"{uar:.1%}"


def _robustness(evaluations: Sequence[Evaluation]) -> Section:
    """Recall on degraded audio."""
    return Section(
        "Robustness to degraded audio",
        "The same networks on the same clips, degraded before feature extraction: recall, and in "
        "brackets its change in percentage points. Noise levels are signal-to-noise ratios, "
        "relative to the level of the speech.",
        [
            ("condition", *(e.network for e in evaluations)),
            ("as recorded", *(f"{e.uar().mean:.1%}" for e in evaluations)),
            *(
                (condition, *(_changed(e, condition) for e in evaluations))
                for condition in evaluations[0].robustness
            ),
        ],
        [draw_robustness(evaluations)],
    )


def _changed(evaluation: Evaluation, condition: str) -> str:
    recall, clean = evaluation.uar(condition).mean, evaluation.as_recorded(condition).mean
    return f"{recall:.1%} ({100 * (recall - clean):+.1f})"


def _attribution(evaluation: Evaluation, found: Sequence[Attribution]) -> Section:
    """Which inputs contribute to one network's predictions."""
    network, labels = evaluation.network, evaluation.labels
    weights = shares(found, len(labels))
    figures = [draw_coefficients(network, weights, labels)]
    if evaluation.input == "frames":
        example = max(found, key=lambda attribution: attribution.weights.sum())
        figures += [
            draw_times(network, weights, labels),
            draw_emotion_maps(network, weights, labels),
            draw_example(network, example, labels[example.target]),
        ]
    return Section(
        f"Attribution: {network}",
        "Integrated gradients of the log-probability of the true emotion; the baseline is the "
        f"mean {'frame' if evaluation.input == 'frames' else 'vector'}. They are averaged over "
        f"{len(found)} clips: one for each speaker and emotion. The network is the exported one, "
        "trained on all speakers. The maps show absolute values; every clip has the same weight, "
        "and clips are aligned by relative time. 1 is the value of a uniform distribution.",
        figures=figures,
    )
