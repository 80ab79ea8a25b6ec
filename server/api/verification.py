"""`POST /init/verification`: compares a client's MFCCs of the reference clip with ours."""

from falcon.asgi import Request, Response

from server.api.requests import read_body
from server.codecs.mfcc_json import decode_any_width
from server.codecs.verdict_json import encode_verdict
from server.models.contract import FeatureContract
from server.models.mistakes import Verifier


class VerificationResource:
    """Checks a client's features and recognises known mistakes."""

    def __init__(self, contract: FeatureContract, maximum_body_bytes: int) -> None:
        self._verifier = Verifier(contract.known_mistakes)
        self._n_mfcc = contract.n_mfcc
        self._maximum_body_bytes = maximum_body_bytes

    async def on_post(self, req: Request, resp: Response) -> None:
        """Answers with agreement, the most likely mistake, or that no mistake is recognised."""
        body = await read_body(req, self._maximum_body_bytes)
        mfccs = decode_any_width(body, self._n_mfcc)
        resp.data = encode_verdict(self._verifier.verify(mfccs))
