"""A hash of code: stored results are used only by the code that computed them."""

import ast
import functools
import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib.metadata import version
from types import ModuleType

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "librosa")


@functools.cache
def code_digest(names: tuple[str, ...]) -> str:
    """A short hash of modules or packages by name, and of the versions of third-party packages.

    Comments, docstrings and layout do not change it.
    """
    trees = [ast.dump(_bare(module)) for name in names for module in _modules(name)]
    versions = [f"{package} {version(package)}" for package in PACKAGES]
    return hashlib.sha256("\n".join([*trees, *versions]).encode()).hexdigest()[:16]


def _modules(name: str) -> Iterator[ModuleType]:
    module = importlib.import_module(name)
    yield module
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
        yield importlib.import_module(found.name)


def _bare(module: ModuleType) -> ast.Module:
    """The syntax tree without docstrings."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            del node.body[0]
    return tree
