"""Formats the results of the command as tables or as lines of JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from tqdm import tqdm

from speech_emotion.answers import Prediction, Verification
from speech_emotion.profiles.baseline import Baseline
from speech_emotion.results.timeline import Timeline

GAP = "  "
PITCH_REFERENCE = 27.5  # Hz; log F0 counts octaves above it


@dataclass(frozen=True)
class PredictionTable:
    """Rows of file, emotion, probability and other emotions.

    The column widths are known before the first prediction, so that rows can be printed at once.
    """

    files: Sequence[str]
    emotions: Sequence[str]
    in_windows: bool
    width: int | None  # of the terminal; longer lines are cut; None: no limit

    def header(self) -> str:
        """The names of the columns."""
        return self._line("file", "seconds", "emotion", "prob.", "other emotions")

    def rows(self, file: str, timeline: Timeline) -> list[str]:
        """One line, and further ones if the emotion is doubtful or the recording is long."""
        answer = timeline.overall
        finding, warning = answer.finding, answer.warning
        seconds = f"{answer.start:.1f} - {answer.end:.1f}"
        runs = _run_rows(timeline)
        if finding:
            guess = f"{GAP}only a guess: {_probabilities(answer, 0)}"
            row = self._line(file, seconds, "-", "-", finding.title)
            return [row, f"{GAP}{finding.advice}", guess, *runs]
        probability = f"{answer.probability:.2f}"
        row = self._line(file, seconds, answer.emotion, probability, _probabilities(answer, 1))
        return [row, *([f"{GAP}warning: {warning.detail}"] if warning else []), *runs]

    @cached_property
    def _file_width(self) -> int:
        return max(map(len, [*self.files, "file"]))

    @cached_property
    def _emotion_width(self) -> int:
        return max(map(len, [*self.emotions, "emotion"]))

    def _line(self, file: str, seconds: str, emotion: str, probability: str, rest: str) -> str:
        cells = [
            file.ljust(self._file_width),
            *([seconds.rjust(len("3600.0 - 3610.0"))] if self.in_windows else []),
            emotion.ljust(self._emotion_width),
            probability.rjust(len("prob.")),
            rest,
        ]
        line = GAP.join(cells).rstrip()
        if self.width and len(line) > self.width:
            return line[: self.width - 1] + "…"
        return line


def prediction_json(file: str, timeline: Timeline) -> str:
    """One line of JSON for one recording or window; a long recording has a member `windows`."""
    windows = [_members(window) for window in timeline.windows]
    members = {"file": file, **_members(timeline.overall)}
    return json.dumps(members | ({"windows": windows} if windows else {}))


def _members(prediction: Prediction) -> dict[str, Any]:
    best = {"emotion": prediction.emotion, "probability": prediction.probability}
    return best | asdict(prediction)


def _probabilities(prediction: Prediction, first: int) -> str:
    """The emotions by probability, without the `first` ones."""
    ordered = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[first:]
    return GAP.join(f"{emotion} {probability:.2f}" for emotion, probability in ordered)


def window_row(prediction: Prediction) -> str:
    """One line for a window: when, and the emotion or the finding."""
    seconds = f"{GAP}{prediction.start:8.1f} - {prediction.end:8.1f} s{GAP}"
    if prediction.finding:
        return seconds + prediction.finding.word
    return f"{seconds}{prediction.emotion} {prediction.probability:.2f}"


def _run_rows(timeline: Timeline) -> list[str]:
    """One line for each stretch of a long recording with the same emotion or finding."""
    return [window_row(run.overall) for run in timeline.runs()]


def verification_rows(verifications: Sequence[Verification]) -> list[str]:
    """A table of the server's verdicts; it names the reference clips if there are several."""
    several = len({item.reference for item in verifications}) > 1
    return align(
        [
            (item.form, item.verdict, *([item.reference] if several else []), item.detail)
            for item in verifications
        ]
    )


def profile_rows(name: str, file: str, baseline: Baseline) -> list[str]:
    """What a profile says of a voice, in words."""
    octaves, voicing, level = baseline.prosody.mean
    spreads = baseline.prosody.spread
    pitch = "none: no clip is voiced"
    if octaves:
        pitch = f"{PITCH_REFERENCE * 2**octaves:.0f} Hz, spread {12 * spreads[0]:.1f} semitones"
    return align(
        [
            ("profile", name),
            ("clips", str(baseline.clips)),
            ("pitch", pitch),
            ("voicing", f"{voicing:.2f}, spread {spreads[1]:.2f}"),
            ("level", f"{level:.0f} dB, spread {spreads[2]:.0f} dB"),
            ("MFCCs", f"mean and spread of {len(baseline.mfccs.mean)} (--json prints them)"),
            ("file", file),
        ]
    )


def print_error(message: str) -> None:
    """Prints a message for the user to stderr, above a progress bar."""
    with tqdm.external_write_mode(sys.stderr):
        print(f"emotion: {message}", file=sys.stderr)


def align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with the cells of each row in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
