"""A corpus that is a folder with one folder for each emotion."""

import re
from dataclasses import dataclass
from pathlib import Path

from training.corpora.own.emotion_names import FILE, LEFT_OUT, EmotionNames
from training.corpora.own.facts import OwnCorpus, occurring_emotions, require_several
from training.corpora.reader import (
    Corpus,
    CorpusError,
    Unusable,
    Utterance,
    files_under,
    require_sound,
    require_utterances,
)

OPTION = "--speaker-pattern"


class LeftOutError(ValueError):
    """A clip of an emotion that the user leaves out."""


def read_emotion_folders(folder: Path, speaker_pattern: str | None, licence: str) -> Corpus:
    """The clips below a folder.

    Args:
        folder: with a folder of clips, at any depth, for each emotion.
        speaker_pattern: a regular expression whose one group finds the speaker in the path of a
            clip below `folder`, such as `angry/anna-07.wav`.
        licence: as the trainer states it.

    Raises:
        CorpusError: no pattern with one group, a folder of an unknown emotion, no usable clip, or
            one speaker.
    """
    finder = ClipFinder(folder, _compiled(speaker_pattern, folder), EmotionNames.read(folder))
    utterances: list[Utterance] = []
    unusable: list[Unusable] = []
    for path in sorted(files_under(folder)):
        if path == folder / FILE:
            continue
        try:
            utterances.append(finder.utterance(path))
        except LeftOutError as error:
            unusable.append(Unusable(path, str(error), on_purpose=True))
        except ValueError as error:
            unusable.append(Unusable(path, str(error)))
    pattern = f"EMOTION/..., with the speaker as {OPTION} {speaker_pattern!r} finds it"
    emotions = occurring_emotions(utterances)
    facts = OwnCorpus(folder.name, licence, pattern, emotions, f"./{folder.name}")
    corpus = require_utterances(Corpus(facts, folder, tuple(utterances), tuple(unusable)))
    require_several(utterances, f"{folder}: {OPTION} {speaker_pattern!r}")
    return corpus


def _compiled(pattern: str | None, folder: Path) -> re.Pattern[str]:
    if not pattern:
        raise CorpusError(
            f"{folder}: a folder for each emotion needs {OPTION}, a regular expression whose one "
            r"group finds the speaker, such as '/([^/]+)-\d+\.wav$' in angry/anna-07.wav"
        )
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise CorpusError(f"{OPTION} {pattern!r}: not a regular expression: {error}") from error
    if compiled.groups != 1:
        raise CorpusError(
            f"{OPTION} {pattern!r}: {compiled.groups} groups; expected one, around the speaker"
        )
    return compiled


@dataclass(frozen=True)
class ClipFinder:
    """Turns paths below a folder into utterances."""

    folder: Path
    speaker: re.Pattern[str]
    names: EmotionNames

    def utterance(self, path: Path) -> Utterance:
        """The clip at a path.

        Raises:
            LeftOutError: `emotions.csv` leaves its emotion out.
            ValueError: it cannot be used.
            CorpusError: its folder is of no known emotion.
        """
        below = path.relative_to(self.folder)
        require_sound(path)
        if len(below.parts) == 1:
            raise ValueError("not in the folder of an emotion")
        emotion = self._emotion(below.parts[0])
        if emotion == LEFT_OUT:
            raise LeftOutError(f"emotion {below.parts[0]!r} is left out")
        found = self.speaker.search(below.as_posix())
        if not found or not found[1]:
            raise ValueError(f"{OPTION} {self.speaker.pattern!r} finds no speaker in {below}")
        return Utterance(path, found[1], emotion)

    def _emotion(self, name: str) -> str:
        try:
            return self.names.label(name)
        except ValueError as error:
            raise CorpusError(f"{self.folder / name}: {error}") from None
