"""JSON bodies of `POST /init/verification`: MFCCs, and prosody of the same clip, if any."""

from typing import NamedTuple

import msgspec

from server.codecs.json_values import json_type, parse
from server.codecs.mfcc_json import decode_any_width
from server.codecs.optional_members import (
    NOT_GIVEN,
    Array,
    Utterance,
    decode_rows,
    explain_rows,
    form,
    has_rows,
)
from server.problems import messages
from server.problems.documents import Problem


class Verifiable(NamedTuple):
    """What a client computed from a reference clip."""

    mfccs: Array  # float32 (width,) or (T, width)
    prosody: Array | None  # float32 (T, 3), of another T if its hop length is another
    reference: str | None  # the name of the clip


class _Named(msgspec.Struct):
    reference: msgspec.Raw = NOT_GIVEN


_decode_name = msgspec.json.Decoder(_Named).decode


def decode_verifiable(body: bytes, n_mfcc: int, maximum_frames: int) -> Verifiable:
    """Decodes one body; see `decode_any_width` for the MFCCs.

    Raises:
        Problem: 400 if the body is not JSON, 422 if a member is not valid.
    """
    reader = _RowsReader(maximum_frames)
    utterance = decode_any_width(body, n_mfcc, maximum_frames, reader)
    return Verifiable(utterance.mfccs, utterance.prosody, _name(_decode_name(body).reference))


def _name(reference: msgspec.Raw) -> str | None:
    if reference is NOT_GIVEN:
        return None
    name = parse(bytes(reference))
    if not isinstance(name, str):
        found = json_type(name)
        raise Problem(messages.NO_REFERENCE_NAME, {"pointer": "/reference"}, found=found)
    return name


class _RowsReader:
    """Reads rows of prosody of any number, since a wrong number is a known mistake."""

    def __init__(self, maximum_rows: int) -> None:
        self._maximum_rows = maximum_rows

    def read(self, mfccs: Array, prosody: msgspec.Raw, baseline: msgspec.Raw) -> Utterance:  # noqa: ARG002
        """The members beside valid MFCCs; the baseline is ignored."""
        if prosody is NOT_GIVEN:
            return Utterance(mfccs)
        rows = decode_rows(prosody)
        if not 1 <= len(rows) <= self._maximum_rows:
            raise ValueError
        return Utterance(mfccs, rows)

    def explain(self, mfccs: Array, prosody: msgspec.Raw, baseline: msgspec.Raw) -> None:  # noqa: ARG002
        """Raises the first problem of prosody that could not be read."""
        rows, members = parse(bytes(prosody)), {"pointer": "/prosody"}
        if not has_rows(rows):
            raise Problem(messages.NO_ROWS_TO_VERIFY, members, found=form(rows))
        if len(rows) > self._maximum_rows:
            maximum = self._maximum_rows
            raise Problem(messages.TOO_MANY_ROWS, members, maximum=maximum, found=len(rows))
        explain_rows(rows)
