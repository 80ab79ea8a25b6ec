"""HTML pages in one file: figures, styles and all."""

from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from training.report.figure import Figure, theme_css
from training.report.text import Row

TEMPLATE = "report.html.jinja"


@dataclass(frozen=True)
class Table:
    """A table of text; the first cell of each row is its name."""

    head: Row
    rows: Sequence[Row]


@dataclass(frozen=True)
class Section:
    """One chapter of a page."""

    title: str
    text: str
    table: Table | None = None
    figures: Sequence[Figure] = ()


def render_page(title: str, command: str, remark: str, chapters: Sequence[Section]) -> str:
    """Return the HTML of a page; `command` is what makes it."""
    template = _environment().get_template(TEMPLATE)
    return template.render(title=title, command=command, remark=remark, sections=chapters)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("training.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.globals["theme"] = {
        "light": Markup(theme_css(dark=False)),  # noqa: S704 - our own constants
        "dark": Markup(theme_css(dark=True)),  # noqa: S704
    }
    environment.filters["svg"] = _svg
    return environment


def _svg(figure: Figure) -> Markup:
    return Markup(figure.svg)  # noqa: S704 - matplotlib escapes its text
