"""V07: in a motor lane beside a non-motor lane, far and long enough; borrowing past an obstacle is legal (Reg 70)."""

from dataclasses import replace
from typing import Any

import pytest

from core.observations import ActorClass, Candidate
from rules import requirements
from tests.support.junction import Junction, PoleCamera

EBIKE, BICYCLE, CAR, PERSON = ActorClass.MOTORCYCLE, ActorClass.BICYCLE, ActorClass.CAR, ActorClass.PERSON
HIGH = PoleCamera(height_m=9.0, back_m=22.0, focal_px=1100.0)
"""Sees 45 m of road before the line and beyond: V07 needs 15 m."""


def build(*, fps: float = 8.0, is_calibrated: bool = True, own_kind: str = "nonmotor", **site: Any) -> Junction:
    """Cycle lane x 3.5 to 6, motor lanes x 0 to 3.5 and -3.5 to 0, all northbound, y -10 to 34; no stop line."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, lamp=[(0.0, "green")], until_s=20.0)
    pad = junction.camera.ground

    def lane(name: str, kind: str, left: float, right: float) -> dict[str, Any]:
        corners = pad((left, -10), (right, -10), (right, 34), (left, 34))
        middle = (left + right) / 2
        return {"id": name, "kind": kind, "polygon_px": corners, "heading_px": pad((middle, -8), (middle, 20))}

    junction.parts["stop_lines"] = []
    junction.parts["lanes"] = [
        lane("left", "motor", -3.5, 0.0),
        lane("right", "motor", 0.0, 3.5),
        lane("cycle", own_kind, 3.5, 6.0),
    ]
    junction.parts["rules"] = {"V07": {"enabled": True}, **site}
    return junction


def ride(junction: Junction, x_m: float = 1.7, *, metres: float = 30.0, speed_mps: float = 5.0) -> int:
    """An e-bike rides north from y = -6 for so many metres."""
    return junction.add(EBIKE, lambda t: (x_m, -6 + speed_mps * t), end_s=metres / speed_mps)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 8.0, 25.0])
def test_thirty_metres_in_the_motor_lane(fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    ride(junction)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert (case.violation_id, case.region_id) == ("V07", "right")
    assert case.facts["distance_m"] == pytest.approx(30, abs=6 if is_calibrated else 12)
    assert "class_uncertain_ebike_vs_motorcycle" in case.cues
    assert [m.role.value for m in case.moments] == ["P1_before", "P2_during", "P3_after"]


def test_weaving_from_motor_lane_to_motor_lane_is_one_ride() -> None:
    junction = build()
    junction.add(BICYCLE, lambda t: (1.7 if t < 2.5 else max(1.7 - 2 * (t - 2.5), -1.7), -6 + 5 * t), end_s=6.0)
    assert junction.found() == [("V07", 1)]


@pytest.mark.parametrize(
    ("x_m", "metres"),
    [
        pytest.param(4.7, 30.0, id="in the cycle lane"),
        pytest.param(3.1, 30.0, id="on the lane line, 0.4 m inside"),
        pytest.param(1.7, 12.0, id="12 m only"),
    ],
)
def test_free(x_m: float, metres: float) -> None:
    junction = build()
    ride(junction, x_m, metres=metres)
    assert junction.outcomes() == []


def test_too_fast_to_last_four_seconds_is_free() -> None:
    junction = build()
    ride(junction, metres=30.0, speed_mps=9.0)
    assert junction.outcomes() == []


def test_crossing_the_lanes_is_free() -> None:
    junction = build()
    junction.add(EBIKE, lambda t: (-8 + 3 * t, 12.0), end_s=6.0, heading=(1.0, 0.0))
    assert junction.outcomes() == []


def test_no_cycle_lane_means_keep_right() -> None:
    junction = build(own_kind="mixed")
    ride(junction)
    assert junction.outcomes() == []
    assert requirements(junction.site)["V07"] == ["draw the non-motor lane (kind nonmotor)"]


def test_cycle_lane_of_the_other_direction_does_not_oblige() -> None:
    junction = build()
    cycle = junction.parts["lanes"][2]
    cycle["heading_px"] = cycle["heading_px"][::-1]
    ride(junction)
    assert junction.outcomes() == []


def test_cycle_lane_that_ends_obliges_no_further() -> None:
    junction = build()
    junction.parts["lanes"][2]["polygon_px"] = junction.camera.ground((3.5, -10), (6, -10), (6, 2), (3.5, 2))
    ride(junction)
    assert junction.outcomes() == []


def borrow(junction: Junction, *, back_at_m: float) -> None:
    """Rides in the cycle lane, swings out at y = -2 and is back in it at ``back_at_m``."""

    def place(t: float) -> tuple[float, float]:
        y = -9 + 4 * t
        out, back = min(max((y + 4) / 2, 0), 1), min(max((back_at_m - y) / 2, 0), 1)
        return 4.7 - 3.0 * min(out, back), y

    junction.add(EBIKE, place, end_s=10.0)


def park(junction: Junction, x_m: float = 4.5, y_m: float = 4.0) -> None:
    junction.add(CAR, lambda _: (x_m, y_m))


@pytest.mark.parametrize("fps", [2.0, 12.5])
def test_borrowing_past_a_parked_van_is_legal(fps: float) -> None:
    """Golden scenario 13: back after 12 m; the same where the swing takes 20 m."""
    for back_at_m in (10.0, 18.0):
        junction = build(fps=fps)
        borrow(junction, back_at_m=back_at_m)
        park(junction)
        assert junction.found() == []


def test_golden_13_the_van_itself_is_parked_illegally() -> None:
    junction = build(fps=2.0)
    junction.until_s = 330.0
    pad = junction.camera.ground
    junction.parts["no_stop_zones"] = [
        {"id": "cycle lane", "polygon_px": pad((3.5, -10), (6, -10), (6, 34), (3.5, 34))}
    ]
    borrow(junction, back_at_m=10.0)
    park(junction, x_m=4.75)
    assert junction.found() == [("V08", 2)]


def test_same_swing_without_a_van_is_not() -> None:
    junction = build()
    borrow(junction, back_at_m=24.0)
    assert junction.found() == [("V07", 1)]


def test_car_standing_in_its_own_lane_excuses_nothing() -> None:
    junction = build()
    ride(junction)
    park(junction, x_m=-1.75, y_m=14.0)
    assert junction.found() == [("V07", 1)]


def test_not_coming_back_after_the_van_is_no_borrowing() -> None:
    junction = build()
    junction.add(EBIKE, lambda t: (1.7, -9 + 5 * t), end_s=8.4)
    park(junction, y_m=-8.0)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.facts["borrowed"] is True
    assert "nonmotor_lane_blocked_borrowing" in case.cues


def test_motor_subjects_and_pedestrians_are_free() -> None:
    junction = build()
    junction.parts["two_wheelers"] = "motor"
    ride(junction)
    junction.add(CAR, lambda t: (1.7, -6 + 5 * t), end_s=6.0)
    junction.add(PERSON, lambda t: (1.7, -6 + 1.5 * t), end_s=15.0)
    assert junction.outcomes() == []


def test_silent_until_the_site_switches_it_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    ride(junction)
    assert junction.outcomes() == []


def test_judged_when_the_ride_is_over() -> None:
    """A rider still in the lane may yet turn out to be borrowing it; nothing is said before."""
    junction = build()
    ride(junction)
    (track,) = junction.tracks
    junction.tracks = [replace(track, is_finished=False)]
    assert junction.outcomes() == []
