"""Reads a request's body within its limits."""

from falcon.asgi import Request

from server import problems


async def read_json_body(req: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes; a missing content type is taken as JSON.

    Raises:
        Problem: 415 for another media type or a compressed body, 413 for a longer body.
    """
    content_type = req.content_type or "application/json"
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise problems.unsupported_media_type(content_type)
    encoding = req.get_header("Content-Encoding")
    if encoding and encoding.lower() != "identity":
        raise problems.unsupported_content_encoding(encoding)
    if (req.content_length or 0) > limit:
        raise problems.body_too_large(limit)
    body: bytes = await req.stream.read(limit + 1)
    if len(body) > limit:
        raise problems.body_too_large(limit)
    return body
