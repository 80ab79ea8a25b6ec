"""The section of the report on both protocols."""

from collections.abc import Sequence

from training.corpora.union import Corpora
from training.protocols.listeners import LISTENERS, SOURCES
from training.protocols.results import Forms, Results, usual, with_baseline
from training.report.evaluation_figures import Recall, draw_recalls
from training.report.page import Section
from training.report.protocols.tables import PROTOCOLS
from training.report.text import Row

TEXT = (
    "A corpus is left out: a network is trained on all others and measured on it, among its own "
    "emotions alone. Calm counts as neutral where the corpus or those of the training have but one "
    "of the two. Beside it new speakers of corpora that the network was trained on. Recall is the "
    "unweighted average over the emotions; a mean weighs every corpus the same. "
)
HEAD = (
    *("network, measured on", "corpus", "recall", "with a baseline", "guessing", "listeners"),
    "calibration error",
)


def other_corpora(results: Sequence[Results], corpora: Corpora) -> list[Section]:
    """One section where networks were measured on other corpora, otherwise none."""
    found = [item for item in results if item.several]
    if not found:
        return []
    rows = [row for item in found for row in _rows(item, corpora)]
    heard = [f"{name}: {SOURCES[name]}" for name in LISTENERS if name in corpora.name]
    listeners = f"Listeners, {'; '.join(heard)}." if heard else ""
    recalls = [recall for item in found for recall in _recalls(item)]
    chance = usual(found[0].other_corpora).chance()
    figure = draw_recalls(recalls, chance, (), "Recall on other corpora and on new speakers")
    return [Section("Recall on other corpora", TEXT + listeners, [HEAD, *rows], [figure])]


def _by_protocol(results: Results) -> dict[str, Forms]:
    return dict(zip(PROTOCOLS.values(), (results.other_corpora, results.new_speakers), strict=True))


def _recalls(results: Results) -> list[Recall]:
    name = results.evaluation.network
    titles = ("other corpora", "new speakers")
    found = [usual(forms) for forms in _by_protocol(results).values()]
    return [Recall.of(item, f"{name}, {title}") for item, title in zip(found, titles, strict=True)]


def _rows(results: Results, corpora: Corpora) -> list[Row]:
    rows = []
    for title, forms in _by_protocol(results).items():
        named = f"{results.evaluation.network}, {title}"
        rows.append(_row(named, "mean", forms, ""))
        for corpus in corpora.corpora:
            own = {form: found.of(corpus.reader.key) for form, found in forms.items()}
            listeners = LISTENERS.get(corpus.reader.name)
            heard = "" if listeners is None else f"{listeners:.1%}"
            rows.append(_row(named, corpus.reader.name, own, heard))
    return rows


def _row(title: str, corpus: str, forms: Forms, listeners: str) -> Row:
    evaluation, baseline = usual(forms), with_baseline(forms)
    recall = evaluation.uar()
    return (
        title,
        corpus,
        f"{recall.mean:.1%} ± {100 * recall.deviation:.1f}",
        f"{baseline.uar().mean:.1%}" if baseline else "",
        f"{evaluation.chance():.1%}",
        listeners,
        f"{evaluation.ece().mean:.3f}",
    )
