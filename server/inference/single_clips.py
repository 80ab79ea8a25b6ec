"""Runs requests for one short clip as `POST /prediction` does: alone, or with others."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.codecs.optional_members import Utterance
from server.inference.joint_runs import JointRuns
from server.inference.time_slice import EventLoopTimeSlice
from server.models.batch_predictors import NO_DISTANCES, Scores
from server.models.network import Network
from server.models.predictors import OUTPUTS, output_names

LONGEST = 400  # frames that run on the event loop: 1.3 ms of TCN


def find_clip(inputs: Mapping[str, NDArray[Any]]) -> Utterance | None:
    """The clip of a request for one clip of at most `LONGEST` frames, without padding."""
    frames = inputs.get("frames")
    if frames is None or len(frames) != 1:
        return None
    length = int(inputs["lengths"][0]) if "lengths" in inputs else frames.shape[1]
    if length > LONGEST:
        return None
    prosody, baseline = inputs.get("prosody"), inputs.get("baseline")
    return Utterance(
        frames[0, :length],
        None if prosody is None else prosody[0, :length],
        None if baseline is None else baseline[0],
    )


@dataclass(frozen=True)
class SingleClips:
    """The runs of one frame network for requests with one clip."""

    network: Network
    joint_runs: JointRuns
    time_slice: EventLoopTimeSlice

    async def score(self, clip: Utterance) -> tuple[Scores, float]:
        """The scores of a clip that the slice has admitted, and its seconds of the run."""
        if self.time_slice.crowd >= self.joint_runs.fewest:
            prediction, seconds = await self.joint_runs.add(clip)
        else:
            start = perf_counter()
            prediction = self.network.predict(clip.mfccs, clip.prosody, clip.baseline)
            seconds = perf_counter() - start
        probabilities, distance, baseline_distance = (
            np.array([found], np.float32) for found in prediction
        )
        has_baseline = output_names(self.network.optional_inputs) != OUTPUTS
        to_baseline = baseline_distance if has_baseline else NO_DISTANCES
        return Scores(probabilities, distance, to_baseline), seconds
