"""Finds system files: those of this package, and a user's own in a folder."""

import hashlib
import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import cloudpickle
import msgspec

from training import systems
from training.features.descriptors import Features
from training.systems.base.system import System, UnusableSystemError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
NOT_SYSTEMS = ("base", "registry")


def own_systems() -> dict[str, System]:
    """Those of this package, by name."""
    found = (module.name for module in pkgutil.iter_modules(systems.__path__))
    names = [name for name in found if name not in NOT_SYSTEMS]
    modules = [importlib.import_module(f"{systems.__name__}.{name}") for name in names]
    return _by_name(_system(module) for module in modules)


def find_systems(folder: Path | None) -> dict[str, System]:
    """Those of this package, then those of a user's folder, by name.

    Raises:
        UnusableSystemError: there is no such folder, a file cannot be imported or declares no
            system, or two systems have one name.
    """
    own = own_systems()
    if folder is None:
        return own
    if not folder.is_dir():
        raise UnusableSystemError(f"{folder}: no such folder; [comparison] recipes_path names it")
    for path in folder.glob("*.toml"):
        raise UnusableSystemError(f"{path}: a recipe in TOML; a system is now a Python file")
    found = _by_name(_system(_import(path)) for path in sorted(folder.glob("*.py")))
    for name in found:
        if name in own:
            raise UnusableSystemError(f"{folder}: {name!r} is the name of a built-in system")
    return {**own, **found}


def choose(known: Mapping[str, System], wanted: str) -> dict[str, System]:
    """Those that `wanted` names, separated by commas, or all that are compared.

    Raises:
        UnusableSystemError: one is unknown.
    """
    if wanted == "all":
        return {name: system for name, system in known.items() if system.compared}
    names = dict.fromkeys(name.strip() for name in wanted.split(","))
    for name in names:
        if name not in known:
            raise UnusableSystemError(f"{name!r}: no such recipe; known: {', '.join(known)}, all")
    return {name: known[name] for name in names}


def _by_name(found: Iterator[System]) -> dict[str, System]:
    by_name: dict[str, System] = {}
    for system in found:
        if system.name in by_name:
            raise UnusableSystemError(
                f"{_file(system.module)}: {_file(by_name[system.name].module)} declares a system "
                f"of the same name, {system.name!r}"
            )
        by_name[system.name] = system
    return dict(sorted(by_name.items()))


def _file(module: str) -> str:
    return str(sys.modules[module].__file__)


def _import(path: Path) -> ModuleType:
    """Runs a user's file; worker processes cannot import it and are sent its classes."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    name = f"{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnusableSystemError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        del sys.modules[name]
        raise UnusableSystemError(f"{path}: {type(error).__name__}: {error}") from error
    cloudpickle.register_pickle_by_value(module)
    return module


def _system(module: ModuleType) -> System:
    system = getattr(module, "SYSTEM", None)
    if not isinstance(system, System):
        raise UnusableSystemError(f"{module.__file__}: no SYSTEM that is a System")
    try:
        msgspec.convert(msgspec.to_builtins(system.features), Features)
    except msgspec.ValidationError as error:
        raise UnusableSystemError(f"{module.__file__}: features: {error}") from error
    if not NAME.fullmatch(system.name):
        raise UnusableSystemError(
            f"{module.__file__}: name {system.name!r}; expected letters, digits, _, - and ."
        )
    names = [model.name for model in system.models]
    if not names or len(set(names)) < len(names):
        raise UnusableSystemError(
            f"{module.__file__}: expected models of different names; there are: {', '.join(names)}"
        )
    return replace(system, module=module.__name__)
