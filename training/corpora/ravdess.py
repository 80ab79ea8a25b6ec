"""The speech part of RAVDESS: Livingstone and Russo 2018, doi:10.1371/journal.pone.0196391."""

from pathlib import Path

from training.corpora.reader import Utterance


class Ravdess:
    """Two sentences, spoken by 24 actors in eight emotions at two intensities."""

    key = "ravdess"
    name = "RAVDESS speech"
    licence = "CC BY-NC-SA 4.0"
    citation = (
        "Livingstone SR, Russo FA (2018). The Ryerson Audio-Visual Database of Emotional Speech "
        "and Song (RAVDESS). PLoS ONE 13(5): e0196391. doi:10.1371/journal.pone.0196391"
    )
    description = "two fixed sentences spoken by professional actors, North American English"
    pattern = "MM-01-EE-II-SS-RR-AA, such as 03-01-05-02-01-01-12"

    _EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    _FIELDS = (
        ("modality", 3),
        ("vocal channel", 2),
        ("emotion", 8),
        ("intensity", 2),
        ("statement", 2),
        ("repetition", 2),
        ("actor", 24),
    )
    emotions = tuple(sorted(_EMOTIONS))

    def read_name(self, path: Path) -> Utterance:
        """Reads modality, vocal channel, emotion, intensity, statement, repetition and actor."""
        parts = path.stem.split("-")
        if len(parts) != len(self._FIELDS) or not all(map(_is_two_digits, parts)):
            raise ValueError(f"unexpected file name; expected {self.pattern}")
        numbers = [int(part) for part in parts]
        for number, (field, largest) in zip(numbers, self._FIELDS, strict=True):
            if not 1 <= number <= largest:
                raise ValueError(
                    f"unexpected file name; {field} {number:02d} is not 01 to {largest:02d}"
                )
        _, channel, emotion, intensity, statement, _, _ = numbers
        if channel != 1:
            raise ValueError("song; only speech (vocal channel 01) is used")
        speaker = parts[-1]
        auxiliary = {
            "intensity": intensity - 1,  # normal, strong
            "sex": int(self.sex(speaker) == "male"),
            "statement": statement - 1,  # "Kids are talking ...", "Dogs are sitting ..."
        }
        return Utterance(path, speaker, self._EMOTIONS[emotion - 1], auxiliary)

    def sex(self, speaker: str) -> str:
        """Actors with odd numbers are male, those with even numbers female."""
        return "male" if int(speaker) % 2 else "female"


def _is_two_digits(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isdigit()


RAVDESS = Ravdess()
CORPORA = (RAVDESS,)
