"""V24: riding across the motor lanes of a road section; pushing, turning along and junctions are legal."""

import pytest

from core.observations import ActorClass, Candidate
from rules import requirements
from tests.support.junction import Junction, PoleCamera

EBIKE, BICYCLE, PERSON = ActorClass.MOTORCYCLE, ActorClass.BICYCLE, ActorClass.PERSON
HIGH = PoleCamera(height_m=9.0, back_m=22.0, focal_px=1100.0)


def build(*, fps: float = 8.0, is_calibrated: bool = True, kind: str = "motor") -> Junction:
    """Road section along y, x -7 to 7, four motor lanes of 3.5 m, no lamps near."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, lamp=[(0.0, "green")], until_s=30.0)
    pad = junction.camera.ground
    junction.parts["stop_lines"] = []
    junction.parts["lanes"] = [
        {
            "id": f"lane{number}",
            "kind": kind,
            "polygon_px": pad((left, -10), (left + 3.5, -10), (left + 3.5, 40), (left, 40)),
            "heading_px": pad((left + 1.7, -8), (left + 1.7, 20))[:: 1 if left >= 0 else -1],
        }
        for number, left in enumerate((-7.0, -3.5, 0.0, 3.5))
    ]
    junction.parts["rules"] = {"V24": {"enabled": True}}
    return junction


def cross(junction: Junction, speed_mps: float = 3.5, *, who: ActorClass = EBIKE, y_m: float = 10.0) -> int:
    return junction.add(who, lambda t: (-9 + speed_mps * t, y_m), end_s=18 / speed_mps, heading=(1.0, 0.0))


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 8.0, 25.0])
def test_riding_across_four_lanes(fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    cross(junction)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.violation_id == "V24"
    assert case.facts["across_m"] > 9.0
    assert case.facts["speed_kmh"] == pytest.approx(12.6, abs=2.0)
    assert "pushing_bike" in case.cues


def test_on_an_unsignalled_crosswalk_one_has_to_push_too() -> None:
    junction = build()
    pad = junction.camera.ground
    junction.parts["crosswalks"] = [{"id": "zebra", "polygon_px": pad((-7, 8), (7, 8), (7, 12), (-7, 12))}]
    cross(junction)
    assert junction.found() == [("V24", 1)]


def test_pushing_across_is_what_the_law_asks() -> None:
    junction = build()
    cross(junction, 1.4)
    cross(junction, 1.4, who=BICYCLE, y_m=14.0)
    assert junction.outcomes() == []


@pytest.mark.parametrize("y_m", [4.0, 12.0])
def test_near_a_signalled_stop_line_is_junction(y_m: float) -> None:
    junction = build()
    pad = junction.camera.ground
    junction.parts["stop_lines"] = [
        {"id": "south", "points_px": pad((-7, 0), (7, 0)), "towards_px": pad((0, 6))[0], "signal": "lamp"}
    ]
    cross(junction, y_m=y_m)
    assert [f for f in junction.found() if f[0] == "V24"] == []


def test_twenty_metres_from_the_stop_line_is_road_section() -> None:
    junction = build()
    pad = junction.camera.ground
    junction.parts["stop_lines"] = [
        {"id": "south", "points_px": pad((-7, -8), (7, -8)), "towards_px": pad((0, -9))[0], "signal": "lamp"}
    ]
    cross(junction, y_m=12.0)
    assert junction.found() == [("V24", 1)]


def test_signalled_crosswalk_is_junction() -> None:
    junction = build()
    pad = junction.camera.ground
    junction.parts["crosswalks"] = [
        {"id": "zebra", "signal": "lamp", "polygon_px": pad((-7, 8), (7, 8), (7, 12), (-7, 12))}
    ]
    cross(junction)
    assert junction.outcomes() == []


def test_riding_along_and_changing_lanes() -> None:
    junction = build()
    junction.add(EBIKE, lambda t: (1.7, -6 + 5 * t), end_s=6.0)
    junction.add(EBIKE, lambda t: (-5 + 1.5 * t, -6 + 5 * t), end_s=6.0)
    assert junction.outcomes() == []


def test_joining_the_road_from_an_entrance() -> None:
    """Comes in square, then turns along the near lane."""
    junction = build()
    junction.add(
        BICYCLE,
        lambda t: (9 - 3 * t, 6.0) if t < 1.3 else (5.1 - 0.6 * min(t - 1.3, 1), 6 + 3.5 * (t - 1.3)),
        end_s=7.0,
        heading=(-1.0, 0.0),
    )
    assert junction.outcomes() == []


def test_short_cut_across_one_lane_is_under_five_metres() -> None:
    junction = build()
    junction.add(EBIKE, lambda t: (9 - 3 * min(t, 1.7), 6.0), end_s=6.0, heading=(-1.0, 0.0))
    assert junction.outcomes() == []


def test_mixed_street_walkers_and_motor_subjects() -> None:
    junction = build(kind="mixed")
    cross(junction)
    assert junction.outcomes() == []
    junction = build()
    junction.parts["two_wheelers"] = "motor"
    cross(junction)
    cross(junction, 3.0, who=PERSON)
    assert junction.outcomes() == []


def test_needs_lanes_with_their_heading() -> None:
    junction = build()
    junction.parts["lanes"][0]["heading_px"] = None
    assert requirements(junction.site)["V24"] == ["lane 'lane0' needs heading_px"]
