"""Parses sources in languages that no test compiles."""

import importlib

from tests.support.missing import missing


def first_error(grammar: str, text: bytes) -> str | None:
    """The line of the first syntax error.

    grammar: the package of a tree-sitter grammar, such as `tree_sitter_swift`.
    """
    try:
        tree_sitter, language = map(importlib.import_module, ("tree_sitter", grammar))
    except ModuleNotFoundError as error:
        missing(f"{error}: `make .venv-dev` installs it")
    parser = tree_sitter.Parser(tree_sitter.Language(language.language()))
    nodes = [parser.parse(text).root_node]
    for node in nodes:  # it grows
        if node.is_error or node.is_missing:
            return text.decode().splitlines()[int(node.start_point[0])]
        nodes += [child for child in node.children if child.has_error]
    return None
