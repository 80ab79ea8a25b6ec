"""The Berlin Database of Emotional Speech: Burkhardt et al. 2005."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from training.corpora.reader import Utterance


@dataclass(frozen=True)
class Emodb:
    """Ten sentences, spoken by ten actors in seven emotions."""

    key: str = "emodb"
    name: str = "EmoDB"
    description: str = "ten everyday sentences spoken by actors, German"

    licence = "free to use"
    citation = (
        "Burkhardt F, Paeschke A, Rolfes M, Sendlmeier WF, Weiss B (2005). A Database of German "
        "Emotional Speech. Interspeech 2005, 1517-1520. doi:10.21437/Interspeech.2005-446"
    )
    pattern = "SSTTTEV, such as 03a01Fa"

    _EMOTIONS = MappingProxyType(  # by the initial of the German word
        {
            "A": "fearful",  # Angst
            "E": "disgust",  # Ekel
            "F": "happy",  # Freude
            "L": "bored",  # Langeweile
            "N": "neutral",
            "T": "sad",  # Trauer
            "W": "angry",  # Wut
        }
    )
    _MALE = ("03", "10", "11", "12", "15")
    _FEMALE = ("08", "09", "13", "14", "16")
    _TEXTS = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
    emotions = tuple(sorted(_EMOTIONS.values()))

    def read_name(self, path: Path) -> Utterance:
        """Reads speaker, text, emotion and version."""
        name = path.stem
        if len(name) != 7 or not ("a" <= name[6] <= "z"):
            raise ValueError(f"unexpected file name; expected {self.pattern}")
        speaker, text, letter = name[:2], name[2:5], name[5]
        for field, value, known in (
            ("speaker", speaker, sorted(self._MALE + self._FEMALE)),
            ("text", text, self._TEXTS),
            ("emotion", letter, sorted(self._EMOTIONS)),
        ):
            if value not in known:
                raise ValueError(
                    f"unexpected file name; {field} {value} is none of {', '.join(known)}"
                )
        auxiliary = {"sex": int(self.sex(speaker) == "male")}
        return Utterance(path, speaker, self._EMOTIONS[letter], auxiliary)

    def sex(self, speaker: str) -> str:
        """According to the list of speakers that comes with the corpus."""
        return "male" if speaker in self._MALE else "female"


EMODB = Emodb()
EMODB_2S = Emodb(
    key="emodb-2s",
    name="emodb-2s",
    description="EmoDB in a copy whose clips were cut or padded to 2.0 s: ten everyday sentences "
    "spoken by actors, German; not comparable with figures on whole recordings",
)
CORPORA = (EMODB, EMODB_2S)
