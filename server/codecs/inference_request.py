"""Bodies of inference requests to arrays, checked as strictly as those of `/prediction`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from server import problems
from server.codecs.tensor_specs import Signature, Tensor
from server.codecs.tensors import Announced, read_binary, read_json

# Lists and objects would take many times the memory that their text has.
Scalar = bool | int | float | str | None
LONGEST_ID = 256  # characters: it is sent back


class _InputParameters(msgspec.Struct):
    binary_data_size: Scalar = None


class _OutputParameters(msgspec.Struct):
    binary_data: Scalar = None
    classification: Scalar = None
    shared_memory_region: Scalar = None


class _RequestParameters(msgspec.Struct):
    binary_data_output: Scalar = None


class _Input(msgspec.Struct):
    name: str
    shape: list[Annotated[int, Meta(ge=1, le=2**31 - 1)]]
    datatype: str
    parameters: _InputParameters | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Output(msgspec.Struct):
    name: str
    parameters: _OutputParameters | None = None


class _Request(msgspec.Struct):
    inputs: list[_Input]
    id: Annotated[str, Meta(max_length=LONGEST_ID)] | None = None
    parameters: _RequestParameters | None = None
    outputs: list[_Output] | None = None


@dataclass(frozen=True)
class WantedOutput:
    """An output that the client asks for."""

    name: str
    binary: bool
    classes: int = 0  # so many of the likeliest labels in place of the numbers; 0: the numbers


@dataclass(frozen=True)
class InferenceRequest:
    """A request whose arrays fit the network's signature."""

    id: str | None
    inputs: Mapping[str, NDArray[Any]]
    outputs: tuple[WantedOutput, ...]


_decode = msgspec.json.Decoder(_Request).decode


def read_request(
    body: bytes, json_bytes: int | None, signature: Signature, maximum_rows: int
) -> InferenceRequest:
    """Reads one body.

    json_bytes: the length of the JSON, where the bytes of tensors may follow; None: the whole body.

    Raises:
        Problem: 400 or 413, naming the value and what was expected.
    """
    request = _parse(body if json_bytes is None else body[:json_bytes])
    inputs = _Inputs(body, json_bytes, signature, maximum_rows).read(request.inputs)
    return InferenceRequest(request.id, inputs, _wanted(request, signature))


def _parse(text: bytes) -> _Request:
    try:
        if not text.isascii():
            text.decode()
        return _decode(text)
    except msgspec.ValidationError as error:
        raise problems.invalid_inference(f"the request: {error}") from None
    except UnicodeDecodeError as error:
        raise problems.malformed_json(f"invalid UTF-8 at byte {error.start}") from None
    except msgspec.DecodeError as error:
        raise problems.malformed_json(str(error).rstrip(".").lower()) from None
    except RecursionError:
        raise problems.malformed_json("it is nested too deeply") from None


class _Inputs:
    """Reads the inputs of one request, one after the other."""

    def __init__(
        self, body: bytes, json_bytes: int | None, signature: Signature, maximum_rows: int
    ) -> None:
        self._body = body
        self._offset = len(body) if json_bytes is None else json_bytes
        self._tensors = {tensor.name: tensor for tensor in signature.inputs}
        self._needed = signature.inputs[0].name
        self._maximum_rows = maximum_rows
        self._found: dict[str, NDArray[Any]] = {}

    def read(self, inputs: list[_Input]) -> dict[str, NDArray[Any]]:
        for index, given in enumerate(inputs):
            place = f"inputs[{index}]"
            self._check(given, place)
            self._found[given.name] = self._values(given, place)
        if self._needed not in self._found:
            raise problems.invalid_inference(f"the input {self._needed!r} is missing")
        if self._offset != len(self._body):
            raise problems.invalid_inference(
                f"{len(self._body) - self._offset} bytes follow the data of the last input"
            )
        if "lengths" in self._found:
            _check_lengths(self._found["frames"].shape, self._found["lengths"])
        return self._found

    def _check(self, given: _Input, place: str) -> None:
        tensor = self._tensors.get(given.name)
        if tensor is None:
            raise _unexpected(f"{place}.name", given.name, sorted(self._tensors))
        if given.name in self._found:
            raise problems.invalid_inference(f"{place}: the input {given.name!r} is given twice")
        if given.datatype != tensor.datatype:
            raise _unexpected(f"{place}.datatype", given.datatype, [tensor.datatype])
        if len(tensor.shape) == 1 and given.shape[1:] == [1]:
            given.shape = given.shape[:1]  # a column, as MLServer's codec writes what has one axis
        if not tensor.fits(given.shape):
            raise problems.invalid_inference(
                f"{place}.shape is {given.shape}; expected {list(tensor.shape)}, where -1 is any"
            )
        if given.shape[0] > self._maximum_rows:
            raise problems.batch_too_large(given.shape[0], self._maximum_rows)

    def _values(self, given: _Input, place: str) -> NDArray[Any]:
        announced = Announced(place, given.datatype, given.shape)
        size = given.parameters.binary_data_size if given.parameters else None
        has_json = bool(memoryview(given.data))
        if size is None:
            if not has_json:
                raise problems.invalid_inference(
                    f'{place} has neither "data" nor "binary_data_size"; shared memory is not '
                    "supported"
                )
            return read_json(given.data, announced)
        if type(size) is not int or has_json:
            raise problems.invalid_inference(
                f'{place}: expected "data", or else a whole number as "binary_data_size"'
            )
        start, self._offset = self._offset, self._offset + size
        return read_binary(self._body, start, size, announced)


def _check_lengths(frames: tuple[int, ...], lengths: NDArray[np.int64]) -> None:
    if lengths.shape != frames[:1]:
        raise problems.invalid_inference(
            f"lengths has the shape {list(lengths.shape)}; expected {list(frames[:1])}, one for "
            "each utterance of frames"
        )
    outside = np.flatnonzero((lengths < 1) | (lengths > frames[1]))
    if outside.size:
        index = int(outside[0])
        raise problems.invalid_inference(
            f"lengths[{index}] is {lengths[index]}; expected 1 to {frames[1]}, the frames given"
        )


def _wanted(request: _Request, signature: Signature) -> tuple[WantedOutput, ...]:
    parameters = request.parameters or _RequestParameters()
    binary = _flag(parameters.binary_data_output, "parameters.binary_data_output", default=False)
    if not request.outputs:
        return tuple(WantedOutput(tensor.name, binary) for tensor in signature.outputs)
    tensors = {tensor.name: tensor for tensor in signature.outputs}
    wanted: dict[str, WantedOutput] = {}
    for index, output in enumerate(request.outputs):
        place = f"outputs[{index}]"
        if output.name not in tensors:
            raise _unexpected(f"{place}.name", output.name, list(tensors))
        if output.name in wanted:
            raise problems.invalid_inference(f"{place}: {output.name!r} is asked for twice")
        wanted[output.name] = _wanted_output(output, tensors[output.name], place, binary)
    return tuple(wanted.values())


def _wanted_output(output: _Output, tensor: Tensor, place: str, binary: bool) -> WantedOutput:
    place = f"{place}.parameters"
    parameters = output.parameters or _OutputParameters()
    if parameters.shared_memory_region is not None:
        raise problems.invalid_inference(f"{place}: shared memory is not supported")
    binary = _flag(parameters.binary_data, f"{place}.binary_data", default=binary)
    classes = parameters.classification or 0
    if type(classes) is not int or classes < 0:
        raise _unexpected(f"{place}.classification", classes, ["a number of labels"])
    if classes and len(tensor.shape) < 2:
        raise problems.invalid_inference(f"{place}: {output.name!r} has no labels")
    return WantedOutput(output.name, binary, classes and min(classes, tensor.shape[-1]))


def _flag(value: Scalar, place: str, *, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _unexpected(place, value, [True, False])
    return value


def _unexpected(place: str, found: Any, expected: list[Any]) -> problems.Problem:
    known = " or ".join(str(value) for value in expected)
    return problems.invalid_inference(f"{place} is {problems.shortened(found)}; expected {known}")
