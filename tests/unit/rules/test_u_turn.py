"""V13: turning round inside a signed zone convicts; turning left, reversing and openings do not (Reg 49)."""

from typing import Any

import pytest

from core.observations import ActorClass, Candidate, Undecided
from tests.support.junction import Junction, Place, PoleCamera, along, arc

CAR, EBIKE = ActorClass.CAR, ActorClass.MOTORCYCLE
HIGH = PoleCamera(height_m=12.0, back_m=42.0)


def build(*, fps: float = 8.0, is_calibrated: bool = True, **zone: Any) -> Junction:
    """Turning round is forbidden on the whole of x -14 to 8, y -10 to 20."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, until_s=40.0, lamp=[(0.0, "green")])
    pad = HIGH.ground
    junction.parts["stop_lines"] = []
    junction.parts["no_u_turn_zones"] = [
        {"id": "sign", "polygon_px": pad((-14, -10), (8, -10), (8, 20), (-14, 20)), **zone}
    ]
    junction.parts["rules"] = {"V13": {"enabled": True}}
    return junction


def turn(radius_m: float = 5.5, y_m: float = 3.0, speed_mps: float = 5.0) -> Place:
    """Drives up, turns round to the left and drives back."""
    bend = arc((1.5 - radius_m, y_m), radius_m, 0, 180)
    return along([(1.5, -15), (1.5, y_m), *bend, (1.5 - 2 * radius_m, -15)], speed_mps)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param(turn(), ["V13"], id="turns round"),
        pytest.param(turn(5.0, speed_mps=3.0), ["V13"], id="turns round slowly and tightly"),
        pytest.param(along([(1.5, -15), (1.5, 22)], 7.0), [], id="straight on"),
        pytest.param(along([(1.5, -15), (1.5, 3), *arc((-4.5, 3), 6, 0, 90), (-14, 9)], 6.0), [], id="left turn"),
    ],
)
def test_turning(place: Place, expected: list[str], fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    junction.add(CAR, place, end_s=13.0, heading=None)
    assert [violation for violation, _ in junction.found()] == expected


def test_moments_and_values() -> None:
    junction = build()
    pad = HIGH.ground
    junction.parts["solid_lines"] = [
        {"id": "centre", "kind": "double_yellow", "points_px": pad((-4, -10), (-4, 15))},
        {"id": "edge", "points_px": pad((6, -10), (6, 15))},
    ]
    junction.add(CAR, turn(), end_s=11.0, heading=None)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    before, during, after = (m.pts_ns / 1e9 for m in case.moments)
    assert 3.0 <= before < during < after <= 8.0
    assert case.facts["turned_deg"] >= 150
    assert case.facts["way_m"] == pytest.approx(5.5 * 2.62, rel=0.3)
    assert case.facts["solid_lines_crossed"] == ["centre"]
    assert case.parameters["within_m"] == 40


def test_outside_the_zone_is_free() -> None:
    junction = build()
    junction.add(CAR, turn(y_m=24.0), end_s=18.0, heading=None)
    assert junction.outcomes() == []


def test_opening_left_out_of_the_zone_is_free() -> None:
    junction = build(polygon_px=HIGH.ground((-14, -10), (8, -10), (8, 2), (-14, 2)))
    junction.add(CAR, turn(y_m=3.0), end_s=12.0, heading=None)
    assert junction.outcomes() == []


def test_reversing_is_no_turn() -> None:
    """Drives in, stops, and reverses back out the way it came."""
    junction = build()
    junction.add(CAR, lambda t: (1.5, -10 + 4 * min(t, 4.0) - 3 * max(0.0, t - 5.0)), end_s=9.0)
    assert junction.outcomes() == []


def test_reversing_into_a_bay_is_no_turn() -> None:
    junction = build()

    def place(t: float) -> tuple[float, float]:
        return (
            along([(1.5, -10), (1.5, 8)], 4.0)(t) if t < 5 else along([(1.5, 8), (1.8, 5), (4.5, 3), (7, 3)], 2.0, 5)(t)
        )

    junction.add(CAR, place, end_s=10.0)
    assert junction.outcomes() == []


def test_two_left_turns_a_long_way_apart_are_no_turn() -> None:
    junction = build(polygon_px=HIGH.ground((-24, -5), (18, -5), (22, 35), (-32, 35)))
    place = along([(16, -2), (16, 22), (14, 24), (-26, 24), (-28, 22), (-28, 4)], 4.0)
    junction.add(CAR, place, end_s=24.0, heading=None)
    assert junction.found() == []
    junction.parts["rules"]["V13"]["parameters"] = {"within_m": 80}
    assert junction.found() == [("V13", 1)], "a site may ask for wider turns"


@pytest.mark.parametrize(("state", "count"), [("green", 0), ("red", 1)])
def test_lamp_that_lets_vehicles_turn_round(state: str, count: int) -> None:
    junction = build(signal="lamp")
    junction.lamp = [(0.0, state)]
    junction.add(CAR, turn(), end_s=11.0, heading=None)
    assert len(junction.found()) == count


def test_lamp_not_readable_stays_open() -> None:
    junction = build(signal="lamp")
    junction.lamp = [(0.0, "unknown")]
    junction.add(CAR, turn(), end_s=11.0, heading=None)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)


def test_two_wheelers_are_no_subject() -> None:
    junction = build()
    junction.add(EBIKE, turn(), end_s=11.0, heading=None)
    assert junction.found() == []


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    junction.add(CAR, turn(), end_s=11.0, heading=None)
    assert junction.found() == []
