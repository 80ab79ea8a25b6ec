"""The answer for a long recording: its windows, and one for all of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from speech_emotion.answers import Prediction


@dataclass(frozen=True)
class Timeline:
    """The predictions of the parts of one recording, in their order."""

    parts: Sequence[Prediction]  # one, or the windows of a long recording

    @property
    def windows(self) -> Sequence[Prediction]:
        """The windows of a long recording; none of a short one."""
        return self.parts if len(self.parts) > 1 else ()

    @property
    def overall(self) -> Prediction:
        """The mean probabilities of the windows with speech; of all, if there is no speech.

        It has the warning, and the finding, that most of these windows have.
        """
        if len(self.parts) == 1:
            return self.parts[0]
        spoken = [one for one in self.parts if not (one.finding and one.finding.is_speechless)]
        heard = spoken or self.parts
        emotions = heard[0].probabilities
        return replace(
            heard[0],
            start=self.parts[0].start,
            end=self.parts[-1].end,
            probabilities={
                emotion: sum(one.probabilities[emotion] for one in heard) / len(heard)
                for emotion in emotions
            },
            warning=_of_most(
                heard, [one.warning.code if one.warning else None for one in heard]
            ).warning,
            finding=_of_most(
                heard, [one.finding.code if one.finding else None for one in heard]
            ).finding,
        )

    def runs(self) -> Iterator["Timeline"]:
        """Neighbouring windows of the same emotion, or of the same finding, together."""
        for _, windows in groupby(self.windows, lambda one: one.finding or one.emotion):
            yield Timeline(list(windows))


def _of_most(parts: Sequence[Prediction], codes: Sequence[str | None]) -> Prediction:
    """The first part with the most frequent code; None counts as one."""
    most, _ = Counter(codes).most_common(1)[0]
    return parts[codes.index(most)]
