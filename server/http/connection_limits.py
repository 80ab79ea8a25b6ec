"""What Nginx limits, limited by a worker that stands alone."""

from asyncio import Task
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from server.problems import messages
from server.problems.documents import Problem, in_open_inference, inference_error
from server.settings import ServerSettings

Asgi = Callable[..., Any]


@dataclass(frozen=True)
class Waiting:
    """What a connection's client has to send: the rest of a header, or of a body."""

    seconds: float  # that it may take for it
    request: object  # another one is another wait


class Connection(Protocol):
    """One connection, as the guard sees it."""

    def waits_for(self, settings: ServerSettings) -> Waiting | None:
        """What the client has not sent yet; None where it has nothing to send."""

    def cut_off(self) -> None:
        """Refuses a client that is too slow."""


class Guard:
    """Watches the connections of one worker.

    Limits that hold for the whole server are shared out among the workers, since each of them sees
    its own connections only.
    """

    def __init__(self, settings: ServerSettings, workers: int) -> None:
        self._settings = settings
        self._open_requests = -(-settings.open_requests(workers) // workers)
        self._connections = -(-settings.connections_per_address // workers)
        self._requests = -(-settings.requests_per_second_per_address // workers)
        self._of_address: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._refilled = 0.0
        self._waiting: dict[Connection, tuple[Waiting, float]] = {}
        self.watched: Iterable[Connection] = ()

    def connected(self, address: str) -> None:
        """A client has connected."""
        self._of_address[address] += 1

    def disconnected(self, address: str) -> None:
        """A connection has ended."""
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    def refusal(self, address: str, tasks: Collection[Task[None]], now: float) -> Asgi | None:
        """An application that refuses the request, if it must be refused.

        tasks: of the requests before it; those that are done are only dropped in the next turn of
        the event loop, when clients that wait for nothing have already asked again.
        """
        if len(tasks) >= self._open_requests:
            open_requests = sum(not task.done() for task in tasks)
            if open_requests >= self._open_requests:
                return OVERLOADED
        if self._connections and self._of_address[address] > self._connections:
            return TOO_MANY
        if self._requests and not self._may_ask(address, now):
            return TOO_MANY
        return None

    def _may_ask(self, address: str, now: float) -> bool:
        """Counts the requests of each second."""
        if now - self._refilled >= 1:
            self._left.clear()
            self._refilled = now
        self._left[address] += 1
        return self._left[address] <= self._requests

    def cut_off_the_slow(self, now: float) -> None:
        """Is called about once a second."""
        waiting: dict[Connection, tuple[Waiting, float]] = {}
        for connection in list(self.watched):
            wait = connection.waits_for(self._settings)
            if wait is None:
                continue
            known, since = self._waiting.get(connection, (None, now))
            if known is None or known.request is not wait.request or known.seconds != wait.seconds:
                since = now
            if now - since >= wait.seconds:
                connection.cut_off()
            else:
                waiting[connection] = wait, since
        self._waiting = waiting


def _refuser(kind: messages.ProblemKind) -> Asgi:
    problem = Problem(kind).document()

    async def refuse(scope: Any, _: Any, send: Callable[..., Any]) -> None:
        content_type, body = "application/problem+json", problem
        if in_open_inference(scope["path"]):
            content_type, body = "application/json", inference_error(kind.detail)
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", b"1"),
        ]
        await send({"type": "http.response.start", "status": kind.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return refuse


OVERLOADED = _refuser(messages.OVERLOADED)
TOO_MANY = _refuser(messages.TOO_MANY_REQUESTS)
