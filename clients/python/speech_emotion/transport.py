"""HTTP requests to one server, with limits of time and size, and refusals as exceptions."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Never, TypeVar

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, ReadTimeoutError

from speech_emotion.deadline import Current, Deadline, connection_class
from speech_emotion.errors import (
    InvalidAddressError,
    InvalidKeyError,
    NoServerError,
    ServerProblemError,
    WrongServerError,
)
from speech_emotion.untrusted import text

TIMEOUT = urllib3.Timeout(connect=5, read=30)  # seconds
REQUEST_SECONDS = 120.0  # with all repetitions
RETRIES = 4
FIRST_WAIT = 0.1  # seconds, doubled each time, if there is no Retry-After
LONGEST_WAIT = 30  # seconds; with a longer Retry-After the request is not repeated
BUSY_STATUSES = frozenset({502, 503, 504})
# With Retry-After, these are temporary too.
LIMIT_STATUSES = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS})
# A proxy may answer these, or any 5xx, without a problem document.
PROXY_STATUSES = LIMIT_STATUSES
PROBLEM_TYPE = "application/problem+json"
ACCEPT = {"Accept": f"*/*, {PROBLEM_TYPE}", "Accept-Encoding": "identity"}
JSON = {"Content-Type": "application/json"}
LARGEST_DOCUMENT = 2**20  # bytes
LARGEST_FILE = 2**24
CHUNK = 2**16
CONNECTIONS = 8  # that are kept open, for as many threads

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A response whose body has been read."""

    status: int
    reason: str
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def is_busy(self) -> bool:
        """Whether the server has no capacity for requests of this client now."""
        return self.status in BUSY_STATUSES or self.status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later."""
        limited = "Retry-After" in self.headers and self.status in LIMIT_STATUSES
        return limited or self.status in BUSY_STATUSES

    @property
    def retry_after(self) -> float:
        """Seconds; 0 without the header, or if it is not a number."""
        value = self.headers.get("Retry-After", "").strip()
        if not (value.isascii() and value.isdigit()):
            return 0.0
        return float(value)


@dataclass(frozen=True)
class _Message:
    """A request, and how its response is treated."""

    method: str
    path: str
    largest: int  # bytes of the response
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport:
    """Requests to one server, over persistent connections."""

    def __init__(
        self,
        address: str,
        timeout: urllib3.Timeout = TIMEOUT,
        request_seconds: float = REQUEST_SECONDS,
        api_key: str | None = None,
    ) -> None:
        """Stores the address; the connection is made on first use.

        Args:
            address: `http://host:port`, optionally with a path prefix.
            timeout: for connecting and for each part of a response.
            request_seconds: for a request with all its repetitions.
            api_key: sent with each request; redirects are not followed, so no other server gets it.

        Raises:
            InvalidAddressError: the address is not an http or https URL.
            InvalidKeyError: the key is empty, or not printable ASCII without spaces.
        """
        self.address = _normalise(address)
        self._headers = ACCEPT | _authorization(api_key)
        self._request_seconds = request_seconds
        self._prefix = urllib3.util.parse_url(self.address).path or ""
        self._current = Current()
        # A pool of one host: nothing that a server sends leads to another.
        self._pool = urllib3.connection_from_url(self.address, timeout=timeout, maxsize=CONNECTIONS)
        self._pool.ConnectionCls = connection_class(self._pool.scheme or "", self._current)

    def get(self, path: str, largest: int = LARGEST_FILE) -> bytes:
        """Returns the body of the response, of at most `largest` bytes.

        Raises:
            NoServerError: the server cannot be reached.
            WrongServerError: the response is not that of a speech emotion server.
            ServerProblemError: the server refused the request.
        """
        return self._accepted(_Message("GET", path, largest))

    def get_json(self, path: str) -> Any:
        """Returns the JSON document of the response; raises as `get` does."""
        return self._parse(path, self.get(path, LARGEST_DOCUMENT))

    def post_json(self, path: str, document: Any) -> Any:
        """Posts a JSON document and returns that of the response; raises as `get` does."""
        body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        message = _Message("POST", path, LARGEST_DOCUMENT, body, JSON)
        return self._parse(path, self._accepted(message))

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Posts a body and returns the response, whatever its status but that of a busy server.

        Raises:
            NoServerError: the server cannot be reached.
            WrongServerError: the response is too long, or compressed.
            ServerProblemError: the server is busy.
        """
        answer = self._request(_Message("POST", path, LARGEST_DOCUMENT, body, headers))
        if answer.is_busy:
            raise self._refusal(path, answer)
        return answer

    @contextmanager
    def one_limit(self) -> Iterator[Deadline]:
        """Requests inside take at most as long together as one request with its repetitions."""
        if self._current.deadline:
            yield self._current.deadline
            return
        with Deadline(self._request_seconds) as deadline:
            self._current.deadline = deadline
            try:
                yield deadline
            finally:
                self._current.deadline = None

    def _accepted(self, message: _Message) -> bytes:
        answer = self._request(message)
        if answer.status != HTTPStatus.OK:
            raise self._refusal(message.path, answer)
        return answer.body

    def _refusal(self, path: str, answer: Answer) -> Exception:
        return _refusal(f"{self.address}/{path.lstrip('/')}", answer)

    def _request(self, message: _Message) -> Answer:
        with self.one_limit() as deadline:
            return self._repeated(deadline, message)

    def _repeated(self, deadline: Deadline, message: _Message) -> Answer:
        """The first answer that is not temporary, or the last.

        No request of this package changes state on the server, so a POST may be repeated too. A
        request is not repeated after a time-out, nor if Retry-After exceeds LONGEST_WAIT.
        """
        for wait in _waits():
            try:
                answer = self._once(message)
            except HTTPError as error:
                if deadline.remaining <= 0:
                    self._give_up(f"no complete answer in {self._request_seconds:g} s", error)
                if wait is None or isinstance(error, ReadTimeoutError):
                    self._give_up(_cause(error), error)
            else:
                if deadline.remaining <= 0:  # the body may be cut off
                    self._give_up(f"no complete answer in {self._request_seconds:g} s")
                if wait is None or not answer.is_temporary:
                    return answer
                wait = answer.retry_after or wait  # noqa: PLW2901
                if wait > min(LONGEST_WAIT, deadline.remaining):
                    return answer
            time.sleep(wait)
        raise AssertionError("the last wait is None")

    def _once(self, message: _Message) -> Answer:
        response = self._pool.urlopen(
            message.method,
            f"{self._prefix}/{message.path.lstrip('/')}",
            body=message.body,
            headers={**self._headers, **message.headers},
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            content = self._read(response, message.largest)
        except BaseException:
            response.close()  # the rest is not wanted
            raise
        response.release_conn()
        return Answer(response.status, response.reason or "", response.headers, content)

    def _read(self, response: urllib3.BaseHTTPResponse, largest: int) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            # SECURITY: a few bytes may decompress to gigabytes; none were asked for.
            raise self.wrong(f"it compresses its response: {text(encoding)}")
        content = bytearray()
        while chunk := response.read(CHUNK):
            content += chunk
            if len(content) > largest:
                raise self.wrong(f"its response is larger than {largest} bytes")
        return bytes(content)

    def wrong(self, reason: str) -> WrongServerError:
        """The error for a response that a speech emotion server does not send."""
        return WrongServerError(f"{self.address} is not a speech emotion server: {reason}")

    def checked(self, read: Callable[[], T]) -> T:
        """What `read` finds in a document; raises WrongServerError if it is another document."""
        try:
            return read()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self.wrong(f"unexpected response: {error!r}") from error

    def _give_up(self, reason: str, error: Exception | None = None) -> Never:
        raise NoServerError(f"No server answers at {self.address}: {reason}") from error

    def _parse(self, path: str, body: bytes) -> Any:
        try:
            return _json(body)
        except (ValueError, RecursionError):
            raise self.wrong(f"the response for {path} is not JSON") from None


def _waits() -> Iterator[float | None]:
    """Seconds to wait after each try; None after the last."""
    yield 0.0
    for retry in range(1, RETRIES):
        yield FIRST_WAIT * 2**retry
    yield None


def _json(body: bytes) -> Any:
    """Raises ValueError, or RecursionError."""
    return json.loads(body, parse_constant=_refuse_constant)


def _refuse_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")


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


def _authorization(api_key: str | None) -> dict[str, str]:
    if api_key is None:
        return {}
    if not re.fullmatch("[!-~]+", api_key):
        raise InvalidKeyError(
            f"the API key, of {len(api_key)} characters, cannot be sent; "
            "expected printable ASCII characters without spaces"
        )
    return {"Authorization": f"Bearer {api_key}"}


def _cause(error: HTTPError) -> str:
    """The last part of urllib3's nested message, such as `[Errno 111] Connection refused`."""
    if isinstance(error, ReadTimeoutError):
        return "it accepts the connection, but does not answer in time"
    return text(str(error).rpartition("): ")[2])


def _refusal(url: str, answer: Answer) -> Exception:
    """The error for a response with another status than 200."""
    content_type = answer.headers.get("Content-Type", "").partition(";")[0]
    if content_type == PROBLEM_TYPE:
        try:
            return _problem(answer.status, _json(answer.body))
        except (ValueError, AttributeError, RecursionError):
            pass  # the content type is wrong
    status = text(f"{answer.status} {answer.reason}".rstrip())
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in PROXY_STATUSES:
        return ServerProblemError(answer.status, status, _reason(answer))
    location = answer.headers.get("Location")
    redirect = f" and redirects to {text(location)}" if location else ""
    return WrongServerError(
        f"{url} answers {status}{redirect}; a speech emotion server does not answer this"
    )


def _reason(answer: Answer) -> str:
    """The text in an error of the Open Inference Protocol."""
    try:
        return text(_json(answer.body)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "the server gave no reason"


def _problem(status: int, document: dict[str, Any]) -> ServerProblemError:
    members = {
        member: text(document.get(key, default))
        for member, key, default in (
            ("title", "title", str(status)),
            ("detail", "detail", ""),
            ("kind", "type", "about:blank"),
            ("pointer", "pointer", ""),
        )
    }
    return ServerProblemError(status, **members)
