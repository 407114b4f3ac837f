"""V21: from one side of a barrier to the other, over it; round its end or through its opening is legal."""

import pytest

from core.observations import ActorClass, Candidate, Undecided
from rules import requirements
from tests.support.junction import Junction, Place

PERSON, EBIKE = ActorClass.PERSON, ActorClass.MOTORCYCLE


def build(*, fps: float = 8.0, is_calibrated: bool = True, has_opening: bool = False) -> Junction:
    """Fence along the road's middle, x = 0, y -6 to 14; the opening, where there is one, is y 2 to 6."""
    junction = Junction(fps=fps, is_calibrated=is_calibrated, lamp=[(0.0, "green")], until_s=30.0)
    pad = junction.camera.ground
    junction.parts["stop_lines"] = []
    pieces = [(-6, 2), (6, 14)] if has_opening else [(-6, 14)]
    junction.parts["barriers"] = [
        {"id": f"fence{i}", "points_px": pad((0, low), (0, high))} for i, (low, high) in enumerate(pieces)
    ]
    junction.parts["rules"] = {"V21": {"enabled": True}}
    return junction


def over(y_m: float = 4.0, *, climb_s: float = 4.0, speed_mps: float = 1.3, start_x_m: float = -4.0) -> Place:
    """Walks from the left to the fence, is on it for ``climb_s``, walks on to the right."""

    def place(t: float) -> tuple[float, float]:
        reach_s = (-start_x_m - 0.3) / speed_mps
        if t < reach_s:
            return start_x_m + speed_mps * t, y_m
        if t < reach_s + climb_s:
            return -0.3 + 0.6 * (t - reach_s) / climb_s, y_m
        return 0.3 + speed_mps * (t - reach_s - climb_s), y_m

    return place


def walk(junction: Junction, place: Place, *, who: ActorClass = PERSON, end_s: float = 10.0) -> int:
    return junction.add(who, place, end_s=end_s, heading=(1.0, 0.0))


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("fps", [2.0, 8.0, 25.0])
def test_climbing_over_the_fence(fps: float, is_calibrated: bool) -> None:
    junction = build(fps=fps, is_calibrated=is_calibrated)
    walk(junction, over())
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert (case.violation_id, case.region_id) == ("V21", "fence0")
    assert case.facts["at_barrier_s"] >= 3.5
    assert [m.role.value for m in case.moments] == ["P1_before", "P2_during", "P3_after"]
    assert case.moments[0].pts_ns < case.moments[1].pts_ns < case.moments[2].pts_ns


def test_fence_across_the_picture() -> None:
    junction = build()
    junction.parts["barriers"] = [{"id": "kerb", "points_px": junction.camera.ground((-6, 5), (6, 5))}]
    junction.add(PERSON, lambda t: (1.0, over()(t)[0] + 5.0), end_s=10.0)
    assert junction.found() == [("V21", 1)]


def test_through_the_opening() -> None:
    junction = build(has_opening=True)
    walk(junction, over(y_m=4.0))
    assert junction.outcomes() == []


def test_over_the_fence_beside_the_opening() -> None:
    junction = build(has_opening=True)
    walk(junction, over(y_m=9.0))
    assert junction.found() == [("V21", 1)]


def test_round_its_end() -> None:
    junction = build()
    walk(junction, over(y_m=14.6))
    assert junction.outcomes() == []


def test_running_through_takes_no_time_to_climb() -> None:
    junction = build()
    walk(junction, over(climb_s=0.15, speed_mps=3.0), end_s=4.0)
    assert junction.outcomes() == []


def test_leaning_on_it_and_going_back() -> None:
    junction = build()
    walk(junction, lambda t: (-4 + 1.3 * min(t, max(5.6 - t, 0), 2.7), 4.0))
    walk(junction, lambda t: (-4 + min(1.3 * t, 4.4), 4.0))
    assert junction.outcomes() == []


def test_walking_along_it() -> None:
    junction = build()
    junction.add(PERSON, lambda t: (-0.4 + 0.3 * (t % 2), -5 + 1.3 * t), end_s=12.0)
    assert junction.outcomes() == []


def test_passage_not_seen_is_undecided() -> None:
    junction = build()
    place = over()
    junction.add(PERSON, place, end_s=10.0, heading=(1.0, 0.0), seen=lambda t: not -0.9 < place(t)[0] < 0.9)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)


def test_riders_do_not_climb() -> None:
    junction = build()
    walk(junction, over(), who=EBIKE)
    assert junction.outcomes() == []


def test_silent_until_switched_on_and_says_what_it_needs() -> None:
    junction = build()
    junction.parts["rules"] = {}
    walk(junction, over())
    assert junction.outcomes() == []
    junction.parts |= {"barriers": [], "rules": {"V21": {"enabled": True}}}
    assert requirements(junction.site)["V21"] == ["draw the barriers"]
