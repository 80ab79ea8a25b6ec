"""Options for the settings: one for each key of a section of config.ini."""

import argparse
import dataclasses
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from configuration import (
    ROOT,
    SettingError,
    config_path,
    is_path,
    read_section,
    variable_name,
)
from training.settings import HYPERPARAMETERS, ComparisonSettings, DataSettings, TrainingSettings
from training.systems.base.system import System

SECTIONS: dict[str, type] = {
    "data": DataSettings,
    "training": TrainingSettings,
    "comparison": ComparisonSettings,
}
Settings = TypeVar("Settings")


def add_options(
    parser: argparse.ArgumentParser,
    section: str,
    networks: Mapping[str, System],
    words: int | Literal["+"] = "+",
) -> None:
    """One option for each key of a section of config.ini; it overrides both file and variable.

    Args:
        parser: of a command.
        section: of config.ini.
        networks: by name, those whose hyperparameters the help shows.
        words: how many an option for a list takes.
    """
    group = parser.add_argument_group(f"instead of [{section}] in config.ini")
    for field in dataclasses.fields(SECTIONS[section]):
        add_option(group, field, networks, words)


def add_option(
    group: "argparse._ActionsContainer",
    field: dataclasses.Field[Any],
    networks: Mapping[str, System],
    words: int | Literal["+"] = "+",
) -> None:
    """The option of one key."""
    several: dict[str, Any] = {"nargs": words} if isinstance(field.default, tuple) else {}
    group.add_argument(
        f"--{field.name.replace('_', '-')}",
        metavar=field.name.upper(),
        help=_help(field, networks).replace("%", "%%"),
        **several,
    )


def _help(field: dataclasses.Field[Any], networks: Mapping[str, System]) -> str:
    """The description, which names the default itself where that is no value."""
    description = str(field.metadata["description"])
    if "default: " in description:
        return description
    return f"{description}; default: {_default(field, networks)}"


def _default(field: dataclasses.Field[Any], networks: Mapping[str, System]) -> str:
    if field.name in HYPERPARAMETERS:
        return of_each(field.name, networks)
    if isinstance(field.default, tuple):
        return shlex.join(field.default)
    if isinstance(field.default, Path):
        return os.path.relpath(field.default, ROOT)
    return str(field.default)


def of_each(key: str, networks: Mapping[str, System]) -> str:
    """The value of a hyperparameter in each network that has it: `96 (TCN), 40 (CNN, DNN)`."""
    names: dict[Any, list[str]] = {}
    for name, system in networks.items():
        if system.has(key):
            field = "epochs" if key == "frame_epochs" else key
            value = getattr(system.model.hyperparameters, field)
            names.setdefault(value, []).append(name)
    return ", ".join(f"{value} ({', '.join(own)})" for value, own in names.items())


def read_settings(section: type[Settings], name: str, options: argparse.Namespace) -> Settings:
    """A section of config.ini with the variables and options that override it.

    Raises:
        SettingError: a value is wrong; the message names the key, variable or option.
    """
    environment, origins = dict(os.environ), {}
    for key, kind in get_type_hints(section).items():
        text = getattr(options, key, None)
        if text is not None:
            variable = variable_name(name, key)
            one_path = Path in (kind, *get_args(kind))
            words = text if isinstance(text, str) else shlex.join(map(_from_here, text))
            environment[variable] = str(Path(text).absolute()) if one_path else words
            origins[variable] = f"--{key.replace('_', '-')}"
    try:
        return read_section(section, name, config_path(), environment)
    except SettingError as error:
        variable, _, rest = str(error).partition(":")
        raise SettingError(f"{origins.get(variable, variable)}:{rest}") from None


def _from_here(word: str) -> str:
    return str(Path(word).absolute()) if is_path(word) else word
