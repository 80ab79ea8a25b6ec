"""`POST /v2/models/{name}/infer`: a batch of inputs in, the scores of each row out."""

from collections.abc import Mapping
from functools import partial

from falcon.asgi import Request, Response

from server.api.requests import check_client, find_version, read_body, read_deadline
from server.inference.service import InferenceService
from server.models.catalog import NetworkCatalog
from server.problems import messages
from server.problems.documents import Problem, shortened

BINARY = "application/octet-stream"
MEDIA_TYPES = ("application/json", BINARY)
JSON_BYTES = "Inference-Header-Content-Length"
LONGEST_NUMBER = 18  # digits: Python refuses to convert thousands of them


class InferenceResource:
    """Passes the bytes of requests to the service of the network that the path names."""

    def __init__(
        self,
        catalog: NetworkCatalog,
        services: Mapping[str, InferenceService],
        maximum_body_bytes: int,
    ) -> None:
        self._catalog = catalog
        self._services = services
        self._maximum_bytes = maximum_body_bytes

    async def on_post(
        self, req: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """Scores a batch of one row or more."""
        service = self._services[find_version(self._catalog, name, version).name]
        json_bytes = _json_bytes(req)
        deadline = read_deadline(req)
        length, limit = req.content_length, self._maximum_bytes
        with service.reserve(limit if length is None else min(length, limit)):
            # Not in a variable, so that the service can free the body.
            answer = await service.infer(
                await read_body(req, limit, MEDIA_TYPES),
                json_bytes,
                req.context.received,
                deadline,
                partial(check_client, req),
            )
        resp.data = answer.content
        if answer.json_bytes is not None:
            resp.content_type = BINARY
            resp.set_header(JSON_BYTES, str(answer.json_bytes))


def _json_bytes(req: Request) -> int | None:
    """The length of the JSON at the start of the body; None: the body has nothing else.

    Raises:
        Problem: 400, the header is no such length.
    """
    text = req.get_header(JSON_BYTES)
    if text is None:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    if not is_number or not 0 < int(text) <= (req.content_length or 0):
        raise Problem(
            messages.INVALID_JSON_LENGTH,
            name=JSON_BYTES,
            found=shortened(text),
            length=req.content_length,
        )
    return int(text)
