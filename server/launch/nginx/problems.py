"""Renders the problems that Nginx sends itself, from the table of messages."""

from typing import Any

from server.problems.documents import Problem, inference_error
from server.problems.messages import NGINX_KINDS
from server.settings import ServerSettings

# Directives of single locations. The body of 405 names the methods of the path; 416 must not
# repeat the header of the file's response; 502 may come from an upstream without a free server.
DIRECTIVES = {
    "405": ("add_header Allow $allowed_methods always;", "#common_headers;"),
    "416": ('add_header X-Request-Id "";',),
    "502": ("if ($overloaded) {", "    rewrite ^ /.problem/503 last;", "}"),
}
# Lua sends them.
LUA_PROBLEMS = (("key_needed", "401"), ("too_many_requests", "429"), ("overload", "503"))
# Their locations stand in the template: Lua may send their bodies.
IN_TEMPLATE = {"429", "503"}


def nginx_problems(server: ServerSettings, count: str) -> dict[str, str]:
    """The values of the template that contain messages.

    count: the directive that counts a response of Nginx.
    """
    problems = _problems(server)
    batch = Problem(NGINX_KINDS["413"], limit=server.maximum_batch_bytes)
    values = {
        "problem_locations": "\n        ".join(
            _location(name, problem, count)
            for name, problem in problems.items()
            if name not in IN_TEMPLATE
        ),
        "certificate_needed_detail": problems["certificate"].detail,
        "malformed_request_detail": problems["400"].detail,
        "batch_too_large_detail": batch.detail,
        "internal_error_detail": problems["500"].detail,
        "no_answer_in_time_detail": problems["504"].detail,
        "no_answer_error": inference_error(problems["502"].detail).decode(),
    }
    for name, status in LUA_PROBLEMS:
        values[f"{name}_problem"] = problems[status].document().decode()
        values[f"{name}_error"] = inference_error(problems[status].detail).decode()
    return values


def _problems(server: ServerSettings) -> dict[str, Problem]:
    """The problems by the name of their location, with Nginx's variables as values."""
    limit = server.maximum_body_bytes
    values: dict[str, dict[str, Any]] = {
        "404": {"path": "this path"},
        "405": {"methods": "$allowed_methods"},
        "413": {"members": {"maximumBytes": limit}, "limit": limit},
        "414": {"limit": server.maximum_header_line_bytes},
    }
    return {name: Problem(kind, **values.get(name, {})) for name, kind in NGINX_KINDS.items()}


def _location(name: str, problem: Problem, count: str) -> str:
    lines = [
        "internal;",
        *filter(None, [count]),
        *DIRECTIVES.get(name, ()),
        "default_type application/problem+json;",
        f"return {problem.kind.status} '{problem.document().decode()}';",
    ]
    body = "".join(f"            {line}\n" for line in lines)
    return f"location = /.problem/{name} {{\n{body}        }}"
