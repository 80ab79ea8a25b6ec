"""The measured quality of a network, as the metadata of its file states it."""

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]
MOST_CORPORA = 100  # clients refuse a handshake with more
Count = Annotated[int, Meta(ge=1)]


class CorpusRecall(msgspec.Struct, rename="camel"):
    """Recall on one corpus.

    chance: recall of guessing among the emotions of the corpus.
    mfccs_uar, baseline_uar: the recall from MFCCs alone, and with a baseline of ten clips too.
    calibration_error: expected calibration error of the probabilities.
    listeners: recall of people on the same clips; None: unknown.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    uar: Share
    chance: Share
    speakers: Count
    utterances: Count
    mfccs_uar: Share | None = None
    baseline_uar: Share | None = None
    calibration_error: Share | None = None
    listeners: Share | None = None


class Recall(msgspec.Struct, rename="camel"):
    """Unweighted average recall, as the mean over corpora; None: not measured.

    uar: with prosody, where the network takes it; `mfccs_uar` without.
    deviation: standard deviation over the seeds.
    uar_interval: its 95 % interval over speakers.
    confident_share: share of the answers with a probability of at least 0.7.
    confident_precision: share of these answers that are right.
    """

    uar: Share
    chance: Share
    corpora: Annotated[tuple[CorpusRecall, ...], Meta(min_length=1, max_length=MOST_CORPORA)]
    deviation: Share | None = None
    uar_interval: tuple[Share, Share] | None = None
    mfccs_uar: Share | None = None
    baseline_uar: Share | None = None
    calibration_error: Share | None = None
    confident_share: Share | None = None
    confident_precision: Share | None = None

    def __post_init__(self) -> None:
        """Raises ValueError if a corpus is named twice, or by control characters."""
        names = [corpus.name for corpus in self.corpora]
        if len(set(names)) < len(names):
            raise ValueError(f"the corpora are {names}; expected each once")
        if odd := [name for name in names if not name.isprintable()]:
            raise ValueError(f"a corpus is named {odd[0]!r}; expected printable characters")


class Metrics(msgspec.Struct, rename="camel"):
    """Measured quality; the speakers of the test folds are not in the training data.

    new_speakers: on other speakers of the corpora that the network was trained on.
    other_corpora: on each of these corpora, after a training on all the others.
    """

    protocol: str
    speaker_independent_uar: Share
    new_speakers: Recall | None = None
    other_corpora: Recall | None = None
