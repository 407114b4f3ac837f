"""Lamp reading by colour and place on drawn housings."""

import cv2
import numpy as np
import pytest

from core.observations import SignalState
from vision.lamp_colour import read_colour

RGB = {"red": (255, 40, 35), "yellow": (255, 150, 20), "green": (40, 230, 190), "dark": (25, 22, 22)}
U = SignalState.UNKNOWN


def housing(lit: str | None, *, height: int = 60, layout: str = "vertical", haze: float = 0.0) -> np.ndarray:
    """A housing with three round lamps, one lit, as a camera would show it."""
    width = height // 3
    picture = np.full((height, width, 3), 18, np.uint8)
    for place, colour in enumerate(("red", "yellow", "green")):
        centre = (width // 2, int((place + 0.5) * height / 3))
        cv2.circle(picture, centre, int(width * 0.36), RGB[colour if colour == lit else "dark"], -1)
    picture = cv2.GaussianBlur(picture, (3, 3), 0)
    picture = cv2.addWeighted(picture, 1 - haze, np.full_like(picture, 200), haze, 0)
    if layout.startswith("horizontal"):
        picture = cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE)
        if layout == "horizontal_red_right":
            picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


@pytest.mark.parametrize("layout", ["vertical", "horizontal", "horizontal_red_right"])
@pytest.mark.parametrize("height", [21, 60, 150])
@pytest.mark.parametrize("lit", ["red", "yellow", "green"])
def test_reads_the_lit_lamp(lit: str, height: int, layout: str) -> None:
    picture = housing(lit, height=height, layout="vertical" if layout == "vertical" else layout)
    if layout == "horizontal":
        picture = cv2.rotate(housing(lit, height=height), cv2.ROTATE_90_COUNTERCLOCKWISE)
    assert read_colour(picture, layout) == lit


def test_dark_housing_and_heavy_haze_are_unknown() -> None:
    assert read_colour(housing(None), "vertical") is U
    assert read_colour(housing("red", haze=0.8), "vertical") is U


def test_red_sticker_low_on_the_housing_is_not_red() -> None:
    """A brake light or sign in the wrong place of the housing is no red lamp."""
    picture = housing(None)
    picture[48:58, 4:16] = RGB["red"]
    assert read_colour(picture, "vertical") is U
