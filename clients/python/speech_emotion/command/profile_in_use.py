"""The speaker's profile during `emotion predict --profile`."""

import argparse
from typing import Self

from speech_emotion.answers import Prediction
from speech_emotion.client import Client
from speech_emotion.command.output import print_error
from speech_emotion.contract import ANOTHER_VOICE
from speech_emotion.errors import ProfileError
from speech_emotion.extraction.features import Features
from speech_emotion.profiles.baseline import Baseline, is_speech
from speech_emotion.profiles.store import ProfileStore


class ProfileInUse:
    """The baseline so far, to which clips are added; without a profile it does nothing."""

    def __init__(self, store: ProfileStore, name: str | None, recipe: str, *, grows: bool) -> None:
        """Loads the profile.

        Raises:
            ProfileError: it cannot be used, or there is none and it may not be made.
        """
        self._store = store
        self._name = name
        self._recipe = recipe
        self._grows = grows
        self.baseline: Baseline | None = None
        if name is not None:
            self.baseline = self._load(name)

    @classmethod
    def of(cls, client: Client, options: argparse.Namespace) -> Self:
        """That of the command's options; says in words what it does not do."""
        name = options.profile
        if name is not None and not client.has_prosody:
            print_error(
                f"the profile {name!r} is neither used nor updated, because the server's extractor "
                "returns no prosody"
            )
            name = None
        grows = not options.no_update
        used = cls(ProfileStore(), name, client.contract.recipe.digest, grows=grows)
        network = client.contract.network(options.network)
        if name is not None and not network.takes_baseline:
            rest = ": it is only updated" if grows else ""
            able = [each.name for each in client.contract.networks if each.takes_baseline]
            hint = f"; these use it: {', '.join(able)} (--network NAME)" if able else ""
            print_error(f"the network {network.name} does not use the profile {name!r}{rest}{hint}")
        return used

    def add(self, features: Features, prediction: Prediction) -> None:
        """Adds a clip of speech after its prediction, unless it is warned of as another voice."""
        if self._name is None or not self._grows:
            return
        if prediction.warning and prediction.warning.code == ANOTHER_VOICE:
            print_error(f"this clip is not added to the profile {self._name!r}: see the warning")
            return
        if not is_speech(features):
            print_error(f"this clip is not added to the profile {self._name!r}: hardly any speech")
            return
        self.baseline = self._store.add(self._name, self._recipe, features).baseline

    def _load(self, name: str) -> Baseline | None:
        profile = self._store.load_for(name, self._recipe)
        if profile is not None:
            return profile.baseline
        if not self._grows:
            raise ProfileError(f"There is no profile {name!r}. Make it: {_advice(name)}")
        print_error(
            f"there is no profile {name!r} yet: it starts with this clip. Better: {_advice(name)}"
        )
        return None


def _advice(name: str) -> str:
    return f"`emotion profile add {name} FILE...` with a few sentences of ordinary speech."
