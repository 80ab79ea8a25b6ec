"""Finds the network that the path of a request names, and reads the body."""

import asyncio
from collections.abc import Sequence

from falcon.asgi import Request

from server.codecs.open_inference.tensor_specs import version
from server.inference.deadline import HEADER, Deadline, parse_deadline
from server.models.catalog import NetworkCatalog
from server.models.network import Network
from server.problems import messages
from server.problems.documents import Problem, shortened

JSON = ("application/json",)
DISCONNECTED = "disconnected"  # server/http/protocol.py adds it to the state of a request
LARGEST_JOIN_ON_LOOP = 1_048_576  # bytes
LARGEST_ON_LOOP = 131_072  # bytes of MFCCs that are decoded on the event loop; see batches.md


def find_network(catalog: NetworkCatalog, name: str) -> Network:
    """The network of that name, matched without case.

    Raises:
        Problem: 404 if there is none, 503 if its file failed verification.
    """
    network = catalog.find(name)
    if network is not None:
        return network
    fault = catalog.fault(name)
    if fault is not None:
        raise Problem(messages.NETWORK_UNAVAILABLE, name=name, reason=fault)
    names = catalog.names
    known = ", ".join(names) or "none"
    raise Problem(messages.UNKNOWN_NETWORK, {"networks": names}, name=shortened(name), known=known)


def find_version(catalog: NetworkCatalog, name: str, wanted: str | None) -> Network:
    """The network of that name, in that version; None stands for any version.

    Raises:
        Problem: 404 if there is none, 503 if its file failed verification.
    """
    network = find_network(catalog, name)
    if wanted is not None and wanted != version(network):
        served = version(network)
        raise Problem(
            messages.UNKNOWN_VERSION, name=network.name, version=shortened(wanted), served=served
        )
    return network


async def read_body(req: Request, limit: int, media_types: Sequence[str] = JSON) -> bytes:
    """The whole body, at most `limit` bytes; the first media type is the default.

    Raises:
        Problem: 415 for another media type or a compressed body, 413 for a longer body.
    """
    content_type = req.content_type or media_types[0]
    if content_type not in media_types:  # PERF: it rarely has parameters or capitals
        _check_media_type(content_type, media_types)
    encoding = req.get_header("Content-Encoding")
    if encoding and encoding.lower() != "identity":
        raise Problem(messages.UNSUPPORTED_CONTENT_ENCODING, encoding=shortened(encoding))
    length = req.content_length or 0  # PERF: Falcon parses it at each access
    if length > limit:
        raise Problem(messages.BODY_TOO_LARGE, {"maximumBytes": limit}, limit=limit)
    if (length or limit) > LARGEST_JOIN_ON_LOOP:
        return await _read_large_body(req, limit)
    body: bytes = await req.stream.read(limit + 1)
    if len(body) > limit:
        raise Problem(messages.BODY_TOO_LARGE, {"maximumBytes": limit}, limit=limit)
    return body


def _check_media_type(content_type: str, media_types: Sequence[str]) -> None:
    if content_type.partition(";")[0].strip().lower() not in media_types:
        found, expected = shortened(content_type), " or ".join(map(repr, media_types))
        raise Problem(messages.UNSUPPORTED_MEDIA_TYPE, content_type=found, expected=expected)


async def _read_large_body(req: Request, limit: int) -> bytes:
    """The body; a thread joins its parts, which takes milliseconds and releases the GIL."""
    parts: list[bytes] = []
    size = 0
    async for part in req.stream:
        size += len(part)
        if size > limit:
            raise Problem(messages.BODY_TOO_LARGE, {"maximumBytes": limit}, limit=limit)
        parts.append(part)
    return await asyncio.to_thread(b"".join, parts)


def read_deadline(req: Request) -> Deadline | None:
    """The deadline in the header; None if there is none.

    Raises:
        Problem: 400, the header is no number of seconds in the range.
    """
    timeout = req.get_header(HEADER)
    return None if timeout is None else parse_deadline(timeout, req.context.received)


def check_client(req: Request) -> None:
    """Ends a request whose client has disconnected; may be called from any thread.

    Raises:
        Problem: nobody receives it; the metrics count its status, 499.
    """
    if DISCONNECTED in req.scope.get("state", ()):
        raise Problem(messages.CLIENT_GONE)
