"""Posts the features of clips in the smallest form that the server takes."""

from http import HTTPStatus
from urllib.parse import quote

from speech_emotion import answers
from speech_emotion.answers import Prediction
from speech_emotion.contract import NetworkDescription
from speech_emotion.extraction.features import Features
from speech_emotion.prediction.members import Members, members_of
from speech_emotion.prediction.tensors import binary_body, prediction_document
from speech_emotion.profiles.baseline import Baseline
from speech_emotion.transport import Answer, Transport

# Such a refusal of a binary request says nothing of the next one.
PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)


class Predictor:
    """Asks a server for predictions.

    Frames are posted in binary where the handshake says that the server takes them. What is refused
    there is posted to `/prediction/{name}` in JSON, whose answer or refusal is final. Vectors are
    posted in JSON at once: they are smaller than the header of a binary request.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._takes_binary = True  # until a proxy, which the handshake does not know, refuses it

    def predict(
        self, features: Features, network: NetworkDescription, baseline: Baseline | None
    ) -> Prediction:
        """Predicts the emotion of one clip.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        members = members_of(features, network, baseline)
        path = network.binary_path
        if path is None or network.input == "vector" or not self._takes_binary:
            return self._post_json(members, network, features)
        with self._transport.one_limit():
            answer = self._transport.post(path, *binary_body(members, network))
            prediction = self._read(answer, network, features)
            if prediction is not None:
                return prediction
            prediction = self._post_json(members, network, features)
            # Only now: a request that both refuse says nothing.
            self._takes_binary = answer.status in PASSING
            return prediction

    def _read(
        self, answer: Answer, network: NetworkDescription, features: Features
    ) -> Prediction | None:
        """The prediction in the answer to a binary request; None: there is none."""
        if answer.status != HTTPStatus.OK:
            return None
        try:
            document = prediction_document(answer.body, network)
            return answers.prediction(document, network, features)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            return None

    def _post_json(
        self, members: Members, network: NetworkDescription, features: Features
    ) -> Prediction:
        path = f"/prediction/{quote(network.name, safe='')}"
        answer = self._transport.post_json(path, members.document())
        return self._transport.checked(lambda: answers.prediction(answer, network, features))
