"""Signals that interrupt a change of the models."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from server.models.releases import ReleaseError, ReleaseStore
from server.processes import STOP_SIGNALS


class _Interrupted(BaseException):
    """No Exception: only the code that undoes a change catches it."""


@contextmanager
def stop_signals_as_errors(store: ReleaseStore) -> Iterator[None]:
    """Lets the first stop signal end the change; ignores further ones while it is undone.

    Raises:
        ReleaseError: there was such a signal, and the message tells what is served; or the state
            directory cannot be written.
    """
    before = store.deployment
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        yield
    except OSError as error:
        raise ReleaseError(f"Cannot change the models: {error}") from None
    except _Interrupted as error:
        is_undone = store.deployment == before
        served = "the models are the same as before" if is_undone else "the new models are served"
        raise ReleaseError(f"Interrupted by {error}; {served}") from None
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, _: FrameType | None) -> None:
    for other in STOP_SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise _Interrupted(signal.Signals(number).name)
