"""The Toronto Emotional Speech Set: Pichora-Fuller and Dupuis 2020, doi:10.5683/SP2/E8H2MF."""

import re
from pathlib import Path
from types import MappingProxyType

from training.corpora.reader import Utterance


class Tess:
    """Two hundred words after "Say the word", spoken by two women in seven emotions."""

    key = "tess"
    name = "TESS"
    licence = "CC BY-NC-ND 4.0"
    citation = (
        "Pichora-Fuller MK, Dupuis K (2020). Toronto Emotional Speech Set (TESS). Borealis. "
        "doi:10.5683/SP2/E8H2MF"
    )
    description = 'two hundred words after "Say the word", spoken by two women, Canadian English'
    pattern = "SPEAKER_word_emotion, such as OAF_back_angry"

    # One file of the published set has OA instead of OAF.
    _NAME = re.compile(r"(OAF?|YAF)_([A-Za-z'-]+)_([A-Za-z]+)")
    _EMOTIONS = MappingProxyType(
        {
            "angry": "angry",
            "disgust": "disgust",
            "fear": "fearful",
            "happy": "happy",
            "neutral": "neutral",
            "ps": "surprised",  # pleasant surprise
            "sad": "sad",
        }
    )
    emotions = tuple(sorted(_EMOTIONS.values()))

    def read_name(self, path: Path) -> Utterance:
        """Reads speaker, word and emotion."""
        found = self._NAME.fullmatch(path.stem)
        if found is None or found[3].lower() not in self._EMOTIONS:
            raise ValueError(f"unexpected file name; expected {self.pattern}")
        speaker = "YAF" if found[1] == "YAF" else "OAF"
        return Utterance(path, speaker, self._EMOTIONS[found[3].lower()], {"sex": 0})

    def sex(self, speaker: str) -> str:  # noqa: ARG002  # as in Reader
        """Both are women."""
        return "female"


CORPORA = (Tess(),)
