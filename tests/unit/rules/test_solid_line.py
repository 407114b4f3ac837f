"""V15: a change of lanes across a solid line convicts; touching it, dashed sides and dashed stretches do not."""

from typing import Any

import pytest

from core.observations import ActorClass, Candidate
from tests.support.junction import Junction, Place, PoleCamera, along

CAR, BUS, EBIKE = ActorClass.CAR, ActorClass.BUS, ActorClass.MOTORCYCLE
HIGH = PoleCamera(height_m=12.0, back_m=42.0)


def build(*, fps: float = 8.0, is_calibrated: bool = True, **line: Any) -> Junction:
    """A solid line along x = 0 from y = -20 to 10."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, until_s=30.0, lamp=[(0.0, "green")])
    junction.parts["stop_lines"] = []
    junction.parts["solid_lines"] = [{"id": "white", "points_px": HIGH.ground((0, -20), (0, 10)), **line}]
    junction.parts["rules"] = {"V15": {"enabled": True}}
    return junction


def change(from_x_m: float, to_x_m: float, *, y_m: float = -10.0, way_m: float = 16.0, speed_mps: float = 7.0) -> Place:
    """Changes lanes over ``way_m`` metres of road, beginning at ``y_m``."""
    return along([(from_x_m, -24), (from_x_m, y_m), (to_x_m, y_m + way_m), (to_x_m, 30)], speed_mps)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param(change(1.75, -1.75), ["V15"], id="right lane to left lane"),
        pytest.param(change(-1.75, 1.75), ["V15"], id="left lane to right lane"),
        pytest.param(change(1.75, 1.75), [], id="keeps its lane"),
        pytest.param(change(1.75, 1.2), [], id="drifts towards the line"),
        pytest.param(change(1.75, 5.2), [], id="changes lanes the other way"),
    ],
)
def test_driving(place: Place, expected: list[str], fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    junction.add(CAR, place, end_s=6.5, heading=None)
    assert [violation for violation, _ in junction.found()] == expected


def test_moments_and_values() -> None:
    junction = build(fps=12.5)
    junction.add(CAR, change(1.75, -1.75), end_s=6.5, heading=None)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    before, during, after = (m.pts_ns / 1e9 for m in case.moments)
    crossed = (14 + 8.2) / 7.0  # half-way through the change
    assert before < during < after
    assert during == pytest.approx(crossed, abs=0.4)
    assert case.facts["sideways_m"] == pytest.approx(3.5, abs=0.5)
    assert case.facts["straddle_s"] >= 0.6
    assert case.parameters["min_lateral_move_m"] == 1.5
    assert case.region_id == "white"


def test_a_wheel_on_the_line_and_back_is_free() -> None:
    junction = build()
    place = along([(1.75, -24), (1.75, -14), (0.7, -6), (0.7, -2), (1.75, 6), (1.75, 30)], 7.0)
    junction.add(CAR, place, end_s=6.5, heading=None)
    assert junction.found() == []


def test_over_the_line_and_back_again_is_left_to_people() -> None:
    junction = build()
    place = along([(1.75, -24), (1.75, -14), (0.0, -6), (0.0, -2), (1.75, 6), (1.75, 30)], 7.0)
    junction.add(CAR, place, end_s=6.5, heading=None)
    assert junction.found() == []


def test_after_the_line_has_ended_is_free() -> None:
    junction = build()
    junction.add(CAR, change(1.75, -1.75, y_m=12.0), end_s=7.0, heading=None)
    assert junction.found() == []


def test_begun_on_the_dashed_stretch_is_free() -> None:
    junction = build(points_px=HIGH.ground((0, 2), (0, 20)))
    junction.add(CAR, change(1.75, -1.75, y_m=-6.0), end_s=6.5, heading=None)
    assert junction.found() == []


@pytest.mark.parametrize(("from_x_m", "count"), [(1.75, 0), (-1.75, 1)])
def test_dashed_solid_pair_may_be_crossed_from_the_dashed_side(from_x_m: float, count: int) -> None:
    junction = build(kind="dashed_solid", dashed_side_px=HIGH.ground((1.5, -5))[0])
    junction.add(CAR, change(from_x_m, -from_x_m), end_s=6.5, heading=None)
    assert len(junction.found()) == count


def test_cross_traffic_is_free() -> None:
    junction = build()
    junction.add(CAR, lambda t: (-12 + 5 * t, 4.0), end_s=5.0, heading=(1.0, 0.0))
    assert junction.found() == []


def test_a_bus_carries_the_swept_path_cue() -> None:
    junction = build()
    junction.add(BUS, change(1.9, -1.9, y_m=-14, way_m=22.0), end_s=7.0, heading=None)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert "long_vehicle_swept_path" in case.cues


def test_two_wheelers_are_no_subject() -> None:
    junction = build()
    junction.add(EBIKE, change(1.75, -1.75), end_s=6.5, heading=None)
    assert junction.found() == []


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    junction.add(CAR, change(1.75, -1.75), end_s=6.5, heading=None)
    assert junction.found() == []
