"""What the corpus holds: the recordings counted and measured."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import soundfile

from training.corpora.reader import Corpus
from training.metrics import Float64
from training.report.drawing import PAPER, SERIES, Drawing, finish, new_axes, styled

SEXES = ("female", "male")


@dataclass(frozen=True)
class CorpusSummary:
    """N recordings in figures."""

    name: str
    description: str
    licence: str
    citation: str
    emotions: tuple[str, ...]
    speakers: dict[str, str]  # to their sex, in order of name
    counts: Counter[tuple[str, str]]  # recordings by emotion and sex
    seconds: Float64  # (N,), lengths of the recordings, silence at both ends included

    @classmethod
    def of(cls, corpus: Corpus) -> "CorpusSummary":
        """Reads the head of every recording."""
        reader, utterances = corpus.reader, corpus.utterances
        speakers = sorted({item.speaker for item in utterances})
        return cls(
            name=reader.name,
            description=reader.description,
            licence=reader.licence,
            citation=reader.citation,
            emotions=reader.emotions,
            speakers={speaker: reader.sex(speaker) for speaker in speakers},
            counts=Counter((item.emotion, reader.sex(item.speaker)) for item in utterances),
            seconds=np.array([soundfile.info(item.path).duration for item in utterances]),
        )

    def facts(self) -> dict[str, str]:
        """The summary in words, each under its name."""
        sexes = Counter(self.speakers.values())
        shortest, median, longest = np.quantile(self.seconds, (0, 0.5, 1))
        return {
            "Corpus": f"{self.name}: {self.description}",
            "Speakers": f"{len(self.speakers)}: {sexes['female']} female, {sexes['male']} male",
            "Emotions": ", ".join(self.emotions),
            "Recordings": f"{len(self.seconds)}, {self.seconds.sum() / 60:.0f} minutes in all",
            "Length": f"{shortest:.1f} to {longest:.1f} s, median {median:.1f} s",
            "Licence": self.licence,
            "Source": self.citation,
        }


@styled
def draw_emotions(summary: CorpusSummary) -> Drawing:
    """Recordings by emotion and sex."""
    figure, axes = new_axes(110 + 20 * len(summary.emotions))
    start = np.zeros(len(summary.emotions))
    for index, (sex, hatch) in enumerate(zip(SEXES, ("", "////"), strict=True)):
        counts = np.array([summary.counts[emotion, sex] for emotion in summary.emotions])
        axes.barh(
            summary.emotions,
            counts,
            left=start,
            label=sex,
            color=SERIES[index].light,
            hatch=hatch,
            edgecolor=PAPER.light,
        )
        start += counts
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("recordings")
    figure.legend(loc="outside lower center", ncols=2)
    totals = zip(summary.emotions, start.astype(int), strict=True)
    told = ", ".join(f"{emotion} {total}" for emotion, total in totals)
    return finish(figure, "Recordings by emotion and sex", f"Recordings by emotion: {told}.")


@styled
def draw_lengths(summary: CorpusSummary) -> Drawing:
    """A histogram of the recordings' lengths."""
    figure, axes = new_axes(220)
    start, end = np.floor(summary.seconds.min()), np.floor(summary.seconds.max()) + 1
    edges = np.linspace(start, end, 31)
    axes.hist(summary.seconds, edges.tolist(), color=SERIES[0].light, edgecolor=PAPER.light, lw=0.6)
    axes.set(xlabel="length (s), silence at both ends included", ylabel="recordings")
    told = f"Lengths of the recordings: {summary.facts()['Length']}."
    return finish(figure, "Lengths of the recordings", told)
