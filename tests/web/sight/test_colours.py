"""The colours of the emotions stay apart, also for colour-blind eyes."""

import pytest

from tests.support.web.colour_vision import VISIONS, contrast, least_distance, linear
from tests.web.conftest import OpenPage

SERIES = [f"--series-{number}" for number in range(8)]
LEAST_DISTANCE = 0.08  # OKLab; two colours side by side differ visibly from about 0.02
LEAST_CONTRAST = 3.0  # WCAG, of graphics


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_eight_colours_stay_apart_in_every_vision(visit: OpenPage, scheme: str) -> None:
    page = visit(color_scheme=scheme).page
    read = "names => names.map(name => getComputedStyle(document.body).getPropertyValue(name))"
    colours = linear(page.evaluate(read, SERIES))
    card = linear(page.evaluate(read, ["--card"]))
    found = {vision: least_distance(colours, vision) for vision in VISIONS}
    print(scheme, {vision: round(distance, 3) for vision, distance in found.items()})
    assert min(found.values()) >= LEAST_DISTANCE
    assert contrast(colours, card).min() >= LEAST_CONTRAST
