"""Every message that a client can get.

A text is a format string; its fields are the values of a single problem.

Two kinds of text come from elsewhere: the reasons why a model file is not served (server/models),
and the explanations of mistakes in features (metadata of the extractor).
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem.

    slug: the last part of the problem's type. It never changes; clients may compare it.
    headers: further headers of the application's response.
    """

    status: int
    slug: str
    title: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


def _malformed_json(reason: str) -> ProblemKind:
    detail = f"The body is not valid JSON: {reason}."
    return ProblemKind(400, "malformed-json", "Malformed JSON", detail)


def _invalid_features(detail: str) -> ProblemKind:
    return ProblemKind(422, "invalid-features", "Invalid features", detail)


def _invalid(detail: str) -> ProblemKind:
    return ProblemKind(400, "invalid-inference-request", "Invalid inference request", detail)


# Sent by the application.
BATCH_TOO_LARGE = ProblemKind(
    413,
    "batch-too-large",
    "Batch too large",
    "The batch has {rows:,} rows; expected at most {limit:,}.",
)
# Nginx's status for this in its log. No client gets it.
CLIENT_GONE = ProblemKind(499, "client-gone", "Client gone", "The client has disconnected.")
UTTERANCES_TOO_LONG = replace(
    BATCH_TOO_LARGE, detail="Each utterance has {frames:,} frames; expected at most {limit:,}."
)
DEADLINE_EXCEEDED = ProblemKind(
    503,
    "deadline-exceeded",
    "Deadline exceeded",
    "The request cannot be answered within its timeout of {timeout:g} seconds.",
    (("Retry-After", "1"),),
)
FRAMES_NEEDED = ProblemKind(
    422,
    "frames-needed",
    "Frames needed",
    "The network {name!r} takes frames, a list of lists of coefficients; got one vector. "
    "Networks that take one vector: {known}.",
)
INVALID_TIMEOUT = ProblemKind(
    400,
    "invalid-timeout",
    "Invalid timeout",
    "The header {name} is {found}; expected seconds, a decimal number above 0 and at most "
    "{longest:,}, such as 0.250.",
)
NETWORK_UNAVAILABLE = ProblemKind(
    503,
    "network-unavailable",
    "Network unavailable",
    "The network {name!r} cannot be served: {reason}",
)
NOT_READY = ProblemKind(503, "not-ready", "Not ready", "{reasons}")
NOT_SUPPORTED = ProblemKind(
    501,
    "not-supported",
    "Not supported",
    "The model repository extension is not supported; the operator changes the models with "
    "`python -m server models activate`.",
)
UNKNOWN_NETWORK = ProblemKind(
    404, "unknown-network", "Unknown network", "There is no network {name}. Networks: {known}."
)
UNKNOWN_VERSION = ProblemKind(
    404,
    "unknown-version",
    "Unknown version",
    "The network {name!r} has no version {version}; the served version is {served!r}.",
)
UNSUPPORTED_CONTENT_ENCODING = ProblemKind(
    415,
    "unsupported-content-encoding",
    "Unsupported content encoding",
    "The content encoding is {encoding}; expected an uncompressed body.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemKind(
    415,
    "unsupported-media-type",
    "Unsupported media type",
    "The content type is {content_type}; expected {expected}.",
)

# Sent by Nginx, some of them by the application too. Nginx quotes them: no ' and no backslash.
BODY_TOO_LARGE = ProblemKind(
    413, "body-too-large", "Body too large", "The body is larger than {limit:,} bytes."
)
CERTIFICATE_NEEDED = ProblemKind(
    403,
    "certificate-needed",
    "Client certificate needed",
    "A valid client certificate is required.",
)
FILE_REPLACED = ProblemKind(
    404,
    "file-replaced",
    "File replaced",
    "This version of the file is no longer served; GET /init/configuration names the current one.",
)
HEADER_TOO_LARGE = ProblemKind(
    431, "header-too-large", "Header too large", "The header or one of its lines is too long."
)
HTTPS_NEEDED = ProblemKind(400, "https-needed", "HTTPS needed", "This port accepts HTTPS only.")
INTERNAL_ERROR = ProblemKind(
    500, "internal-error", "Internal error", "The server failed to process the request."
)
KEY_NEEDED = ProblemKind(
    401,
    "key-needed",
    "Key needed",
    "A valid API key is required; expected the header Authorization: Bearer KEY.",
    (("WWW-Authenticate", "Bearer"),),
)
MALFORMED_REQUEST = ProblemKind(
    400, "malformed-request", "Malformed request", "The request is not valid HTTP."
)
METHOD_NOT_ALLOWED = ProblemKind(
    405, "method-not-allowed", "Method not allowed", "Allowed methods of this path: {methods}."
)
NO_ANSWER = ProblemKind(502, "no-answer", "No answer", "No worker responded; retry the request.")
NO_ANSWER_IN_TIME = ProblemKind(
    504, "no-answer-in-time", "No answer in time", "No worker responded in time; retry the request."
)
NO_DOWNLOADS = ProblemKind(
    404,
    "no-downloads",
    "No downloads",
    "The operator of this server does not offer the files of the networks; POST features instead.",
)
NO_SUCH_PATH = ProblemKind(404, "no-such-path", "Not found", "There is no resource at {path}.")
OVERLOADED = ProblemKind(
    503,
    "overloaded",
    "Overloaded",
    "The server is overloaded; retry later.",
    (("Retry-After", "1"),),
)
TOO_MANY_BATCHES = replace(
    OVERLOADED, detail="The server is processing too many batches; retry later."
)
SHORT_OF_MEMORY = replace(
    OVERLOADED, detail="The server is short of memory for large bodies; retry later."
)
PRECONDITION_FAILED = ProblemKind(
    412,
    "precondition-failed",
    "Precondition failed",
    "The current version of the file does not meet the preconditions of the request.",
)
RANGE_NOT_SATISFIABLE = ProblemKind(
    416,
    "range-not-satisfiable",
    "Range not satisfiable",
    "The range starts after the end of the file.",
)
TARGET_TOO_LONG = ProblemKind(
    414, "target-too-long", "Target too long", "The request line is longer than {limit:,} bytes."
)
TOO_MANY_REQUESTS = ProblemKind(
    429,
    "too-many-requests",
    "Too many requests",
    "Too many requests from this address; retry later.",
)
UNREADABLE_FILE = ProblemKind(
    403, "unreadable-file", "Unreadable file", "The server has no permission to read this file."
)
UNSUPPORTED_HTTP_VERSION = ProblemKind(
    505,
    "unsupported-http-version",
    "Unsupported HTTP version",
    "The server supports HTTP/1.0, HTTP/1.1 and, with HTTPS, HTTP/2.",
)

# By the name of Nginx's location; most names are the status of the error.
NGINX_KINDS = {
    "400": MALFORMED_REQUEST,
    "401": KEY_NEEDED,
    "403": UNREADABLE_FILE,
    "404": NO_SUCH_PATH,
    "405": METHOD_NOT_ALLOWED,
    "412": PRECONDITION_FAILED,
    "413": BODY_TOO_LARGE,
    "414": TARGET_TOO_LONG,
    "416": RANGE_NOT_SATISFIABLE,
    "429": TOO_MANY_REQUESTS,
    "431": HEADER_TOO_LARGE,
    "497": HTTPS_NEEDED,
    "500": INTERNAL_ERROR,
    "502": NO_ANSWER,
    "503": OVERLOADED,
    "504": NO_ANSWER_IN_TIME,
    "505": UNSUPPORTED_HTTP_VERSION,
    "certificate": CERTIFICATE_NEEDED,
    "replaced": FILE_REPLACED,
}

JSON_TYPES = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a string",
    type(None): "null",
}

# Malformed JSON.
MALFORMED_JSON = _malformed_json("{reason}")
INVALID_UTF8 = _malformed_json("invalid UTF-8 at byte {position}")
NESTED_TOO_DEEPLY = _malformed_json("nested too deeply")
NOT_A_JSON_NUMBER = _malformed_json("{name} is not a JSON number")

# Invalid features.
NO_OBJECT = _invalid_features('Expected an object with the member "mfccs", got {found}.')
NO_MFCCS = _invalid_features('The member "mfccs" is missing.')
NO_LIST = _invalid_features(
    "Expected a list of {n_mfcc} numbers or a list of such lists, got {found}."
)
NO_MFCC_LISTS = _invalid_features("Expected a list of {n_mfcc} numbers or a list of such lists.")
NO_FRAME = _invalid_features("Frame 0 is a list, frame {index} is {found}; expected a list.")
NO_NUMBER = _invalid_features("Expected a number, got {found}.")
NO_FLOAT32 = _invalid_features(
    "Expected a number in the range of float32, from -3.4028235e38 to 3.4028235e38, got {found}."
)
TOO_MANY_FRAMES = _invalid_features(
    "Expected at most {maximum:,} frames of {n_mfcc} numbers, got more values."
)
WRONG_WIDTH = _invalid_features("Wrong number of coefficients: expected {n_mfcc}, got {found}.")

# Invalid prosody.
NO_PROSODY_ROWS = _invalid_features(
    'The member "mfccs" has frames: expected "prosody" as a list with 3 numbers for each frame, '
    "log F0, voicing and level; got {found}."
)
NO_STATISTICS = _invalid_features(
    'The member "mfccs" is one vector: expected "prosody" as a list of {expected} numbers, its '
    "statistics; got {found}."
)
NO_PROSODY_ROW = _invalid_features("Expected a list of 3 numbers, got {found}.")
WRONG_PROSODY_WIDTH = _invalid_features(
    "Expected 3 numbers of prosody, log F0, voicing and level; got {found}."
)
WRONG_PROSODY_LENGTH = _invalid_features(
    'Expected prosody of {frames:,} frames, as many as "mfccs" has; got {found:,}.'
)
OUT_OF_RANGE = _invalid_features(
    "Expected {expected}; got {found}. Compute prosody with the extractor of this server."
)
WRONG_STATISTICS = _invalid_features("Expected {expected} prosody statistics, got {found:,}.")
TOO_MANY_VALUES = _invalid_features(
    "Expected at most {maximum:,} frames of {n_mfcc} coefficients, each with 3 numbers of prosody; "
    "got more values."
)

# Invalid verifications.
UNKNOWN_REFERENCE = _invalid_features(
    "There is no reference clip {name}; expected one of: {known}."
)
NO_REFERENCE_NAME = _invalid_features(
    "Expected the name of a reference clip, a string, got {found}."
)
NO_PROSODY_TO_VERIFY = _invalid_features(
    "The server has no prosody of the reference clip {name!r}, so it cannot verify prosody."
)
NO_ROWS_TO_VERIFY = _invalid_features(
    "Expected the prosody of the reference clip, a list with 3 numbers for each frame; got {found}."
)
TOO_MANY_ROWS = _invalid_features("Expected at most {maximum:,} rows of prosody, got {found:,}.")

# An invalid baseline.
NO_BASELINE_OBJECT = _invalid_features(
    "Expected an object, the mean and spread of earlier clips; got {found}."
)
NO_BASELINE_MEMBER = _invalid_features('The member "{name}" of the baseline is missing.')
NO_BASELINE_LIST = _invalid_features("Expected a list of {expected} numbers, got {found}.")
WRONG_BASELINE_WIDTH = _invalid_features("Expected {expected} numbers, got {found:,}.")
NEGATIVE_SPREAD = _invalid_features("Expected a spread, a number of at least 0, got {found}.")
BASELINE_TOO_LARGE = _invalid_features("Expected a baseline of at most {limit:,} bytes of JSON.")
MEMBER_REPEATED = _invalid_features("A member of the baseline is repeated, once with a bad value.")
WRONG_CLIPS = _invalid_features(
    "Expected the number of clips of the baseline, an integer from 1 to {most:,}; got {found}."
)

# Invalid inference requests. `place` leads to a value: inputs[0].shape.
INVALID_REQUEST = _invalid("The request is invalid: {error}.")
INVALID_DATA = _invalid("{place} is invalid: {error}.")
UNEXPECTED_VALUE = _invalid("{place} is {found}; expected {expected}.")
INVALID_JSON_LENGTH = _invalid(
    "The header {name} is {found}; expected the number of bytes of the JSON, from 1 to {length}, "
    "the number of bytes of the body."
)
INVALID_BATCH_TIMEOUT = _invalid(
    "parameters.timeout is {found}; expected microseconds, an integer from 0 to {longest:,}, "
    "where 0 is no timeout."
)
INPUT_MISSING = _invalid("The input {name!r} is missing.")
INPUT_REPEATED = _invalid("{place} repeats the input {name!r}; expected each input once.")
OUTPUT_REPEATED = _invalid("{place} repeats the output {name!r}; expected each output once.")
SHAPE_MISMATCH = _invalid("{place} is {found}; expected {expected}, where -1 is any size.")
LENGTHS_MISMATCH = _invalid(
    "lengths has the shape {found}; expected {expected}, one for each utterance."
)
ROWS_MISMATCH = _invalid(
    "{name} has the shape {found}; expected {expected}, with the utterances and frames of "
    "{required!r}."
)
TENSOR_OUT_OF_RANGE = _invalid("{place} is {found}; expected {expected}.")
NEGATIVE_SPREADS = _invalid("{place} is {found}; expected a spread, a number of at least 0.")
NO_CLIPS = _invalid(
    "{place} is {found}; expected the number of clips, a whole number from 1 to {most:,}, or "
    "a whole row of zeros, which stands for no baseline."
)
LENGTH_OUT_OF_RANGE = _invalid(
    "lengths[{index}] is {found}; expected 1 to {frames}, the number of frames."
)
DATA_MISSING = _invalid(
    '{place} has neither "data" nor "binary_data_size"; expected one of them. Shared memory is not '
    "supported."
)
DATA_AMBIGUOUS = _invalid('{place}: expected either "data" or an integer "binary_data_size".')
SHARED_MEMORY = _invalid("{place}: shared memory is not supported.")
NO_LABEL_COUNT = _invalid("{place} is {found}; expected a number of labels.")
NO_LABELS = _invalid("{place} is {found}; expected 0, because the output {name!r} has no labels.")
WRONG_BINARY_SIZE = _invalid(
    "{place} is {found}; expected {expected} for {datatype} of shape {shape}."
)
BINARY_DATA_MISSING = _invalid("{place} is {found}; expected at most {rest}, the rest of the body.")
BINARY_DATA_LEFT = _invalid("{count} bytes follow the data of the last input; expected none.")
WRONG_COUNT = _invalid("{place} has {found} numbers; expected {expected} for shape {shape}.")
WRONG_NESTING = _invalid(
    "{place} has the length {found}; expected lists nested as the shape {shape}."
)
DATA_MALFORMED = _invalid(
    "{place} is not valid JSON, or is not nested as the shape {shape}, between bytes {start} and "
    "{stop}."
)
DATA_TOO_SPARSE = _invalid(
    "{place} has {limit:,} bytes without the end of a number or row; expected shorter numbers and "
    "less white space."
)
DATA_NO_NUMBERS = _invalid(
    'A member "data" has another value at byte {position}; expected only numbers and lists.'
)
REST_TOO_LARGE = _invalid(
    "The JSON is too large: expected at most {limit:,} bytes and {values:,} values besides the "
    "data of the inputs."
)
NOT_FINITE = _invalid("{place} is {found}; expected a finite number in the range of float32.")

# Parts of successful responses.
OUTSIDE_TRAINING = "outside-training-distribution"  # a code that clients compare
OUTSIDE_TRAINING_DISTRIBUTION = (
    "This does not sound like the speech that the network learned from, so the answer may well be "
    "wrong. Try again with two to five seconds of one person who speaks close to the microphone, "
    "without music or noise. If clear speech gets this warning again, the network does not know "
    "such voices or microphones, or the program computes wrong features, which "
    "POST /init/verification shows."
)
ANOTHER_VOICE = "baseline-of-another-voice"  # a code that clients compare
BASELINE_OF_ANOTHER_VOICE = (
    "This does not sound like the voice that it was compared with, so the answer may well be "
    "wrong. Another person may be speaking, or the microphone or the room may have changed. Try "
    "again without the comparison (the baseline), or start a new baseline with this voice and "
    "microphone."
)
FEATURES_AGREE = (
    "The features agree with the reference: they differ by up to {difference:.4g}; the tolerance "
    "is {tolerance:.4g}."
)
FEATURES_MISTAKEN = "The features {deviation}. {explanations}"
FEATURES_UNRECOGNISED = (
    "The features {deviation} and match no known mistake. The extractor at /init/mfcc.onnx "
    "computes correct features."
)
RECORDING_FEATURES_UNRECOGNISED = (
    "The features {deviation} and match no known mistake. The extractor for the clip's sample rate "
    "(/init/configuration, recordings) computes correct features."
)
WRONG_SIZE = "do not have the reference's number of coefficients or frames"
DIFFERENT = "differ from the reference by up to {difference:.4g}"

PROSODY_AGREES = (
    "The prosody agrees with the reference: the median differences are {pitch:.2g} octaves and "
    "{level:.2g} dB; the tolerances are {pitch_tolerance:g} octaves and {level_tolerance:g} dB."
)
PROSODY_MISTAKEN = "{explanations}"
PROSODY_MISTAKEN_AND_DIFFERENT = "{explanations} Besides, the prosody {deviations}."
PROSODY_UNRECOGNISED = (
    "The prosody {deviations}; this is no known mistake. The extractors of GET /init/configuration "
    "compute correct prosody."
)
PROSODY_DEVIATIONS = {
    "rows": "has {rows:,} rows in place of {expected_rows:,}, one for each frame of trimmed speech",
    "pitch": "has a pitch that differs from the reference's",
    "voicing": "has degrees of voicing outside the range from 0 to 1",
    "level": "has levels that differ from the reference's by {level:.3g} dB in the median",
}


@dataclass(frozen=True)
class MistakeText:
    """What is wrong in a client's features, and what to do about it."""

    explanation: str
    remedy: str


_LOG_F0 = "Send log2(F0 / {hertz:g} Hz) in voiced frames, and 0 in unvoiced ones."
PROSODY_MISTAKES = {
    "pitch-in-hertz": MistakeText("Log F0 is the pitch in hertz.", _LOG_F0),
    "pitch-natural-logarithm": MistakeText("Log F0 is a natural logarithm.", _LOG_F0),
    "pitch-in-semitones": MistakeText("Log F0 is in semitones, not in octaves.", _LOG_F0),
    "pitch-reference-frequency": MistakeText(
        "Log F0 counts octaves above another frequency than {hertz:g} Hz.", _LOG_F0
    ),
    "pitch-octave-low": MistakeText(
        "The pitch is an octave too low in {low:.0%} of the voiced frames.",
        "Prefer the shortest of the periods that fit almost equally well, and the pitch of "
        "neighbouring frames.",
    ),
    "pitch-octave-high": MistakeText(
        "The pitch is an octave too high in {high:.0%} of the voiced frames.",
        "Look for periods of up to 1/60 s, in windows that hold two of them, and prefer the pitch "
        "of neighbouring frames.",
    ),
    "unvoiced-not-zero": MistakeText(
        "Log F0 of unvoiced frames is not 0.",
        "Send 0 as log F0 of each frame without a pitch, and do not interpolate the pitch there.",
    ),
    "level-not-decibels": MistakeText(
        "The level is not in decibels.",
        "Send 10 log10 of the mean square of the frame, at least -100.",
    ),
    "prosody-hop-length": MistakeText(
        "The prosody has {rows:,} rows where the clip has {expected_rows:,} frames: its hop length "
        "is another.",
        "Compute prosody every 512 samples at 22,050 Hz, on the frames of the MFCCs.",
    ),
}
