"""What the server says: the features that it requires, its networks, and codes of warnings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from speech_emotion.errors import UnknownNetworkError
from speech_emotion.recall import Recall

PROSODY_COLUMNS = ("logF0", "voicing", "level")
# The codes of warnings.
OUTSIDE_TRAINING = "outside-training-distribution"
ANOTHER_VOICE = "baseline-of-another-voice"


@dataclass(frozen=True)
class Resource:
    """A file on the server, with its hash."""

    path: str  # relative to the server's address
    sha256: str  # 64 hexadecimal digits in lower case


@dataclass(frozen=True)
class Recipe:
    """The shape of correct features, which limits what an extractor may return."""

    sample_rate: int  # Hz
    coefficients: int  # of a frame
    hop_length: int  # samples from one frame to the next
    digest: str  # SHA-256 of the whole recipe, by which a client knows the features again

    def most_frames(self, samples: int, sample_rate: int) -> int:
        """The number of frames of so many samples at `sample_rate` Hz, if none is trimmed."""
        resampled = -(-samples * self.sample_rate // sample_rate)  # rounded up
        return resampled // self.hop_length + 1  # the first is centred on the first sample


@dataclass(frozen=True)
class ExtractorFile(Resource):
    """An extractor, and the audio that it takes.

    The extractor of version 1 takes mono audio, (samples,). The others take recordings, (samples,
    channels), and return prosody beside the MFCCs.
    """

    sample_rate: int  # Hz
    most_channels: int = 1
    statistics: int = 0  # numbers of the prosody's pooled form; 0: it returns no prosody

    @property
    def takes_recordings(self) -> bool:
        """Whether this is not the extractor of version 1."""
        return self.statistics > 0


@dataclass(frozen=True)
class Reference(Resource):
    """A reference clip."""

    name: str
    sample_rate: int  # Hz
    channels: int


@dataclass(frozen=True)
class NetworkDescription:
    """A network of the server, with its recall."""

    name: str
    input: Literal["vector", "frames"]
    emotions: tuple[str, ...]
    speaker_independent_uar: float  # unweighted average recall on new speakers, 0 to 1
    corpus: str
    not_for: tuple[str, ...]
    optional_members: tuple[str, ...] = ()  # what it can use beside MFCCs: prosody, baseline
    new_speakers: Recall | None = None  # of the corpora that it was trained on
    other_corpora: Recall | None = None  # that it was not trained on; None: not measured
    most_frames: int | None = None  # of one utterance; None: an older server does not say
    file: Resource | None = None  # the network itself; None: the server does not offer it
    binary_path: str | None = None  # where it takes binary tensors; None: nowhere

    @property
    def rank(self) -> tuple[bool, float]:
        """The best network has the highest: a recall on other corpora counts more than others."""
        if self.other_corpora is not None:
            return True, self.other_corpora.uar
        return False, self.speaker_independent_uar

    @property
    def takes_prosody(self) -> bool:
        """Whether it can use prosody."""
        return "prosody" in self.optional_members

    @property
    def takes_baseline(self) -> bool:
        """Whether it can use a baseline of the speaker's earlier clips."""
        return "baseline" in self.optional_members


@dataclass(frozen=True)
class Contract:
    """The handshake."""

    recipe: Recipe
    extractor: ExtractorFile  # of version 1
    reference: Reference  # of version 1
    networks: tuple[NetworkDescription, ...]
    recordings: tuple[ExtractorFile, ...] = ()  # by sample rate; none from a server of version 1
    references: tuple[Reference, ...] = ()  # with `reference`; none from a server of version 1

    @property
    def sample_rate(self) -> int:
        """The sample rate of the features, in Hz."""
        return self.recipe.sample_rate

    def extractors(self, allowed: Collection[str] | None) -> tuple[ExtractorFile, ...]:
        """The extractors to choose from, by sample rate; with None, all hashes are allowed.

        The extractor of version 1 is used only if there is no other, because it returns no prosody.
        """

        def chosen(files: Iterable[ExtractorFile]) -> tuple[ExtractorFile, ...]:
            return tuple(file for file in files if allowed is None or file.sha256 in allowed)

        return chosen(self.recordings) or chosen([self.extractor])

    def network(self, name: str | None) -> NetworkDescription:
        """The network of that name, case-insensitive; without a name, the best network.

        The best network has the highest recall on corpora that it was not trained on; where this
        was measured for none, on speakers that it was not trained on.

        Raises:
            UnknownNetworkError: there is no such network; the message lists the networks.
        """
        if name is None and self.networks:
            return max(self.networks, key=lambda network: network.rank)
        for network in self.networks:
            if name is not None and network.name.lower() == name.lower():
                return network
        known = ", ".join(network.name for network in self.networks) or "none"
        wanted = "network" if name is None else f"network {name!r}"
        raise UnknownNetworkError(f"The server has no {wanted}. Networks: {known}.")
