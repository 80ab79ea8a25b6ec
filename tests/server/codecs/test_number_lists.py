import json
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest

from server.codecs.number_lists import PIECE_BYTES, DeclaredTensor, read_floats
from server.problems.documents import Problem


def tensor(*shape: int) -> DeclaredTensor:
    return DeclaredTensor("inputs[0]", "FP32", list(shape))


def text(values: Any, indent: int | None = None) -> bytes:
    return json.dumps(values, indent=indent).encode()


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("shape", [(4_000, 25), (1, 4_000, 25), (40, 100, 25), (4_000, 1, 25)])
def test_a_list_of_several_pieces_is_read_completely(
    shape: tuple[int, ...], indent: int | None
) -> None:
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for lists in (values.tolist(), values.ravel().tolist()):
        body = text(lists, indent)
        assert len(body) > 10 * PIECE_BYTES
        np.testing.assert_array_equal(read_floats(body, tensor(*shape)), values)


@pytest.mark.parametrize("place", [(0, 0, 0), (1, 1_500, 7), (2, 1_999, 24)])
def test_an_error_names_its_place_in_lists_that_are_nested_three_deep(
    place: tuple[int, int, int],
) -> None:
    utterance, frame, column = place
    values: Any = np.zeros((3, 2_000, 25)).tolist()
    values[utterance][frame][column] = "]],[["
    index = f"[{utterance}][{frame}][{column}]"
    with pytest.raises(msgspec.ValidationError, match="got `str`") as error:
        read_floats(text(values), tensor(3, 2_000, 25))
    assert index in str(error.value)
    values[utterance][frame][column] = 1e39
    with pytest.raises(Problem) as problem:
        read_floats(text(values), tensor(3, 2_000, 25))
    assert f"data{index} is 1e+39" in problem.value.detail


@pytest.mark.parametrize(
    "values", [[[]], [[], [[1.0]]], [[[1.0]], []], [[[1.0]], [[1.0]]], [[[1.0], [1.0]]], [[[]]]]
)
def test_lists_of_another_shape_are_refused(values: Any) -> None:
    with pytest.raises(Problem) as problem:
        read_floats(text(values), tensor(1, 1, 1))
    assert "expected lists nested as the shape" in problem.value.detail


def test_a_long_list_takes_a_few_times_the_memory_of_its_text() -> None:
    body = text(np.zeros((1, 8_000, 25), int).tolist())
    tracemalloc.start()
    read_floats(body, tensor(1, 8_000, 25))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 200_000 + 60 * PIECE_BYTES
