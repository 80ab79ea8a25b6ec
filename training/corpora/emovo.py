"""EMOVO, emotional speech in Italian: Costantini et al. 2014."""

import re
from pathlib import Path
from types import MappingProxyType

from training.corpora.reader import Utterance


class Emovo:
    """Fourteen sentences, spoken by six actors in seven emotions."""

    key = "emovo"
    name = "EMOVO"
    licence = "free for research"
    citation = (
        "Costantini G, Iaderola I, Paoloni A, Todisco M (2014). EMOVO Corpus: an Italian Emotional "
        "Speech Database. LREC 2014, 3501-3504"
    )
    description = "fourteen sentences spoken by actors, Italian"
    pattern = "EMOTION-SPEAKER-SENTENCE, such as dis-f1-b1"

    _NAME = re.compile(r"([a-z]{3})-([fm][1-3])-([a-z][0-9])")
    _EMOTIONS = MappingProxyType(
        {
            "dis": "disgust",  # disgusto
            "gio": "happy",  # gioia
            "neu": "neutral",  # neutro
            "pau": "fearful",  # paura
            "rab": "angry",  # rabbia
            "sor": "surprised",  # sorpresa
            "tri": "sad",  # tristezza
        }
    )
    emotions = tuple(sorted(_EMOTIONS.values()))

    def read_name(self, path: Path) -> Utterance:
        """Reads emotion, speaker and sentence."""
        found = self._NAME.fullmatch(path.stem)
        if found is None or found[1] not in self._EMOTIONS:
            raise ValueError(f"unexpected file name; expected {self.pattern}")
        speaker = found[2]
        auxiliary = {"sex": int(self.sex(speaker) == "male")}
        return Utterance(path, speaker, self._EMOTIONS[found[1]], auxiliary)

    def sex(self, speaker: str) -> str:
        """The letter of the speaker's name."""
        return "female" if speaker.startswith("f") else "male"


CORPORA = (Emovo(),)
