"""How well a network does on recordings that it was not trained on, asked as a client asks.

The Python client computes the features of each recording and runs the network's file. The network
answers among the emotions that it and the corpus both have, as in the left-out corpora of the model
card (docs/decisions/other-corpora.md).
"""

import argparse
import functools
import random
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from speech_emotion import Baseline, Features
from speech_emotion.contract import NetworkDescription
from speech_emotion.errors import SpeechEmotionError
from speech_emotion.local.client import LocalClient
from tqdm import tqdm

from configuration import SettingError
from training.commands import NETWORKS
from training.console.options import add_options, read_settings
from training.corpora.reader import Utterance
from training.corpora.union import Corpora, read_corpora
from training.errors import UserError
from training.evaluation import CONFIDENT
from training.metrics import unweighted_average_recall
from training.protocols.answers import LEFT_OUT, common_columns
from training.report.text import markdown, markdown_row
from training.settings import DataSettings
from training.voice.clips import MEASURED_WITH

COLUMNS = (
    "corpus",
    "clips of the baseline",
    "clips",
    "emotions",
    "guessing",
    "recall",
    f"says {100 * CONFIDENT:.0f} %",
    "is right then",
)


@dataclass(frozen=True)
class Answer:
    """The most probable of the common emotions, for one clip."""

    target: str
    emotion: str
    probability: float  # 0 to 1, of all common emotions


def common_emotions(corpus: Collection[str], network: Collection[str]) -> dict[str, str]:
    """The emotions that corpus and network both have, and what each counts as.

    Calm counts as neutral where one of them has but one of the two.
    """
    labels = tuple(sorted({*corpus, *network}))
    own, known = (np.isin(labels, list(emotions)) for emotions in (corpus, network))
    columns = common_columns(labels, own, known).tolist()
    pairs = zip(labels, columns, strict=True)
    return {emotion: labels[column] for emotion, column in pairs if column != LEFT_OUT}


def answered(target: str, probabilities: dict[str, float], common: dict[str, str]) -> Answer:
    """What the network says of a clip of the emotion `target`."""
    shares = dict.fromkeys(common.values(), 0.0)
    for emotion, probability in probabilities.items():
        if emotion in common:
            shares[common[emotion]] += probability
    emotion = max(shares, key=shares.__getitem__)
    return Answer(common[target], emotion, shares[emotion] / sum(shares.values()))


def recall(answers: Sequence[Answer]) -> float:
    """Unweighted average over the emotions, 0 to 1."""
    targets = np.array([answer.target for answer in answers])
    return unweighted_average_recall(targets, np.array([answer.emotion for answer in answers]))


def table_row(corpus: str, baseline: int, answers: Sequence[Answer]) -> str:
    """A row of Markdown with `COLUMNS`; `baseline` is a number of clips."""
    emotions = len({answer.target for answer in answers})
    sure = [
        answer.emotion == answer.target for answer in answers if answer.probability >= CONFIDENT
    ]
    cells = (
        *(corpus, str(baseline), str(len(answers)), str(emotions)),
        *(f"{1 / emotions:.3f}", f"{recall(answers):.3f}"),
        *(f"{len(sure) / len(answers):.1%}", f"{np.mean(sure):.1%}" if sure else "-"),
    )
    return markdown_row(cells)


@dataclass(frozen=True)
class Recordings:
    """The clips of a corpus that could be read, with their features."""

    corpus: str
    utterances: tuple[Utterance, ...]
    features: dict[Path, Features]

    def baseline(self, item: Utterance, clips: int) -> Baseline | None:
        """Of so many random other clips of the speaker; None of none."""
        others = [path for path in self._by_speaker[item.speaker] if path != item.path]
        baseline = Baseline()
        for path in random.Random(item.path.name).sample(others, min(clips, len(others))):
            baseline = baseline.with_clip(self.features[path])
        return baseline if baseline.clips else None

    @functools.cached_property
    def _by_speaker(self) -> dict[str, list[Path]]:
        paths: dict[str, list[Path]] = {}
        for item in self.utterances:
            paths.setdefault(item.speaker, []).append(item.path)
        return paths


def recordings_of(corpora: Corpora, client: LocalClient) -> Recordings:
    """Computes the features; a recording that cannot be read is named on standard error.

    Raises:
        UserError: none could be read.
    """
    features = {}
    for item in tqdm(corpora.utterances, desc=corpora.name, unit="clip", disable=None):
        try:
            features[item.path] = client.features(item.path)
        except SpeechEmotionError as error:
            print(f"left out: {error}", file=sys.stderr)
    read = tuple(item for item in corpora.utterances if item.path in features)
    if not read:
        raise UserError(f"{corpora.name}: none of {len(corpora.utterances)} recordings can be read")
    return Recordings(corpora.name, read, features)


def answers_to(
    recordings: Recordings, client: LocalClient, network: NetworkDescription, clips: int
) -> list[Answer]:
    """To the recordings of the common emotions, with baselines of so many clips.

    Raises:
        UserError: there are fewer than two common emotions.
    """
    emotions = {item.emotion for item in recordings.utterances}
    common = common_emotions(emotions, network.emotions)
    if len({common[emotion] for emotion in emotions & common.keys()}) < 2:
        raise UserError(
            f"{recordings.corpus}: its emotions are {', '.join(sorted(emotions))}; expected at "
            f"least 2 of {network.name}: {', '.join(network.emotions)}"
        )
    return [
        answered(
            item.emotion,
            client.predict_features(
                recordings.features[item.path], network.name, recordings.baseline(item, clips)
            ).probabilities,
            common,
        )
        for item in recordings.utterances
        if item.emotion in common
    ]


def run(options: argparse.Namespace) -> None:
    """Prints the table, a row as soon as it is known."""
    data = read_settings(DataSettings, "data", options)
    client = LocalClient(models=options.models)
    network = client.contract.network(options.network)
    corpora = [read_corpora(replace(data, corpus=(corpus,))) for corpus in data.corpus]
    print(f"{network.name} of {options.models}\n")
    print(markdown([COLUMNS]), flush=True)
    for each in corpora:
        recordings = recordings_of(each, client)
        for clips in dict.fromkeys((0, options.baseline)):
            answers = answers_to(recordings, client, network, clips)
            print(table_row(recordings.corpus, clips, answers), flush=True)


def clip_number(text: str) -> int:
    """The type of `--baseline`, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}; expected an integer of at least 0")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.elsewhere", description=__doc__)
    parser.add_argument("models", type=Path, help="a folder of networks, such as models")
    parser.add_argument("--network", help="default: the best one")
    parser.add_argument(
        "--baseline",
        type=clip_number,
        default=MEASURED_WITH,
        help=f"clips of the speaker; default: {MEASURED_WITH}; 0: none",
    )
    add_options(parser, "data", NETWORKS)
    try:
        run(parser.parse_args(arguments))
    except (UserError, SettingError, SpeechEmotionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
