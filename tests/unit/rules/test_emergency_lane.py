"""V23: driving 50 m along the emergency lane convicts; crossing it, stopping on it and the next lane do not."""

import pytest

from core.observations import ActorClass, Candidate
from tests.support.junction import Junction, Place, PoleCamera

CAR, BUS, EBIKE = ActorClass.CAR, ActorClass.BUS, ActorClass.MOTORCYCLE
HIGH = PoleCamera(height_m=14.0, back_m=35.0)


def build(*, fps: float = 8.0, kind: str = "emergency", is_calibrated: bool = True) -> Junction:
    """Emergency lane x 4 to 7, y -15 to 90, drawn as two polygons that meet at y = 30."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, until_s=30.0, lamp=[(0.0, "green")])
    pad = HIGH.ground
    junction.parts["stop_lines"] = []
    junction.parts["lanes"] = [
        {"id": "near", "kind": kind, "polygon_px": pad((4, -15), (7, -15), (7, 30), (4, 30))},
        {"id": "far", "kind": kind, "polygon_px": pad((4, 30), (7, 30), (7, 90), (4, 90))},
    ]
    junction.parts["rules"] = {"V23": {"enabled": True}}
    return junction


def along(x_m: float, speed_mps: float = 12.0) -> Place:
    return lambda t: (x_m, -8 + speed_mps * t)


@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("x_m", "speed_mps", "seconds", "expected"),
    [
        pytest.param(5.5, 12.0, 6.5, ["V23"], id="78 m along it"),
        pytest.param(5.5, 8.0, 9.0, ["V23"], id="72 m slowly"),
        pytest.param(5.5, 10.0, 3.5, [], id="35 m"),
        pytest.param(2.2, 12.0, 6.5, [], id="next lane"),
    ],
)
def test_driving(x_m: float, speed_mps: float, seconds: float, expected: list[str], fps: float) -> None:
    junction = build(fps=fps)
    junction.add(CAR, along(x_m, speed_mps), end_s=seconds)
    assert [violation for violation, _ in junction.found()] == expected


def test_values() -> None:
    junction = build()
    junction.add(CAR, along(5.5), end_s=6.5)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.facts["distance_m"] == pytest.approx(78.0, rel=0.1)
    assert case.facts["duration_s"] == pytest.approx(6.5, rel=0.1)
    assert "emergency_vehicle_on_duty" in case.cues


@pytest.mark.parametrize("x_m", [5.5, 2.2])
def test_without_calibration_nobody_is_convicted(x_m: float) -> None:
    junction = build(is_calibrated=False)
    junction.add(CAR, along(x_m), end_s=8.0)
    assert junction.found() == []


def test_broken_down_and_standing_is_free() -> None:
    junction = build()
    junction.add(CAR, lambda t: (5.5, 0.0 + 20 * (1 - 0.5 ** min(t, 9.0))), end_s=28.0)
    assert junction.found() == []


def test_crossing_it_to_an_exit_is_free() -> None:
    junction = build()
    junction.add(CAR, lambda t: (1.0 + 1.6 * t, -8 + 10 * t), end_s=6.0, heading=(0.16, 1.0))
    assert junction.found() == []


def test_pulling_in_for_a_moment_is_free() -> None:
    junction = build()
    junction.add(CAR, lambda t: (5.5 if 2.0 < t < 4.5 else 2.0, -8 + 12 * t), end_s=7.0)
    assert junction.found() == []


def test_an_ordinary_lane_is_free() -> None:
    junction = build(kind="motor")
    junction.add(CAR, along(5.5), end_s=6.5)
    assert junction.found() == []


def test_two_wheelers_are_no_subject() -> None:
    junction = build()
    junction.add(EBIKE, along(5.5, 10.0), end_s=7.0)
    assert junction.found() == []


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    junction.add(CAR, along(5.5), end_s=6.5)
    assert junction.found() == []
