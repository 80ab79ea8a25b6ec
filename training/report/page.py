"""HTML pages in one file: figures, styles and all."""

from collections.abc import Sequence
from dataclasses import dataclass

import jinja2

from training.report.figure import Figure, theme_css
from training.report.text import Row


@dataclass(frozen=True)
class Section:
    """One chapter of a page."""

    title: str
    text: str
    table: Sequence[Row] = ()  # the first row is the head; the first cell of a row is its name
    figures: Sequence[Figure] = ()


def render_page(title: str, command: str, remark: str, chapters: Sequence[Section]) -> str:
    """Return the HTML of a page; `command` is what makes it."""
    return template("report.html.jinja").render(
        title=title,
        command=command,
        remark=remark,
        sections=chapters,
        light=theme_css(dark=False),
        dark=theme_css(dark=True),
    )


def template(name: str) -> jinja2.Template:
    """Return a template of this folder; an undefined value in it is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("training.report", "."),
        autoescape=jinja2.select_autoescape(enabled_extensions=["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
