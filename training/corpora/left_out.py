"""How many recordings of a corpus were left out against its user's will."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from training.corpora import sound_files
from training.corpora.reader import Corpus, CorpusError, Unusable
from training.corpora.union import Corpora

MANY = 0.05  # of the sound files: the command says so at its end
MOST = 0.5  # the command stops
SHOWN = 5  # reasons


@dataclass(frozen=True)
class LeftOut:
    """The sound files of one corpus that are lost: neither used nor left out on purpose."""

    corpus: Corpus
    lost: tuple[Unusable, ...]
    files: int  # all sound files of the corpus

    @classmethod
    def of(cls, corpora: Corpora, corpus: Corpus) -> "LeftOut":
        """Of one of some corpora."""
        out = [item for item in corpora.left_out(corpus) if _is_sound(item)]
        lost = tuple(item for item in out if not item.on_purpose)
        used = len(corpora.of(corpus)) + len(corpus.tests)
        return cls(corpus, lost, used + len(out))

    @property
    def share(self) -> float:
        """Of the sound files."""
        return len(self.lost) / self.files if self.files else 0.0

    def __str__(self) -> str:
        head = (
            f"{len(self.lost)} of {self.files} sound files of {self.corpus.reader.name} "
            f"({self.share:.0%}) are left out"
        )
        counts = Counter(item.reason.partition(":")[0] for item in self.lost).most_common()
        reasons = [f"\n  {count}: {reason}" for reason, count in counts[:SHOWN]]
        more = ["\n  ..."] * (len(counts) > SHOWN)
        return "".join([head, *reasons, *more])


def _is_sound(item: Unusable) -> bool:
    return item.path.suffix.lower() in sound_files.SUFFIXES


def require_most(corpora: Corpora) -> None:
    """Refuses corpora of which more than half are lost.

    Raises:
        CorpusError: there is one; the message counts the reasons.
    """
    for found in _of_each(corpora):
        if found.share > MOST:
            raise CorpusError(f"{found.corpus.source}: {found}\nat least half must be usable")


def warnings(corpora: Corpora) -> list[str]:
    """A text for each corpus of which many files are lost."""
    return [str(found) for found in _of_each(corpora) if found.share > MANY]


def _of_each(corpora: Corpora) -> Iterator[LeftOut]:
    return (LeftOut.of(corpora, corpus) for corpus in corpora.corpora)
