"""A BentoML service, written as in its documentation."""

from typing import Any

import bentoml

from benchmarks.peers.network import Emotions


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class EmotionService:
    def __init__(self) -> None:
        self.emotions = Emotions()

    # `async`: the network takes microseconds, less than a thread per request.
    @bentoml.api(route="/prediction/DNN")
    async def predict(self, mfccs: list[float]) -> dict[str, Any]:
        return self.emotions.answer(mfccs)
