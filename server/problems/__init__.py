"""The problems that the application raises."""

from collections.abc import Iterable, Mapping

from server.problems import messages
from server.problems.documents import Problem as Problem
from server.problems.documents import serialize as serialize

MAXIMUM_ECHO = 80  # characters of a value that a client sent


def key_needed() -> Problem:
    """401: the key is missing or unknown."""
    return Problem(messages.KEY_NEEDED)


def internal_error() -> Problem:
    """500: the cause is in the log."""
    return Problem(messages.INTERNAL_ERROR)


def no_such_path(path: str) -> Problem:
    """404: there is no resource at the path."""
    return Problem(messages.NO_SUCH_PATH, path=shortened(path))


def file_replaced() -> Problem:
    """404: the client's handshake is out of date."""
    return Problem(messages.FILE_REPLACED)


def unknown_network(name: str, known: Iterable[str]) -> Problem:
    """404: there is no network of that name."""
    names = list(known)
    return Problem(
        messages.UNKNOWN_NETWORK, {"networks": names}, name=shortened(name), known=_listed(names)
    )


def network_unavailable(name: str, reason: str) -> Problem:
    """503: the model file failed its verification."""
    return Problem(messages.NETWORK_UNAVAILABLE, name=name, reason=reason)


def not_ready(faults: Mapping[str, str]) -> Problem:
    """503: model files (file name -> reason) failed their verification, or there is none."""
    reasons = [f"{file}: {reason}" for file, reason in faults.items()]
    return Problem(messages.NOT_READY, {"errors": reasons}, reasons="; ".join(reasons))


def unsupported_media_type(content_type: str, expected: Iterable[str]) -> Problem:
    """415: the content type is none of those expected."""
    known = " or ".join(repr(media_type) for media_type in expected)
    return Problem(
        messages.UNSUPPORTED_MEDIA_TYPE, content_type=shortened(content_type), expected=known
    )


def unsupported_content_encoding(encoding: str) -> Problem:
    """415: the body is compressed."""
    return Problem(messages.UNSUPPORTED_CONTENT_ENCODING, encoding=shortened(encoding))


def body_too_large(limit: int) -> Problem:
    """413: the body has more bytes than the limit."""
    return Problem(messages.BODY_TOO_LARGE, {"maximumBytes": limit}, limit=limit)


def malformed_json(reason: str) -> Problem:
    """400: the body is not JSON."""
    return Problem(messages.MALFORMED_JSON, reason=reason)


def json_error(error: Exception) -> Problem:
    """400: the error of a JSON parser."""
    return malformed_json(str(error).lower().removeprefix("json is malformed: ").rstrip("."))


def invalid_features(pointer: str, reason: str, **values: object) -> Problem:
    """422: the body is JSON without valid MFCCs; `pointer` leads to the first invalid value.

    reason: a format string of `messages`; `values` are its fields.
    """
    return Problem(messages.INVALID_FEATURES, {"pointer": pointer}, reason=reason.format(**values))


def frames_needed(name: str, vector_networks: Iterable[str]) -> Problem:
    """422: one vector was sent to a network that takes frames."""
    names = list(vector_networks)
    members = {"pointer": "/mfccs", "networks": names}
    return Problem(messages.FRAMES_NEEDED, members, name=name, known=_listed(names))


def unknown_version(name: str, wanted: str, served: str) -> Problem:
    """404: another version of the network is served."""
    return Problem(messages.UNKNOWN_VERSION, name=name, version=shortened(wanted), served=served)


def invalid_inference_request(reason: str, **values: object) -> Problem:
    """400: the body is no inference request for the network.

    reason: a format string of `messages`; `values` are its fields.
    """
    return Problem(messages.INVALID_INFERENCE_REQUEST, reason=reason.format(**values))


def batch_too_large(rows: int, limit: int) -> Problem:
    """413: the batch has more rows than the limit."""
    return Problem(messages.BATCH_TOO_LARGE, rows=rows, limit=limit)


def too_many_batches() -> Problem:
    """503: the batches in progress use all the memory that batches may use."""
    return Problem(messages.TOO_MANY_BATCHES)


def repository_not_supported() -> Problem:
    """501: clients cannot load or unload models."""
    return Problem(messages.NOT_SUPPORTED)


def shortened(value: object) -> str:
    """A value that a client sent: strings in quotes, long values cut off."""
    if isinstance(value, str):
        return repr(value if len(value) <= MAXIMUM_ECHO else value[:MAXIMUM_ECHO] + "...")
    return shortened(repr(value))[1:-1]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
