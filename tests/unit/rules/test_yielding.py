"""V12: who drives through in front of a pedestrian convicts; every lawful way to pass one does not (RTSL 47)."""

from typing import Any

import pytest

from core.observations import ActorClass, Candidate, Undecided
from tests.support.junction import Junction, Place, PoleCamera, along, arc, drive

CAR, PERSON = ActorClass.CAR, ActorClass.PERSON
FAR = PoleCamera(height_m=9.0, back_m=30.0)


def build(
    *,
    fps: float = 8.0,
    is_calibrated: bool = True,
    camera: PoleCamera = FAR,
    signal: str | None = None,
    lamp: list[tuple[float, str]] | None = None,
    **walk: Any,
) -> Junction:
    """Crosswalk x -7 to 7, y 1.5 to 5; the car drives along x = 1.5 and touches it at second 10."""
    junction = Junction(camera=camera, fps=fps, is_calibrated=is_calibrated, until_s=20.0, lamp=lamp or [(0.0, "red")])
    pad = camera.ground
    junction.parts["stop_lines"] = []
    junction.parts["crosswalks"] = [
        {"id": "south", "signal": signal, "polygon_px": pad((-7, 1.5), (7, 1.5), (7, 5), (-7, 5)), **walk}
    ]
    junction.parts["rules"] = {"V12": {"enabled": True}, "V04": {"enabled": False}}
    return junction


def car(junction: Junction, speed_mps: float = 8.0, touch_s: float = 10.0, x_m: float = 1.5) -> None:
    """Drives over the crosswalk; its front touches it at ``touch_s``."""
    front_at_line_s = touch_s - 1.5 / speed_mps
    junction.add(
        CAR,
        drive(speed_mps, front_at_line_s, x_m=x_m),
        start_s=touch_s - 20 / speed_mps,
        end_s=touch_s + 20 / speed_mps,
    )


def walker(junction: Junction, place: Place) -> None:
    junction.add(PERSON, place, end_s=18.0, heading=(1.0, 0.0))


def towards(at_touch_x_m: float, *, speed_mps: float = 1.2, from_left: bool = True) -> Place:
    """Walks at a steady pace and is at ``at_touch_x_m`` when the car touches the crosswalk."""
    sign = 1 if from_left else -1
    return lambda t: (at_touch_x_m + sign * (t - 10.0) * speed_mps, 3.2)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param(towards(1.7), ["V12"], id="in the lane from the left"),
        pytest.param(towards(1.6, from_left=False), ["V12"], id="in the lane from the right"),
        pytest.param(towards(4.8), [], id="has left the lane, walks away"),
        pytest.param(towards(-4.6), [], id="still two lanes off"),
        pytest.param(lambda t: (-7.6, 3.2), [], id="waits at the far kerb"),
        pytest.param(lambda t: (3.2, 8.5), [], id="stands beside the crosswalk"),
    ],
)
def test_passing_a_pedestrian(place: Place, expected: list[str], fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    walker(junction, place)
    car(junction, speed_mps=6.0)
    assert [violation for violation, _ in junction.found()] == expected


def test_moments_and_values() -> None:
    junction = build(fps=12.5)
    walker(junction, towards(1.7))
    car(junction, speed_mps=6.0)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    before, during, after = (m.pts_ns / 1e9 for m in case.moments)
    assert before <= 10.1, "P1: no part on the crosswalk"
    assert 9.9 <= during <= 10.3, "P2: driving onto it"
    assert after == pytest.approx(10.0 + (3.5 + 4.5) / 6.0, abs=0.3), "P3: off it again"
    assert case.facts["speed_kmh"] == pytest.approx(21.6, rel=0.1)
    assert case.facts["pedestrian_track_id"] == 1
    assert case.facts["pedestrian_beside_way_m"] == pytest.approx(0.2, abs=0.4)
    assert case.parameters["min_veh_speed_at_line_kmh"] == 5
    assert case.region_id == "south"


def test_waiting_at_the_near_kerb_with_a_foot_on_the_stripes_is_free() -> None:
    junction = build()
    walker(junction, lambda t: (min(7.6 - t * 1.2, 99) if t < 0.8 else 6.7, 3.2))
    car(junction, x_m=5.2)
    assert junction.outcomes() == []


def test_waiting_on_a_refuge_is_free() -> None:
    pad = FAR.ground
    junction = build(refuge_islands_px=[pad((-1.3, 1.5), (0.2, 1.5), (0.2, 5), (-1.3, 5))])
    walker(junction, lambda t: (min(-7.5 + 1.2 * t, -0.6), 3.2))
    car(junction)
    assert junction.outcomes() == []


def test_yielding_and_driving_on_behind_is_free() -> None:
    """Stops a metre short, waits until the pedestrian has left the lane, then goes."""
    junction = build()
    walker(junction, towards(-1.0))

    def place(t: float) -> tuple[float, float]:
        front = 0.5 - max(0.0, 9.5 - t) ** 2 if t < 14.0 else 0.5 + (t - 14.0) ** 2
        return 1.5, front - 2.25

    junction.add(CAR, place, start_s=6.5, end_s=18.0)
    assert junction.outcomes() == []


def test_halted_then_driving_before_the_pedestrian_stays_open() -> None:
    """It gave way once; whether the pedestrian waved it on, only a human can see."""
    junction = build()
    walker(junction, lambda t: (min(-7.5 + 1.2 * t, 0.2), 3.2))

    def place(t: float) -> tuple[float, float]:
        front = 0.5 - max(0.0, 9.0 - t) ** 2 if t < 12.0 else 0.5 + 2 * (t - 12.0) ** 2
        return 1.5, front - 2.25

    junction.add(CAR, place, start_s=6.0, end_s=16.0)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "waved" in outcome.reason


def test_dashing_out_is_free() -> None:
    junction = build()
    walker(junction, towards(1.2, speed_mps=3.5))
    car(junction)
    assert junction.outcomes() == []


def test_stepping_out_with_no_room_left_to_stop_is_free() -> None:
    """At 10 m/s a driver needs 26.7 m; the pedestrian steps from the refuge 12 m ahead."""
    pad = FAR.ground
    junction = build(refuge_islands_px=[pad((-2.2, 1.5), (-0.5, 1.5), (-0.5, 5), (-2.2, 5))])
    walker(junction, lambda t: (-1.2 + max(0.0, t - 8.7) * 1.2, 3.2))
    car(junction, speed_mps=10.0)
    assert junction.outcomes() == []


def test_turning_back_is_free() -> None:
    junction = build()
    walker(junction, lambda t: (-5.0 + 1.3 * (t - 4.5) if t < 8.5 else max(0.2 - 1.3 * (t - 8.5), -7.0), 3.2))
    car(junction)
    assert junction.outcomes() == []


def test_already_on_the_crosswalk_when_the_pedestrian_stepped_on_is_free() -> None:
    junction = build()
    walker(junction, lambda t: (-7.5 + 1.2 * max(0.0, t - 8.0), 3.2))
    junction.add(CAR, lambda t: (1.5, -10 + 4 * min(t, 3.0) + max(0.0, t - 14.0) * 5), end_s=18.0)
    assert junction.outcomes() == []


@pytest.mark.parametrize(
    ("lamp", "expected"),
    [
        pytest.param([(0.0, "green")], ["V12"], id="pedestrian green"),
        pytest.param([(0.0, "green"), (7.0, "red")], ["V12"], id="entered on green, finishing on red"),
        pytest.param([(0.0, "red")], [], id="pedestrian on red"),
    ],
)
def test_pedestrian_lamp_at_entry(lamp: list[tuple[float, str]], expected: list[str]) -> None:
    junction = build(signal="lamp", lamp=lamp)
    walker(junction, lambda t: (-7.5 + 1.2 * max(0.0, t - 2.7), 3.2))
    car(junction)
    assert [violation for violation, _ in junction.found()] == expected


def test_unreadable_pedestrian_lamp_stays_open() -> None:
    junction = build(signal="lamp", lamp=[(0.0, "unknown")])
    walker(junction, towards(1.7))
    car(junction)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "lamp not readable" in outcome.reason


def test_creeping_below_5_kmh_is_free() -> None:
    junction = build()
    walker(junction, towards(1.2, speed_mps=0.6))
    car(junction, speed_mps=1.1)
    assert junction.found() == []


def test_one_case_for_a_group_and_two_cars_two_cases() -> None:
    junction = build()
    for shift in (-0.6, 0.0, 0.6):
        walker(junction, lambda t, shift=shift: (1.7 + shift + (t - 10.0) * 1.2, 3.2 + shift))  # type: ignore[misc]
    car(junction)
    car(junction, x_m=-2.0, touch_s=8.0)
    assert junction.found() == [("V12", 4), ("V12", 5)]


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    walker(junction, towards(1.7))
    car(junction)
    assert junction.found() == []


def test_right_turn_on_round_red_in_front_of_a_pedestrian() -> None:
    """Golden scenario 6: not yielding, not a red-light run."""
    camera = PoleCamera(height_m=12.0, back_m=42.0)
    junction = Junction(camera=camera, until_s=14.0, lamp=[(0.0, "red")])
    pad = camera.ground
    junction.parts["stop_lines"][0]["movements"] = ["S", "R"]
    junction.parts["exits"] = [{"id": "east", "movement": "R", "polygon_px": pad((14, 1), (20, 1), (20, 9), (14, 9))}]
    junction.parts["crosswalks"] = [{"id": "east", "polygon_px": pad((10, -3), (13, -3), (13, 13), (10, 13))}]
    junction.parts["rules"] = {"V12": {"enabled": True}}
    bend = arc((8.75, 0.5), 5.0, 180, 90)
    junction.add(CAR, along([(3.75, -20), (3.75, 0.5), *bend, (24, 5.5)], 5.0), end_s=9.0, heading=None)
    assert junction.found() == [], "free while nobody walks"
    junction.add(PERSON, lambda t: (11.5, 12.5 - 1.2 * t), end_s=12.0)
    assert junction.found() == [("V12", 1)]
