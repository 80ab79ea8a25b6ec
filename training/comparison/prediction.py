"""What an exported recipe says of one clip."""

from collections.abc import Sequence
from pathlib import Path

from training.arrays import Float32
from training.comparison.exported import Exported
from training.comparison.features import compute
from training.corpora.reader import CorpusError, Reader, read_corpus
from training.features.loading import UnusableAudioError, load_audio


def find_clip(clip: str, source: Path, reader: Reader) -> Path:
    """The file itself, or the utterance of the corpus with this name.

    Raises:
        CorpusError: there is neither.
    """
    path = Path(clip)
    if path.is_file():
        return path
    corpus = read_corpus(source, reader)
    for utterance in corpus.utterances:
        if utterance.path.stem == clip:
            return utterance.path
    raise CorpusError(
        f"{clip!r}: neither a file nor one of the {len(corpus.utterances)} utterances of "
        f"{reader.name} in {source}, such as {corpus.utterances[0].path.stem}"
    )


def predict(exported: Exported, path: Path) -> Float32:
    """The probability of each emotion, (L,).

    Raises:
        CorpusError: the file cannot be read as audio.
    """
    try:
        audio = load_audio(path)
    except UnusableAudioError as error:
        raise CorpusError(f"{path}: {error}") from error
    return exported.probabilities(compute(exported.features, audio))


def prediction_text(path: Path, labels: Sequence[str], probabilities: Float32) -> str:
    """The emotion, and the probability of each, the highest first."""
    pairs = sorted(zip(probabilities.tolist(), labels, strict=True), reverse=True)
    rows = [f"  {label:<12}{probability:8.4f}" for probability, label in pairs]
    return "\n".join([f"{path.name}: {pairs[0][1]}", *rows])
