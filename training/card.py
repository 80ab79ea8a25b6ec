"""The model card: what the network files say about themselves, for people."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx

from training.metadata import FORMAT

Facts = Mapping[str, Any]  # the metadata of one network file

HEAD = """\
# Model card

Written by `python -m training export` from the metadata inside the files; change nothing here.

The networks take the mean of 25 MFCCs over the speech of one clip and answer with a probability
for each emotion, and with the distance of the input from what they were trained on. A vector of
25 numbers holds little of a voice: these networks are often wrong about a new speaker. The
figures say how often.
"""

TERMS = """\
## Licence

{licences}

The code of this project has its own licence, which does not cover the networks: they were made
from the recordings, so the recordings' terms hold. CC BY-NC-SA means: no commercial use, name the
source, and share what you derive under the same terms.

## Meant for

{purposes}

## Must not be used for

{misuses}

## Limits

- The corpus is **acted**: it shows how actors portray an emotion when asked to, which is not how
  people sound who feel it. The networks tell portrayals apart, not feelings.
- Few speakers, all adults with one accent, two fixed sentences, one quiet room, one good
  microphone. Other languages, accents, ages, rooms and microphones were not measured.
- A random split of the clips would give far higher figures, because it lets a network recognise
  the speaker. Such figures say nothing about a new voice and are not given here.
- An input far from the training distribution gets a warning beside its answer. No warning does
  not mean that the answer is right.
"""


def write_model_card(directory: Path) -> Path:
    """Writes README.md beside the network files of `directory`."""
    models = ((path.stem, onnx.load(path)) for path in sorted(directory.glob("*.onnx")))
    properties = {name: {p.key: p.value for p in m.metadata_props} for name, m in models}
    networks = {n: _facts(texts) for n, texts in properties.items() if texts["format"] == FORMAT}
    path = directory / "README.md"
    path.write_text("\n".join(_lines(networks)), encoding="utf-8")
    return path


def _facts(texts: Mapping[str, str]) -> Facts:
    return {key: json.loads(text) for key, text in texts.items() if key != "format"}


def _lines(networks: Mapping[str, Facts]) -> Iterator[str]:
    yield HEAD
    yield from _summary(networks)
    for name, facts in networks.items():
        yield from _network(name, facts)
    yield TERMS.format(
        licences=_bullets(
            f"{f['corpus']['name']}: **{f['corpus']['licence']}**. {f['corpus']['citation']}"
            for f in networks.values()
        ),
        purposes=_bullets(use for f in networks.values() for use in f["intended_use"]["for"]),
        misuses=_bullets(use for f in networks.values() for use in f["intended_use"]["not_for"]),
    )


def _bullets(texts: Iterator[str]) -> str:
    """Each text once, in the order of its first coming."""
    return "\n".join(f"- {text}" for text in dict.fromkeys(texts))


def _summary(networks: Mapping[str, Facts]) -> Iterator[str]:
    yield "| network | input | unweighted average recall | accuracy | chance |"
    yield "|---|---|---|---|---|"
    for name, facts in networks.items():
        metrics, chance = facts["metrics"], 1 / len(facts["labels"])
        yield (
            f"| {name} | {facts['input']} | {metrics['speakerIndependentUar']:.3f} "
            f"| {metrics['speakerIndependentAccuracy']:.3f} | {chance:.3f} |"
        )
    yield ""
    yield "Every figure here is of speakers that the network had not heard, in the way that is"
    yield "given with each network below. The files themselves were then trained on all speakers."
    yield ""


def _network(name: str, facts: Facts) -> Iterator[str]:
    metrics, corpus = facts["metrics"], facts["corpus"]
    yield f"## {name}"
    yield ""
    yield (
        f"- Trained on {corpus['name']}: {corpus['utterances']} utterances of "
        f"{corpus['speakers']} speakers, {corpus['description']}"
    )
    yield f"- Measured by {metrics['protocol']}"
    yield f"- Recall by fold: {', '.join(f'{uar:.3f}' for uar in metrics['foldUar'])}"
    yield (
        f"- Warns above a distance of {facts['distance_limit']:.2f}; of the clips of unseen "
        f"speakers {metrics['unseenSpeakersWarned']:.1%} lie above it"
    )
    yield f"- Made by `{facts['training']['command']}`"
    yield ""
    yield "| emotion | precision | recall | F1 | utterances |"
    yield "|---|---|---|---|---|"
    for emotion, score in metrics["perEmotion"].items():
        figures = " | ".join(f"{score[key]:.3f}" for key in ("precision", "recall", "f1"))
        yield f"| {emotion} | {figures} | {score['utterances']} |"
    yield ""
