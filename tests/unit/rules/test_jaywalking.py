"""V19: across the lanes although a crosswalk is near; on it, beside it, without one or along the road is legal."""

from typing import Any

import pytest

from core.observations import ActorClass, Candidate, Undecided
from rules import requirements
from tests.support.junction import Junction, PoleCamera

PERSON, EBIKE = ActorClass.PERSON, ActorClass.MOTORCYCLE
HIGH = PoleCamera(height_m=9.0, back_m=22.0, focal_px=1100.0)


def build(*, fps: float = 8.0, is_calibrated: bool = True, kind: str = "motor", **parameters: Any) -> Junction:
    """Road along y, x -7 to 7, four lanes of 3.5 m; crosswalk y -6 to -2; walkers cross from left to right."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, lamp=[(0.0, "green")], until_s=30.0)
    pad = junction.camera.ground
    junction.parts["stop_lines"] = []
    junction.parts["crosswalks"] = [{"id": "zebra", "polygon_px": pad((-7, -6), (7, -6), (7, -2), (-7, -2))}]
    junction.parts["lanes"] = [
        {
            "id": f"lane{number}",
            "kind": kind,
            "polygon_px": pad((left, -10), (left + 3.5, -10), (left + 3.5, 40), (left, 40)),
            "heading_px": pad((left + 1.7, -8), (left + 1.7, 20))[:: 1 if left >= 0 else -1],
        }
        for number, left in enumerate((-7.0, -3.5, 0.0, 3.5))
    ]
    junction.parts["rules"] = {"V19": {"enabled": True, "parameters": parameters}}
    return junction


def cross(junction: Junction, y_m: float = 12.0, *, from_x_m: float = -8.5, to_x_m: float = 8.5) -> int:
    """Walks straight across at 1.4 m/s."""
    way_m = to_x_m - from_x_m
    sign = 1 if way_m > 0 else -1
    return junction.add(
        PERSON, lambda t: (from_x_m + sign * 1.4 * t, y_m), end_s=abs(way_m) / 1.4, heading=(float(sign), 0.0)
    )


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 8.0, 25.0])
def test_crossing_fourteen_metres_from_the_crosswalk(fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    cross(junction)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.violation_id == "V19"
    assert case.facts["from_crosswalk_m"] == pytest.approx(14.0, abs=0.7 if is_calibrated else 7.0)
    assert [m.role.value for m in case.moments] == ["P1_before", "P2_during", "P3_after"]
    assert case.moments[0].pts_ns < case.moments[1].pts_ns < case.moments[2].pts_ns


def test_half_way_to_the_other_carriageway() -> None:
    junction = build()
    cross(junction, to_x_m=1.5)
    assert junction.found() == [("V19", 1)]


@pytest.mark.parametrize(
    "y_m", [pytest.param(-4.0, id="on the crosswalk"), pytest.param(1.5, id="3.5 m beside the crosswalk")]
)
def test_on_or_near_the_crosswalk(y_m: float) -> None:
    junction = build()
    cross(junction, y_m)
    assert junction.outcomes() == []


def test_into_the_kerb_lane_and_back_is_boarding() -> None:
    junction = build()
    cross(junction, to_x_m=-4.2)
    junction.add(PERSON, lambda t: (-8.5 + (1.4 * t if t < 4 else 11.2 - 1.4 * t), 12.0), end_s=8.0, heading=(1.0, 0.0))
    assert junction.outcomes() == []


def test_two_lanes_in_and_back_again_is_no_crossing() -> None:
    junction = build()
    junction.add(PERSON, lambda t: (-8.5 + 1.4 * min(t, 12 - t), 12.0), end_s=12.0, heading=(1.0, 0.0))
    assert junction.outcomes() == []


def test_without_a_crosswalk_crossing_is_legal() -> None:
    junction = build()
    junction.parts["crosswalks"] = []
    cross(junction)
    assert junction.outcomes() == []
    assert requirements(junction.site)["V19"] == ["draw the crosswalk that should be used"]


def test_crosswalk_farther_than_the_law_asks() -> None:
    junction = build(facility_within_m=10)
    cross(junction)
    assert junction.outcomes() == []


def test_along_the_road_between_the_lanes() -> None:
    junction = build()
    junction.add(PERSON, lambda t: (-1.0 + 0.15 * t, 6 + 1.4 * t), end_s=14.0)
    assert junction.outcomes() == []


def test_street_shared_with_walkers() -> None:
    junction = build(kind="mixed")
    cross(junction)
    assert junction.outcomes() == []


def test_track_that_begins_in_mid_road_is_undecided() -> None:
    junction = build()
    cross(junction, from_x_m=-2.5)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)


def test_riders_are_no_walkers() -> None:
    junction = build()
    junction.add(PERSON, lambda t: (-8.5 + 5.5 * t, 12.0), end_s=3.0, heading=(1.0, 0.0))
    junction.add(EBIKE, lambda t: (-8.5 + 4 * t, 12.0), end_s=4.0, heading=(1.0, 0.0))
    assert junction.outcomes() == []


def test_hidden_behind_a_bus_for_two_seconds() -> None:
    junction = build()
    junction.add(PERSON, lambda t: (-8.5 + 1.4 * t, 12.0), end_s=12.0, heading=(1.0, 0.0), seen=lambda t: not 5 < t < 7)
    assert junction.found() == [("V19", 1)]
