"""Reads JSON lists of numbers, flat or nested, piece by piece.

One call of the JSON decoder holds the GIL until it is done. Between two pieces the event loop can
run. number_rows.py reads most pieces; msgspec reads the others and finds their faults. A piece
becomes bytes at once, and the first piece that does not fit the declared shape ends the reading, so
a list takes no more memory than its tensor.
"""

import re
from collections.abc import Iterator, Sequence, Sized
from struct import Struct as Packer
from struct import error as PackingError  # noqa: N812  # the standard library's name says nothing
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from server.codecs.json_values import FLOAT32_MAXIMUM
from server.codecs.number_rows import Rows, read_numbers, read_rows
from server.codecs.open_inference.tensors import DTYPES, DeclaredTensor, not_finite
from server.problems import messages
from server.problems.documents import Problem, malformed_json

PIECE_BYTES = 32_768
LONGEST_GAP = 65_536  # bytes without a place where the list can be cut

SPACE = rb"[ \t\r\n]{0,1024}"
NESTED = re.compile(rb"\[%b\[" % SPACE)
# Where a list is cut: group 1 belongs to the piece before, the comma to neither piece. Group 2 is
# the start of an utterance.
BETWEEN_NUMBERS = re.compile(rb"(),()")
BETWEEN_ROWS = re.compile(rb"(\])%b,(?=%b\[(%b\[)?)" % (SPACE, SPACE, SPACE))
INDICES = re.compile(r"\$\[(\d+)\](?:\[(\d+)\])?")

ListDecoder = msgspec.json.Decoder[list[Any]]
Brackets = tuple[bytes, bytes]

_integers: ListDecoder = msgspec.json.Decoder(list[Annotated[int, Meta(ge=1, le=2**63 - 1)]])
_numbers: dict[int, ListDecoder] = {  # by the depth of the lists
    1: msgspec.json.Decoder(list[float]),
    2: msgspec.json.Decoder(list[list[float]]),
    3: msgspec.json.Decoder(list[list[list[float]]]),
}


class JsonList(NamedTuple):
    """A list in a text, from its opening bracket to its closing one."""

    text: bytes
    start: int
    stop: int


class _Piece(NamedTuple):
    start: int
    stop: int
    is_last: bool
    is_open: bool  # more rows of its last utterance follow


def read_json(data: JsonList, tensor: DeclaredTensor) -> NDArray[Any]:
    """The tensor in a JSON list, which is flat or nested as the tensor's shape.

    Raises:
        Problem: 400 if the list does not hold such a tensor.
    """
    is_flat = tensor.datatype == "INT64" or not NESTED.match(data.text, data.start)
    reader = _FlatReader(data, tensor) if is_flat else _NestedReader(data, tensor)
    packed = reader.read()
    return np.frombuffer(packed, DTYPES[tensor.datatype]).reshape(tensor.shape)


class _Reader:
    """Decodes the pieces of a list."""

    def __init__(self, data: JsonList, tensor: DeclaredTensor) -> None:
        self._data = data
        self._tensor = tensor
        self._place = f"{tensor.place}.data"

    def _pieces(self, cut: re.Pattern[bytes]) -> Iterator[_Piece]:
        """The places of the pieces between the brackets of the list."""
        start, end = self._data.start + 1, self._data.stop - 1
        while end - start > PIECE_BYTES:
            near = start + PIECE_BYTES
            found = cut.search(self._data.text, near, min(end, near + LONGEST_GAP))
            if not found:
                break
            yield _Piece(start, found.end(1), is_last=False, is_open=found[2] is None)
            start = found.end()
        if end - start > PIECE_BYTES + LONGEST_GAP:
            raise Problem(messages.DATA_TOO_SPARSE, place=self._place, limit=LONGEST_GAP)
        yield _Piece(start, end, is_last=True, is_open=False)

    def _decode(
        self, decoder: ListDecoder, piece: _Piece, brackets: Brackets, *first: int
    ) -> list[Any]:
        """The values of a piece; `first` are the indices of its first value in the whole list."""
        opening, closing = brackets
        try:
            values = decoder.decode(opening + self._text(piece) + closing)
        except msgspec.ValidationError as error:
            reason = _shifted(str(error), first)
            raise Problem(messages.INVALID_DATA, place=self._place, error=reason) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._malformed(error, piece, len(opening)) from None
        if not values and not self._is_whole(piece):
            raise Problem(messages.MALFORMED_JSON, reason=f"expected a value (byte {piece.start})")
        return values

    def _text(self, piece: _Piece) -> bytes:
        return self._data.text[piece.start : piece.stop]

    def _is_whole(self, piece: _Piece) -> bool:
        return piece.is_last and piece.start == self._data.start + 1

    def _malformed(self, error: Exception, piece: _Piece, added: int) -> Problem:
        return malformed_json(error, lambda at: at + piece.start - added)


class _FlatReader(_Reader):
    """Reads a list of numbers."""

    def read(self) -> bytearray:
        """The numbers as bytes."""
        packed, count, size = bytearray(), 0, self._tensor.size
        for piece in self._pieces(BETWEEN_NUMBERS):
            values = self._values(piece, count)
            total = count + len(values)
            if total > size or (piece.is_last and total < size):
                raise self._wrong_count(total if piece.is_last else f"more than {size}")
            packed += values.data if isinstance(values, np.ndarray) else self._packed(values, count)
            count = total
        return packed

    def _values(self, piece: _Piece, count: int) -> list[Any] | Rows:
        brackets = opening, closing = b"[", b"]"
        if self._tensor.datatype == "INT64":
            return self._decode(_integers, piece, brackets, count)
        found = read_numbers(opening + self._text(piece) + closing)
        return self._decode(_numbers[1], piece, brackets, count) if found is None else found

    def _packed(self, values: list[Any], count: int) -> bytes:
        code = "q" if self._tensor.datatype == "INT64" else "f"
        try:
            # NOTE: the standard mode raises for numbers outside float32; the native does not.
            return Packer(f"<{len(values)}{code}").pack(*values)
        except OverflowError:
            index = _first_outside(values) or 0
            where = f".data[{count + index}]"
            raise not_finite(where, values[index], self._tensor) from None

    def _wrong_count(self, found: int | str) -> Problem:
        return Problem(
            messages.WRONG_COUNT,
            place=self._place,
            found=found,
            expected=self._tensor.size,
            shape=self._tensor.shape,
        )


class _NestedReader(_Reader):
    """Reads rows of numbers, `[N, F]`, or utterances of such rows, `[N, T, F]`."""

    def __init__(self, data: JsonList, tensor: DeclaredTensor) -> None:
        super().__init__(data, tensor)
        self._is_deep = len(tensor.shape) == 3
        self._utterances, self._frames, self._width = [1, *tensor.shape][-3:]
        self._pack = Packer(f"<{self._width}f").pack
        self._utterance = self._frame = 0  # the indices of the next row

    def read(self) -> bytearray:
        """The numbers as bytes."""
        packed = bytearray()
        for piece in self._pieces(BETWEEN_ROWS):
            place = (self._utterance, self._frame)
            if (rows := self._rows(piece)) is not None:
                self._check_lengths([rows], piece)
                packed += rows.data
                continue
            utterances = self._read_piece(piece)
            self._check_lengths(utterances, piece)
            packed += self._packed(utterances, *place)
        return packed

    def _rows(self, piece: _Piece) -> Rows | None:
        return None if self._is_deep else read_rows(b"[" + self._text(piece) + b"]", self._width)

    def _read_piece(self, piece: _Piece) -> list[list[list[float]]]:
        if not self._is_deep:
            return [self._decode(_numbers[2], piece, (b"[", b"]"), self._frame)]
        brackets = (b"[[" if self._frame else b"[", b"]]" if piece.is_open else b"]")
        return self._decode(_numbers[3], piece, brackets, self._utterance, self._frame)

    def _malformed(self, error: Exception, piece: _Piece, added: int) -> Problem:
        """The problem of a piece that is no JSON.

        If a valid list is nested in another way than expected, its pieces are no JSON either.
        """
        if self._is_whole(piece):
            return super()._malformed(error, piece, added)
        return Problem(
            messages.DATA_MALFORMED,
            place=self._place,
            shape=self._tensor.shape,
            start=piece.start,
            stop=piece.stop,
        )

    def _check_lengths(self, utterances: Sequence[Sized], piece: _Piece) -> None:
        """Counts utterances and their rows, as far as they are read."""
        last = self._utterance + len(utterances)
        if last > self._utterances or (piece.is_last and last < self._utterances):
            raise self._wrong_length("", last, self._utterances, is_whole=piece.is_last)
        is_open = piece.is_open if self._is_deep else not piece.is_last
        for number, rows in enumerate(utterances, 1):
            ends = number < len(utterances) or not is_open
            self._frame += len(rows)
            if self._frame > self._frames or (ends and self._frame < self._frames):
                where = f"[{self._utterance}]" if self._is_deep else ""
                raise self._wrong_length(where, self._frame, self._frames, is_whole=ends)
            if ends:
                self._utterance, self._frame = self._utterance + 1, 0

    def _packed(self, utterances: list[list[list[float]]], utterance: int, frame: int) -> bytes:
        """The rows as bytes; the arguments are the indices of the first one."""
        pack = self._pack
        try:
            return b"".join([pack(*row) for rows in utterances for row in rows])
        except (PackingError, OverflowError):
            raise self._bad_row(utterances, utterance, frame) from None

    def _bad_row(self, utterances: list[list[list[float]]], utterance: int, frame: int) -> Problem:
        """The problem of the first row that cannot be packed."""
        for index, rows in enumerate(utterances):
            for number, row in enumerate(rows, 0 if index else frame):
                where = f"[{utterance + index}][{number}]" if self._is_deep else f"[{number}]"
                if len(row) != self._width:
                    return self._wrong_length(where, len(row), self._width)
                column = _first_outside(row)
                if column is not None:
                    return not_finite(f".data{where}[{column}]", row[column], self._tensor)
        raise AssertionError(f"every row of {self._place} can be packed")

    def _wrong_length(
        self, where: str, found: int, expected: int, *, is_whole: bool = True
    ) -> Problem:
        return Problem(
            messages.WRONG_NESTING,
            place=f"{self._place}{where}",
            found=found if is_whole else f"more than {expected}",
            shape=self._tensor.shape,
        )


def _first_outside(values: list[float]) -> int | None:
    """The index of the first number outside float32."""
    indices = (i for i, value in enumerate(values) if not abs(value) <= FLOAT32_MAXIMUM)
    return next(indices, None)


def _shifted(message: str, first: tuple[int, ...]) -> str:
    """An error of msgspec in a piece, with the indices in the whole list."""

    def shift(found: re.Match[str]) -> str:
        index, inner = int(found[1]), found[2]
        path = f"$[{index + first[0]}]"
        if inner is None:
            return path
        return f"{path}[{int(inner) + (first[-1] if index == 0 and len(first) == 2 else 0)}]"

    return INDICES.sub(shift, message)
