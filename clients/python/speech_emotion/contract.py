"""The server's handshake: the features that it requires, and its networks."""

from dataclasses import dataclass
from typing import Any, Literal

from speech_emotion import untrusted
from speech_emotion.errors import ServerProblemError, UnknownNetworkError, WrongServerError
from speech_emotion.transport import Transport

PATH = "/init/configuration"
SAMPLE_RATES = (8_000, 96_000)  # Hz
MOST_COEFFICIENTS = 100  # of a frame
LONGEST_HOP = 96_000  # samples
# Of a second of audio; 25 coefficients at 43 frames/s are 1,077. Speech as samples takes 8,000.
MOST_NUMBERS_PER_SECOND = 2_000


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

    def most_frames(self, samples: int) -> int:
        """The number of frames of a clip with that many samples, if no silence is trimmed."""
        return samples // self.hop_length + 1  # the first is centred on the first sample


@dataclass(frozen=True)
class NetworkDescription:
    """A network of the server, with its recall on unseen speakers."""

    name: str
    input: Literal["vector", "frames"]
    emotions: tuple[str, ...]
    speaker_independent_uar: float  # unweighted average recall, 0 to 1
    corpus: str
    not_for: tuple[str, ...]


@dataclass(frozen=True)
class Contract:
    """The handshake."""

    recipe: Recipe
    extractor: Resource
    reference: Resource
    networks: tuple[NetworkDescription, ...]

    @property
    def sample_rate(self) -> int:
        """The sample rate of the features, in Hz."""
        return self.recipe.sample_rate

    def network(self, name: str | None) -> NetworkDescription:
        """The network of that name, case-insensitive; without a name, the best network.

        The best network has the highest speaker-independent unweighted average recall.

        Raises:
            UnknownNetworkError: there is no such network; the message lists the networks.
        """
        if name is None and self.networks:
            return max(self.networks, key=lambda network: network.speaker_independent_uar)
        for network in self.networks:
            if name is not None and network.name.lower() == name.lower():
                return network
        known = ", ".join(network.name for network in self.networks) or "none"
        wanted = "network" if name is None else f"network {name!r}"
        raise UnknownNetworkError(f"The server has no {wanted}. Networks: {known}.")


def fetch_contract(transport: Transport) -> Contract:
    """Performs the handshake.

    Raises:
        WrongServerError: the address is not a speech emotion server, or the server is too old.
        NoServerError: the server cannot be reached.
        ServerProblemError: the server refused the request.
    """
    try:
        document = transport.get_json(PATH)
    except ServerProblemError as error:
        if error.status == 404:
            raise WrongServerError(f"{transport.address} has no {PATH}: {error.detail}") from error
        raise
    try:
        return _contract(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise transport.wrong(f"unexpected response for {PATH}: {reason}") from error


def _contract(document: dict[str, Any]) -> Contract:
    return Contract(
        recipe=_recipe(document),
        extractor=_resource(document["extractor"]),
        reference=_resource(document["reference"]),
        networks=untrusted.items(document["networks"], _network),
    )


def _recipe(document: dict[str, Any]) -> Recipe:
    """The recipe in a handshake; raises KeyError, TypeError, ValueError.

    SECURITY: the ranges keep a server from a recipe by which the audio itself is correct features.
    """
    features = document["features"]
    recipe = Recipe(
        sample_rate=untrusted.integer(features["sampleRate"], *SAMPLE_RATES),
        coefficients=untrusted.integer(document["numberOfMfccs"], 1, MOST_COEFFICIENTS),
        hop_length=untrusted.integer(features["hopLength"], 1, LONGEST_HOP),
    )
    numbers = recipe.coefficients * recipe.sample_rate / recipe.hop_length
    if numbers > MOST_NUMBERS_PER_SECOND:
        raise ValueError(
            f"it asks for {numbers:,.0f} numbers a second of audio; "
            f"expected at most {MOST_NUMBERS_PER_SECOND:,}"
        )
    return recipe


def _resource(document: dict[str, Any]) -> Resource:
    # SECURITY: the hash becomes a file name in the cache.
    return Resource(untrusted.path(document["url"]), untrusted.sha256(document["sha256"]))


def _network(document: dict[str, Any]) -> NetworkDescription:
    if document["input"] not in ("vector", "frames"):
        raise ValueError(f"the input of a network is {untrusted.shown(document['input'])}")
    return NetworkDescription(
        name=_network_name(document["networkType"]),
        input=document["input"],
        emotions=untrusted.items(document["emotions"], untrusted.name),
        speaker_independent_uar=untrusted.number(document["speakerIndependentUar"], 0, 1),
        corpus=untrusted.text(document.get("corpus", {}).get("name", "")),
        not_for=untrusted.items(document.get("intendedUse", {}).get("not_for", []), untrusted.text),
    )


def _network_name(value: object) -> str:
    name = untrusted.name(value)
    if name in (".", ".."):  # it is a part of a path
        raise ValueError(f"{name!r} is not the name of a network")
    return name
