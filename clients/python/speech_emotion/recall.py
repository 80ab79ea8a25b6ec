"""How good a network is: its recall on the recordings of several corpora."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speech_emotion import untrusted


@dataclass(frozen=True)
class CorpusRecall:
    """Unweighted average recall on one corpus; every share is from 0 to 1."""

    name: str
    uar: float
    chance: float  # the recall of guessing
    listeners: float | None  # the recall of people on these recordings; None: unknown


@dataclass(frozen=True)
class Recall:
    """Unweighted average recall, the mean over corpora; with prosody, if the network takes it."""

    uar: float
    chance: float
    baseline_uar: float | None  # with a baseline of ten clips too; None: not measured
    corpora: tuple[CorpusRecall, ...]

    @property
    def listeners(self) -> tuple[float, ...]:
        """The recalls of people, on the corpora where it is known."""
        return tuple(each.listeners for each in self.corpora if each.listeners is not None)


def recall(document: Mapping[str, Any], member: str) -> Recall | None:
    """The recall in a member of a network, None if there is none; raises KeyError, ValueError etc.

    Older servers do not have the member.
    """
    found = document.get(member)
    if found is None:
        return None
    return Recall(
        uar=_share(found["uar"]),
        chance=_share(found["chance"]),
        baseline_uar=_known(found.get("baselineUar")),
        corpora=untrusted.items(found["corpora"], _of_corpus),
    )


def _of_corpus(document: Mapping[str, Any]) -> CorpusRecall:
    return CorpusRecall(
        name=untrusted.name(document["name"]),
        uar=_share(document["uar"]),
        chance=_share(document["chance"]),
        listeners=_known(document.get("listeners")),
    )


def _share(value: object) -> float:
    return untrusted.number(value, 0, 1)


def _known(value: object) -> float | None:
    return None if value is None else _share(value)
