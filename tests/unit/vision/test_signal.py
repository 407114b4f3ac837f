"""Lamp reading on drawn housings, and its timeline."""

import cv2
import numpy as np
import pytest

from core.observations import SignalState
from core.site import Signal
from vision.signal import SignalReader, read_lamp

RGB = {"red": (255, 40, 35), "yellow": (255, 150, 20), "green": (40, 230, 190), "dark": (25, 22, 22)}
R, Y, G, U = SignalState.RED, SignalState.YELLOW, SignalState.GREEN, SignalState.UNKNOWN


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
    signal = Signal(id="s", region_px=(0, 0, 1, 1), layout=layout)  # type: ignore[arg-type]
    picture = housing(lit, height=height, layout="vertical" if layout == "vertical" else layout)
    if layout == "horizontal":
        picture = cv2.rotate(housing(lit, height=height), cv2.ROTATE_90_COUNTERCLOCKWISE)
    assert read_lamp(signal, picture) == lit


def test_dark_housing_and_heavy_haze_are_unknown() -> None:
    signal = Signal(id="s", region_px=(0, 0, 1, 1))
    assert read_lamp(signal, housing(None)) is U
    assert read_lamp(signal, housing("red", haze=0.8)) is U


def test_red_sticker_low_on_the_housing_is_not_red() -> None:
    """A brake light or sign in the wrong place of the housing is no red lamp."""
    signal = Signal(id="s", region_px=(0, 0, 1, 1))
    picture = housing(None)
    picture[48:58, 4:16] = RGB["red"]
    assert read_lamp(signal, picture) is U


def feed(*spans: tuple[float, SignalState], end_s: float, hz: float = 8.0) -> SignalReader:
    reader = SignalReader("s")
    for t in np.arange(0, end_s, 1 / hz):
        reader.add(round(t * 1e9), next(s for since, s in reversed(spans) if t >= since))
    return reader


def test_change_is_dated_between_its_frames() -> None:
    timeline = feed((0.0, G), (5.0, Y), (8.0, R), end_s=12.0).timeline()
    assert timeline.states[-3:] == (G, Y, R)
    assert timeline.since_ns[-1] / 1e9 == pytest.approx(8.0, abs=0.07)
    assert timeline.is_onset_seen(round(9e9))


def test_flicker_is_not_a_state() -> None:
    timeline = feed((0.0, R), (5.0, G), (5.2, R), end_s=10.0).timeline()
    assert {timeline.state_at(round(t * 1e9)) for t in np.arange(0.5, 9.5, 0.1)} == {R}


def test_passing_bus_is_bridged_and_a_long_cover_is_unknown() -> None:
    short = feed((0.0, R), (5.0, U), (6.2, R), end_s=10.0).timeline()
    assert short.state_at(round(5.6e9)) is R
    long = feed((0.0, R), (5.0, U), (8.0, R), end_s=12.0).timeline()
    assert long.state_at(round(6.5e9)) is U
    assert long.state_at(round(10e9)) is R
    assert not long.is_onset_seen(round(10e9)), "the lamp may have changed under the cover"


def test_nothing_is_known_after_a_cut() -> None:
    reader = feed((0.0, R), end_s=5.0)
    reader.cut(round(9e9))
    assert reader.timeline().state_at(round(9e9)) is U
