"""What the trainer says about a corpus of one's own."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from training.corpora.reader import CorpusError, Utterance

SEXES = ("female", "male")


@dataclass(frozen=True)
class OwnCorpus:
    """A corpus without a publication; as `training.corpora.reader.Reader`, but for its names."""

    name: str
    licence: str
    pattern: str  # where speaker and emotion of a file come from
    emotions: tuple[str, ...]
    option: str  # what reads it from the folder above it
    sexes: Mapping[str, str] = field(default_factory=dict)  # by speaker

    description = "recordings of one's own"

    @property
    def key(self) -> str:
        """The name in lower-case letters, digits and hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "own"

    @property
    def citation(self) -> str:
        """There is no publication."""
        return f"{self.name}, unpublished"

    def sex(self, speaker: str) -> str:
        """`female`, `male`, or nothing where it is not known."""
        return self.sexes.get(speaker, "")


def occurring_emotions(utterances: Iterable[Utterance]) -> tuple[str, ...]:
    """In alphabetical order."""
    return tuple(sorted({item.emotion for item in utterances}))


def require_several(utterances: Iterable[Utterance], where: str) -> None:
    """At least two speakers and emotions: a network is measured on speakers that are new to it.

    Raises:
        CorpusError: there is one; the message starts with `where`.
    """
    clips = tuple(utterances)
    for what in ("speaker", "emotion"):
        found = {getattr(item, what) for item in clips}
        if len(found) == 1:
            raise CorpusError(f"{where}: every clip is of {what} {found.pop()!r}; expected several")
