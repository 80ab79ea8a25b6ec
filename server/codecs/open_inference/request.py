"""Reads inference requests of the Open Inference Protocol, in JSON or with binary tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.codecs.open_inference.json_lists import JsonList, read_json
from server.codecs.open_inference.request_schema import (
    Input,
    Output,
    OutputParameters,
    RequestDocument,
    RequestParameters,
    Scalar,
    parse_request,
)
from server.codecs.open_inference.request_text import SplitText, split_request
from server.codecs.open_inference.tensor_specs import ModelSignature, TensorSpec
from server.codecs.open_inference.tensors import DeclaredTensor, check_baselines, read_binary
from server.codecs.prosody_ranges import out_of_range
from server.problems import messages
from server.problems.documents import Problem, shortened

LONGEST_TIMEOUT = 86_400_000_000  # microseconds: a day
LARGEST_WHOLE = 32_768  # bytes of JSON that are decoded in one call


class BatchLimits(NamedTuple):
    """The largest batch that is read."""

    rows: int
    frames: int  # of one utterance


@dataclass(frozen=True)
class RequestedOutput:
    """An output that the client requests.

    binary: whether the tensor is sent as bytes after the JSON.
    classes: how many of the most probable labels are sent instead of numbers; 0: the numbers.
    """

    name: str
    binary: bool
    classes: int = 0


@dataclass(frozen=True)
class InferenceRequest:
    """A request whose arrays match the network's signature."""

    id: str | None
    inputs: Mapping[str, NDArray[Any]]
    outputs: tuple[RequestedOutput, ...]
    timeout: float = 0.0  # seconds; 0: none
    warning_details: bool = False  # whether a warning has its text, distance and limit


def read_request(
    body: bytes, json_bytes: int | None, signature: ModelSignature, limits: BatchLimits
) -> InferenceRequest:
    """Reads the body of a request.

    json_bytes: the length of the JSON, after which binary tensors may follow; None: the whole body.

    Raises:
        Problem: 400 for an invalid request, 413 for more rows or longer utterances than `limits`.
    """
    text = body if json_bytes is None else body[:json_bytes]
    is_short = len(text) <= LARGEST_WHOLE
    split = SplitText(text, text, []) if is_short else split_request(text)
    request = parse_request(split)
    inputs = _InputReader(body, split, signature, limits).read(request.inputs)
    outputs = _requested_outputs(request, signature)
    parameters = request.parameters or RequestParameters()
    details = _flag(parameters.warning_details, "parameters.warning_details", default=False)
    return InferenceRequest(request.id, inputs, outputs, _timeout(parameters), details)


class _InputReader:
    """Reads the inputs of one request."""

    def __init__(
        self, body: bytes, split: SplitText, signature: ModelSignature, limits: BatchLimits
    ) -> None:
        self._body = body
        self._split = split
        self._offset = len(split.text)  # of the next binary tensor
        self._specs = {spec.name: spec for spec in signature.inputs}
        self._required = signature.inputs[0].name
        self._optional = [spec.name for spec in signature.inputs if spec.is_optional]
        self._limits = limits
        self._arrays: dict[str, NDArray[Any]] = {}

    def read(self, inputs: list[Input]) -> dict[str, NDArray[Any]]:
        """The array of each input, by name."""
        for index, given in enumerate(inputs):
            place = f"inputs[{index}]"
            self._check(given, place)
            self._arrays[given.name] = self._values(given, place)
        if self._required not in self._arrays:
            raise Problem(messages.INPUT_MISSING, name=self._required)
        if self._offset != len(self._body):
            raise Problem(messages.BINARY_DATA_LEFT, count=len(self._body) - self._offset)
        if "lengths" in self._arrays:
            _check_lengths(self._arrays["frames"].shape, self._arrays["lengths"])
        for name in self._optional:
            if name in self._arrays:
                self._check_optional(name)
        return self._arrays

    def _check(self, given: Input, place: str) -> None:
        spec = self._specs.get(given.name)
        if spec is None:
            raise _unexpected(f"{place}.name", given.name, sorted(self._specs))
        if given.name in self._arrays:
            raise Problem(messages.INPUT_REPEATED, place=place, name=given.name)
        if given.datatype != spec.datatype:
            raise _unexpected(f"{place}.datatype", given.datatype, [spec.datatype])
        if len(spec.shape) == 1 and given.shape[1:] == [1]:
            given.shape = given.shape[:1]  # MLServer's codec writes one-dimensional data as (N, 1)
        if not spec.fits(given.shape):
            raise Problem(
                messages.SHAPE_MISMATCH,
                place=f"{place}.shape",
                found=shortened(given.shape),
                expected=list(spec.shape),
            )
        rows, frames = given.shape[0], given.shape[1] if len(given.shape) == 3 else 0
        if rows > self._limits.rows:
            raise Problem(messages.BATCH_TOO_LARGE, rows=rows, limit=self._limits.rows)
        if frames > self._limits.frames:
            raise Problem(messages.UTTERANCES_TOO_LONG, frames=frames, limit=self._limits.frames)

    def _check_optional(self, name: str) -> None:
        """Checks that an optional input has a row for each utterance, or for each frame."""
        required, array = self._arrays[self._required], self._arrays[name]
        expected = [*required.shape[: array.ndim - 1], array.shape[-1]]
        if list(array.shape) != expected:
            raise Problem(
                messages.ROWS_MISMATCH,
                name=name,
                found=list(array.shape),
                expected=expected,
                required=self._required,
            )
        if wrong := out_of_range(array, self._specs[name].ranges):
            raise Problem(
                messages.TENSOR_OUT_OF_RANGE,
                place=name + "".join(f"[{index}]" for index in wrong.place),
                found=wrong.found,
                expected=wrong.expected,
            )
        if name == "baseline":
            check_baselines(array)

    def _values(self, given: Input, place: str) -> NDArray[Any]:
        tensor = DeclaredTensor(place, given.datatype, given.shape)
        size = given.parameters.binary_data_size if given.parameters else None
        has_json = bool(memoryview(given.data))
        if size is None:
            if not has_json:
                raise Problem(messages.DATA_MISSING, place=place)
            return read_json(self._list(given.data, place), tensor)
        if type(size) is not int or has_json:
            raise Problem(messages.DATA_AMBIGUOUS, place=place)
        start, self._offset = self._offset, self._offset + size
        return read_binary(self._body, start, size, tensor)

    def _list(self, data: msgspec.Raw, place: str) -> JsonList:
        """The list of an input's data."""
        text = bytes(data)
        if not text.startswith(b"["):
            error = _refusal_of_scalar(text)
            raise Problem(messages.INVALID_DATA, place=f"{place}.data", error=error)
        found = self._split.find(text)
        return JsonList(self._split.text, *found) if found else JsonList(text, 0, len(text))


def _refusal_of_scalar(text: bytes) -> str:
    """The parser's error for data that is no list."""
    try:
        msgspec.json.decode(text, type=list[Any])
    except msgspec.ValidationError as error:
        return str(error)
    raise AssertionError("a list begins with a bracket")


def _check_lengths(frames: tuple[int, ...], lengths: NDArray[np.int64]) -> None:
    if lengths.shape != frames[:1]:
        raise Problem(
            messages.LENGTHS_MISMATCH, found=list(lengths.shape), expected=list(frames[:1])
        )
    outside = np.flatnonzero((lengths < 1) | (lengths > frames[1]))
    if outside.size:
        index = int(outside[0])
        raise Problem(
            messages.LENGTH_OUT_OF_RANGE, index=index, found=lengths[index], frames=frames[1]
        )


def _timeout(parameters: RequestParameters) -> float:
    """The timeout of the request in seconds; 0: none."""
    microseconds = parameters.timeout
    if microseconds is None:
        return 0.0
    if type(microseconds) is not int or not 0 <= microseconds <= LONGEST_TIMEOUT:
        found = shortened(microseconds)
        raise Problem(messages.INVALID_BATCH_TIMEOUT, found=found, longest=LONGEST_TIMEOUT)
    return microseconds / 1e6


def _requested_outputs(
    request: RequestDocument, signature: ModelSignature
) -> tuple[RequestedOutput, ...]:
    parameters = request.parameters or RequestParameters()
    binary = _flag(parameters.binary_data_output, "parameters.binary_data_output", default=False)
    if not request.outputs:
        return tuple(RequestedOutput(spec.name, binary) for spec in signature.outputs)
    specs = {spec.name: spec for spec in signature.outputs}
    requested: dict[str, RequestedOutput] = {}
    for index, output in enumerate(request.outputs):
        place = f"outputs[{index}]"
        if output.name not in specs:
            raise _unexpected(f"{place}.name", output.name, list(specs))
        if output.name in requested:
            raise Problem(messages.OUTPUT_REPEATED, place=place, name=output.name)
        requested[output.name] = _requested_output(output, specs[output.name], place, binary)
    return tuple(requested.values())


def _requested_output(
    output: Output, spec: TensorSpec, place: str, binary: bool
) -> RequestedOutput:
    place = f"{place}.parameters"
    parameters = output.parameters or OutputParameters()
    if parameters.shared_memory_region is not None:
        raise Problem(messages.SHARED_MEMORY, place=place)
    binary = _flag(parameters.binary_data, f"{place}.binary_data", default=binary)
    classes = parameters.classification or 0
    place = f"{place}.classification"
    if type(classes) is not int or classes < 0:
        raise Problem(messages.NO_LABEL_COUNT, place=place, found=shortened(classes))
    if classes and len(spec.shape) < 2:
        raise Problem(messages.NO_LABELS, place=place, found=shortened(classes), name=output.name)
    return RequestedOutput(output.name, binary, classes and min(classes, spec.shape[-1]))


def _flag(value: Scalar, place: str, *, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _unexpected(place, value, ["true", "false"])
    return value


def _unexpected(place: str, found: object, expected: list[str]) -> Problem:
    return Problem(
        messages.UNEXPECTED_VALUE,
        place=place,
        found=shortened(found),
        expected=" or ".join(expected),
    )
