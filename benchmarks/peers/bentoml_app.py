"""BentoML services, written as in its documentation; that of `TCN` with adaptive batching."""

from typing import Any

import bentoml
import numpy as np

from benchmarks.peers.network import BATCH, Emotions

Service = bentoml.service(workers=1, logging={"access": {"enabled": False}})


@Service
class DNN:
    def __init__(self) -> None:
        self.emotions = Emotions()

    # `async`: the network takes microseconds, less than a thread per request.
    @bentoml.api(route="/prediction/DNN")
    async def predict(self, mfccs: list[float]) -> dict[str, Any]:
        return self.emotions.answer(mfccs)


@Service
class TCN:
    def __init__(self) -> None:
        self.emotions = Emotions()

    @bentoml.api(route="/prediction/TCN", batchable=True, max_batch_size=BATCH)
    async def predict(self, mfccs: np.ndarray) -> list[dict[str, Any]]:
        return self.emotions.answers(mfccs)
