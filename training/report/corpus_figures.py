"""What a corpus holds: numbers, and figures of its recordings."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import librosa
import numpy as np
import soundfile
from matplotlib.axes import Axes

from training.arrays import Float32, Float64
from training.corpora.union import Corpora
from training.features.loading import load_audio
from training.features.recipe import RECIPE
from training.report.figure import PAPER, SERIES, Figure, finish, new_axes, new_grid, styled

SEXES = ("female", "male")
UNKNOWN = "unknown"
NAMES = {UNKNOWN: "of unknown sex"}
OUTLINE = 300  # points of a waveform
MELS = 64
CLIP_HEIGHT = 60  # points

Clips = Mapping[str, Float32]  # caption -> audio (samples,) at 22,050 Hz


@dataclass(frozen=True)
class CorpusSummary:
    """Corpora in numbers."""

    corpora: Corpora
    speakers: dict[str, str]  # speaker -> sex, ordered by speaker
    counts: Counter[tuple[str, str]]  # recordings by emotion and sex
    recordings: Counter[str]  # by speaker
    seconds: Float64  # (N,), lengths of the recordings, including silence at both ends

    @classmethod
    def of(cls, corpora: Corpora) -> "CorpusSummary":
        """Summarise corpora; this reads the header of every recording."""
        sex, utterances = corpora.sex, corpora.utterances
        recordings = Counter(item.speaker for item in utterances)
        return cls(
            corpora=corpora,
            speakers={speaker: sex(speaker) or UNKNOWN for speaker in sorted(recordings)},
            counts=Counter((item.emotion, sex(item.speaker) or UNKNOWN) for item in utterances),
            recordings=recordings,
            seconds=np.array([soundfile.info(item.path).duration for item in utterances]),
        )

    @property
    def sexes(self) -> tuple[str, ...]:
        """Those that occur; `unknown` where a corpus does not tell one."""
        found = set(self.speakers.values())
        return tuple(sex for sex in (*SEXES, UNKNOWN) if sex in found)

    def facts(self) -> dict[str, str]:
        """Return the summary as text by name."""
        counts = Counter(self.speakers.values())
        sexes = ", ".join(f"{counts[sex]} {NAMES.get(sex, sex)}" for sex in self.sexes)
        shortest, median, longest = np.quantile(self.seconds, (0, 0.5, 1))
        return {
            "Corpus": f"{self.corpora.name}: {self.corpora.description}",
            "Speakers": f"{len(self.speakers)}: {sexes}",
            "Emotions": ", ".join(self.corpora.labels),
            "Recordings": f"{len(self.seconds)}, {self.seconds.sum() / 60:.0f} minutes in all",
            "Length": f"{shortest:.1f} to {longest:.1f} s, median {median:.1f} s",
            "Licence": self.corpora.licence,
            "Source": self.corpora.citation,
        }


def draw_corpus(corpora: Corpora) -> dict[str, Figure]:
    """Every figure of corpora, by name."""
    summary, clips = CorpusSummary.of(corpora), load_examples(corpora)
    return {
        "corpus-emotions": draw_emotions(summary),
        "corpus-lengths": draw_lengths(summary),
        "corpus-speakers": draw_speakers(summary),
        "corpus-waveforms": _draw_clips("Waveforms", clips, _draw_envelope),
        "corpus-spectrograms": _draw_clips("Mel spectrograms", clips, _draw_mel),
    }


def draw_emotions(summary: CorpusSummary) -> Figure:
    """Recordings by emotion and sex."""
    emotions = summary.corpora.labels
    counts = {sex: [summary.counts[emotion, sex] for emotion in emotions] for sex in summary.sexes}
    return _draw_counts("Recordings by emotion", emotions, counts)


def draw_speakers(summary: CorpusSummary) -> Figure:
    """Recordings by speaker; colour and hatch show the sex."""
    counts = {
        sex: [summary.recordings[s] * (own == sex) for s, own in summary.speakers.items()]
        for sex in summary.sexes
    }
    return _draw_counts("Recordings by speaker", tuple(summary.speakers), counts)


@styled
def _draw_counts(title: str, names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Figure:
    """Stacked bars, one row for each name and one colour for each sex."""
    canvas, axes = new_axes(110 + 20 * len(names))
    start = np.zeros(len(names), np.int64)
    for index, (sex, hatch) in enumerate(zip(counts, ("", "////", ".."), strict=False)):
        own = np.array(counts[sex])
        axes.barh(
            range(len(names)),
            own,
            left=start,
            label=sex,
            color=SERIES[index].light,
            hatch=hatch,
            edgecolor=PAPER.light,
        )
        start += own
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("recordings")
    canvas.legend(loc="outside lower center", ncols=2)
    totals = ", ".join(f"{name} {total}" for name, total in zip(names, start, strict=True))
    return finish(canvas, f"{title} and sex", f"{title}: {totals}.")


@styled
def draw_lengths(summary: CorpusSummary) -> Figure:
    """A histogram of the recordings' lengths."""
    canvas, axes = new_axes(220)
    start, end = np.floor(summary.seconds.min()), np.floor(summary.seconds.max()) + 1
    edges = np.linspace(start, end, 31)
    axes.hist(summary.seconds, edges.tolist(), color=SERIES[0].light, edgecolor=PAPER.light, lw=0.6)
    axes.set(xlabel="length (s), including silence at both ends", ylabel="recordings")
    description = f"Lengths of the recordings: {summary.facts()['Length']}."
    return finish(canvas, "Lengths of the recordings", description)


def load_examples(corpora: Corpora) -> Clips:
    """The first recording of each emotion, if possible all by one speaker."""
    pairs = {(item.speaker, item.emotion) for item in corpora.utterances}
    emotions = Counter(speaker for speaker, _ in pairs)
    preferred = min(emotions, key=lambda speaker: (-emotions[speaker], speaker))
    ordered = sorted(corpora.utterances, key=lambda item: (item.emotion, item.speaker != preferred))
    first = {item.emotion: item for item in reversed(ordered)}
    chosen = [first[emotion] for emotion in sorted(first)]
    return {f"{item.emotion} ({item.path.stem})": load_audio(item.path) for item in chosen}


@styled
def _draw_clips(title: str, clips: Clips, draw: Callable[[Axes, Float32], None]) -> Figure:
    """One row for each clip, on a common time axis."""
    canvas, grid = new_grid(len(clips), columns=1, height=CLIP_HEIGHT, margin=40, sharex=True)
    for axes, (caption, audio) in zip(grid, clips.items(), strict=True):
        draw(axes, audio)
        axes.set_title(caption)
        axes.set_yticks([])
    grid[-1].set_xlabel("time (s)")
    description = f"{title} of one clip of each emotion: {', '.join(clips)}."
    return finish(canvas, f"{title}, one clip of each emotion", description)


def _draw_envelope(axes: Axes, audio: Float32) -> None:
    """The envelope of a clip against time."""
    pieces = np.array_split(audio, min(OUTLINE, len(audio)))
    seconds = np.linspace(0, len(audio) / RECIPE.sample_rate, len(pieces))
    low, high = [piece.min() for piece in pieces], [piece.max() for piece in pieces]
    axes.fill_between(seconds, low, high, color=SERIES[0].light, lw=0.3)


def _draw_mel(axes: Axes, audio: Float32) -> None:
    """The mel spectrogram of a clip in decibels; low bands are at the bottom."""
    power = librosa.feature.melspectrogram(y=audio, sr=RECIPE.sample_rate, n_mels=MELS)
    seconds = len(audio) / RECIPE.sample_rate
    levels = librosa.power_to_db(power, ref=np.max)
    axes.imshow(levels, cmap="magma", origin="lower", extent=(0, seconds, 0, MELS))
    axes.grid(visible=False)
