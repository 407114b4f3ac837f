"""V10: enough bicycles standing long enough where they may not; bays, riders and short stops are legal."""

from typing import Any

import pytest

from core.observations import ActorClass, Candidate
from rules import requirements
from tests.support.junction import Junction

BICYCLE, EBIKE, PERSON, CAR = ActorClass.BICYCLE, ActorClass.MOTORCYCLE, ActorClass.PERSON, ActorClass.CAR


def build(
    *, fps: float = 1.0, is_calibrated: bool = True, enough: int = 5, until_s: float = 1000.0, **zone: Any
) -> Junction:
    """Sidewalk x 2 to 6, y -6 to 6, no bicycles; catalogue: 900 s, five together."""
    junction = Junction(fps=fps, is_calibrated=is_calibrated, lamp=[(0.0, "green")], until_s=until_s)
    junction.parts["stop_lines"] = []
    junction.parts["nonmotor_zones"] = [
        {"id": "walk", "polygon_px": junction.camera.ground((2, -6), (6, -6), (6, 6), (2, 6)), **zone}
    ]
    junction.parts["rules"] = {"V10": {"enabled": True, "parameters": {"min_cluster_size_for_workorder": enough}}}
    return junction


def put(junction: Junction, x_m: float = 4.0, y_m: float = 0.0, *, who: ActorClass = BICYCLE, **span: Any) -> int:
    return junction.add(who, lambda _: (x_m, y_m), **span)


def row(junction: Junction, count: int, **span: Any) -> None:
    """Bicycles side by side along the sidewalk."""
    for i in range(count):
        put(junction, 4.0, -4.0 + 1.6 * i, who=BICYCLE if i % 2 else EBIKE, start_s=3.0 * i, **span)


@pytest.mark.parametrize("is_calibrated", [True, False])
def test_five_bicycles_on_the_sidewalk_are_one_work_order(is_calibrated: bool) -> None:
    junction = build(is_calibrated=is_calibrated)
    row(junction, 5)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert (case.violation_id, case.track_id, case.region_id) == ("V10", 1, "walk")
    assert case.facts["standing_together"] == 5
    t0, _, t1 = case.moments
    assert (t0.role.value, t1.role.value) == ("T0_overview", "T1_overview")
    assert t1.pts_ns / 1e9 >= 912.0, "T1 is taken when the fifth has stood 900 s as well"


@pytest.mark.parametrize("fps", [0.5, 2.0])
def test_zone_threshold_and_single_bicycle(fps: float) -> None:
    junction = build(fps=fps, enough=1, confirm_s=60.0, until_s=120.0, kind="tactile_paving")
    put(junction)
    assert junction.found() == [("V10", 1)]


def test_four_are_no_work_order() -> None:
    junction = build()
    row(junction, 4)
    assert junction.outcomes() == []


def test_gone_after_fourteen_minutes() -> None:
    junction = build()
    row(junction, 5, end_s=850.0)
    assert junction.outcomes() == []


def test_beside_the_zone() -> None:
    junction = build(enough=1)
    put(junction, x_m=0.0)
    assert junction.outcomes() == []


def test_in_a_marked_bay() -> None:
    junction = build(enough=1)
    pad = junction.camera.ground
    junction.parts["parking_bays"] = [
        {"id": "bay", "applies_to": ["nonmotor"], "polygon_px": pad((2, -6), (6, -6), (6, 6), (2, 6))}
    ]
    put(junction)
    assert junction.outcomes() == []


def test_a_bay_for_cars_is_none_for_bicycles() -> None:
    junction = build(enough=1)
    pad = junction.camera.ground
    junction.parts["parking_bays"] = [
        {"id": "bay", "applies_to": ["motor"], "polygon_px": pad((2, -6), (6, -6), (6, 6), (2, 6))}
    ]
    put(junction)
    assert junction.found() == [("V10", 1)]


@pytest.mark.parametrize(
    ("stays_s", "expected"),
    [pytest.param(55.0, [], id="rider waits beside it"), pytest.param(4.0, [("V10", 1)], id="somebody walks past")],
)
def test_person_beside_it(stays_s: float, expected: list[tuple[str, int]]) -> None:
    junction = build(enough=1, confirm_s=120.0, until_s=180.0)
    put(junction)
    junction.add(PERSON, lambda _: (4.9, 0.3), start_s=178.0 - stays_s, end_s=178.0)
    assert junction.found() == expected


def test_moved_in_between() -> None:
    junction = build(enough=1, confirm_s=120.0, until_s=200.0)
    junction.add(BICYCLE, lambda t: (4.0, 0.0) if t < 100 else (4.0, min(4.0, (t - 100) * 1.0)))
    assert junction.outcomes() == []


def test_short_occlusion_is_bridged() -> None:
    junction = build(enough=1, confirm_s=120.0, until_s=150.0)
    put(junction, seen=lambda t: not 60 < t < 75)
    assert junction.found() == [("V10", 1)]


def test_motor_vehicles_and_motorcycles_are_other_law() -> None:
    junction = build(enough=1, confirm_s=60.0, until_s=120.0)
    junction.parts["two_wheelers"] = "motor"
    put(junction, who=EBIKE)
    put(junction, who=CAR)
    assert junction.outcomes() == []


def test_needs_a_zone() -> None:
    junction = build()
    junction.parts["nonmotor_zones"] = []
    row(junction, 5)
    assert junction.outcomes() == []
    assert requirements(junction.site)["V10"] == ["draw nonmotor_zones"]
