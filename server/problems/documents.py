"""Writes problems as problem details (RFC 9457) or as errors of the Open Inference Protocol."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import falcon
import msgspec
from falcon.asgi import Request, Response

from server.problems import messages
from server.problems.messages import ProblemKind

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem:speech-emotion:"
MAXIMUM_ECHO = 80  # characters of a value that a client sent
BYTE = re.compile(r"\(byte (\d+)\)")  # in the errors of the parser

_encode = msgspec.json.Encoder().encode


class Problem(falcon.HTTPError):
    """An error response that says what was wrong and what was expected.

    members: further members of the document, such as `pointer`, a JSON pointer (RFC 6901).
    values: the fields of the kind's detail.
    """

    def __init__(
        self, kind: ProblemKind, members: Mapping[str, Any] | None = None, **values: object
    ) -> None:
        self.kind = kind
        self.detail = kind.detail.format(**values)
        self.members = members
        super().__init__(
            kind.status, title=kind.title, description=self.detail, headers=dict(kind.headers)
        )

    def document(self) -> bytes:
        """The problem details as JSON."""
        document = {
            "type": TYPE_PREFIX + self.kind.slug,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        return _encode(document | dict(self.members or {}))


def malformed_json(error: Exception, position: Callable[[int], int] = lambda at: at) -> Problem:
    """The problem of a body that is not JSON, from the parser's error.

    position: maps a position in the text that was parsed to one in the body.
    """
    if isinstance(error, UnicodeDecodeError):
        return Problem(messages.INVALID_UTF8, position=position(error.start))
    if isinstance(error, RecursionError):
        return Problem(messages.NESTED_TOO_DEEPLY)
    reason = str(error).lower().removeprefix("json is malformed: ").rstrip(".")
    reason = BYTE.sub(lambda found: f"(byte {position(int(found[1]))})", reason)
    return Problem(messages.MALFORMED_JSON, reason=reason)


def shortened(value: object) -> str:
    """A value that a client sent: strings in quotes, long values cut off."""
    if not isinstance(value, str):
        return shortened(repr(value))[1:-1]
    text = repr(value if len(value) <= MAXIMUM_ECHO else value[:MAXIMUM_ECHO] + "...")
    # An escape such as \U000e0001 has up to ten characters.
    return text if len(text) <= MAXIMUM_ECHO + 5 else f"{text[:MAXIMUM_ECHO]}...{text[0]}"


def inference_error(detail: str) -> bytes:
    """An error in the form of the Open Inference Protocol."""
    return _encode({"error": detail})


def in_open_inference(path: str) -> bool:
    """Whether the path belongs to the Open Inference Protocol."""
    return path == "/v2" or path.startswith("/v2/")


def serialize(req: Request, resp: Response, error: falcon.HTTPError) -> None:
    """Writes an error of the application or of Falcon, in the form that belongs to the path."""
    problem = error if isinstance(error, Problem) else _from_framework(error)
    if in_open_inference(req.path):
        resp.data = inference_error(problem.detail)
    else:
        resp.data = problem.document()
        resp.content_type = CONTENT_TYPE


def _from_framework(error: falcon.HTTPError) -> Problem:
    """Falcon's errors; the less common ones keep Falcon's title and description."""
    if error.status_code == messages.METHOD_NOT_ALLOWED.status:
        return Problem(messages.METHOD_NOT_ALLOWED, methods=dict(error.headers or {})["Allow"])
    if error.status_code == messages.RANGE_NOT_SATISFIABLE.status:
        return Problem(messages.RANGE_NOT_SATISFIABLE)
    is_refused = error.status_code < messages.INTERNAL_ERROR.status
    kind = messages.MALFORMED_REQUEST if is_refused else messages.INTERNAL_ERROR
    title = error.title.removeprefix(f"{error.status_code} ").capitalize()
    other = replace(kind, status=error.status_code, title=title, detail="{description}")
    return Problem(other, description=error.description or title)
