"""`POST /init/verification`: compares a client's features of a reference clip with ours."""

from functools import partial

from falcon.asgi import Request, Response

from server.api.requests import LARGEST_ON_LOOP, read_body
from server.codecs.verdict_json import encode_verdict
from server.codecs.verification_json import Verifiable, decode_verifiable
from server.inference.batch_executor import BatchExecutor
from server.models.contract.feature_contract import FeatureContract
from server.models.contract.mistakes import Verifier
from server.models.contract.prosody_mistakes import ProsodyVerdict, ProsodyVerifier
from server.models.contract.references import OLD_REFERENCE
from server.problems import messages
from server.problems.documents import Problem, shortened
from server.settings import ServerSettings


class VerificationResource:
    """Checks a client's features and recognises known mistakes."""

    def __init__(
        self, contract: FeatureContract, settings: ServerSettings, executor: BatchExecutor
    ) -> None:
        clips, prosody = contract.references, contract.prosody or {}
        self._verifiers = {clip.name: Verifier(clip.known_mistakes) for clip in clips}
        self._prosody_verifiers = {
            clip.name: ProsodyVerifier(clip.prosody, prosody["referenceHz"])
            for clip in clips
            if clip.prosody
        }
        self._n_mfcc = contract.n_mfcc
        self._maximum_body_bytes = settings.maximum_body_bytes
        self._maximum_frames = settings.maximum_frames
        self._executor = executor

    async def on_post(self, req: Request, resp: Response) -> None:
        """Answers with agreement, the most likely mistake, or that no mistake is recognised."""
        body = await read_body(req, self._maximum_body_bytes)
        decode = partial(decode_verifiable, body, self._n_mfcc, self._maximum_frames)
        is_short = len(body) <= LARGEST_ON_LOOP
        sent = decode() if is_short else await self._executor.run_codec(decode)
        verdict = self._verifier(sent).verify(sent.mfccs)
        resp.data = encode_verdict(
            verdict, self._verify_prosody(sent), of_recording=_name(sent) != OLD_REFERENCE
        )

    def _verifier(self, sent: Verifiable) -> Verifier:
        name = _name(sent)
        if name not in self._verifiers:
            names = [*self._verifiers]
            members = {"pointer": "/reference", "references": names}
            known = ", ".join(names)
            raise Problem(messages.UNKNOWN_REFERENCE, members, name=shortened(name), known=known)
        return self._verifiers[name]

    def _verify_prosody(self, sent: Verifiable) -> ProsodyVerdict | None:
        if sent.prosody is None:
            return None
        name = _name(sent)
        if name not in self._prosody_verifiers:
            raise Problem(messages.NO_PROSODY_TO_VERIFY, {"pointer": "/prosody"}, name=name)
        return self._prosody_verifiers[name].verify(sent.prosody)


def _name(sent: Verifiable) -> str:
    return OLD_REFERENCE if sent.reference is None else sent.reference
