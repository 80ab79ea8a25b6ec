"""What the server tells in its handshake: the features that it needs, and its networks."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from speech_emotion.errors import ServerProblemError, UnknownNetworkError, WrongServerError
from speech_emotion.transport import Transport

PATH = "/init/configuration"


@dataclass(frozen=True)
class Resource:
    """A file that the server offers: its path from the server's address, and its hash."""

    path: str
    sha256: str  # 64 hexadecimal digits in lower case


@dataclass(frozen=True)
class NetworkDescription:
    """A network of the server, and how good it is on voices that it has never heard."""

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
        """The network of that name, matched without case; without a name, the best one.

        The best is the one with the highest speaker-independent unweighted average recall.

        Raises:
            UnknownNetworkError: names the networks that exist.
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
    """Does the handshake.

    Raises:
        WrongServerError: what answers is no speech emotion server, or one that is too old.
        NoServerError, ServerProblemError: see there.
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
            f"{transport.address} answers, but not as a speech emotion server: "
            f"in what it sends for {PATH}, {reason}"
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
    # SECURITY: it becomes the name of a file in the cache.
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is no SHA-256 hash")
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
