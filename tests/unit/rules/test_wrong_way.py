"""V05 and V06: against the signed direction, far enough, long enough; two-way zones never convict."""

import pytest

from core.observations import ActorClass
from tests.support.junction import Junction

EBIKE, CAR, PERSON = ActorClass.MOTORCYCLE, ActorClass.CAR, ActorClass.PERSON


def build(*, is_calibrated: bool = True, fps: float = 8.0, two_way: bool = False, motor: bool = False) -> Junction:
    """Lane on the left, x -7 to -3, y -6 to 12, signed towards the camera (southbound)."""
    junction = Junction(is_calibrated=is_calibrated, fps=fps, lamp=[(0.0, "green")], until_s=20.0)
    pad = junction.camera.ground
    arrow = pad((-5, 10), (-5, -5))
    junction.parts["stop_lines"] = []
    junction.parts["direction_zones"] = [
        {
            "id": "lane",
            "polygon_px": pad((-7, -6), (-3, -6), (-3, 12), (-7, 12)),
            "heading_px": arrow,
            "applies_to": ["motor" if motor else "nonmotor"],
            "two_way": two_way,
        }
    ]
    return junction


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [3.0, 8.0, 30.0])
def test_ebike_against_the_arrow(fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    junction.add(EBIKE, lambda t: (-5.0, -5 + 4 * t), end_s=4.0)
    assert junction.found() == [("V05", 1)]


@pytest.mark.parametrize("start_us", [0, 147_449, 159_226, 173_838, 7_189_311])
def test_the_microsecond_a_session_begins_at_decides_nothing(start_us: int) -> None:
    """Ten pictures a second, against the arrow for 3.0 s with a hole of 0.6 s: both on the threshold."""
    junction, start_s = build(fps=10.0), start_us / 1e6
    junction.add(
        EBIKE,
        lambda t: (-5.0, -5 + 4 * (t - start_s)),
        start_s=start_s,
        end_s=start_s + 3.05,
        seen=lambda t: not 1.05 < t - start_s < 1.55,
    )
    assert junction.found() == [("V05", 1)]


def test_swerving_into_the_next_lane_is_still_the_wrong_way() -> None:
    """Two lanes of one direction side by side; 6 m in the first, 6 m in the second, neither far enough alone."""
    junction = build()
    first = junction.parts["direction_zones"][0]
    polygon = junction.camera.ground((-3, -6), (1, -6), (1, 12), (-3, 12))
    junction.parts["direction_zones"].append({**first, "id": "next", "polygon_px": polygon})
    junction.add(EBIKE, lambda t: (-4.0 if t < 1.5 else -2.0, -5 + 4 * t), end_s=3.6)
    assert junction.found() == [("V05", 1)]


def test_two_way_track_is_free() -> None:
    """Golden scenario 12."""
    junction = build(two_way=True)
    junction.add(EBIKE, lambda t: (-5.0, -5 + 4 * t), end_s=4.0)
    assert junction.found() == []


@pytest.mark.parametrize(
    ("speed_mps", "seconds", "sign"),
    [
        pytest.param(4.0, 4.0, -1, id="with the arrow"),
        pytest.param(4.0, 1.6, 1, id="under 8 m"),
        pytest.param(1.2, 12.0, 1, id="pushed at walking pace"),
    ],
)
def test_free(speed_mps: float, seconds: float, sign: int) -> None:
    junction = build()
    start = -5.0 if sign > 0 else 11.0
    junction.add(EBIKE, lambda t: (-5.0, start + sign * speed_mps * t), end_s=seconds, heading=(0.0, float(sign)))
    assert junction.found() == []


def test_crossing_the_lane_sideways_is_free() -> None:
    junction = build()
    junction.add(EBIKE, lambda t: (-9 + 3 * t, 3.0), end_s=4.0, heading=(1.0, 0.0))
    assert junction.found() == []


def test_pedestrians_are_no_subject() -> None:
    junction = build()
    junction.add(PERSON, lambda t: (-5.0, -5 + 1.6 * t), end_s=9.0)
    assert junction.found() == []


def test_car_needs_its_whole_body_in_the_lane() -> None:
    junction = build(motor=True)
    junction.add(CAR, lambda t: (-5.0, -4 + 5 * t), end_s=3.2)
    junction.add(CAR, lambda t: (-3.0, -4 + 5 * t), end_s=3.2)
    assert junction.found() == [("V06", 1)]
