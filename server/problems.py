"""Every error that a client can see, as problem details (RFC 9457)."""

from collections.abc import Iterable, Mapping
from typing import Any

import falcon
import msgspec
from falcon.asgi import Request, Response

CONTENT_TYPE = "application/problem+json"
LONGEST_ECHO = 80  # characters
TYPE_PREFIX = "urn:problem:speech-emotion:"

_encode = msgspec.json.Encoder().encode


class Problem(falcon.HTTPError):
    """An answer that tells the client what was wrong and what was expected.

    slug: the last part of the problem's type, which never changes and which clients may compare.
    members: further members of the document, such as `pointer`, a JSON pointer (RFC 6901).
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(status, title=title, description=detail, headers=headers)
        self.slug = slug
        self.members = members


def problem_document(status: int, slug: str, title: str, detail: str) -> bytes:
    """A problem without further members."""
    return _encode({"type": TYPE_PREFIX + slug, "title": title, "status": status, "detail": detail})


def serialize(req: Request, resp: Response, error: falcon.HTTPError) -> None:
    """Writes any Falcon error, our own or the framework's, as a problem document.

    Under `/v2` it has the form that the Open Inference Protocol gives to errors.
    """
    if in_open_inference(req.path):
        detail = error.description or _allowed(error) or error.title or error.status
        resp.data = inference_error(str(detail))
        return
    slug, members = _framework_slug(error.status_code), {}
    if isinstance(error, Problem):
        slug, members = error.slug, error.members
    title = str(error.title or error.status).removeprefix(f"{error.status_code} ")
    document = {
        "type": TYPE_PREFIX + slug,
        "title": title.capitalize(),
        "status": error.status_code,
        "detail": str(error.description or _allowed(error) or title),
    }
    resp.data = _encode(document | members)
    resp.content_type = CONTENT_TYPE


def inference_error(detail: str) -> bytes:
    """An error as the Open Inference Protocol writes it."""
    return _encode({"error": detail})


def in_open_inference(path: str) -> bool:
    """Whether the path belongs to the Open Inference Protocol."""
    return path == "/v2" or path.startswith("/v2/")


def _allowed(error: falcon.HTTPError) -> str | None:
    """For 405: the methods that the path takes."""
    methods = dict(error.headers or {}).get("Allow")
    return f"This path takes {methods}." if methods else None


def _framework_slug(status: int) -> str:
    slugs = {405: "method-not-allowed", 416: "range-not-satisfiable"}
    return slugs.get(status, "malformed-request" if status < 500 else "internal-error")


def key_needed() -> Problem:
    """401: no key was sent, or one that is not known."""
    detail = "A key is needed: Authorization: Bearer KEY."
    headers = {"WWW-Authenticate": "Bearer"}
    return Problem(401, "key-needed", "Key needed", detail, headers)


def internal_error() -> Problem:
    """500: the log says more."""
    return Problem(500, "internal-error", "Internal error", "The server failed to answer.")


def no_such_path(path: str) -> Problem:
    """404: nothing is served under the path."""
    return Problem(404, "no-such-path", "Not found", f"Nothing is served under {_short(path)}.")


def file_replaced() -> Problem:
    """404: a handshake is out of date."""
    detail = "This version of the file is no longer served: ask /init/configuration again."
    return Problem(404, "file-replaced", "File replaced", detail)


def unknown_network(name: str, known: Iterable[str]) -> Problem:
    """404: the networks that exist are named."""
    names = list(known)
    detail = f"There is no network {_short(name)}. Networks: {', '.join(names) or 'none'}."
    return Problem(404, "unknown-network", "Unknown network", detail, networks=names)


def network_unavailable(name: str, reason: str) -> Problem:
    """503: the model file is there, but it failed its verification."""
    detail = f"The network {name!r} cannot be served: {reason}"
    return Problem(503, "network-unavailable", "Network unavailable", detail)


def not_ready(faults: Mapping[str, str]) -> Problem:
    """503: model files (file name -> reason) failed their verification, or there is none."""
    reasons = [f"{file}: {reason}" for file, reason in faults.items()]
    return Problem(503, "not-ready", "Not ready", "; ".join(reasons), errors=reasons)


def unsupported_media_type(content_type: str, expected: Iterable[str]) -> Problem:
    """415: the body is not declared as what the path takes."""
    known = " or ".join(repr(media_type) for media_type in expected)
    detail = f"The content type is {_short(content_type)}; expected {known}."
    return Problem(415, "unsupported-media-type", "Unsupported media type", detail)


def unsupported_content_encoding(encoding: str) -> Problem:
    """415: the body is compressed."""
    detail = f"The content encoding is {_short(encoding)}; expected an unencoded body."
    return Problem(415, "unsupported-content-encoding", "Unsupported content encoding", detail)


def body_too_large(limit: int) -> Problem:
    """413: the body is longer than the server takes."""
    detail = f"The body is larger than {limit:,} bytes."
    return Problem(413, "body-too-large", "Body too large", detail, maximumBytes=limit)


def malformed_json(reason: str) -> Problem:
    """400: the body is no JSON text."""
    return Problem(400, "malformed-json", "Malformed JSON", f"The body is not JSON: {reason}.")


def invalid_features(detail: str, pointer: str) -> Problem:
    """422: the body is JSON, but no MFCCs; `pointer` leads to the first bad place."""
    return Problem(422, "invalid-features", "Invalid features", detail, pointer=pointer)


def frames_needed(name: str, vector_networks: Iterable[str]) -> Problem:
    """422: one vector was sent to a network that listens to the frames themselves."""
    names = list(vector_networks)
    detail = (
        f"The network {name!r} takes frames: a list of lists of coefficients. "
        f"Networks that take one vector: {', '.join(names) or 'none'}."
    )
    return Problem(422, "frames-needed", "Frames needed", detail, pointer="/mfccs", networks=names)


def unknown_version(name: str, wanted: str, served: str) -> Problem:
    """404: the network is served, but not from that file."""
    detail = f"The network {name!r} has no version {_short(wanted)}; served: {served!r}."
    return Problem(404, "unknown-version", "Unknown version", detail)


def invalid_inference(detail: str) -> Problem:
    """400: the body is no inference request for this network."""
    return Problem(400, "invalid-inference-request", "Invalid inference request", detail + ".")


def batch_too_large(rows: int, limit: int) -> Problem:
    """413: more rows than the server takes."""
    detail = f"The batch has {rows:,} rows; expected at most {limit:,}."
    return Problem(413, "batch-too-large", "Batch too large", detail)


def too_many_batches() -> Problem:
    """503: the batches under way take as much memory as they may."""
    detail = "This worker has as many batches as it may have; try again later."
    return Problem(503, "overloaded", "Overloaded", detail, {"Retry-After": "1"})


def repository_not_supported() -> Problem:
    """501: the operator changes models, not the clients."""
    detail = (
        "The model repository extension is not supported; "
        "`python -m server models activate` changes the models."
    )
    return Problem(501, "not-supported", "Not supported", detail)


def shortened(value: object) -> str:
    """A value that a client sent, cut where it is long."""
    return _short(value) if isinstance(value, str) else _short(repr(value))[1:-1]


def _short(text: str) -> str:
    """What a client sent, quoted, and cut where it is long."""
    return repr(text if len(text) <= LONGEST_ECHO else text[:LONGEST_ECHO] + "...")
