"""A FastAPI application, written as in its tutorial, with Pydantic models for both directions."""

from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from benchmarks.peers.network import Emotions

emotions = Emotions()
app = FastAPI()


class Features(BaseModel):
    mfccs: Annotated[list[float], Field(min_length=25, max_length=25)]


class Result(BaseModel):
    emotionType: str  # noqa: N815  # the name in the answer
    prediction: float


class Answer(BaseModel):
    results: list[Result]


# `async`: the network takes microseconds, less than a thread per request.
@app.post("/prediction/DNN", response_model=Answer)
async def predict(features: Features) -> dict[str, Any]:
    return emotions.answer(features.mfccs)
