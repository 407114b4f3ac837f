"""V22: driving along a non-motor lane convicts; crossing it, stopping by it and bays do not (RTSL 36)."""

import pytest

from core.observations import ActorClass, Candidate
from tests.support.junction import Junction, Place, PoleCamera

CAR, EBIKE = ActorClass.CAR, ActorClass.MOTORCYCLE
FAR = PoleCamera(height_m=10.0, back_m=30.0)


def build(*, fps: float = 8.0, is_calibrated: bool = True, is_long: bool = False) -> Junction:
    """Non-motor lane x 4 to 6.5 on the right, y -12 to 25 (to 60 when long)."""
    junction = Junction(camera=FAR, fps=fps, is_calibrated=is_calibrated, until_s=30.0, lamp=[(0.0, "green")])
    pad, far = FAR.ground, 60 if is_long else 25
    junction.parts["stop_lines"] = []
    junction.parts["lanes"] = [
        {"id": "bikes", "kind": "nonmotor", "polygon_px": pad((4, -12), (6.5, -12), (6.5, far), (4, far))},
        {"id": "cars", "kind": "motor", "polygon_px": pad((0, -12), (4, -12), (4, far), (0, far))},
    ]
    junction.parts["rules"] = {"V22": {"enabled": True}}
    return junction


def along(x_m: float, speed_mps: float = 7.0) -> Place:
    return lambda t: (x_m, -10 + speed_mps * t)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param(along(5.2), ["V22"], id="along the lane"),
        pytest.param(along(2.0), [], id="in its own lane"),
        pytest.param(along(2.9), [], id="close beside the lane"),
        pytest.param(lambda t: (2.0 if t < 1 else 5.2, -10 + 7 * t if t < 2.6 else 99.0), [], id="under 15 m"),
    ],
)
def test_driving(place: Place, expected: list[str], fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    junction.add(CAR, place, end_s=4.6, seen=lambda t: place(t)[1] < 90)
    assert [violation for violation, _ in junction.found()] == expected


def test_moments_and_values() -> None:
    junction = build()
    junction.add(CAR, along(5.2), end_s=4.6)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    first, middle, last = (m.pts_ns / 1e9 for m in case.moments)
    assert first < middle < last
    assert case.facts["distance_m"] == pytest.approx(7.0 * 4.5, rel=0.15)
    assert case.facts["speed_kmh"] == pytest.approx(25.2, rel=0.1)
    assert case.facts["share_inside"] > 0.9
    assert case.parameters["min_distance_m"] == 15
    assert case.region_id == "bikes"


def test_half_the_body_decides() -> None:
    """Lane edge at x = 4: a body 1.8 m wide has 0.67 of its width inside at 4.3, 0.33 at 3.7."""
    for x_m, expected in ((4.6, 1), (3.4, 0)):
        junction = build()
        junction.add(CAR, along(x_m), end_s=4.6)
        assert len(junction.found()) == expected


def test_crossing_it_to_turn_into_a_side_road_is_free() -> None:
    junction = build()

    def place(t: float) -> tuple[float, float]:
        return (2.0, -10 + 5 * t) if t < 3 else (2.0 + 4 * (t - 3), 5.0 + 0.8 * (t - 3))

    junction.add(CAR, place, end_s=5.5, heading=(1.0, 0.2))
    assert junction.found() == []


def test_driving_into_a_marked_bay_is_free() -> None:
    junction = build()
    junction.parts["parking_bays"] = [{"id": "bay", "polygon_px": FAR.ground((6.5, 8), (9, 8), (9, 16), (6.5, 16))}]

    def place(t: float) -> tuple[float, float]:
        y = -10 + 5 * min(t, 4.4)
        return (5.2 if y < 6 else 5.2 + min((y - 6) * 0.42, 2.5)), y

    junction.add(CAR, place, end_s=12.0)
    assert junction.found() == []
    junction.parts["parking_bays"] = []
    assert junction.found() == [("V22", 1)], "without a bay the same drive is one"


def test_standing_in_it_is_parking_not_driving() -> None:
    junction = build()
    junction.add(CAR, lambda t: (5.2, 0.0 + 0.02 * t), end_s=28.0)
    assert junction.found() == []


def test_a_short_swerve_round_an_obstacle_is_free() -> None:
    junction = build(is_long=True)
    junction.add(CAR, lambda t: (4.9 if 2.0 < t < 3.4 else 2.0, -10 + 8 * t), end_s=7.0)
    assert junction.found() == []


def test_two_wheelers_are_no_subject() -> None:
    junction = build()
    junction.add(EBIKE, along(5.2, 5.0), end_s=6.0)
    assert junction.found() == []


def test_cross_traffic_is_free() -> None:
    junction = build()
    junction.add(CAR, lambda t: (-12 + 6 * t, 6.0), end_s=5.0, heading=(1.0, 0.0))
    assert junction.found() == []


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    junction.add(CAR, along(5.2), end_s=4.6)
    assert junction.found() == []
