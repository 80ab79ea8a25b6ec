"""Parses any JSON text, and finds the first value of a list that is no number of float32."""

import json
from math import inf
from typing import Any, NoReturn

import msgspec
import numpy as np

from server.problems import messages
from server.problems.documents import Problem, malformed_json, shortened

FLOAT32_MAXIMUM = float(np.finfo(np.float32).max)
NUMBERS = {int, float}

_decode_anything = msgspec.json.Decoder(float_hook=float).decode


def parse(body: bytes) -> Any:
    """Reads any JSON text; numbers out of range become infinite.

    Raises:
        Problem: 400, the text is not JSON.
    """
    try:
        body.decode()
        return _decode_anything(body)
    except msgspec.ValidationError:
        return _parse_huge_integers(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed_json(error) from None


def _parse_huge_integers(body: bytes) -> Any:
    """Reads JSON with integers of thousands of digits, which msgspec rejects, as infinite."""
    try:
        return json.loads(body, parse_int=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise malformed_json(error) from None


def _refuse_constant(name: str) -> NoReturn:
    raise Problem(messages.NOT_A_JSON_NUMBER, name=name)


def json_type(value: Any) -> str:
    """The type of a parsed value, for messages."""
    return messages.JSON_TYPES[type(value)]


def check_numbers(values: list[Any], pointer: str) -> None:
    """Checks that all values of a list are numbers of float32; `pointer` leads to the list.

    Raises:
        Problem: 422, with a pointer to the first other value.
    """
    if set(map(type, values)) <= NUMBERS and _largest(values) <= FLOAT32_MAXIMUM:
        return
    for index, value in enumerate(values):
        check_number(value, f"{pointer}/{index}")


def check_number(value: Any, pointer: str) -> None:
    """Checks that a value is a number of float32.

    Raises:
        Problem: 422.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Problem(messages.NO_NUMBER, {"pointer": pointer}, found=json_type(value))
    if not abs(value) <= FLOAT32_MAXIMUM:
        is_infinite = value in (inf, -inf)  # JSON has numbers beyond float64
        found = "a number outside it" if is_infinite else shortened(value)
        raise Problem(messages.NO_FLOAT32, {"pointer": pointer}, found=found)


def _largest(values: list[float]) -> float:
    return max(map(abs, values), default=0.0)
