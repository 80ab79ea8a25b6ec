"""The tables of both protocols, from the metadata of network files."""

from collections.abc import Iterable, Mapping
from typing import Any

from training.report.text import Row, markdown

PROTOCOLS = {
    "otherCorpora": "corpora that it was not trained on",
    "newSpeakers": "new speakers of known corpora",
}
Figures = Mapping[str, Any]  # of one protocol: `newSpeakers` or `otherCorpora`


def headline(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Recall elsewhere first, beside known corpora, guessing and listeners; empty where none.

    `metrics` are those of the files, by network.
    """
    rows = [row for name, found in metrics.items() for row in _headline_rows(name, found)]
    if not any(found.get("otherCorpora") for found in metrics.values()):
        return ""
    head = (
        *("network", "measured on", "recall", "without prosody", "with a baseline", "guessing"),
        *("listeners", "calibration error", "says 70 % or more", "is right then"),
    )
    return markdown([head, *rows])


def _headline_rows(network: str, metrics: Mapping[str, Any]) -> Iterable[Row]:
    for key, title in PROTOCOLS.items():
        found = metrics.get(key)
        if found:
            mean = f"**{found['uar']:.3f}** ± {found['deviation']:.3f}"
            listeners = _range(corpus["listeners"] for corpus in found["corpora"])
            yield (network, title, mean, *_forms(found), listeners, *_confidence(found))


def _forms(found: Figures) -> Row:
    return (_number(found["mfccsUar"]), _number(found["baselineUar"]), f"{found['chance']:.3f}")


def _confidence(found: Figures) -> Row:
    share, error = f"{found['confidentShare']:.1%}", f"{found['calibrationError']:.3f}"
    return (error, share, _number(found["confidentPrecision"]))


def _range(listeners: Iterable[float | None]) -> str:
    known = sorted(value for value in listeners if value is not None)
    return " to ".join(dict.fromkeys(f"{value:.3f}" for value in (*known[:1], *known[-1:]))) or "-"


def by_corpus(metrics: Mapping[str, Any]) -> str:
    """A row for each protocol and corpus of one network; empty where none."""
    if not metrics.get("otherCorpora"):
        return ""
    head = (
        *("measured on", "corpus", "recall", "without prosody", "with a baseline", "guessing"),
        *("listeners", "calibration error", "speakers", "utterances"),
    )
    rows = [
        _corpus_row(title, found)
        for key, title in PROTOCOLS.items()
        for found in metrics[key]["corpora"]
    ]
    return markdown([head, *rows])


def _corpus_row(title: str, found: Mapping[str, Any]) -> Row:
    return (
        *(title, found["name"], f"{found['uar']:.3f}", *_forms(found)),
        *(_number(found["listeners"]), f"{found['calibrationError']:.3f}"),
        *(str(found["speakers"]), str(found["utterances"])),
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
