"""Requests that are split into their data and the rest."""

import pytest

from server.codecs.open_inference.request_text import split_request


@pytest.mark.parametrize("spaces", [0, 1, 100, 100_000])
def test_a_list_is_found_after_any_space(spaces: int) -> None:
    space = b" " * spaces
    split = split_request(b'{"data"%b:%b[7, 8], "x": {"data": [9]}}' % (space, space))
    assert [split.text[start:stop] for start, stop in split.lists] == [b"[7, 8]", b"[9]"]
    assert split.find(b"[1]") == split.lists[1]
