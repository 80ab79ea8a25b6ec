"""`POST /init/verification`: compares a client's MFCCs of the reference clip with ours."""

from functools import partial

from falcon.asgi import Request, Response

from server.api.requests import LARGEST_ON_LOOP, read_body
from server.codecs.mfcc_json import decode_any_width
from server.codecs.verdict_json import encode_verdict
from server.inference.batch_executor import BatchExecutor
from server.models.contract import FeatureContract
from server.models.mistakes import Verifier
from server.settings import ServerSettings


class VerificationResource:
    """Checks a client's features and recognises known mistakes."""

    def __init__(
        self, contract: FeatureContract, settings: ServerSettings, executor: BatchExecutor
    ) -> None:
        self._verifier = Verifier(contract.known_mistakes)
        self._n_mfcc = contract.n_mfcc
        self._maximum_body_bytes = settings.maximum_body_bytes
        self._maximum_frames = settings.maximum_frames
        self._executor = executor

    async def on_post(self, req: Request, resp: Response) -> None:
        """Answers with agreement, the most likely mistake, or that no mistake is recognised."""
        body = await read_body(req, self._maximum_body_bytes)
        decode = partial(decode_any_width, body, self._n_mfcc, self._maximum_frames)
        is_short = len(body) <= LARGEST_ON_LOOP
        mfccs = decode() if is_short else await self._executor.run_codec(decode)
        resp.data = encode_verdict(self._verifier.verify(mfccs))
