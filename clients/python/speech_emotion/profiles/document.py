"""A profile as a JSON document: a baseline, and the features that it was made of."""

import json
from dataclasses import dataclass
from typing import Any

from speech_emotion import untrusted
from speech_emotion.contract import PROSODY_COLUMNS
from speech_emotion.handshake import MOST_COEFFICIENTS
from speech_emotion.profiles.baseline import MOST_CLIPS, Baseline, Moments

VERSION = 1
LARGEST_NUMBER = 1e6  # far beyond any MFCC or decibel


@dataclass(frozen=True)
class Profile:
    """A speaker's baseline."""

    recipe: str  # the digest of the recipe of its features
    baseline: Baseline


def write(profile: Profile) -> bytes:
    """The document of a profile, in UTF-8."""
    members = {
        "version": VERSION,
        "recipe": profile.recipe,
        "clips": profile.baseline.clips,
        "mfccs": _members(profile.baseline.mfccs),
        "prosody": _members(profile.baseline.prosody),
    }
    return json.dumps(members, allow_nan=False, indent=1).encode()


def read(content: bytes) -> Profile:
    """The profile in a document.

    Raises:
        ValueError: the content is no such document.
    """
    try:
        members = json.loads(content)
        untrusted.integer(members["version"], VERSION, VERSION)
        return Profile(untrusted.sha256(members["recipe"]), _baseline(members))
    except KeyError as error:
        raise ValueError(f"{error} is missing") from error
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is no profile") from error


def _baseline(members: dict[str, Any]) -> Baseline:
    mfccs, prosody = _moments(members["mfccs"]), _moments(members["prosody"])
    widths = len(mfccs.mean), len(prosody.mean)
    if not 1 <= widths[0] <= MOST_COEFFICIENTS or widths[1] != len(PROSODY_COLUMNS):
        raise ValueError(f"it is of {widths[0]} coefficients and {widths[1]} of prosody")
    return Baseline(untrusted.integer(members["clips"], 1, MOST_CLIPS), mfccs, prosody)


def _members(moments: Moments) -> dict[str, tuple[float, ...]]:
    return {"mean": moments.mean, "spread": moments.spread}


def _moments(members: dict[str, Any]) -> Moments:
    mean = untrusted.items(members["mean"], _number)
    spread = untrusted.items(members["spread"], _spread)
    if len(mean) != len(spread):
        raise ValueError(f"{len(mean)} means and {len(spread)} spreads")
    return Moments(mean, spread)


def _number(value: object) -> float:
    return untrusted.number(value, -LARGEST_NUMBER, LARGEST_NUMBER)


def _spread(value: object) -> float:
    return untrusted.number(value, 0, LARGEST_NUMBER)
