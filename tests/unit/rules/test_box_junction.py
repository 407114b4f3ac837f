"""V16: driving into a marked area whose far side is blocked, and waiting there (Reg 53)."""

import pytest

from core.observations import ActorClass, Candidate, Undecided
from tests.support.junction import Junction, Place, PoleCamera

CAR, BUS = ActorClass.CAR, ActorClass.BUS
FAR = PoleCamera(height_m=10.0, back_m=30.0)
GREEN = [(0.0, "green")]


def build(
    *, fps: float = 8.0, is_calibrated: bool = True, area: str = "boxes", y_m: tuple[float, float] = (2, 11)
) -> Junction:
    """A box x -5 to 5, y 2 to 11 beyond the line."""
    junction = Junction(camera=FAR, fps=fps, is_calibrated=is_calibrated, until_s=40.0, lamp=GREEN)
    near, far = y_m
    polygon = FAR.ground((-5, near), (5, near), (5, far), (-5, far))
    junction.parts["stop_lines"] = []
    junction.parts[area] = [{"id": "box", "polygon_px": polygon}]
    junction.parts["rules"] = {"V16": {"enabled": True}}
    return junction


def halt(front_m: float, at_s: float, *, length_m: float = 4.5, leave_s: float = 99.0, x_m: float = 1.5) -> Place:
    """Drives up at 6 m/s, brakes at 2 m/s^2 and stands from ``at_s`` to ``leave_s`` with its front at ``front_m``."""

    def place(t: float) -> tuple[float, float]:
        if t < at_s - 3:
            front = front_m - 9 - 6 * (at_s - 3 - t)
        elif t < at_s:
            front = front_m - (at_s - t) ** 2
        else:
            front = front_m + max(0.0, t - leave_s) ** 2
        return x_m, front - length_m / 2

    return place


def queue(junction: Junction, rear_m: float, *, since_s: float = -99.0, leave_s: float = 99.0) -> None:
    """The vehicle at the tail of the queue, standing with its rear at ``rear_m`` from ``since_s``."""
    junction.add(CAR, halt(rear_m + 4.5, since_s, leave_s=leave_s), end_s=38.0)


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("rear_m", "front_m", "leave_s", "expected"),
    [
        pytest.param(12.0, 10.5, 99.0, ["V16"], id="stands inside behind the queue"),
        pytest.param(12.0, 10.5, 16.0, [], id="moves on after 6 s"),
        pytest.param(12.0, 0.5, 99.0, [], id="waits before the box"),
        pytest.param(19.0, 17.5, 99.0, [], id="got out on the far side"),
    ],
)
def test_queue_stood_at_entry(
    rear_m: float, front_m: float, leave_s: float, expected: list[str], fps: float, is_calibrated: bool
) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    queue(junction, rear_m, leave_s=leave_s)
    junction.add(CAR, halt(front_m, 10.0, leave_s=leave_s), start_s=6.0, end_s=38.0)
    assert [violation for violation, _ in junction.found()] == expected


def test_moments_and_values() -> None:
    junction = build()
    queue(junction, 12.0)
    junction.add(CAR, halt(10.5, 10.0), start_s=6.0, end_s=38.0)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    before, stood, still = (m.pts_ns / 1e9 for m in case.moments)
    assert before == pytest.approx(10 - 8.5**0.5, abs=0.6), "P1: about to enter, front at y = 2"
    assert stood == pytest.approx(9.8, abs=0.5), "P2: standing inside"
    assert still - stood >= 10.0, "P3: ten seconds later (GA/T 832)"
    assert case.facts["room_beyond_m"] == pytest.approx(1.0, abs=0.6)
    assert case.facts["queue_track_id"] == 1
    assert case.region_id == "box"


def test_queue_that_formed_after_entry_is_free() -> None:
    """The one ahead still drove when it entered, then braked."""
    junction = build()
    junction.add(CAR, halt(16.5, 10.0), start_s=4.0, end_s=38.0)
    junction.add(CAR, halt(10.5, 11.0), start_s=6.0, end_s=38.0)
    assert junction.outcomes() == []


def test_room_for_the_whole_car_at_entry_is_free() -> None:
    """Six metres were free beyond the box; another car then pulled in from the side."""
    junction = build()
    queue(junction, 17.5)
    junction.add(CAR, lambda t: (-4 + min(max(t - 8, 0.0), 2.5) * 2.2, 14.4), end_s=38.0, heading=(1.0, 0.0))
    junction.add(CAR, halt(10.5, 11.0), start_s=6.0, end_s=38.0)
    assert junction.found() == []


def test_queue_in_the_next_lane_is_free() -> None:
    junction = build()
    junction.add(CAR, halt(16.5, -99.0, x_m=-2.0), end_s=38.0)
    junction.add(CAR, halt(17.5, -99.0), end_s=38.0)
    junction.add(CAR, halt(10.5, 10.0, x_m=4.0), start_s=6.0, end_s=38.0)
    assert junction.found() == []


def test_nothing_seen_ahead_stays_open() -> None:
    junction = build()
    junction.add(CAR, halt(10.5, 10.0), start_s=6.0, end_s=38.0)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "out of sight" in outcome.reason


def test_entry_not_seen_stays_open() -> None:
    junction = build()
    queue(junction, 12.0)
    junction.add(CAR, halt(10.5, 10.0), start_s=8.3, end_s=38.0)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "entry" in outcome.reason


def test_waiting_area_is_free() -> None:
    junction = build()
    junction.parts["waiting_areas"] = [{"id": "turn", "polygon_px": FAR.ground((0, 2), (4, 2), (4, 11), (0, 11))}]
    queue(junction, 12.0)
    junction.add(CAR, halt(10.5, 10.0), start_s=6.0, end_s=38.0)
    assert junction.outcomes() == []


@pytest.mark.parametrize(("front_m", "expected"), [(5.0, [("V16", 2)]), (1.8, []), (10.3, [])])
def test_crosswalk(front_m: float, expected: list[tuple[str, int]]) -> None:
    """A crosswalk is shallower than a car: half its depth counts."""
    junction = build(area="crosswalks", y_m=(2.0, 5.5))
    queue(junction, front_m + 1.5)
    junction.add(CAR, halt(front_m, 10.0), start_s=5.0, end_s=38.0)
    assert junction.found() == expected


def test_a_bus_on_a_crosswalk_counts_by_the_crosswalks_depth() -> None:
    junction = build(area="crosswalks", y_m=(2.0, 5.5))
    queue(junction, 10.0)
    junction.add(BUS, halt(8.5, 14.0, length_m=11.0), start_s=7.0, end_s=38.0)
    assert junction.found() == [("V16", 2)]


def test_passing_through_without_standing_is_free() -> None:
    junction = build()
    queue(junction, 30.0)
    junction.add(CAR, lambda t: (1.5, -8 + 5 * (t - 6)), start_s=6.0, end_s=12.0)
    assert junction.outcomes() == []


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    queue(junction, 12.0)
    junction.add(CAR, halt(10.5, 10.0), start_s=6.0, end_s=38.0)
    assert junction.found() == []
