"""CREMA-D: Cao et al. 2014, doi:10.1109/TAFFC.2014.2336244."""

import re
from pathlib import Path
from types import MappingProxyType

from training.corpora.reader import Utterance


class Cremad:
    """Twelve sentences, spoken by 91 actors in six emotions."""

    key = "cremad"
    name = "CREMA-D"
    licence = "Open Database License 1.0 and Database Contents License"
    citation = (
        "Cao H, Cooper DG, Keutmann MK, Gur RC, Nenkova A, Verma R (2014). CREMA-D: Crowd-sourced "
        "Emotional Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4): "
        "377-390. doi:10.1109/TAFFC.2014.2336244"
    )
    description = "twelve sentences spoken by actors of many ages, North American English"
    pattern = "SPEAKER_SENTENCE_EMOTION_LEVEL, such as 1001_DFA_ANG_XX"

    _NAME = re.compile(r"(10[0-9]{2})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX)")
    _EMOTIONS = MappingProxyType(
        {
            "ANG": "angry",
            "DIS": "disgust",
            "FEA": "fearful",
            "HAP": "happy",
            "NEU": "neutral",
            "SAD": "sad",
        }
    )
    _LEVELS = MappingProxyType({"LO": 0, "HI": 1})  # MD and XX are neither
    # fmt: off
    _FEMALE = (  # less 1000
        2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47, 49, 52,
        53, 54, 55, 56, 58, 60, 61, 63, 72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91,
    )
    # fmt: on
    emotions = tuple(sorted(_EMOTIONS.values()))

    def read_name(self, path: Path) -> Utterance:
        """Reads speaker, sentence, emotion and intensity."""
        found = self._NAME.fullmatch(path.stem)
        if found is None or found[3] not in self._EMOTIONS:
            raise ValueError(f"unexpected file name; expected {self.pattern}")
        speaker = found[1]
        auxiliary = {"sex": int(self.sex(speaker) == "male")}
        if found[4] in self._LEVELS:
            auxiliary["intensity"] = self._LEVELS[found[4]]
        return Utterance(path, speaker, self._EMOTIONS[found[3]], auxiliary)

    def sex(self, speaker: str) -> str:
        """According to the table that comes with the corpus."""
        return "female" if int(speaker) - 1000 in self._FEMALE else "male"


CORPORA = (Cremad(),)
