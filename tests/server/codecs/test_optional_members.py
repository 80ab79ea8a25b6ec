"""Whatever stands beside the MFCCs, the decoder returns arrays or points to a value."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.codecs.mfcc_json import MfccDecoder
from server.codecs.optional_members import OptionalMembersReader
from server.problems.documents import Problem
from tests.server.api.test_prediction import decode_or_explain

N_MFCC, STATISTICS, FRAMES = 2, 4, 3
WIDTH = 2 * (N_MFCC + 3) + 1
DECODE = MfccDecoder(N_MFCC, FRAMES, OptionalMembersReader(N_MFCC, ["other"] * STATISTICS))

numbers = st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.just(10**400)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


def lists(width: int) -> st.SearchStrategy[list[Any]]:
    """Mostly valid lists of some width."""
    items = st.integers(0, 3) | st.floats(0, 9) | numbers | anything
    return st.lists(st.floats(0, 9), min_size=width, max_size=width) | st.lists(
        items, min_size=width - 1, max_size=width + 1
    )


def moments(width: int) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"mean": lists(width)}, optional={"spread": lists(width)})


rows = st.lists(lists(3), min_size=FRAMES - 1, max_size=FRAMES)
baselines = st.fixed_dictionaries(
    {"clips": st.integers(0, 9) | anything, "mfccs": moments(N_MFCC) | anything},
    optional={"prosody": moments(3) | anything, "other": anything},
)
bodies = st.fixed_dictionaries(
    {"mfccs": st.sampled_from(([1.0, 2.0], [[1.0, 2.0]] * FRAMES, [[1, 2], [3]]))},
    optional={
        "prosody": rows | lists(STATISTICS) | anything,
        "baseline": baselines | anything,
        "other": anything,
    },
)


@given(bodies)
@settings(max_examples=150, deadline=None)
def test_the_decoder_returns_valid_arrays_or_points_to_a_value(body: dict[str, Any]) -> None:
    outcome = decode_or_explain(DECODE, json.dumps(body).encode())
    if isinstance(outcome, Problem):
        assert outcome.status_code == 422
        assert exists(body, (outcome.members or {})["pointer"])
        return
    mfccs, prosody, baseline = outcome.mfccs, outcome.prosody, outcome.baseline
    assert (prosody is not None) == ("prosody" in body)
    assert (baseline is not None) == ("baseline" in body)
    if prosody is not None:
        assert prosody.shape == ((STATISTICS,) if mfccs.ndim == 1 else (FRAMES, 3))
        assert np.isfinite(prosody).all()
        np.testing.assert_allclose(prosody, np.array(body["prosody"], np.float32))
    if baseline is not None:
        assert baseline.shape == (WIDTH,)
        assert np.isfinite(baseline).all()
        assert (baseline[N_MFCC + 3 :] >= 0).all()
        assert baseline[-1] == body["baseline"]["clips"] >= 1


def exists(body: Any, pointer: str) -> bool:
    """Whether the parent of the value that the pointer names is there; the value may be missing."""
    *parents, last = pointer.split("/")[1:] or [""]
    for part in parents:
        body = body[int(part)] if isinstance(body, list) else body[part]
    return not isinstance(body, list) or int(last) < len(body)


def test_a_baseline_is_means_then_spreads_then_clips() -> None:
    body = {
        "mfccs": [0, 0],
        "baseline": {
            "prosody": {"spread": [8, 9, 10], "mean": [3, 1, 5]},
            "clips": 11,
            "mfccs": {"mean": [1, 2], "spread": [6, 7]},
        },
    }
    baseline = DECODE(json.dumps(body).encode()).baseline
    assert baseline is not None
    assert baseline.tolist() == [1, 2, 3, 1, *range(5, 12)]


def test_members_are_ignored_without_a_reader() -> None:
    decode = MfccDecoder(N_MFCC, FRAMES)
    found = decode(b'{"prosody": 1, "mfccs": [[1, 2]], "baseline": []}')
    assert found.mfccs.tolist() == [[1, 2]]
    assert (found.prosody, found.baseline) == (None, None)


def test_the_name_of_a_member_may_have_escapes() -> None:
    found = DECODE(b'{"mfccs": [[1, 2]], "pros\\u006fdy": [[1, 0, 3]]}')
    assert found.prosody is not None


def test_a_repeated_part_of_a_baseline_must_be_valid_each_time() -> None:
    body = b'{"mfccs": [1, 2], "baseline": {"clips": 0, "clips": 1, "mfccs": %b}}'
    moments = b'{"mean": [1, 2], "spread": [1, 2]}'
    with pytest.raises(Problem) as refused:
        DECODE(body % moments)
    assert "repeated" in refused.value.detail
    assert refused.value.members == {"pointer": "/baseline"}
