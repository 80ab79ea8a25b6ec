"""Figures as reproducible SVG text whose colours follow the reader's theme."""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from PIL import Image

WIDTH = 360  # points; a phone's width in CSS pixels, so that 10 points stay readable on one
POINTS_PER_INCH = 72
DOTS_PER_INCH = 120  # of rasterized parts
ROW_HEIGHT = 22  # points, of one named row
LONG_NUMBER = re.compile(r"\d+\.\d{3,}")


@dataclass(frozen=True)
class Colour:
    """One colour of the theme, for a light and for a dark background."""

    name: str
    light: str  # unique: matplotlib draws with it, and the SVG replaces it by the variable
    dark: str


PAPER = Colour("paper", "#ffffff", "#0d1117")
INK = Colour("ink", "#1f2328", "#e6edf3")
FAINT = Colour("faint", "#c8d1da", "#3d444d")
# Blue, vermilion, green and purple are safe for colour-blind readers (Okabe and Ito 2008).
SERIES = (
    Colour("series-1", "#0072b2", "#56b4e9"),
    Colour("series-2", "#d55e00", "#f0a030"),
    Colour("series-3", "#00805e", "#2cc79b"),
    Colour("series-4", "#a14c80", "#dc8fba"),
)
MARKERS = "osD^"  # one for each colour, so that no figure depends on colour alone
THEME = (PAPER, INK, FAINT, *SERIES)

styled = mpl.rc_context(  # decorates every function that draws a figure
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
        "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: same layout everywhere
        "font.size": 10,
        "grid.color": FAINT.light,
        "grid.linewidth": 0.6,
        "image.aspect": "auto",
        "image.cmap": "cividis",
        "image.interpolation": "none",
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
class Figure:
    """One plot with its title and its text alternative."""

    title: str
    description: str  # alternative text
    svg: str  # for a page that defines the theme's variables; light colours elsewhere
    canvas: Canvas = field(repr=False, compare=False)

    def standalone(self) -> str:
        """Return the SVG as a file of its own, which follows the theme of the device."""
        root, body = self.svg.split(">", 1)
        return f"{root}>{_style()}{body}\n"

    @styled
    def png(self) -> bytes:
        """Return a PNG of at most 256 colours on a white background."""
        rendered = io.BytesIO()
        self.canvas.savefig(rendered, format="png", facecolor=PAPER.light, transparent=False)
        content = io.BytesIO()
        palette = Image.open(rendered).convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE)
        palette.save(content, "png", optimize=True)
        return content.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Display as PNG in notebooks: many viewers do not show SVG outputs."""
        png = base64.b64encode(self.png()).decode()
        return {"image/png": png, "text/plain": self.description}


def theme_css(*, dark: bool) -> str:
    """Return the CSS declarations of the theme's variables."""
    colours = ((colour.name, colour.dark if dark else colour.light) for colour in THEME)
    return " ".join(f"--{name}: {value};" for name, value in colours)


def _style() -> str:
    dark = f"@media (prefers-color-scheme: dark) {{ svg {{ {theme_css(dark=True)} }} }}"
    return f"<style>svg {{ {theme_css(dark=False)} }} {dark}</style>"


def new_canvas(height: int) -> Canvas:
    """Return an empty canvas, 360 points wide and `height` points high."""
    size = (WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH)
    return Canvas(figsize=size, layout="constrained")


def new_axes(height: int) -> tuple[Canvas, Axes]:
    """Return a canvas with one pair of axes."""
    canvas = new_canvas(height)
    return canvas, canvas.subplots()


def new_grid(
    cells: int, columns: int, height: float, margin: int, **options: Any
) -> tuple[Canvas, list[Axes]]:
    """Return a canvas with axes for each of the cells, row by row, each row `height` points high.

    Axes that complete the last row are switched off.
    """
    rows = -(-cells // columns)
    canvas = new_canvas(round(margin + rows * height))
    grid = canvas.subplots(rows, columns, squeeze=False, **options)
    for axes in grid.flat[cells:]:
        axes.set_axis_off()
    return canvas, list(grid.flat[:cells])


def name_rows(axes: Axes, names: Sequence[str], *, lines: bool = False) -> None:
    """Name the rows 0, 1, ... from top to bottom, with or without horizontal grid lines."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=lines, axis="y")


def finish(canvas: Canvas, title: str, description: str) -> Figure:
    """Add the title and render the canvas as SVG."""
    canvas.suptitle(title, x=0.01, ha="left", fontweight="bold")
    text = io.StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    # The salt makes element ids reproducible, and different in two figures of one page.
    with mpl.rc_context({"svg.hashsalt": title + description}):
        canvas.savefig(text, format="svg", metadata=no_metadata)
    return Figure(title, description, _tidy(text.getvalue(), description), canvas)


def _shorten(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"


def _tidy(svg: str, description: str) -> str:
    """Remove prologue, fixed size and superfluous attributes; replace colours by variables."""
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
