"""Clips of a corpus to look at: one of each emotion, and how many each speaker has."""

from collections import Counter

import librosa
import numpy as np

from training.arrays import Float32
from training.corpora.reader import Corpus
from training.features.loading import load_audio
from training.features.recipe import RECIPE
from training.report.corpus import SEXES
from training.report.drawing import SERIES, Drawing, finish, new_axes, new_figure, styled

OUTLINE = 300  # points of a waveform
MELS = 64
ROW = 60  # points, of one clip

Clips = dict[str, Float32]  # audio (samples,) at 22,050 Hz, by a name for it


def examples(corpus: Corpus) -> Clips:
    """The first recording of each emotion, of one speaker where one has them all."""
    first: dict[str, Float32] = {}
    spoken = {(item.speaker, item.emotion) for item in corpus.utterances}
    emotions = Counter(speaker for speaker, _ in spoken)
    versatile = min(emotions, key=lambda speaker: (-emotions[speaker], speaker))
    ordered = sorted(corpus.utterances, key=lambda item: (item.emotion, item.speaker != versatile))
    seen: set[str] = set()
    for item in ordered:
        if item.emotion not in seen:
            seen.add(item.emotion)
            first[f"{item.emotion} ({item.path.stem})"] = load_audio(item.path)
    return first


@styled
def draw_speakers(corpus: Corpus) -> Drawing:
    """Recordings by speaker; colour and hatch tell the sex."""
    counts = Counter(item.speaker for item in corpus.utterances)
    speakers = sorted(counts)
    figure, axes = new_axes(110 + 20 * len(speakers))
    for index, (sex, hatch) in enumerate(zip(SEXES, ("", "////"), strict=True)):
        own = [speaker for speaker in speakers if corpus.reader.sex(speaker) == sex]
        rows = [speakers.index(speaker) for speaker in own]
        axes.barh(
            rows,
            [counts[speaker] for speaker in own],
            label=sex,
            color=SERIES[index].light,
            hatch=hatch,
        )
    axes.set_yticks(range(len(speakers)), speakers)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="recordings", ylabel="speaker")
    figure.legend(loc="outside lower center", ncols=2)
    told = ", ".join(f"{speaker} {counts[speaker]}" for speaker in speakers)
    return finish(figure, "Recordings by speaker", f"Recordings by speaker: {told}.")


@styled
def draw_waveforms(clips: Clips) -> Drawing:
    """The outline of each clip against time."""
    figure = new_figure(40 + ROW * len(clips))
    grid = figure.subplots(len(clips), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, audio) in zip(grid, clips.items(), strict=True):
        pieces = np.array_split(audio, min(OUTLINE, len(audio)))
        seconds = np.linspace(0, len(audio) / RECIPE.sample_rate, len(pieces))
        low, high = [piece.min() for piece in pieces], [piece.max() for piece in pieces]
        axes.fill_between(seconds, low, high, color=SERIES[0].light, lw=0.3)
        axes.set_title(name)
        axes.set_yticks([])
    grid[-1].set_xlabel("time (s)")
    told = f"Outlines of one clip of each emotion: {', '.join(clips)}."
    return finish(figure, "Waveforms, one of each emotion", told)


@styled
def draw_spectrograms(clips: Clips) -> Drawing:
    """Mel spectrograms in decibels, low bands below."""
    figure = new_figure(40 + ROW * len(clips))
    grid = figure.subplots(len(clips), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, audio) in zip(grid, clips.items(), strict=True):
        power = librosa.feature.melspectrogram(y=audio, sr=RECIPE.sample_rate, n_mels=MELS)
        decibels = librosa.power_to_db(power, ref=np.max)
        axes.imshow(
            decibels,
            origin="lower",
            aspect="auto",
            cmap="magma",
            interpolation="none",
            extent=(0, len(audio) / RECIPE.sample_rate, 0, MELS),
        )
        axes.set_title(name)
        axes.set_yticks([])
        axes.grid(visible=False)
    grid[-1].set_xlabel("time (s)")
    told = f"Mel spectrograms of one clip of each emotion: {', '.join(clips)}."
    return finish(figure, "Mel spectrograms, one of each emotion", told)
