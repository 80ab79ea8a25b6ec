"""The format strings of messages, whose fields the type checker cannot see."""

import ast
from collections.abc import Iterator
from string import Formatter

from configuration import ROOT
from server.problems import messages
from server.problems.messages import ProblemKind

SOURCES = sorted((ROOT / "server").rglob("*.py"))


def test_every_use_of_a_message_gives_the_values_of_its_fields() -> None:
    uses = [use for path in SOURCES for use in uses_of_messages(path.read_text(encoding="utf-8"))]
    wrong = [(name, values) for name, values in uses if fields_of(name) != values]
    assert len(uses) > 40
    assert not wrong


def uses_of_messages(source: str) -> Iterator[tuple[str, set[str]]]:
    """Calls such as `Problem(messages.NAME, key=1)` and `messages.NAME.format(key=1)`."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        match call:
            case ast.Call(func=ast.Attribute(value=message, attr="format")):
                name = name_of(message)
            case ast.Call(args=[message, *_]):
                name = name_of(message)
            case _:
                name = None
        if name:
            yield name, {keyword.arg or "**" for keyword in call.keywords}


def name_of(node: ast.expr) -> str | None:
    """NAME where the node is `messages.NAME`."""
    match node:
        case ast.Attribute(value=ast.Name(id="messages"), attr=name):
            return name
    return None


def fields_of(name: str) -> set[str]:
    message = getattr(messages, name)
    text = message.detail if isinstance(message, ProblemKind) else message
    return {field for _, field, _, _ in Formatter().parse(text) if field}
