"""V01 and V03 against the truth table of domain law: state when front and rear cross, and what follows."""

from dataclasses import replace

import pytest

from core.observations import ActorClass, Candidate, Undecided
from tests.support.junction import Junction, PoleCamera, drive, stop_and_go

CAR, EBIKE, BUS = ActorClass.CAR, ActorClass.MOTORCYCLE, ActorClass.BUS


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 60.0])
@pytest.mark.parametrize(
    ("front_at_line_s", "expected"),
    [
        pytest.param(16.0, ["V01"], id="3 s into red"),
        pytest.param(8.0, [], id="green"),
        pytest.param(11.5, [], id="yellow"),
        pytest.param(12.7, [], id="front on yellow, rear on red"),
        pytest.param(13.2, [], id="0.2 s into red, within the guard"),
        pytest.param(40.0, ["V01"], id="27 s into red"),
    ],
)
def test_car_crossing(front_at_line_s: float, expected: list[str], fps: float, is_calibrated: bool) -> None:
    junction = Junction(fps=fps, is_calibrated=is_calibrated)
    speed = 9.0
    junction.add(CAR, drive(speed, front_at_line_s), start_s=front_at_line_s - 1.6, end_s=front_at_line_s + 3.5)
    assert [violation for violation, _ in junction.found()] == expected


def test_three_moments_are_the_laws() -> None:
    junction = Junction(fps=12.5)
    junction.add(CAR, drive(9.0, 16.0), start_s=14.0, end_s=20.0)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    p1, p2, p3 = (m.pts_ns / 1e9 for m in case.moments)
    assert p1 <= 16.0 + 0.05, "P1: front before the line"
    assert p2 >= 16.5 - 0.05, "P2: whole body (4.5 m at 9 m/s) past the line"
    assert p3 - p2 >= 2.0 / 9.0 - 0.05, "P3: two metres further"
    assert {m.signal for m in case.moments} == {"red"}
    assert case.facts["red_elapsed_s"] == pytest.approx(3.0, abs=0.15)
    assert case.facts["speed_kmh"] == pytest.approx(32.4, rel=0.15)


def test_late_clearing_left_turner_is_free() -> None:
    junction = Junction()
    junction.add(CAR, stop_and_go(8.0, 9.0, 15.0), end_s=24.0)
    assert junction.found() == []


def test_waiting_before_the_line_and_leaving_on_green() -> None:
    junction = Junction(lamp=[(0.0, "red"), (20.0, "green")])
    junction.add(CAR, stop_and_go(-0.6, 6.0, 21.0), end_s=28.0)
    junction.passer_by()
    assert junction.found() == []


def test_creeping_in_the_queue_is_no_run() -> None:
    junction = Junction(lamp=[(0.0, "red"), (40.0, "green")])
    junction.add(CAR, lambda t: (1.5, -4.5 + 0.05 * min(t, 30.0)), end_s=44.0)
    junction.passer_by()
    assert ("V01", 1) not in junction.found()


def test_jump_start_of_a_car_that_stood_over_the_line() -> None:
    """The rule arms again after an overrun: V02 first, V01 when it drives off in red."""
    junction = Junction(lamp=[(0.0, "red"), (40.0, "green")])
    junction.add(CAR, stop_and_go(1.5, 8.0, 34.0), end_s=44.0)
    junction.passer_by()
    assert sorted(junction.found()) == [("V01", 1), ("V02", 1)]


def test_right_turn_on_round_red_is_legal() -> None:
    def place(t: float) -> tuple[float, float]:
        way = (t - 16.0) * 5.0
        return (4.0, way - 2.25) if way < 5 else (4.0 + (way - 5) * 0.9, 2.75 + (way - 5) * 0.3)

    junction = Junction()
    pad = junction.camera.ground
    junction.parts["stop_lines"][0]["movements"] = ["S", "R"]
    junction.parts["exits"] = [{"id": "east", "movement": "R", "polygon_px": pad((7.5, 1), (11, 1), (11, 9), (7.5, 9))}]
    junction.add(CAR, place, start_s=14.0, end_s=20.0)
    assert junction.found() == []
    junction.parts["signals"][0] |= {"is_arrow": True, "movements": ["R"]}
    assert junction.found() == [("V01", 1)], "a red right arrow forbids it"


@pytest.mark.parametrize(("two_wheelers", "expected"), [("nonmotor", "V03"), ("motor", "V01")])
def test_two_wheeler_follows_the_sites_law(two_wheelers: str, expected: str) -> None:
    junction = Junction(parts={"two_wheelers": two_wheelers})
    junction.add(EBIKE, drive(5.0, 17.0, length_m=1.8), start_s=14.0, end_s=22.0)
    assert junction.found() == [(expected, 1)]


def test_two_wheeler_cues_ask_for_its_class() -> None:
    junction = Junction()
    junction.add(EBIKE, drive(5.0, 17.0, length_m=1.8), start_s=14.0, end_s=22.0)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert "class_uncertain_ebike_vs_motorcycle" in case.cues


def test_nonmotor_lamp_goes_before_the_motor_lamp() -> None:
    signals = [{"id": "lamp", "region_px": (1, 1, 9, 9)}, {"id": "bikes", "region_px": (11, 1, 19, 9)}]
    junction = Junction(parts={"signals": signals}, other_lamps={"bikes": [(0.0, "green")]})
    junction.parts["stop_lines"][0]["nonmotor_signal"] = "bikes"
    junction.add(EBIKE, drive(5.0, 17.0, length_m=1.8), start_s=14.0, end_s=22.0)
    junction.add(CAR, drive(9.0, 18.0, x_m=-2.0), start_s=16.0, end_s=22.0)
    assert junction.found() == [("V01", 2)]


@pytest.mark.parametrize("state", ["unknown", "off"])
def test_unreadable_lamp_never_convicts_and_says_so(state: str) -> None:
    junction = Junction(lamp=[(0.0, state)])
    junction.add(CAR, drive(9.0, 16.0), start_s=14.0, end_s=20.0)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "lamp" in outcome.reason


def test_cross_traffic_beyond_the_line_is_free() -> None:
    junction = Junction(lamp=[(0.0, "red")])
    junction.add(CAR, lambda t: (-14 + 6 * t, 6.0), end_s=5.0, heading=(1.0, 0.0))
    junction.add(EBIKE, lambda t: (12 - 4 * t, 3.0), end_s=6.0, heading=(-1.0, 0.0))
    assert junction.found() == []


def test_oncoming_traffic_is_free() -> None:
    junction = Junction(lamp=[(0.0, "red")])
    junction.add(CAR, lambda t: (-4.0, 30 - 8 * t), end_s=6.0, heading=(0.0, -1.0))
    assert junction.found() == []


def test_one_case_across_an_id_switch() -> None:
    junction = Junction(fps=12.5)
    place = drive(6.0, 16.0)
    junction.add(CAR, place, start_s=14.0, end_s=17.6)
    junction.add(CAR, place, start_s=14.0, end_s=21.0)
    assert junction.found() == [("V01", 1)]


def test_bottom_edge_that_jumps_has_not_travelled() -> None:
    """Wheels hidden by the rider behind: only the lower edge leaps over the line."""
    junction = Junction(fps=8.0, lamp=[(0.0, "red")])
    junction.add(EBIKE, lambda t: (1.5, -1.4), end_s=6.0)
    track = junction.tracks[0]
    boxes = track.xyxy.copy()
    boxes[20:, 3] -= 0.75 * (boxes[20:, 3] - boxes[20:, 1])
    junction.tracks[0] = replace(track, xyxy=boxes)
    assert junction.found() == []


def test_bus_needs_its_whole_body_past() -> None:
    junction = Junction(camera=PoleCamera(height_m=9.0, back_m=26.0))
    junction.add(BUS, drive(6.0, 16.0, length_m=11.0), start_s=13.0, end_s=22.0)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.moments[1].pts_ns / 1e9 >= 16.0 + 11.0 / 6.0 - 0.35
