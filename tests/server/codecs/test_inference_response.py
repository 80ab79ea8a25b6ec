"""The numbers in JSON responses of the Open Inference Protocol."""

import msgspec
import numpy as np

from server.codecs.open_inference.response import encode_numbers

MAGNITUDES = (-45, 38)  # powers of ten within float32
COUNT = 20_000


def test_numbers_are_written_as_version_1_wrote_them() -> None:
    random = np.random.default_rng(1)
    scale = 10.0 ** random.integers(*MAGNITUDES, COUNT)
    limits = np.finfo(np.float32)
    edges = [0.0, -0.0, 1.0, limits.max, limits.tiny, limits.smallest_subnormal, np.nan]
    values = np.array([*random.standard_normal(COUNT) * scale, *edges], np.float32)
    assert b"[%b]" % encode_numbers(values) == msgspec.json.encode(values.tolist())
