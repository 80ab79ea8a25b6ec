"""MLServer, as its documentation writes a custom runtime."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.network import Emotions


class EmotionRuntime(MLModel):
    async def load(self) -> bool:
        self.emotions = Emotions()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        mfccs = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        probabilities = self.emotions.probabilities(mfccs)
        outputs = [NumpyCodec.encode_output("probabilities", probabilities)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
