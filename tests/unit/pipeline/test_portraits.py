"""Portraits tell coloured vehicles apart whatever the light, and say nothing in the dark."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.portraits import portrait_of
from rules.long_stay import Likeness, compared

BOX = (60.0, 40.0, 120.0, 80.0)
RED, WHITE, BLUE = (150, 30, 30), (190, 190, 190), (30, 50, 160)


def street(vehicle: tuple[int, int, int], light: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> NDArray[np.uint8]:
    rgb = np.full((120, 180, 3), 110.0)
    rgb[40:80, 60:120] = vehicle
    return np.clip(rgb * np.array(light), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("light", [(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (1.1, 0.8, 0.45), (0.7, 0.8, 1.0)])
def test_the_colour_of_the_light_does_not_matter(light: tuple[float, float, float]) -> None:
    for colour in (RED, WHITE, BLUE):
        by_day, then = portrait_of(street(colour), BOX), portrait_of(street(colour, light), BOX)
        assert by_day is not None
        assert then is not None
        assert compared(by_day, then) is Likeness.SAME


def test_red_white_and_blue_are_three_vehicles() -> None:
    portraits = [portrait_of(street(colour), BOX) for colour in (RED, WHITE, BLUE)]
    for one in portraits:
        for other in portraits:
            assert one is not None
            assert other is not None
            assert (compared(one, other) is Likeness.SAME) == (one is other)


@pytest.mark.parametrize("light", [0.05, 4.0])
def test_dark_and_glare_show_nothing(light: float) -> None:
    assert portrait_of(street(WHITE, (light, light, light)), BOX) is None


def test_a_box_of_a_few_pixels_shows_nothing() -> None:
    assert portrait_of(street(WHITE), (10.0, 10.0, 12.0, 12.0)) is None
