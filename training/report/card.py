"""The model card: what the network files say about themselves, for people."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from training.export.metadata import FORMAT
from training.export.onnx_file import ExportError
from training.report.comparators import PUBLISHED, Comparator
from training.report.drawing import Drawing
from training.report.latency import RUNS, least_milliseconds
from training.report.results import Recall, draw_recalls

CARD_NAME = "README.md"
PICTURE_NAME = "networks.svg"

HEAD = """\
# Model card

Written by `python -m training` from the metadata inside the files; change nothing here.

The networks take 25 MFCCs over the speech of one clip and answer with a probability for each
emotion, and with the distance of the input from what they were trained on. Some take one vector,
the mean over the clip: 25 numbers hold little of a voice, and these networks are often wrong about
a new speaker. Others take the frames and hear how the voice moves. The figures say how often each
is right.
"""

MEASURES = """
Every figure here is of speakers that the network had not heard, in the way that is given with each
network below. The files themselves were then trained on all speakers. Recall counts every emotion
alike. What stands under ± is the standard deviation over seeds; the interval is bootstrapped over
speakers. The calibration error is the expected one, of 15 bins, out of fold, with temperatures from
inner folds. One answer is that to a clip of 3 seconds, on one thread: the least of {runs} runs on
the machine that wrote this.
"""

TERMS = """\
## Licence

{licences}

The code of this project has its own licence, which does not cover the networks: they were made
from the recordings, so the recordings' terms hold.{explained}

## Meant for

{purposes}

## Must not be used for

{misuses}

## Limits

- The corpus is **acted**: it shows how actors portray an emotion when asked to, which is not how
  people sound who feel it. The networks tell portrayals apart, not feelings.
- Few speakers, all adults with one accent, few fixed sentences, one quiet room, one good
  microphone. Noise, rooms and telephones were only imitated; other languages, accents, ages and
  microphones were not measured.
- An input far from the training distribution gets a warning beside its answer. No warning does
  not mean that the answer is right.
"""


EXPLAINED = """ CC BY-NC-SA means: no commercial use, name the
source, and share what you derive under the same terms."""


@dataclass(frozen=True)
class NetworkFile:
    """One network, as its file tells of it."""

    path: Path
    facts: Mapping[str, Any]  # the metadata

    @property
    def name(self) -> str:
        """As it is served."""
        return self.path.stem

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What was measured of unseen speakers."""
        metrics: Mapping[str, Any] = self.facts["metrics"]
        return metrics

    @property
    def recall(self) -> Recall:
        """Of unseen speakers."""
        return Recall(
            self.name, self.metrics["speakerIndependentUar"], *self.metrics["uarInterval"]
        )


def write_model_card(directory: Path) -> Path:
    """Writes README.md and its picture, networks.svg, beside the network files of `directory`.

    Raises:
        ExportError: there is none, or the metadata of one lacks a figure.
    """
    networks = list(_networks(directory))
    if not networks:
        raise ExportError(
            f"{directory}: no network file; make some with: python -m training export"
        )
    try:
        picture = _picture(networks)
        text = "\n".join(_lines(networks, picture))
    except KeyError as error:
        raise ExportError(f"{directory}: a network file lacks {error}; export it anew") from None
    path = directory / CARD_NAME
    path.write_text(text, encoding="utf-8")
    (directory / PICTURE_NAME).write_text(picture.standalone(), encoding="utf-8")
    return path


def _networks(directory: Path) -> Iterator[NetworkFile]:
    for path in sorted(directory.glob("*.onnx")):
        texts = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
        if texts["format"] == FORMAT:
            plain = {"format", "sha256"}
            facts = {key: json.loads(text) for key, text in texts.items() if key not in plain}
            yield NetworkFile(path, facts)


def _lines(networks: Sequence[NetworkFile], picture: Drawing) -> Iterator[str]:
    yield HEAD
    yield f"![{picture.description}]({PICTURE_NAME})"
    yield ""
    yield from _summary(networks)
    yield MEASURES.format(runs=RUNS)
    yield from (f"- {other.name}: {other.source}" for other in _comparators(networks))
    yield ""
    yield from _robustness(networks)
    for network in networks:
        yield from _network(network)
    facts = [network.facts for network in networks]
    yield TERMS.format(
        licences=_bullets(
            f"{f['corpus']['name']}: **{f['corpus']['licence']}**. {f['corpus']['citation']}"
            for f in facts
        ),
        explained=EXPLAINED if any("BY-NC-SA" in f["corpus"]["licence"] for f in facts) else "",
        purposes=_bullets(use for f in facts for use in f["intended_use"]["for"]),
        misuses=_bullets(use for f in facts for use in f["intended_use"]["not_for"]),
    )


def _bullets(texts: Iterable[str]) -> str:
    """Each text once, in the order of its first coming."""
    return "\n".join(f"- {text}" for text in dict.fromkeys(texts))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _summary(networks: Sequence[NetworkFile]) -> Iterator[str]:
    head = (
        *("network", "input", "unweighted average recall", "±", "95 % interval", "chance"),
        *("accuracy", "macro F1", "calibration error", "file", "one answer"),
    )
    yield from _table(head, map(_summary_row, networks))


def _summary_row(network: NetworkFile) -> tuple[str, ...]:
    metrics, recall = network.metrics, network.recall
    return (
        network.name,
        network.facts["input"],
        f"{recall.mean:.3f}",
        f"{metrics['uarDeviation']:.3f}",
        f"{recall.low:.3f} to {recall.high:.3f}",
        f"{1 / len(network.facts['labels']):.3f}",
        f"{metrics['speakerIndependentAccuracy']:.3f}",
        f"{metrics['macroF1']:.3f}",
        f"{metrics['expectedCalibrationError']:.3f}",
        f"{network.path.stat().st_size / 1e6:.2f} MB",
        f"{least_milliseconds(network.path):.1g} ms",
    )


def _picture(networks: Sequence[NetworkFile]) -> Drawing:
    chance = 1 / len(networks[0].facts["labels"])
    return draw_recalls([network.recall for network in networks], chance, _comparators(networks))


def _comparators(networks: Sequence[NetworkFile]) -> Sequence[Comparator]:
    return PUBLISHED.get(networks[0].facts["corpus"]["name"], ())


def _robustness(networks: Sequence[NetworkFile]) -> Iterator[str]:
    yield "## Where sound is worse"
    yield ""
    yield "The same networks on the same clips of unseen speakers, made worse before the features"
    yield "are taken: unweighted average recall and, in brackets, its change in points. Noise is"
    yield "measured against the level of the speech."
    yield ""
    head = ("condition", *(network.name for network in networks))
    conditions = dict.fromkeys(name for n in networks for name in n.metrics["robustness"])
    yield from _table(head, ((name, *(_changed(n, name) for n in networks)) for name in conditions))
    yield ""


def _changed(network: NetworkFile, condition: str) -> str:
    recall = network.metrics["robustness"].get(condition)
    if recall is None:
        return "not measured"
    return f"{recall:.3f} ({100 * (recall - network.recall.mean):+.1f})"


def _network(network: NetworkFile) -> Iterator[str]:
    metrics, facts = network.metrics, network.facts
    corpus = facts["corpus"]
    yield f"## {network.name}"
    yield ""
    yield (
        f"- Trained on {corpus['name']}: {corpus['utterances']} utterances of "
        f"{corpus['speakers']} speakers, {corpus['description']}"
    )
    yield f"- Measured by {metrics['protocol']}"
    yield f"- Recall by fold: {', '.join(f'{uar:.3f}' for uar in metrics['foldUar'])}"
    yield from _checks(network)
    yield (
        f"- Warns above a distance of {facts['distance_limit']:.2f}; of the clips of unseen "
        f"speakers {metrics['unseenSpeakersWarned']:.1%} lie above it"
    )
    yield f"- Made by `{facts['training']['command']}`"
    yield ""
    yield from _table(
        ("emotion", "precision", "recall", "F1", "utterances"),
        (_emotion_row(*item) for item in metrics["perEmotion"].items()),
    )
    yield ""


def _checks(network: NetworkFile) -> Iterator[str]:
    """What would tell of a leak, where it was measured."""
    permuted = network.metrics["permutedLabelsUar"]
    if permuted is not None:
        yield f"- Trained on permuted labels, where nothing may be learnt: {permuted:.3f}"
    inflated = network.metrics["inflatedRandomSplitUar"]
    if inflated is not None:
        yield (
            f"- **Inflated**, of no use for a new voice: {inflated:.3f} on a random split of the "
            "clips, which lets the network recognise the speaker"
        )


def _emotion_row(emotion: str, score: Mapping[str, float]) -> tuple[str, ...]:
    figures = (f"{score[name]:.3f}" for name in ("precision", "recall", "f1"))
    return emotion, *figures, str(score["utterances"])
