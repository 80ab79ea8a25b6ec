"""Splits the JSON of a long inference request into its data and the rest.

One call of the JSON decoder holds the GIL, and with it the event loop, until it is done. The rest
has few values and is decoded in one call; json_lists.py beside this file reads the data in pieces.
"""

import re
from typing import NamedTuple

from server.problems import messages
from server.problems.documents import Problem

LARGEST_REST = 1_048_576  # bytes
MOST_VALUES = 4_096  # lists, objects and commas in the rest
MOST_LISTS = 16  # of data
START_BYTES = 65_536  # that are decoded of a larger rest, to find its first fault

SPACE = rb"[ \t\r\n]*+"
DATA = re.compile(rb'"data"%b:%b\[' % (SPACE, SPACE))
AFTER_LIST = b" \t\r\n,"


class DataList(NamedTuple):
    """The place of a list in the text of a request."""

    start: int  # of its opening bracket
    stop: int  # after its closing bracket


class SplitText(NamedTuple):
    """The text of a request; `[0]`, `[1]` ... stand in `rest` for the lists of its data.

    is_cut: whether the rest is too large, and only its start is given.
    """

    text: bytes
    rest: bytes
    lists: list[DataList]
    is_cut: bool = False

    def find(self, data: bytes) -> DataList | None:
        """The list that such a stand-in replaces."""
        digits = data[1:-1]
        number = int(digits) if digits.isdigit() and len(digits) < 3 else len(self.lists)
        return self.lists[number] if number < len(self.lists) else None

    def position(self, position: int) -> int:
        """The position in the text of a position in the rest."""
        for number, (start, stop) in enumerate(self.lists):
            if position <= start:
                break
            position += stop - start - len(_stand_in(number))
        return position


def split_request(text: bytes) -> SplitText:
    """Splits the text of a request.

    Raises:
        Problem: 400 if the data has something other than numbers and lists, or has no end.
    """
    parts: list[bytes] = []
    lists: list[DataList] = []
    position, left = 0, LARGEST_REST
    while len(lists) < MOST_LISTS and (key := DATA.search(text, position, position + left)):
        start = key.end() - 1
        left -= start - position
        stop = _end_of_list(text, start)
        parts += [text[position:start], _stand_in(len(lists))]
        lists.append(DataList(start, stop))
        position = stop
    rest = b"".join([*parts, text[position : position + left]])
    is_cut = len(text) - position > left or sum(map(rest.count, (b"[", b"{", b","))) > MOST_VALUES
    return SplitText(text, rest[:START_BYTES] if is_cut else rest, lists, is_cut)


def _stand_in(number: int) -> bytes:
    return b"[%d]" % number


def _end_of_list(text: bytes, start: int) -> int:
    """The index after the last bracket of a list of numbers."""
    ends = [text.find(mark, start) for mark in (b'"', b"{", b"}")]
    end = min((found for found in ends if found >= 0), default=len(text))
    if end == len(text):
        raise Problem(messages.MALFORMED_JSON, reason="input data was truncated")
    stop = text.rfind(b"]", start, end) + 1
    if not stop or text[stop:end].strip(AFTER_LIST):
        raise Problem(messages.DATA_NO_NUMBERS, position=end)
    return stop
