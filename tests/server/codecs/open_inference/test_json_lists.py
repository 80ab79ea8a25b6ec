"""Lists that are read piece by piece."""

import json
import re
from typing import Any

import numpy as np
import pytest

from server.codecs.open_inference import json_lists
from server.codecs.open_inference.json_lists import JsonList, read_json
from server.codecs.open_inference.tensors import DeclaredTensor
from server.problems.documents import Problem

SHAPES = [[7, 3], [100, 3], [2, 5, 3], [9, 1, 3], [1, 90, 3], [30, 4, 3]]


@pytest.fixture(autouse=True, params=[10, 64, 1_000])
def piece_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lists, "PIECE_BYTES", request.param)


def read(text: str, shape: list[int], datatype: str = "FP32") -> Any:
    # The list stands somewhere in a longer text.
    body = f"before{text}after".encode()
    data = JsonList(body, len("before"), len(body) - len("after"))
    return read_json(data, DeclaredTensor("inputs[0]", datatype, shape))


def refusal(text: str, shape: list[int], datatype: str = "FP32") -> str:
    with pytest.raises(Problem) as caught:
        read(text, shape, datatype)
    assert caught.value.status_code == 400
    detail: str = caught.value.detail
    return detail


def values(shape: list[int]) -> Any:
    return np.random.default_rng(0).normal(0, 100, shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("is_flat", [False, True])
def test_a_list_in_pieces_has_the_same_values(
    shape: list[int], indent: int | None, is_flat: bool
) -> None:
    expected = values(shape)
    document = expected.ravel().tolist() if is_flat else expected.tolist()
    np.testing.assert_array_equal(read(json.dumps(document, indent=indent), shape), expected)


def test_integers_are_read_in_pieces() -> None:
    found = read(json.dumps(list(range(1, 200))), [199], "INT64")
    assert found.dtype == np.int64
    assert found.tolist() == list(range(1, 200))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bad", [None, "4", True, [1.0], {}])
def test_the_error_names_the_index_of_a_value_of_another_type(shape: list[int], bad: Any) -> None:
    document = values(shape).tolist()
    index = [size - 1 for size in shape]
    row = document[index[0]] if len(shape) == 2 else document[index[0]][index[1]]
    row[-1] = bad
    path = "".join(f"[{number}]" for number in index)
    assert f"Expected `float`, got `{json_type(bad)}` - at `${path}`" in refusal(
        json.dumps(document), shape
    )


def json_type(value: Any) -> str:
    names = {type(None): "null", str: "str", bool: "bool", list: "array", dict: "object"}
    return names[type(value)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_names_the_index_of_a_number_out_of_range(shape: list[int]) -> None:
    flat = values(shape).ravel().tolist()
    flat[-1] = 1e39
    assert f"inputs[0].data[{len(flat) - 1}] is 1e+39" in refusal(json.dumps(flat), shape)
    nested = np.array(flat).reshape(shape).tolist()
    path = "".join(f"[{size - 1}]" for size in shape)
    assert f"inputs[0].data{path} is 1e+39" in refusal(json.dumps(nested), shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_list_that_is_too_short_or_too_long_is_refused(shape: list[int]) -> None:
    for count in (shape[0] - 1, shape[0] + 1):
        document = values([count, *shape[1:]])
        if count:
            message = refusal(json.dumps(document.tolist()), shape)
            assert re.match(r"inputs\[0\]\.data has the length (more than )?\d+; exp", message)
        message = refusal(json.dumps(document.ravel().tolist()), shape)
        assert re.match(r"inputs\[0\]\.data has (more than )?\d+ numbers; expected", message)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_row_of_another_length_is_refused(shape: list[int], change: int) -> None:
    document = values(shape).tolist()
    row = document[-1] if len(shape) == 2 else document[-1][-1]
    row[:] = [0.0] * (3 + change)
    path = "".join(f"[{size - 1}]" for size in shape[:-1])
    assert f"inputs[0].data{path} has the length {3 + change};" in refusal(
        json.dumps(document), shape
    )


@pytest.mark.parametrize("change", [-1, 1])
def test_an_utterance_of_another_length_is_refused(change: int) -> None:
    document = values([30, 4, 3]).tolist()
    document[-1] = [[0.0] * 3] * (4 + change)
    message = refusal(json.dumps(document), [30, 4, 3])
    assert re.match(r"inputs\[0\]\.data\[29\] has the length (5|3|more than 4);", message)


@pytest.mark.parametrize(
    "text",
    ["[1,2,]", "[,1,2]", "[1,,2]", "[1 2]", "[1,2]]", "[[1,2],[3,4]", "[" + " " * 99 + ",1]"],
)
def test_malformed_lists_are_refused(text: str) -> None:
    for shape in ([1, 2], [2, 2], [1, 2, 2]):
        refusal(text, shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_list_nested_in_another_way_is_refused(shape: list[int]) -> None:
    document = values(shape).tolist()
    for other in ([document], [document[:1], *document[1:]]):
        refusal(json.dumps(other), shape)


def test_a_gap_between_two_numbers_is_refused() -> None:
    assert "65,536 bytes without" in refusal("[1," + " " * 70_000 + "2]", [1, 2])
    assert "65,536 bytes without" in refusal("[[1," + "9" * 70_000 + "]]", [1, 2])
