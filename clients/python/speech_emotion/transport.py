"""HTTP requests to one server, with time-outs, retries, and refusals as exceptions."""

import json
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import urllib3
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError, LocationValueError, MaxRetryError, ReadTimeoutError

from speech_emotion.errors import (
    InvalidAddressError,
    NoServerError,
    ServerProblemError,
    WrongServerError,
)

TIMEOUT = urllib3.Timeout(connect=5, read=30)  # seconds
RETRIES = 4
BACKOFF_FACTOR = 0.1  # waits of 0, 0.2, 0.4 and 0.8 s if there is no Retry-After
LONGEST_WAIT = 30  # seconds; with a longer Retry-After the request is not repeated
BUSY_STATUSES = frozenset({502, 503, 504})
# A proxy may answer these, or any 5xx, without a problem document.
PROXY_STATUSES = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS})
PROBLEM_TYPE = "application/problem+json"


class _Retry(urllib3.Retry):
    """Retries after lost connections, 502, 503, 504 and responses with Retry-After.

    No request of this package changes state on the server, so a POST may be repeated too. A
    request is not repeated after a time-out, nor if Retry-After exceeds LONGEST_WAIT.
    """

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if isinstance(error, ReadTimeoutError):
            raise error
        if response is not None and (self.get_retry_after(response) or 0) > LONGEST_WAIT:
            raise MaxRetryError(_pool, url)  # type: ignore[arg-type]  # as urllib3 itself does
        return super().increment(method, url, response, error, _pool, _stacktrace)


class Transport:
    """Requests to one server, over persistent connections."""

    def __init__(self, address: str, timeout: urllib3.Timeout = TIMEOUT) -> None:
        """Stores the address; the connection is made on first use.

        Args:
            address: `http://host:port`, optionally with a path prefix.
            timeout: for connecting and for a response.

        Raises:
            InvalidAddressError: the address is not an http or https URL.
        """
        self.address = _normalise(address)
        retry = _Retry(
            total=RETRIES,
            allowed_methods=None,
            status_forcelist=BUSY_STATUSES,
            backoff_factor=BACKOFF_FACTOR,
            raise_on_status=False,
        )
        self._pool = urllib3.PoolManager(timeout=timeout, retries=retry)

    def get(self, path: str) -> bytes:
        """Returns the body of the response.

        Raises:
            NoServerError: the server cannot be reached.
            WrongServerError: the response is not that of a speech emotion server.
            ServerProblemError: the server refused the request.
        """
        return self._request("GET", path)

    def get_json(self, path: str) -> Any:
        """Returns the JSON document of the response; raises as `get` does."""
        return self._parse(path, self.get(path))

    def post_json(self, path: str, document: Any) -> Any:
        """Posts a JSON document and returns that of the response; raises as `get` does."""
        body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        return self._parse(path, self._request("POST", path, body))

    def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Accept": f"*/*, {PROBLEM_TYPE}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self.address}/{path.lstrip('/')}"
        try:
            response = self._pool.request(method, url, body=body, headers=headers, redirect=False)
        except HTTPError as error:
            raise NoServerError(f"No server answers at {self.address}: {_cause(error)}") from error
        if response.status != HTTPStatus.OK:
            raise _refusal(url, response)
        return response.data

    def _parse(self, path: str, body: bytes) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise WrongServerError(
                f"{self.address} is not a speech emotion server: "
                f"the response for {path} is not JSON"
            ) from None


def _normalise(address: str) -> str:
    text = address if "://" in address else f"http://{address}"
    try:
        url = urllib3.util.parse_url(text)
    except LocationValueError:
        url = urllib3.util.Url()
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise InvalidAddressError(
            f"{address!r} is not a server address; expected one like http://localhost:8080"
        )
    return text.rstrip("/")


def _cause(error: HTTPError) -> str:
    """The last part of urllib3's nested message, such as `[Errno 111] Connection refused`."""
    reason = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(reason, ReadTimeoutError):
        return "it accepts the connection, but does not answer in time"
    return str(reason).rpartition("): ")[2]


def _refusal(url: str, response: urllib3.BaseHTTPResponse) -> Exception:
    """The error for a response with another status than 200."""
    content_type = response.headers.get("Content-Type", "").partition(";")[0]
    if content_type == PROBLEM_TYPE:
        try:
            return _problem(response.status, json.loads(response.data))
        except (ValueError, AttributeError):
            pass  # the content type is wrong
    status = f"{response.status} {response.reason or ''}".rstrip()
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status in PROXY_STATUSES:
        return ServerProblemError(response.status, status, "the server gave no reason")
    location = response.headers.get("Location")
    redirect = f" and redirects to {location}" if location else ""
    return WrongServerError(
        f"{url} answers {status}{redirect}; a speech emotion server does not answer this"
    )


def _problem(status: int, document: dict[str, Any]) -> ServerProblemError:
    return ServerProblemError(
        status,
        title=str(document.get("title", status)),
        detail=str(document.get("detail", "")),
        kind=str(document.get("type", "about:blank")),
        pointer=str(document.get("pointer", "")),
    )
