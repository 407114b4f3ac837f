"""V20: a non-motor vehicle rolls over the line on red and waits there; waiting areas and green entries are legal."""

import pytest

from core.observations import ActorClass, Candidate, Undecided
from rules import requirements
from tests.support.junction import Junction, stop_and_go

EBIKE, BICYCLE, CAR = ActorClass.MOTORCYCLE, ActorClass.BICYCLE, ActorClass.CAR
RED = [(0.0, "red"), (45.0, "green")]
LENGTH_M = 1.8


def build(
    lamp: list[tuple[float, str]] = RED, *, fps: float = 8.0, is_calibrated: bool = True, until_s: float = 60.0
) -> Junction:
    junction = Junction(fps=fps, lamp=lamp, is_calibrated=is_calibrated, until_s=until_s)
    junction.parts["rules"] = {"V20": {"enabled": True}}
    return junction


def wait(
    junction: Junction, front_m: float, *, who: ActorClass = EBIKE, stand_s: float = 30.0, end_s: float = 50.0
) -> None:
    """Rolls up at 5 m/s, stands from second 15 with its front ``front_m`` past the line."""
    place = stop_and_go(front_m, 15.0, 15.0 + stand_s, speed_mps=5.0, length_m=LENGTH_M, x_m=3.0)
    junction.add(who, place, start_s=8.0, end_s=end_s)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 8.0, 25.0])
def test_waiting_two_metres_past_the_line(fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    wait(junction, 2.2)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.violation_id == "V20"
    assert [m.role.value for m in case.moments] == ["P1_before", "P2_during", "P3_after"]
    assert (case.moments[2].pts_ns - case.moments[1].pts_ns) / 1e9 >= 10.0
    assert {str(m.signal) for m in case.moments} == {"red"}


def test_nine_seconds_are_enough() -> None:
    junction = build()
    wait(junction, 2.2, who=BICYCLE, stand_s=9.0, end_s=24.0)
    assert junction.found() == [("V20", 1)]


@pytest.mark.parametrize(
    ("lamp", "front_m", "stand_s"),
    [
        pytest.param(RED, -0.4, 30.0, id="behind the line"),
        pytest.param(RED, 0.5, 30.0, id="front wheel over it"),
        pytest.param(RED, 2.2, 5.0, id="five seconds"),
        pytest.param([(0.0, "green"), (18.0, "red")], 2.2, 30.0, id="entered on green, caught by red"),
        pytest.param([(0.0, "yellow"), (17.0, "red")], 2.2, 30.0, id="entered on yellow"),
        pytest.param([(0.0, "green"), (13.9, "red"), (45.0, "green")], 2.2, 30.0, id="within the guard"),
        pytest.param([(0.0, "red"), (18.0, "green")], 2.2, 30.0, id="lamp turned green before 8 s"),
        pytest.param([(0.0, "green"), (30.0, "red")], 13.0, 40.0, id="second stage of a left turn"),
    ],
)
def test_free(lamp: list[tuple[float, str]], front_m: float, stand_s: float) -> None:
    junction = build(lamp)
    wait(junction, front_m, stand_s=stand_s, end_s=15.0 + stand_s)
    assert [o for o in junction.outcomes() if o.violation_id == "V20"] == []


@pytest.mark.parametrize(("applies_to", "expected"), [("nonmotor", []), ("motor", [("V20", 1)])])
def test_marked_waiting_area(applies_to: str, expected: list[tuple[str, int]]) -> None:
    junction = build()
    junction.parts["waiting_areas"] = [
        {
            "id": "bikes",
            "applies_to": [applies_to],
            "polygon_px": junction.camera.ground((1, 0), (6, 0), (6, 4), (1, 4)),
        }
    ]
    wait(junction, 2.2)
    assert junction.found() == expected


def test_own_lamp_governs_before_the_motor_lamp() -> None:
    junction = build()
    junction.parts["signals"] = [
        {"id": "lamp", "region_px": (10, 10, 40, 90)},
        {"id": "bike", "kind": "nonmotor", "region_px": (50, 10, 80, 90)},
    ]
    junction.parts["stop_lines"][0]["nonmotor_signal"] = "bike"
    junction.other_lamps["bike"] = [(0.0, "green")]
    wait(junction, 2.2)
    assert junction.found() == []


@pytest.mark.parametrize(
    "lamp",
    [
        pytest.param([(0.0, "unknown")], id="never readable"),
        pytest.param([(0.0, "red"), (18.0, "unknown"), (40.0, "red")], id="unreadable while it stands"),
    ],
)
def test_unreadable_lamp_is_undecided(lamp: list[tuple[float, str]]) -> None:
    junction = build(lamp)
    wait(junction, 2.2)
    outcomes = [o for o in junction.outcomes() if o.violation_id == "V20"]
    assert [type(o) for o in outcomes] == [Undecided]


def test_cars_are_v02() -> None:
    junction = build()
    junction.add(CAR, stop_and_go(2.2, 15.0, 45.0), end_s=50.0)
    junction.passer_by()
    assert junction.found() == [("V02", 1)]


def test_needs_a_line_and_a_lamp() -> None:
    junction = build()
    junction.parts["stop_lines"][0]["applies_to"] = ["motor"]
    assert requirements(junction.site)["V20"] == ["draw a stop line that applies to nonmotor"]
