"""More looks where a vehicle moves close to a line, and where a lamp just changed; parked ones need none."""

from __future__ import annotations

import numpy as np
import pytest

from core.observations import Detections, SignalState
from core.site import Site
from core.time import NS_PER_S
from pipeline.need import LAMP_NS, NEAR_NS, Need

STEP_NS = 120_000_000


@pytest.fixture
def need() -> Need:
    """A stop line across the picture at y = 500."""
    line = {"id": "stop", "points_px": [[100, 500], [900, 500]], "towards_px": [500, 400], "signal": "S1"}
    signal = {"id": "S1", "region_px": [10, 10, 30, 60], "kind": "motor", "layout": "vertical"}
    site = {"site_id": "s", "place": "p", "camera": {"camera_id": "c", "picture_size_px": [1920, 1080]}}
    return Need(Site.model_validate({**site, "signals": [signal], "stop_lines": [line]}))


def boxes(number: int, *xyxy: tuple[float, float, float, float]) -> Detections:
    return Detections(
        pts_ns=number * STEP_NS,
        xyxy=np.asarray(xyxy, np.float32).reshape(-1, 4),
        confidence=np.full(len(xyxy), 0.9, np.float32),
        class_id=np.full(len(xyxy), 3),
    )


def car(foot_y: float, x: float = 400) -> tuple[float, float, float, float]:
    return (x, foot_y - 80, x + 100, foot_y)


def test_a_car_coming_to_the_line_is_looked_at_more_often_until_it_is_past(need: Need) -> None:
    urgent = []
    for number in range(30):
        need.saw(boxes(number, car(200 + 20 * number)))
        urgent.append(need.is_urgent(number * STEP_NS + 1))
    feet = [200 + 20 * number for number, is_urgent in enumerate(urgent) if is_urgent]
    assert feet[0] == 440  # 60 px before the line: three quarters of the box's 80 px
    assert feet == list(range(440, feet[-1] + 1, 20))
    assert 560 <= feet[-1] <= 560 + 20 * NEAR_NS // STEP_NS
    assert not urgent[-1]


def test_a_car_beside_the_lines_end_or_far_from_it_changes_nothing(need: Need) -> None:
    for number in range(10):
        need.saw(boxes(number, car(500, x=1000 + 30 * number), car(100 + 20 * number)))
        assert not need.is_urgent(number * STEP_NS + 1)


def test_a_car_standing_on_the_line_needs_no_more_looks(need: Need) -> None:
    for number in range(10):
        need.saw(boxes(number, car(500 + number % 2)))
    assert not need.is_urgent(9 * STEP_NS + 1)


def test_a_lamp_that_changes_is_looked_at_more_often_for_a_second(need: Need) -> None:
    need.read({"S1": SignalState.GREEN}, 0)
    need.read({"S1": SignalState.GREEN}, STEP_NS)
    assert not need.is_urgent(STEP_NS)
    need.read({"S1": SignalState.YELLOW}, NS_PER_S)
    assert need.is_urgent(NS_PER_S + LAMP_NS)
    assert not need.is_urgent(NS_PER_S + LAMP_NS + 1)


def test_an_empty_street_and_a_site_without_lines_need_nothing(need: Need) -> None:
    need.saw(boxes(0))
    assert not need.is_urgent(1)
    bare = Need(
        Site.model_validate(
            {"site_id": "s", "place": "p", "camera": {"camera_id": "c", "picture_size_px": [1920, 1080]}}
        )
    )
    bare.saw(boxes(0, car(500)))
    assert not bare.is_urgent(1)
