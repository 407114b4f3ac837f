"""V14: the movement made must be one of the lane's arrows (Reg 51(1))."""

from typing import Any

import pytest

from core.observations import ActorClass, Candidate, Undecided
from tests.support.junction import Junction, Place, PoleCamera, along, arc

CAR, EBIKE = ActorClass.CAR, ActorClass.MOTORCYCLE
HIGH = PoleCamera(height_m=12.0, back_m=42.0)


def build(*, fps: float = 8.0, is_calibrated: bool = True, **lane: Any) -> Junction:
    """Three lanes before the line: left turn, straight on, right or straight; one exit each."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, until_s=30.0, lamp=[(0.0, "green")])
    pad = HIGH.ground
    junction.parts["stop_lines"] = [
        {"id": "south", "points_px": pad((-5.5, 0), (6, 0)), "towards_px": pad((0, 6))[0], "signal": "lamp",
         "movements": ["L", "S", "R"]}
    ]  # fmt: skip
    lanes = (("left", -5.0, ["L"]), ("middle", -1.5, ["S"]), ("right", 2.0, ["S", "R"]))
    junction.parts["lanes"] = [
        {
            "id": name,
            "kind": "motor",
            "movements": movements,
            "polygon_px": pad((x, -22), (x + 3.5, -22), (x + 3.5, 0), (x, 0)),
            **lane,
        }
        for name, x, movements in lanes
    ]
    junction.parts["exits"] = [
        {"id": "north", "movement": "S", "polygon_px": pad((-5, 16), (8, 16), (8, 24), (-5, 24))},
        {"id": "west", "movement": "L", "polygon_px": pad((-14, 4), (-9, 4), (-9, 15), (-14, 15))},
        {"id": "east", "movement": "R", "polygon_px": pad((10, 1), (15, 1), (15, 9), (10, 9))},
    ]
    junction.parts["rules"] = {"V14": {"enabled": True}}
    return junction


def straight(x_m: float) -> Place:
    return along([(x_m, -22), (x_m, 26)], 7.0)


def left(x_m: float) -> Place:
    return along([(x_m, -22), (x_m, 3), *arc((x_m - 6, 3), 6, 0, 90), (-16, 9)], 7.0)


def right(x_m: float) -> Place:
    return along([(x_m, -22), (x_m, 0.5), *arc((x_m + 5, 0.5), 5, 180, 90), (16, 5.5)], 6.0)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param(left(0.25), ["V14"], id="left turn from the straight lane"),
        pytest.param(straight(-3.25), ["V14"], id="straight on from the left-turn lane"),
        pytest.param(left(-3.25), [], id="left turn from the left-turn lane"),
        pytest.param(straight(0.25), [], id="straight on from the straight lane"),
        pytest.param(straight(3.75), [], id="straight on from the combined lane"),
        pytest.param(right(3.75), [], id="right turn from the combined lane"),
    ],
)
def test_movement_and_lane(place: Place, expected: list[str], fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    junction.add(CAR, place, end_s=7.0, heading=None)
    assert [violation for violation, _ in junction.found()] == expected


def test_right_turn_from_the_straight_lane() -> None:
    junction = build()
    junction.add(CAR, right(0.25), end_s=7.5, heading=None)
    assert junction.found() == [("V14", 1)]


def test_moments_and_values() -> None:
    junction = build(fps=12.5)
    junction.add(CAR, left(0.25), end_s=7.0, heading=None)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    before, past, out = (m.pts_ns / 1e9 for m in case.moments)
    crossed = (22 - 2.25) / 7.0
    assert before <= crossed + 0.1, "P1: in its lane before the line"
    assert past >= crossed + 4.5 / 7.0 - 0.15, "P2: whole body past the line"
    assert out > past, "P3: in the exit"
    assert (case.facts["lane"], case.facts["lane_movements"], case.facts["movement"]) == ("middle", "S", "L")
    assert case.facts["share_of_way_in_lane"] > 0.9
    assert case.parameters["min_in_lane_before_line_m"] == 10


def test_variable_lane_stays_open() -> None:
    junction = build(is_variable=True)
    junction.add(CAR, left(0.25), end_s=7.0, heading=None)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "variable" in outcome.reason


def test_changing_lanes_just_before_the_line_stays_open() -> None:
    junction = build()
    place = along([(-3.25, -22), (-3.25, -7), (0.25, -2), (0.25, 3), *arc((-5.75, 3), 6, 0, 90), (-16, 9)], 7.0)
    junction.add(CAR, place, end_s=7.0, heading=None)
    assert junction.found() == []


def test_changing_lanes_in_time_is_free() -> None:
    junction = build()
    place = along([(-3.25, -26), (-3.25, -22), (0.25, -14), (0.25, 26)], 7.0)
    junction.add(CAR, place, end_s=7.5, heading=None)
    assert junction.outcomes() == []


def test_exit_not_reached_stays_open() -> None:
    junction = build()
    junction.add(CAR, left(0.25), end_s=5.0, heading=None)
    assert junction.found() == []
    assert all(isinstance(o, Undecided) for o in junction.outcomes())


def test_lane_seen_too_late_stays_open() -> None:
    junction = build()
    junction.add(CAR, left(0.25), start_s=2.2, end_s=7.0, heading=None)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "far enough" in outcome.reason


def test_junction_without_lamps_is_no_case() -> None:
    junction = build()
    junction.parts["stop_lines"][0]["signal"] = None
    junction.add(CAR, left(0.25), end_s=7.0, heading=None)
    assert [o for o in junction.outcomes() if o.violation_id == "V14"] == []


def test_turning_round_from_the_left_turn_lane_is_free() -> None:
    junction = build()
    junction.parts["exits"].append(
        {"id": "back", "movement": "U", "polygon_px": HIGH.ground((-16, -6), (-8, -6), (-8, 2), (-16, 2))}
    )
    place = along([(-3.25, -22), (-3.25, 4), *arc((-7.75, 4), 4.5, 0, 180), (-12.25, -10)], 6.0)
    junction.add(CAR, place, end_s=9.0, heading=None)
    assert junction.found() == []


def test_two_wheelers_are_no_subject() -> None:
    junction = build()
    junction.parts["lanes"] = junction.parts["lanes"][1:2]
    junction.add(EBIKE, left(0.25), end_s=7.0, heading=None)
    assert junction.found() == []


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    junction.add(CAR, left(0.25), end_s=7.0, heading=None)
    assert junction.found() == []
