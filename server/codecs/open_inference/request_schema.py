"""The JSON of an inference request, with its types checked."""

from typing import Annotated

import msgspec
from msgspec import Meta

from server.codecs.open_inference.request_text import LARGEST_REST, MOST_VALUES, SplitText
from server.problems import messages
from server.problems.documents import Problem, malformed_json

# Parameters of other types are refused: decoded lists take many times the memory of their text.
Scalar = bool | int | float | str | None
MAXIMUM_ID = 256  # characters; the response repeats the id
LONGEST_CHARACTER = 4  # bytes in UTF-8


class InputParameters(msgspec.Struct):
    """The parameters of an input that the server knows."""

    binary_data_size: Scalar = None


class OutputParameters(msgspec.Struct):
    """The parameters of an output that the server knows."""

    binary_data: Scalar = None
    classification: Scalar = None
    shared_memory_region: Scalar = None


class RequestParameters(msgspec.Struct):
    """The parameters of a request that the server knows."""

    binary_data_output: Scalar = None
    timeout: Scalar = None  # microseconds, as in Triton
    warning_details: Scalar = None


class Input(msgspec.Struct):
    """An input; its data are read later."""

    name: str
    shape: list[Annotated[int, Meta(ge=1, le=2**31 - 1)]]
    datatype: str
    parameters: InputParameters | None = None
    data: msgspec.Raw = msgspec.Raw()


class Output(msgspec.Struct):
    """An output that the client requests."""

    name: str
    parameters: OutputParameters | None = None


class RequestDocument(msgspec.Struct):
    """The whole document; other members are ignored."""

    inputs: list[Input]
    id: Annotated[str, Meta(max_length=MAXIMUM_ID)] | None = None
    parameters: RequestParameters | None = None
    outputs: list[Output] | None = None


_decode = msgspec.json.Decoder(RequestDocument).decode


def parse_request(split: SplitText) -> RequestDocument:
    """Parses the JSON of a request.

    Raises:
        Problem: invalid JSON, members of another type, or too much besides the data.
    """
    text = split.rest
    try:
        if not text.isascii():
            text.decode()
        request = _decode(text)
    except msgspec.ValidationError as error:
        raise Problem(messages.INVALID_REQUEST, error=error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if split.is_cut and _is_at_end(error, text):
            raise _rest_too_large() from None
        raise malformed_json(error, split.position) from None
    if split.is_cut:
        raise _rest_too_large()
    return request


def _is_at_end(error: Exception, text: bytes) -> bool:
    """Whether a text is invalid only because its end is missing."""
    if isinstance(error, UnicodeDecodeError):
        return error.start > len(text) - LONGEST_CHARACTER
    return "truncated" in str(error)


def _rest_too_large() -> Problem:
    return Problem(messages.REST_TOO_LARGE, limit=LARGEST_REST, values=MOST_VALUES)
