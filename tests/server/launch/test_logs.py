import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from server.launch.logs import JsonFormatter, json_lines


def lines(*parts: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(json_lines(parts)).splitlines()]


@pytest.mark.parametrize(
    ("text", "process", "level", "message"),
    [
        (b"2026-11-21 02:49:22,254 INFO spawned: 'x'", "supervisord", "info", "spawned: 'x'"),
        (b"2026/11/21 03:01:06 [error] 4#4: *1 oh", "nginx", "error", "4#4: *1 oh"),
        (
            b'2026/11/21 03:01:06 [error] 4#4: *1 oh, client: 1.2.3.4, request: "GET /?m=1"',
            "nginx",
            "error",
            "4#4: *1 oh",
        ),
        (b'a "quote" and \xff', "server", "info", 'a "quote" and \ufffd'),
    ],
)
def test_a_line_that_is_not_json_becomes_a_message(
    text: bytes, process: str, level: str, message: str
) -> None:
    (line,) = lines(text + b"\n")
    assert line.pop("time")
    assert line == {"process": process, "level": level, "message": message}


def test_json_lines_are_unchanged_wherever_the_input_is_split() -> None:
    whole = b'{"a":1}\n{"b":2}\n'
    for cut in range(len(whole)):
        assert b"".join(json_lines([whole[:cut], whole[cut:]])) == whole


def test_a_repeated_message_of_nginx_is_written_once_a_second() -> None:
    error = "2026/11/21 03:01:06 [crit] {0}#4: *{0} connect() failed, client: 1.2.3.4\n"
    # The clock advances by a second for each part.
    parts = [b"".join(error.format(n).encode() for n in range(100))] * 3
    now = 0.0

    def advance() -> Iterator[bytes]:
        nonlocal now
        for part in parts:
            yield part
            now += 1.0

    text = b"".join(json_lines(advance(), lambda: now))
    messages = [json.loads(line)["message"] for line in text.splitlines()]
    repeated = [f"0#4: *0 connect() failed (repeated {times} times)" for times in (99, 100, 100)]
    assert messages == ["0#4: *0 connect() failed", *repeated]


def test_different_messages_of_nginx_are_all_written() -> None:
    text = b"2026/11/21 03:01:06 [error] 4#4: *1 %d\n"
    assert len(lines(*(text % number for number in range(10)))) == 10


def test_a_last_line_without_a_line_break_is_kept() -> None:
    assert lines(b"the end")[0]["message"] == "the end"


def test_an_error_has_its_traceback_in_the_same_line() -> None:
    error = ValueError("a\nb")
    info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("server.app", logging.ERROR, "", 0, "no %s", ("answer",), info)
    record.fields = {"request_id": "x"}
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["message"], line["level"], line["request_id"]) == ("no answer", "error", "x")
    assert "ValueError" in line["traceback"]


def test_a_traceback_contains_no_decimal_numbers() -> None:
    """The message of an exception may quote what a client sent."""
    error = ValueError("-817.3941, 1e-07, 3.5E+8, [2., 0.25] at 12 of (1, 25)")
    assert traceback_of(error).endswith("ValueError: -#, #, #, [#, #] at 12 of (1, 25)")


def test_a_traceback_keeps_the_versions_in_paths() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    assert json.__file__ in traceback_of(caught.value)


def traceback_of(error: Exception) -> str:
    told = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), told)
    text: str = json.loads(JsonFormatter().format(record))["traceback"]
    return text
