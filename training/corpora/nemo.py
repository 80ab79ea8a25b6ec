"""nEMO, emotional speech in Polish: Christop 2024."""

from pathlib import Path
from types import MappingProxyType

from training.corpora.reader import Utterance


class Nemo:
    """Ninety sentences, spoken by nine actors in six emotions."""

    key = "nemo"
    name = "nEMO"
    licence = "CC BY-NC-SA 4.0"
    citation = (
        "Christop I (2024). nEMO: Dataset of Emotional Speech in Polish. LREC-COLING 2024, "
        "12111-12116"
    )
    description = "ninety sentences spoken by actors, Polish"
    pattern = "SPEAKER_emotion_SENTENCE, such as EB0_anger_10"

    _EMOTIONS = MappingProxyType(
        {
            "anger": "angry",
            "fear": "fearful",
            "happiness": "happy",
            "neutral": "neutral",
            "sadness": "sad",
            "surprised": "surprised",
        }
    )
    _SEXES = MappingProxyType(
        {
            **dict.fromkeys(("EB0", "KD0", "MK0"), "female"),
            **dict.fromkeys(("KS0", "MP0", "SM0", "TP0"), "male"),
        }
    )
    emotions = tuple(sorted(_EMOTIONS.values()))

    def read_name(self, path: Path) -> Utterance:
        """Reads speaker, emotion and sentence."""
        speaker, _, rest = path.stem.partition("_")
        emotion, _, sentence = rest.partition("_")
        if not speaker or emotion not in self._EMOTIONS or not sentence.isdecimal():
            raise ValueError(f"unexpected file name; expected {self.pattern}")
        sex = self.sex(speaker)
        auxiliary = {"sex": int(sex == "male")} if sex else {}
        return Utterance(path, speaker, self._EMOTIONS[emotion], auxiliary)

    def sex(self, speaker: str) -> str:
        """Of seven of the nine speakers, according to the table that comes with the corpus."""
        return self._SEXES.get(speaker, "")


CORPORA = (Nemo(),)
