"""`emotion profile add`, `show`, `list` and `forget`."""

import argparse
import json
from collections.abc import Callable

from speech_emotion.command.connection import connect
from speech_emotion.command.files import process
from speech_emotion.command.output import profile_rows
from speech_emotion.errors import AudioError, ProfileError
from speech_emotion.profiles.baseline import is_speech
from speech_emotion.profiles.store import ProfileStore


def add(options: argparse.Namespace) -> int:
    """Adds clips to a profile; makes it if there is none."""
    client = connect(options)
    client.start()
    store = ProfileStore()
    recipe = client.contract.recipe.digest
    store.load_for(options.name, recipe)  # an unusable one is an error before audio is read
    if not client.has_prosody:
        raise ProfileError(
            "The server's extractor returns no prosody, which a profile needs. Nothing was added."
        )

    def each(file: str, write: Callable[[str], None]) -> None:
        features = client.features(file)
        if not is_speech(features):
            raise AudioError(f"{file}: hardly any speech; not added to the profile")
        profile = store.add(options.name, recipe, features)
        write(f"{options.name}: {_clips(profile.baseline.clips)}")

    return process(options.files, None, each)


def show(options: argparse.Namespace) -> int:
    """Prints what a profile holds."""
    store = ProfileStore()
    profile = store.load(options.name)
    if profile is None:
        raise _missing(options.name, store)
    path = str(store.path(options.name))
    if options.json:
        members = {"name": options.name, "file": path, "recipe": profile.recipe}
        print(json.dumps(members | profile.baseline.document()))
    else:
        for row in profile_rows(options.name, path, profile.baseline):
            print(row)
    return 0


def list_all(options: argparse.Namespace) -> int:
    """Prints the names of all profiles, a damaged one too."""
    for name in ProfileStore().names():
        print(json.dumps({"name": name}) if options.json else name)
    return 0


def forget(options: argparse.Namespace) -> int:
    """Deletes a profile."""
    store = ProfileStore()
    if not store.forget(options.name):
        raise _missing(options.name, store)
    print(f"The profile {options.name} is forgotten.")
    return 0


def _missing(name: str, store: ProfileStore) -> ProfileError:
    names = ", ".join(store.names()) or "none"
    return ProfileError(f"There is no profile {name!r}. Profiles: {names}.")


def _clips(count: int) -> str:
    return f"{count} clip" if count == 1 else f"{count:,} clips"
