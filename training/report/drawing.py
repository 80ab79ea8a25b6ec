"""Drawings as SVG text: the same bytes each time, in colours that follow the reader's theme."""

import base64
import io
import re
from dataclasses import dataclass, field
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

WIDTH = 360  # points; a phone's width in CSS pixels, so that 10 points stay readable on one
POINTS_PER_INCH = 72
DOTS_PER_INCH = 120  # of what is drawn as dots
LONG_NUMBER = re.compile(r"\d+\.\d{3,}")


@dataclass(frozen=True)
class Colour:
    """A colour of the theme, on white and on black paper."""

    name: str
    light: str  # also what is drawn with, and told apart by: no two may share it
    dark: str


PAPER = Colour("paper", "#ffffff", "#0d1117")
INK = Colour("ink", "#1f2328", "#e6edf3")
FAINT = Colour("faint", "#c8d1da", "#3d444d")
# Blue, vermilion, green and purple can be told apart by the colour-blind: Okabe and Ito (2008).
SERIES = (
    Colour("series-1", "#0072b2", "#56b4e9"),
    Colour("series-2", "#d55e00", "#f0a030"),
    Colour("series-3", "#00805e", "#2cc79b"),
    Colour("series-4", "#a14c80", "#dc8fba"),
)
MARKERS = "osD^"  # with each colour, for those who see none
THEME = (PAPER, INK, FAINT, *SERIES)

styled = mpl.rc_context(  # decorates every function that draws
    {
        "axes.axisbelow": True,
        "axes.edgecolor": INK.light,
        "axes.grid": True,
        "axes.labelcolor": INK.light,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "figure.titlesize": 10,
        "font.family": ["sans-serif"],
        "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: measured alike everywhere
        "font.size": 10,
        "grid.color": FAINT.light,
        "grid.linewidth": 0.6,
        "legend.edgecolor": "none",
        "legend.facecolor": "none",
        "hatch.color": PAPER.light,
        "savefig.dpi": DOTS_PER_INCH,
        "savefig.transparent": True,
        "svg.fonttype": "none",
        "text.color": INK.light,
        "xtick.color": INK.light,
        "ytick.color": INK.light,
    }
)


@dataclass(frozen=True)
class Drawing:
    """One plot."""

    title: str
    description: str  # what it shows, for those who cannot see it
    svg: str  # for a page that sets the theme's variables; drawn for white paper where none does
    figure: Figure = field(repr=False, compare=False)

    def standalone(self) -> str:
        """The same as a file of its own, which follows the theme of the reader's device."""
        root, body = self.svg.split(">", 1)
        return f"{root}>{_style()}{body}\n"

    @styled
    def png(self) -> bytes:
        """The same as dots of at most 256 colours, on white paper."""
        dots = io.BytesIO()
        self.figure.savefig(dots, format="png", facecolor=PAPER.light, transparent=False)
        content = io.BytesIO()
        few = Image.open(dots).convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE)
        few.save(content, "png", optimize=True)
        return content.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows; many show no SVG that they did not make themselves."""
        png = base64.b64encode(self.png()).decode()
        return {"image/png": png, "text/plain": self.description}


def theme_css(*, dark: bool) -> str:
    """The declarations of the theme's variables."""
    colours = ((colour.name, colour.dark if dark else colour.light) for colour in THEME)
    return " ".join(f"--{name}: {value};" for name, value in colours)


def _style() -> str:
    dark = f"@media (prefers-color-scheme: dark) {{ svg {{ {theme_css(dark=True)} }} }}"
    return f"<style>svg {{ {theme_css(dark=False)} }} {dark}</style>"


def new_figure(height: int) -> Figure:
    """An empty sheet, 360 points wide and `height` points high."""
    size = (WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH)
    return Figure(figsize=size, layout="constrained")


def new_axes(height: int) -> tuple[Figure, Axes]:
    """A sheet with one pair of axes."""
    figure = new_figure(height)
    return figure, figure.subplots()


def finish(figure: Figure, title: str, description: str) -> Drawing:
    """The sheet as SVG, with its title and its description."""
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    text = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    # Names inside come from the salt and the content; of two drawings they must differ.
    with mpl.rc_context({"svg.hashsalt": title + description}):
        figure.savefig(text, format="svg", metadata=nothing)
    return Drawing(title, description, _tidy(text.getvalue(), description), figure)


def _shorten(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"


def _tidy(svg: str, description: str) -> str:
    """Matplotlib's SVG without prologue, dead weight and fixed size, in the theme's colours."""
    body = svg[svg.index("<svg") :].split(">", 1)[1]
    body = re.sub(r'(?<=<g) id="[^"]*"| transform="rotate\(-0 [^"]*"', "", body)
    body = re.sub(r"<[^>]*>", lambda tag: LONG_NUMBER.sub(_shorten, tag[0]), body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    body = body.replace("'DejaVu Sans', sans-serif", "system-ui, sans-serif")
    for colour in THEME:
        body = body.replace(colour.light, f"var(--{colour.name}, {colour.light})")
    box = re.search(r'viewBox="[^"]*"', svg)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{box[0] if box else ""} role="img" aria-label="{escape(description)}">{body}'
    )
