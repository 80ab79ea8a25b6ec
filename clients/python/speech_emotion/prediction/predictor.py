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
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
MOST_DETAILS = 10  # SECURITY: a server may invent codes without end


class Predictor:
    """Asks a server for predictions.

    Frames are posted to `/v2/models/{name}/infer` in binary. Whatever that does not answer is
    posted to `/prediction/{name}` in JSON, whose answer or refusal is final. Vectors are posted in
    JSON at once: they are smaller than the header of a binary request.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._takes_binary = True  # until the server refuses it
        self._details: dict[str, str] = {}  # of warnings, by code

    def predict(
        self, features: Features, network: NetworkDescription, baseline: Baseline | None
    ) -> Prediction:
        """Predicts the emotion of one clip.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        members = members_of(features, network, baseline)
        if network.input == "vector" or not self._takes_binary:
            return self._post_json(members, network, features)
        with self._transport.one_limit():
            return self._post_binary(members, network, features)

    def _post_binary(
        self, members: Members, network: NetworkDescription, features: Features
    ) -> Prediction:
        path = f"/v2/models/{quote(network.name, safe='')}/infer"
        answer = self._transport.post(path, *binary_body(members, network))
        is_binary, prediction = self._read(answer, network, features)
        if prediction is None:
            prediction = self._post_json(members, network, features)
            if not is_binary:  # only now: a request that both refuse says nothing
                self._takes_binary = False
            self._remember_detail(prediction)
        return prediction

    def _read(
        self, answer: Answer, network: NetworkDescription, features: Features
    ) -> tuple[bool, Prediction | None]:
        """Whether the server may take binary requests, and the prediction if there is one."""
        if answer.status != HTTPStatus.OK:
            return answer.status in PASSING or answer.status >= 500, None
        try:
            document = prediction_document(answer.body, network, self._details)
            if document is None:
                return True, None
            return True, answers.prediction(document, network, features)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            return False, None

    def _post_json(
        self, members: Members, network: NetworkDescription, features: Features
    ) -> Prediction:
        path = f"/prediction/{quote(network.name, safe='')}"
        answer = self._transport.post_json(path, members.document())
        return self._transport.checked(lambda: answers.prediction(answer, network, features))

    def _remember_detail(self, prediction: Prediction) -> None:
        warning = prediction.warning
        if warning and len(self._details) < MOST_DETAILS:
            self._details[warning.code] = warning.detail
