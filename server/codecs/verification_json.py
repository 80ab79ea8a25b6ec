"""JSON bodies of `POST /init/verification`: MFCCs, and prosody of the same clip, if any."""

from struct import Struct as Packer
from typing import Any, NamedTuple

import msgspec
import numpy as np

from server.codecs.json_values import json_type, parse
from server.codecs.mfcc_json import decode_any_width
from server.codecs.voice_json import (
    NOT_GIVEN,
    Array,
    Utterance,
    VoiceReader,
    explain_rows,
    form,
    has_rows,
)
from server.models.prosody_statistics import PROSODY_COLUMNS
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
_decode_rows = msgspec.json.Decoder(list[list[float]]).decode
_pack_row = Packer(f"<{PROSODY_COLUMNS}f").pack


def decode_verifiable(body: bytes, n_mfcc: int, maximum_frames: int) -> Verifiable:
    """Decodes one body; see `decode_any_width` for the MFCCs.

    Raises:
        Problem: 400 if the body is not JSON, 422 if a member is not valid.
    """
    reader = _RowsReader(n_mfcc, maximum_frames)
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


class _RowsReader(VoiceReader):
    """Reads rows of prosody of any number, since a wrong number is a known mistake."""

    def __init__(self, n_mfcc: int, maximum_rows: int) -> None:
        super().__init__(n_mfcc, 0)
        self._maximum_rows = maximum_rows

    def read(self, mfccs: Array, prosody: msgspec.Raw, baseline: msgspec.Raw) -> Utterance:  # noqa: ARG002
        """The members beside valid MFCCs; the baseline is ignored."""
        if prosody is NOT_GIVEN:
            return Utterance(mfccs)
        rows = _decode_rows(prosody)
        if not 1 <= len(rows) <= self._maximum_rows:
            raise ValueError
        packed = b"".join([_pack_row(*row) for row in rows])
        return Utterance(mfccs, np.frombuffer(packed, np.float32).reshape(-1, PROSODY_COLUMNS))

    def explain(self, document: dict[str, Any]) -> None:
        """Raises the first problem of the prosody of a parsed body."""
        prosody, members = document.get("prosody"), {"pointer": "/prosody"}
        if "prosody" not in document:
            return
        if not has_rows(prosody):
            raise Problem(messages.NO_ROWS_TO_VERIFY, members, found=form(prosody))
        explain_rows(prosody)
        if len(prosody) > self._maximum_rows:
            maximum = self._maximum_rows
            raise Problem(messages.TOO_MANY_ROWS, members, maximum=maximum, found=len(prosody))
