"""BentoML, as its documentation writes a service."""

from typing import Any

import bentoml

from benchmarks.peers.network import Emotions


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class EmotionService:
    def __init__(self) -> None:
        self.emotions = Emotions()

    # `async`, since the network takes microseconds: a thread for each request would cost more.
    @bentoml.api(route="/prediction/DNN")
    async def predict(self, mfccs: list[float]) -> dict[str, Any]:
        return self.emotions.answer(mfccs)
