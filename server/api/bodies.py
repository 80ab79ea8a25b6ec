"""Reads a request's body within its limits."""

from collections.abc import Sequence

from falcon.asgi import Request

from server import problems

JSON = ("application/json",)


async def read_body(req: Request, limit: int, media_types: Sequence[str] = JSON) -> bytes:
    """The whole body, at most `limit` bytes; a missing content type is taken as the first.

    Raises:
        Problem: 415 for another media type or a compressed body, 413 for a longer body.
    """
    content_type = req.content_type or media_types[0]
    if content_type.partition(";")[0].strip().lower() not in media_types:
        raise problems.unsupported_media_type(content_type, media_types)
    encoding = req.get_header("Content-Encoding")
    if encoding and encoding.lower() != "identity":
        raise problems.unsupported_content_encoding(encoding)
    if (req.content_length or 0) > limit:
        raise problems.body_too_large(limit)
    body: bytes = await req.stream.read(limit + 1)
    if len(body) > limit:
        raise problems.body_too_large(limit)
    return body
