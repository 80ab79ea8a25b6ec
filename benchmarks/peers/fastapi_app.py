"""A FastAPI application, written as in its tutorial, with Pydantic models for both directions."""

from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from benchmarks.peers.network import Emotions

emotions = Emotions()
app = FastAPI()

Vector = Annotated[list[float], Field(min_length=25, max_length=25)]


class Features(BaseModel):
    mfccs: Vector


class Frames(BaseModel):
    mfccs: Annotated[list[Vector], Field(min_length=1)]


class Result(BaseModel):
    emotionType: str  # noqa: N815  # the name in the answer
    prediction: float


class Answer(BaseModel):
    results: list[Result]


# `async`: on one core, a thread per request would only add to the time of the network.
@app.post("/prediction/DNN", response_model=Answer)
async def predict(features: Features) -> dict[str, Any]:
    return emotions.answer(features.mfccs)


@app.post("/prediction/TCN", response_model=Answer)
async def predict_frames(frames: Frames) -> dict[str, Any]:
    return emotions.answer(frames.mfccs)
