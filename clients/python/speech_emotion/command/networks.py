"""Describes the networks and their recall: as a table, and one in a sentence."""

from collections.abc import Iterable, Sequence

from speech_emotion.command.output import align
from speech_emotion.contract import NetworkDescription

RECALLS = ("other corpora", "new speakers", "guessing", "listeners")
NOT_MEASURED = "not measured"
NOTES = (
    "recall: unweighted average over emotions; without a profile",
    "other corpora: recordings of another origin than the training data; expect this of your own",
    "new speakers: other voices in recordings of the same origin as the training data",
    "listeners: people who heard these recordings",
)
NOTE_NOT_MEASURED = "not measured: the network was trained and measured on one corpus; expect less"


def network_rows(networks: Iterable[NetworkDescription]) -> list[str]:
    """A table of the networks, best first, what its numbers mean, and what each is not for."""
    best_first = sorted(networks, key=lambda network: network.rank, reverse=True)
    extra = any(network.optional_members for network in best_first)
    cells = [
        (
            network.name,
            network.input,
            *_recalls(network),
            network.corpus,
            *([", ".join(network.optional_members) or "-"] if extra else []),
            ", ".join(network.emotions),
        )
        for network in best_first
    ]
    columns = ("network", "input", *RECALLS, "trained on", *(["also uses"] * extra), "emotions")
    unmeasured = any(network.other_corpora is None for network in best_first)
    notes = [*NOTES, *([NOTE_NOT_MEASURED] if unmeasured else [])]
    return [*align([columns, *cells]), "", *notes, *_not_for(best_first)]


def _not_for(networks: Iterable[NetworkDescription]) -> list[str]:
    """What the networks are not for, once for all that say the same."""
    names: dict[str, list[str]] = {}
    for network in networks:
        names.setdefault("; ".join(network.not_for), []).append(network.name)
    return [
        f"{', '.join(those)} {'is' if len(those) == 1 else 'are'} not for: {uses}"
        for uses, those in names.items()
        if uses
    ]


def network_line(network: NetworkDescription) -> str:
    """How often the network is right, in one or two sentences."""
    elsewhere, new_speakers, guessing, listeners = _recalls(network)
    people = "" if listeners == "-" else f", listeners: {listeners}"
    beside = f"guessing: {guessing}{people}"
    new_voices = f"{new_speakers} of new voices in recordings like those that it was trained on"
    if network.other_corpora is None:
        measured = f"{new_voices} ({beside}). It was not measured on others: expect less."
    else:
        measured = f"{elsewhere} of recordings from elsewhere ({beside}), and on {new_voices}."
    return f"{network.name} is right on {measured}"


def _recalls(network: NetworkDescription) -> tuple[str, str, str, str]:
    """Recall on other corpora and new speakers, of guessing, and of listeners."""
    other, new = network.other_corpora, network.new_speakers
    measured = other or new
    return (
        f"{other.uar:.1%}" if other else NOT_MEASURED,
        f"{new.uar if new else network.speaker_independent_uar:.1%}",
        f"{measured.chance if measured else 1 / max(1, len(network.emotions)):.1%}",
        _range(measured.listeners if measured else ()),
    )


def _range(shares: Sequence[float]) -> str:
    """The least and the greatest share, in whole percent."""
    if not shares:
        return "-"
    low, high = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    return f"{high}%" if low == high else f"{low}-{high}%"
