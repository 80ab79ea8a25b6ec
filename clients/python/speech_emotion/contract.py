"""The server's handshake: the features that it requires, and its networks."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from speech_emotion.errors import ServerProblemError, UnknownNetworkError, WrongServerError
from speech_emotion.transport import Transport

PATH = "/init/configuration"


@dataclass(frozen=True)
class Resource:
    """A file on the server, with its hash."""

    path: str  # relative to the server's address
    sha256: str  # 64 hexadecimal digits in lower case


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

    sample_rate: int  # Hz
    extractor: Resource
    reference: Resource
    networks: tuple[NetworkDescription, ...]

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
        raise WrongServerError(
            f"{transport.address} is not a speech emotion server: "
            f"unexpected response for {PATH}: {reason}"
        ) from error


def _contract(document: dict[str, Any]) -> Contract:
    rate = document["features"]["sampleRate"]
    if not isinstance(rate, int) or rate <= 0:
        raise ValueError(f"the sample rate is {rate!r}")
    return Contract(
        sample_rate=rate,
        extractor=_resource(document["extractor"]),
        reference=_resource(document["reference"]),
        networks=tuple(_network(network) for network in document["networks"]),
    )


def _resource(document: dict[str, Any]) -> Resource:
    sha256 = document["sha256"].lower()
    # SECURITY: the hash becomes a file name in the cache.
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256 hash")
    return Resource(str(document["url"]), sha256)


def _network(document: dict[str, Any]) -> NetworkDescription:
    if document["input"] not in ("vector", "frames"):
        raise ValueError(f"the input of a network is {document['input']!r}")
    return NetworkDescription(
        name=str(document["networkType"]),
        input=document["input"],
        emotions=tuple(map(str, document["emotions"])),
        speaker_independent_uar=float(document["speakerIndependentUar"]),
        corpus=str(document.get("corpus", {}).get("name", "")),
        not_for=tuple(map(str, document.get("intendedUse", {}).get("not_for", ()))),
    )
