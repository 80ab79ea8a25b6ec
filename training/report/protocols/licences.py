"""What the licences of the recordings ask of the networks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NON_COMMERCIAL, OPEN_DATABASE = "BY-NC-SA", "Open Database License"
TERMS = (
    "The licence of this project's code does not cover the networks. They are derived from the "
    "recordings, so the licence of the recordings applies."
)
MEANINGS = {
    NON_COMMERCIAL: (
        "CC BY-NC-SA means: no commercial use, attribution, and derived works under the same "
        "licence."
    ),
    OPEN_DATABASE: (
        "The Open Database License allows commercial use. Who publishes what was made from the "
        "database names the database and this licence; a database that is derived from it is under "
        "the same licence."
    ),
}


def each_corpus(corpora: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The corpora in the metadata of files, each of those that are several once."""
    found = [one for corpus in corpora for one in corpus.get("corpora", [corpus])]
    return list({one["name"]: one for one in found}.values())


def consequences(corpora: Sequence[Mapping[str, Any]]) -> list[str]:
    """What follows for networks that were trained on these corpora together."""
    found = [text for word, text in MEANINGS.items() if _under(word, corpora)]
    restricted = _under(NON_COMMERCIAL, corpora)
    if restricted and len(restricted) < len(corpora):
        found.append(
            "A network that was trained on several corpora is under all of their licences. These "
            f"must not be used commercially, because of {' and '.join(restricted)}."
        )
    if not restricted and len(corpora) > 1:
        found.append("None of these licences forbids commercial use.")
    return found


def _under(word: str, corpora: Sequence[Mapping[str, Any]]) -> list[str]:
    return [corpus["name"] for corpus in corpora if word in corpus["licence"]]
