"""The model card: the metadata of the network files as a document."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import onnx

from training.export.metadata import FORMATS
from training.export.onnx_file import ExportError
from training.protocols.conditions import MOST
from training.report.evaluation_figures import (
    HEARD,
    PUBLISHED,
    PublishedResult,
    Recall,
    draw_recalls,
)
from training.report.figure import Figure
from training.report.latency import RUNS, network_milliseconds
from training.report.page import template
from training.report.protocols.licences import TERMS, consequences, each_corpus
from training.report.protocols.tables import by_corpus, headline
from training.report.text import Row, markdown
from training.voice.clips import MEASURED_WITH

CARD_NAME = "README.md"
FIGURE_NAME = "networks.svg"
SCORES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class NetworkFile:
    """A network file and its metadata."""

    path: Path
    facts: Mapping[str, Any]  # metadata by key

    @property
    def name(self) -> str:
        """The name under which it is served."""
        return self.path.stem

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The results on unseen speakers."""
        metrics: Mapping[str, Any] = self.facts["metrics"]
        return metrics

    @property
    def recall(self) -> Recall:
        """The recall on unseen speakers."""
        return Recall(
            self.name, self.metrics["speakerIndependentUar"], *self.metrics["uarInterval"]
        )

    @property
    def recalls(self) -> list[Recall]:
        """On other corpora too, where it was measured."""
        other = self.metrics.get("otherCorpora")
        if not other:
            return [self.recall]
        found = {"other corpora": other, "new speakers": self.metrics["newSpeakers"]}
        return [
            Recall(f"{self.name}, {title}", figures["uar"], *figures["uarInterval"])
            for title, figures in found.items()
        ]

    @property
    def chance(self) -> float:
        """The recall of guessing on new speakers."""
        figures = self.metrics.get("newSpeakers") or {}
        return float(figures.get("chance", 1 / len(self.facts["labels"])))

    @property
    def corpora(self) -> str:
        """Both protocols by corpus as a Markdown table; empty of a network of one corpus."""
        return by_corpus(self.metrics)

    @property
    def forms(self) -> str:
        """The recall of each form of request as a Markdown table; empty if there is but one."""
        found = self.metrics.get("optionalMembers")
        if not found:
            return ""
        head = ("request", "unweighted average recall", "±", "95 % interval", "accuracy")
        rows = [_form("MFCCs alone", self.metrics)]
        rows += [_form("MFCCs, " + " and ".join(form["given"]), form) for form in found]
        return markdown([(*head, "calibration error"), *rows])

    @property
    def distances(self) -> str:
        """Shares of clips above the limit of the distance from a baseline, as a table."""
        rows = [
            (f"with {name}" if name == "prosody" else "MFCCs alone", *map(_percent, found.values()))
            for name, found in self.metrics["baselineDistance"].items()
        ]
        head = ("clips", "own baseline", "another speaker's", "own, but heard by telephone")
        return markdown([head, *rows])

    @property
    def emotions(self) -> str:
        """The scores of each emotion as a Markdown table."""
        rows = [
            (name, *(f"{score[key]:.3f}" for key in SCORES), str(score["utterances"]))
            for name, score in self.metrics["perEmotion"].items()
        ]
        return markdown([("emotion", "precision", "recall", "F1", "utterances"), *rows])


def _form(name: str, metrics: Mapping[str, Any]) -> Row:
    low, high = metrics["uarInterval"]
    return (
        name,
        f"{metrics['speakerIndependentUar']:.3f}",
        f"{metrics['uarDeviation']:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{metrics['speakerIndependentAccuracy']:.3f}",
        f"{metrics['expectedCalibrationError']:.3f}",
    )


def _percent(share: float) -> str:
    return f"{share:.1%}"


def write_model_card(directory: Path) -> Path:
    """Write README.md and its figure, networks.svg, beside the network files of `directory`.

    Raises:
        ExportError: there is no network file, or the metadata of one are incomplete.
    """
    networks = list(_networks(directory))
    if not networks:
        raise ExportError(
            f"{directory}: no network file; make some with: python -m training export"
        )
    try:
        figure = _figure(networks)
        text = _render(networks, figure)
    except (KeyError, jinja2.UndefinedError) as error:
        key = str(error).rpartition(" ")[2]  # both messages end with the missing key
        raise ExportError(f"{directory}: a network file lacks {key}; export it anew") from None
    path = directory / CARD_NAME
    path.write_text(text, encoding="utf-8")
    (directory / FIGURE_NAME).write_text(figure.standalone(), encoding="utf-8")
    return path


def _networks(directory: Path) -> Iterator[NetworkFile]:
    for path in sorted(directory.glob("*.onnx"), key=lambda path: path.stem):
        texts = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
        if texts["format"] in FORMATS:
            plain = {"format", "sha256"}
            facts = {key: json.loads(text) for key, text in texts.items() if key not in plain}
            yield NetworkFile(path, facts)


def _render(networks: Sequence[NetworkFile], figure: Figure) -> str:
    facts = [network.facts for network in networks]
    corpora = each_corpus(f["corpus"] for f in facts)
    return template("card.md.jinja").render(
        figure=figure,
        headline=headline({network.name: network.metrics for network in networks}),
        summary=_summary(networks),
        runs=RUNS,
        clips=MEASURED_WITH,
        most=MOST,
        published=_published(networks),
        robustness=_robustness(networks),
        networks=networks,
        licences=_distinct(f"{c['name']}: **{c['licence']}**. {c['citation']}" for c in corpora),
        terms=" ".join((TERMS, *consequences(corpora))),
        purposes=_distinct(use for f in facts for use in f["intended_use"]["for"]),
        misuses=_distinct(use for f in facts for use in f["intended_use"]["not_for"]),
    )


def _distinct(texts: Iterable[str]) -> list[str]:
    """Return each text once, in the order of first occurrence."""
    return list(dict.fromkeys(texts))


def _summary(networks: Sequence[NetworkFile]) -> str:
    head = (
        *("network", "input", "unweighted average recall", "±", "95 % interval", "chance"),
        *("accuracy", "macro F1", "calibration error", "file", "latency"),
    )
    return markdown([head, *map(_summary_row, networks)])


def _summary_row(network: NetworkFile) -> Row:
    metrics, recall = network.metrics, network.recall
    return (
        network.name,
        network.facts["input"],
        f"{recall.mean:.3f}",
        f"{metrics['uarDeviation']:.3f}",
        f"{recall.low:.3f} to {recall.high:.3f}",
        f"{network.chance:.3f}",
        f"{metrics['speakerIndependentAccuracy']:.3f}",
        f"{metrics['macroF1']:.3f}",
        f"{metrics['expectedCalibrationError']:.3f}",
        f"{network.path.stat().st_size / 1e6:.2f} MB",
        f"{network_milliseconds(network.path):.1g} ms",
    )


def _figure(networks: Sequence[NetworkFile]) -> Figure:
    recalls = [recall for network in networks for recall in network.recalls]
    return draw_recalls(recalls, networks[0].chance, _published(networks))


def _published(networks: Sequence[NetworkFile]) -> Sequence[PublishedResult]:
    """Of several corpora those of listeners, under the names of the corpora."""
    corpora = each_corpus([networks[0].facts["corpus"]])
    if len(corpora) == 1:
        return PUBLISHED.get(corpora[0]["name"], ())
    heard = {c["name"]: HEARD[c["name"]] for c in corpora if c["name"] in HEARD}
    return [replace(result, name=f"listeners, {name}") for name, result in heard.items()]


def _robustness(networks: Sequence[NetworkFile]) -> str:
    conditions = _distinct(name for n in networks for name in n.metrics["robustness"])
    rows = [(name, *(_changed(n, name) for n in networks)) for name in conditions]
    return markdown([("condition", *(network.name for network in networks)), *rows])


def _changed(network: NetworkFile, condition: str) -> str:
    recall = network.metrics["robustness"].get(condition)
    if recall is None:
        return "not measured"
    clean = network.metrics.get("robustnessAsRecorded", network.recall.mean)
    return f"{recall:.3f} ({100 * (recall - clean):+.1f})"
