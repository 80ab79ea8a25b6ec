"""HTTP to one server: time-outs, retries where they are safe, refusals as errors."""

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
BACKOFF_FACTOR = 0.1  # waits of 0, 0.2, 0.4 and 0.8 s where the server names none
LONGEST_WAIT = 30  # seconds of Retry-After; a server that asks for more is not asked again
BUSY_STATUSES = frozenset({502, 503, 504})
# What a proxy says in its own words; any server's 5xx is one of them.
PROXY_STATUSES = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS})
PROBLEM_TYPE = "application/problem+json"


class _Retry(urllib3.Retry):
    """Tries again after lost connections, 502, 503, 504 and what carries Retry-After.

    All requests of this package are pure, so a POST may be repeated too. It gives up where another
    try would not help: after a time-out, and where the server asks for a longer wait than ours.
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
    """Requests to one server, over connections that are kept."""

    def __init__(self, address: str, timeout: urllib3.Timeout = TIMEOUT) -> None:
        """Connects to nothing yet.

        address: `http://host:port`, perhaps with a path before the server's own paths.
        timeout: for connecting, and for an answer.

        Raises:
            InvalidAddressError: the address is no http or https URL.
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
        """The body of a successful answer.

        Raises:
            NoServerError, WrongServerError, ServerProblemError: see there.
        """
        return self._request("GET", path)

    def get_json(self, path: str) -> Any:
        """The JSON document of a successful answer; raises what `get` raises."""
        return self._parse(path, self.get(path))

    def post_json(self, path: str, document: Any) -> Any:
        """Posts a JSON document, returns the answer's; raises what `get` raises."""
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
                f"{self.address} answers, but not as a speech emotion server: "
                f"what it sends for {path} is no JSON"
            ) from None


def _normalise(address: str) -> str:
    text = address if "://" in address else f"http://{address}"
    try:
        url = urllib3.util.parse_url(text)
    except LocationValueError:
        url = urllib3.util.Url()
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise InvalidAddressError(
            f"{address!r} is no server's address; expected one like http://localhost:8080"
        )
    return text.rstrip("/")


def _cause(error: HTTPError) -> str:
    """The last part of urllib3's nested messages, such as `[Errno 111] Connection refused`."""
    reason = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(reason, ReadTimeoutError):
        return "it accepts connections, but does not answer in time"
    return str(reason).rpartition("): ")[2]


def _refusal(url: str, response: urllib3.BaseHTTPResponse) -> Exception:
    """The error for an answer other than 200."""
    content_type = response.headers.get("Content-Type", "").partition(";")[0]
    if content_type == PROBLEM_TYPE:
        try:
            return _problem(response.status, json.loads(response.data))
        except (ValueError, AttributeError):
            pass  # a problem document in name only
    status = f"{response.status} {response.reason or ''}".rstrip()
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status in PROXY_STATUSES:
        return ServerProblemError(response.status, status, "the server says no more than that")
    moved = (
        f", which points to {location}" if (location := response.headers.get("Location")) else ""
    )
    return WrongServerError(
        f"{url} answers {status}{moved}; that is not what a speech emotion server says"
    )


def _problem(status: int, document: dict[str, Any]) -> ServerProblemError:
    return ServerProblemError(
        status,
        title=str(document.get("title", status)),
        detail=str(document.get("detail", "")),
        kind=str(document.get("type", "about:blank")),
        pointer=str(document.get("pointer", "")),
    )
