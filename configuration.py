"""Reads the sections of `config.ini` into frozen dataclasses.

An environment variable `SER_<SECTION>_<KEY>` overrides a key of the file: `SER_SERVER_PORT=9000`
overrides `port` in `[server]`. An unknown one is an error, for a misspelt
`SER_SERVER_API_KEYS_PATH` would leave the server open.
"""

import configparser
import dataclasses
import math
import os
import re
import shlex
import types
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

ROOT = Path(__file__).resolve().parent
CONFIG_VARIABLE = "SER_CONFIG"
CLIENT_VARIABLE = "SER_API_KEY"  # of the Python client
SECTIONS = ("server", "models", "data", "training", "comparison")
# What Kubernetes sets in every container for a Service whose name begins with "ser".
OF_KUBERNETES = re.compile(r"SER_(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)")

Section = TypeVar("Section")


class SettingError(ValueError):
    """An invalid setting; the message names the key, its value and the expected value."""


def setting(
    default: Any,
    minimum: float | None = None,
    maximum: float | None = None,
    description: str = "",
) -> Any:
    """A dataclass field; a number is in [minimum, maximum], an option shows the description."""
    limits = {"minimum": minimum, "maximum": maximum, "description": description}
    return dataclasses.field(default=default, metadata=limits)


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """The settings file: `SER_CONFIG`, by default `config.ini` in the project's folder."""
    return Path(environment.get(CONFIG_VARIABLE) or ROOT / "config.ini")


def read_section(
    section: type[Section], name: str, path: Path, environment: Mapping[str, str] = os.environ
) -> Section:
    """Reads `[name]` of the file at `path` into the dataclass `section`.

    Relative paths are relative to the folder of the file. An empty value means the default.

    Raises:
        SettingError: the file cannot be read, a key or variable is unknown, or a value has the
            wrong type.
    """
    texts = _texts(name, path)
    fields = {field.name: field for field in dataclasses.fields(section)}  # type: ignore[arg-type]
    unknown = sorted(texts.keys() - fields.keys())
    if unknown:
        raise SettingError(f"{path} [{name}]: unknown key {unknown[0]!r}; known: {sorted(fields)}")
    _refuse_unknown_variables(name, fields, environment)
    values = {}
    hints = get_type_hints(section)
    for key, field in fields.items():
        variable = variable_name(name, key)
        text, origin = texts.get(key, ""), f"{path} [{name}] {key}"
        if environment.get(variable):
            text, origin = environment[variable], variable
        if text:
            values[key] = _convert(text, hints[key], field, origin, path.parent)
    return section(**values)


def variable_name(section: str, key: str) -> str:
    """The environment variable that overrides a key of a section."""
    return f"SER_{section}_{key}".upper()


def _refuse_unknown_variables(
    section: str, keys: Iterable[str], environment: Mapping[str, str]
) -> None:
    """Those of the section, and those of none."""
    known = [*(variable_name(section, key) for key in keys), CONFIG_VARIABLE, CLIENT_VARIABLE]
    others = tuple(variable_name(name, "") for name in SECTIONS if name != section)
    for variable in sorted(environment.keys() - known):
        ours = variable.startswith("SER_") and not variable.startswith(others)
        if ours and not OF_KUBERNETES.fullmatch(variable):
            nearest = get_close_matches(variable.upper(), known, n=1, cutoff=0)
            raise SettingError(f"{variable}: unknown environment variable; nearest: {nearest[0]}")


def _texts(name: str, path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#",))
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise SettingError(f"{path}: cannot be read as a settings file: {error}") from error
    unknown = sorted(set(parser.sections()) - set(SECTIONS))
    if unknown:
        raise SettingError(f"{path}: unknown section [{unknown[0]}]; known: {', '.join(SECTIONS)}")
    return dict(parser[name]) if parser.has_section(name) else {}


def _convert(text: str, kind: Any, field: dataclasses.Field[Any], origin: str, base: Path) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(choice for choice in get_args(kind) if choice is not type(None))
    parse, expected = _PARSERS[kind]
    try:
        value = parse(text)
    except ValueError:
        raise SettingError(f"{origin}: {text!r} is not {expected}") from None
    _check_range(value, field.metadata, origin)
    if kind == tuple[str, ...]:
        return tuple(str(base / word) if is_path(word) else word for word in value)
    return base / value if kind is Path else value


def _check_range(value: Any, limits: Mapping[str, Any], origin: str) -> None:
    minimum, maximum = limits.get("minimum"), limits.get("maximum")
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingError(f"{origin}: {value!r} is not a finite number")
    if minimum is not None and not value >= minimum:
        raise SettingError(f"{origin}: {value!r} is too small; expected at least {minimum}")
    if maximum is not None and not value <= maximum:
        raise SettingError(f"{origin}: {value!r} is too large; expected at most {maximum}")


def is_path(word: str) -> bool:
    """Whether a word of a list is a path, not a name: it has a slash, or ends in .csv."""
    return "/" in word or word.endswith(".csv")


def _words(text: str) -> tuple[str, ...]:
    return tuple(shlex.split(text))


def _boolean(text: str) -> bool:
    states = configparser.ConfigParser.BOOLEAN_STATES
    if text.lower() not in states:
        raise ValueError(text)
    return states[text.lower()]


_PARSERS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "text"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: (_boolean, "yes or no"),
    Path: (Path, "a path"),
    tuple[str, ...]: (_words, "a list of words with spaces between them"),
}
