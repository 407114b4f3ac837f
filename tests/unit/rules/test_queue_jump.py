"""V25: passing a queue and squeezing in convicts; merging where a lane ends, or where there is room, does not."""

from typing import Any

import pytest

from core.observations import ActorClass, Candidate
from tests.support.junction import Junction, Place, PoleCamera, along

CAR, EBIKE = ActorClass.CAR, ActorClass.MOTORCYCLE
HIGH = PoleCamera(height_m=14.0, back_m=45.0)


def build(*, fps: float = 8.0, is_calibrated: bool = True, **lane: Any) -> Junction:
    """Two lanes: the free one x -3.5 to 0, the one with the queue x 0 to 3.5."""
    junction = Junction(camera=HIGH, fps=fps, is_calibrated=is_calibrated, until_s=20.0, lamp=[(0.0, "red")])
    pad = HIGH.ground
    junction.parts["stop_lines"] = []
    junction.parts["lanes"] = [
        {"id": "free", "kind": "motor", "polygon_px": pad((-3.5, -25), (0, -25), (0, 45), (-3.5, 45)), **lane},
        {"id": "queue", "kind": "motor", "polygon_px": pad((0, -25), (3.5, -25), (3.5, 45), (0, 45))},
    ]
    junction.parts["rules"] = {"V25": {"enabled": True}}
    return junction


def queue(junction: Junction, *, gap_m: float = 7.0, speed_mps: float = 0.0, behind: int = 4) -> None:
    """Vehicles 6.5 m apart up to y = 16; then a gap that begins at y = 18.25; two more beyond it."""
    places = [16.0 - 6.5 * k for k in range(behind)] + [18.25 + gap_m + 2.25 + 6.5 * k for k in range(2)]
    for y in places:
        junction.add(CAR, lambda t, y=y: (1.75, y + speed_mps * (t - 7.0)), end_s=15.0)  # type: ignore[misc]


def cut_in(at_y_m: float = 20.5, from_x_m: float = -1.75) -> Place:
    """Comes up beside the queue and pulls in at ``at_y_m`` about second 7, then stands."""
    return along([(from_x_m, at_y_m - 46), (from_x_m, at_y_m - 5), (1.5, at_y_m + 0.5), (1.75, at_y_m + 1.0)], 7.0)


@pytest.mark.parametrize("fps", [2.0, 6.0, 12.5, 25.0])
@pytest.mark.parametrize(
    ("gap_m", "behind", "expected"),
    [
        pytest.param(7.0, 4, ["V25"], id="four passed, squeezed in"),
        pytest.param(7.0, 3, ["V25"], id="three passed"),
        pytest.param(7.0, 1, [], id="one passed"),
        pytest.param(16.0, 4, [], id="room for two"),
    ],
)
def test_cutting_in(gap_m: float, behind: int, expected: list[str], fps: float) -> None:
    junction = build(fps=fps)
    queue(junction, gap_m=gap_m, behind=behind)
    junction.add(CAR, cut_in(21.0), end_s=15.0, heading=None)
    assert [violation for violation, _ in junction.found()] == expected


def test_values() -> None:
    junction = build()
    queue(junction)
    junction.add(CAR, cut_in(21.0), end_s=15.0, heading=None)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    first, second, third = (m.pts_ns for m in case.moments)
    assert first < second <= third
    assert case.track_id == 7
    assert case.facts["passed_vehicles"] == 4
    assert case.facts["gap_m"] == pytest.approx(7.0, abs=0.8)
    assert (case.facts["vehicle_behind_track_id"], case.facts["vehicle_ahead_track_id"]) == (1, 5)


def test_crawling_queue_counts_too() -> None:
    junction = build()
    queue(junction, speed_mps=1.5)
    junction.add(CAR, cut_in(22.0), end_s=15.0, heading=None)
    assert junction.found() == [("V25", 7)]


def test_flowing_traffic_is_no_queue() -> None:
    junction = build()
    queue(junction, speed_mps=5.5)
    junction.add(CAR, cut_in(21.0), end_s=15.0, heading=None)
    assert junction.found() == []


def test_zipper_merging_where_the_lane_ends_is_the_law() -> None:
    junction = build(is_ending=True)
    queue(junction)
    junction.add(CAR, cut_in(21.0), end_s=15.0, heading=None)
    assert junction.found() == []


def test_passing_the_queue_and_driving_on_is_free() -> None:
    junction = build()
    queue(junction)
    junction.add(CAR, along([(-1.75, -25), (-1.75, 44)], 7.0), end_s=9.5, heading=None)
    assert junction.found() == []


def test_joining_the_end_of_the_queue_is_free() -> None:
    junction = build()
    queue(junction)
    junction.add(CAR, cut_in(-10.5), end_s=15.0, heading=None)
    assert junction.found() == []


def test_leaving_the_queue_is_free() -> None:
    junction = build()
    queue(junction)
    junction.add(CAR, along([(1.75, 20.5), (1.75, 21.0), (-1.75, 30), (-1.75, 44)], 3.0, 4.0), end_s=12.0, heading=None)
    assert junction.found() == []


def test_nobody_ahead_is_no_gap() -> None:
    junction = build()
    queue(junction)
    junction.tracks = junction.tracks[:4]
    junction.add(CAR, cut_in(21.0), end_s=15.0, heading=None)
    assert junction.found() == []


def test_without_calibration_the_rule_is_silent() -> None:
    junction = build(is_calibrated=False)
    queue(junction)
    junction.add(CAR, cut_in(21.0), end_s=15.0, heading=None)
    assert junction.found() == []


def test_two_wheelers_are_no_subject() -> None:
    junction = build()
    queue(junction)
    junction.add(EBIKE, cut_in(21.0), end_s=15.0, heading=None)
    assert junction.found() == []


def test_waits_until_switched_on() -> None:
    junction = build()
    junction.parts["rules"] = {}
    queue(junction)
    junction.add(CAR, cut_in(21.0), end_s=15.0, heading=None)
    assert junction.found() == []
