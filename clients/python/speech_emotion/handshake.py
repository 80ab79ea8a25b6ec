"""Fetches the server's handshake and checks each of its members."""

import hashlib
import json
from typing import Any
from urllib.parse import urljoin

from speech_emotion import untrusted
from speech_emotion.contract import (
    PROSODY_COLUMNS,
    Contract,
    ExtractorFile,
    NetworkDescription,
    Recipe,
    Reference,
    Resource,
)
from speech_emotion.errors import ServerProblemError, WrongServerError
from speech_emotion.recall import recall
from speech_emotion.transport import Transport

PATH = "/init/configuration"
SAMPLE_RATES = (8_000, 96_000)  # Hz
MOST_COEFFICIENTS = 100  # of a frame
MOST_STATISTICS = 20  # of prosody
MOST_FRAMES = 2**31 - 1  # of an utterance
MOST_REFERENCES = 16  # each is fetched and computed for a verification
LONGEST_HOP = 96_000  # samples
MOST_CHANNELS = 2  # of a recording; the extractors take them all and average them
# Of a second of audio; 25 coefficients and 3 of prosody at 43 frames/s are 1,206. Speech as samples
# takes 8,000.
MOST_NUMBERS_PER_SECOND = 2_000
RECORDING_OUTPUTS = ("frames", "mfccs", "prosody", "prosody_statistics")
FIRST_REFERENCE = "reference"  # the name of that of version 1


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
        return contract_of(document)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise transport.wrong(f"unexpected response for {PATH}: {reason}") from error


def contract_of(document: dict[str, Any]) -> Contract:
    """The contract in a handshake.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, RecursionError: it is not valid.
    """
    prosody = document.get("prosody")
    statistics = 0 if prosody is None else _statistics(prosody)
    recipe = _recipe(document, len(PROSODY_COLUMNS) if statistics else 0)
    recordings = _recordings(document.get("recordings"), statistics)
    return Contract(
        recipe=recipe,
        extractor=_extractor(document["extractor"], recipe.sample_rate),
        reference=_first_reference(document["reference"], recipe.sample_rate),
        networks=untrusted.items(document["networks"], _network),
        recordings=recordings,
        references=_references(document.get("references")),
    )


def _recipe(document: dict[str, Any], prosody: int) -> Recipe:
    """The recipe in a handshake with so many numbers of prosody in a frame; raises ValueError etc.

    SECURITY: the ranges keep a server from a recipe by which the audio itself is correct features.
    """
    features = document["features"]
    recipe = Recipe(
        sample_rate=untrusted.integer(features["sampleRate"], *SAMPLE_RATES),
        coefficients=untrusted.integer(document["numberOfMfccs"], 1, MOST_COEFFICIENTS),
        hop_length=untrusted.integer(features["hopLength"], 1, LONGEST_HOP),
        digest=_digest(document),
    )
    numbers = (recipe.coefficients + prosody) * recipe.sample_rate / recipe.hop_length
    if numbers > MOST_NUMBERS_PER_SECOND:
        raise ValueError(
            f"it asks for {numbers:,.0f} numbers a second of audio; "
            f"expected at most {MOST_NUMBERS_PER_SECOND:,}"
        )
    return recipe


def _digest(document: dict[str, Any]) -> str:
    """The SHA-256 hash of what the numbers of a frame mean; the pooled form is no part of it."""
    prosody = dict(document.get("prosody") or {})
    prosody.pop("statistics", None)
    meaning = [document["numberOfMfccs"], document["features"], prosody]
    same_numbers = json.loads(json.dumps(meaning), parse_int=float)  # 0 and 0.0 are the same
    text = json.dumps(same_numbers, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _statistics(prosody: dict[str, Any]) -> int:
    """The number of the statistics of prosody; raises ValueError if its columns are others."""
    columns = untrusted.items(prosody["columns"], untrusted.name)
    if columns != PROSODY_COLUMNS:
        raise ValueError(
            f"the columns of prosody are {untrusted.shown(columns)}; "
            f"expected {', '.join(PROSODY_COLUMNS)}"
        )
    untrusted.number(prosody["unvoiced"], 0, 0)  # a baseline leaves these frames out
    names = untrusted.items(prosody["statistics"], untrusted.name)
    return untrusted.integer(len(set(names)), max(1, len(names)), MOST_STATISTICS)


def _recordings(document: dict[str, Any] | None, statistics: int) -> tuple[ExtractorFile, ...]:
    """The extractors for recordings, by sample rate; none if there is no such member."""
    if document is None:
        return ()
    if not statistics:
        raise KeyError("prosody")
    outputs = untrusted.items(document["outputs"], untrusted.name)
    if document["input"] != "audio" or outputs[: len(RECORDING_OUTPUTS)] != RECORDING_OUTPUTS:
        raise ValueError(
            f"the extractors take {untrusted.shown(document['input'])} and return "
            f"{untrusted.shown(outputs)}; expected 'audio' and {', '.join(RECORDING_OUTPUTS)}"
        )
    files = untrusted.items(document["extractors"], lambda one: _recording(one, statistics))
    if not files or len({file.sample_rate for file in files}) < len(files):
        raise ValueError("the extractors for recordings do not have one sample rate each")
    return tuple(sorted(files, key=lambda file: file.sample_rate))


def _recording(document: dict[str, Any], statistics: int) -> ExtractorFile:
    rate = untrusted.integer(document["sampleRate"], *SAMPLE_RATES)
    file = _resource(document)
    return ExtractorFile(file.path, file.sha256, rate, MOST_CHANNELS, statistics)


def _extractor(document: dict[str, Any], sample_rate: int) -> ExtractorFile:
    file = _resource(document)
    return ExtractorFile(file.path, file.sha256, sample_rate)


def _first_reference(document: dict[str, Any], sample_rate: int) -> Reference:
    file = _resource(document)
    return Reference(file.path, file.sha256, FIRST_REFERENCE, sample_rate, channels=1)


def _references(documents: Any) -> tuple[Reference, ...]:
    """The reference clips; none if there is no such member.

    The server may have a clip without the extractor for it: any of the extractors may be missing.
    """
    references = () if documents is None else untrusted.items(documents, _reference)
    if len(references) > MOST_REFERENCES:
        raise ValueError(f"{len(references)} references; expected at most {MOST_REFERENCES}")
    if len({reference.name for reference in references}) < len(references):
        raise ValueError("two references have the same name")
    return references


def _reference(document: dict[str, Any]) -> Reference:
    file = _resource(document)
    return Reference(
        file.path,
        file.sha256,
        name=untrusted.name(document["name"]),
        sample_rate=untrusted.integer(document["sampleRate"], *SAMPLE_RATES),
        channels=untrusted.integer(document["channels"], 1, MOST_CHANNELS),
    )


def _resource(document: dict[str, Any]) -> Resource:
    # SECURITY: the hash becomes a file name in the cache.
    return Resource(_address(document), untrusted.sha256(document["sha256"]))


def _address(document: dict[str, Any]) -> str:
    """The path of an address, below that of the server; raises ValueError."""
    if "relativeUrl" in document:
        return untrusted.path(urljoin(PATH, untrusted.text(document["relativeUrl"])))
    return untrusted.path(document["url"])  # of an older server


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
        optional_members=untrusted.items(document.get("optionalMembers", []), untrusted.name),
        new_speakers=recall(document, "newSpeakers"),
        other_corpora=recall(document, "otherCorpora"),
        most_frames=_most_frames(document.get("frames")),
        file=_resource(document["file"]) if document.get("file") else None,
        binary_path=_binary_path(document.get("inference")),
    )


def _most_frames(limits: dict[str, Any] | None) -> int | None:
    return None if limits is None else untrusted.integer(limits["maximum"], 1, MOST_FRAMES)


def _binary_path(inference: dict[str, Any] | None) -> str | None:
    """Where the network takes binary tensors and answers with whole warnings."""
    if inference is None:
        return None
    has_both = inference["binary"] is True and inference["warningDetails"] is True
    return _address(inference) if has_both else None


def _network_name(value: object) -> str:
    name = untrusted.name(value)
    if name in (".", ".."):  # it is a part of a path
        raise ValueError(f"{name!r} is not the name of a network")
    return name
