"""The Surrey Audio-Visual Expressed Emotion database: Haq and Jackson 2009."""

import re
from pathlib import Path
from types import MappingProxyType

from training.corpora.reader import Utterance


class Savee:
    """Fifteen sentences for each of seven emotions, thirty neutral ones, spoken by four men."""

    key = "savee"
    name = "SAVEE"
    licence = "free for research, after registration"
    citation = (
        "Haq S, Jackson PJB (2009). Speaker-Dependent Audio-Visual Emotion Recognition. "
        "AVSP 2009, 53-58"
    )
    description = "phonetically balanced sentences spoken by men, British English"
    pattern = "EMOTION and sentence in the speaker's folder, such as DC/sa01, or DC_sa01"

    _NAME = re.compile(r"(?:(DC|JE|JK|KL)_)?(sa|su|[adfhn])([0-9]{2})")
    _SPEAKERS = ("DC", "JE", "JK", "KL")
    _EMOTIONS = MappingProxyType(
        {
            "a": "angry",
            "d": "disgust",
            "f": "fearful",
            "h": "happy",
            "n": "neutral",
            "sa": "sad",
            "su": "surprised",
        }
    )
    emotions = tuple(sorted(_EMOTIONS.values()))

    def read_name(self, path: Path) -> Utterance:
        """Reads emotion and sentence, and the speaker from the name or that of the folder."""
        found = self._NAME.fullmatch(path.stem)
        speaker = found and (found[1] or path.parent.name)
        if found is None or speaker not in self._SPEAKERS:
            raise ValueError(f"unexpected file name; expected {self.pattern}")
        return Utterance(path, speaker, self._EMOTIONS[found[2]], {"sex": 1})

    def sex(self, speaker: str) -> str:  # noqa: ARG002  # as in Reader
        """All four are men."""
        return "male"


CORPORA = (Savee(),)
