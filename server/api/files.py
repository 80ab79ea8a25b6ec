"""Serves files from memory, with entity tags, conditional requests and ranges."""

from collections.abc import Mapping

import falcon
from falcon.asgi import Request, Response

from server.models.files import PublishedFile
from server.problems import messages
from server.problems.documents import Problem


class FileResource:
    """A file that clients download; kept in memory, so that its hash matches the handshake's."""

    def __init__(self, file: PublishedFile, content_type: str) -> None:
        self._file = file
        self._content_type = content_type

    async def on_get(self, req: Request, resp: Response) -> None:
        """200; 206 for a range of bytes; 304 if the client's copy is current; 404 or 416."""
        if req.get_param("sha256") not in (None, "", self._file.sha256):
            raise Problem(messages.FILE_REPLACED)
        tag = falcon.ETag(self._file.sha256)
        resp.etag = tag
        resp.cache_control = ["public", "no-cache"]
        resp.accept_ranges = "bytes"
        if any(known in ("*", tag) for known in req.if_none_match or ()):
            resp.status = 304
            return
        resp.content_type = self._content_type
        span = _range(req) if req.get_header("If-Range") in (None, tag.dumps()) else None
        if span is None:
            resp.data = self._file.content
            return
        self._send_range(resp, *span)

    on_head = on_get

    def _send_range(self, resp: Response, first: int, last: int) -> None:
        size = len(self._file.content)
        if first >= size:
            raise falcon.HTTPRangeNotSatisfiable(size)
        start = max(0, size + first) if first < 0 else first
        stop = size if last < 0 else min(last + 1, size)
        resp.status = 206
        resp.content_range = (start, stop - 1, size)
        resp.data = self._file.content[start:stop]


class FilesResource:
    """Files of one kind, by the part of the path that differs."""

    def __init__(self, files: Mapping[str, PublishedFile], content_type: str) -> None:
        self._files = {name: FileResource(file, content_type) for name, file in files.items()}

    async def on_get(self, req: Request, resp: Response, **parts: str) -> None:
        """As for a single file; 404 if there is none of that name."""
        (name,) = parts.values()
        file = self._files.get(name)
        if file is None:
            raise Problem(messages.FILE_REPLACED)
        await file.on_get(req, resp)

    on_head = on_get


class NoFilesResource:
    """Files that the operator keeps to himself."""

    async def on_get(self, _: Request, __: Response, **___: str) -> None:
        """404."""
        raise Problem(messages.NO_DOWNLOADS)

    on_head = on_get


def _range(req: Request) -> tuple[int, int] | None:
    """First and last byte as Falcon reads them; None without a single valid range of bytes."""
    try:
        return req.range if req.get_header("Range") and req.range_unit == "bytes" else None
    except falcon.HTTPInvalidHeader:
        return None
