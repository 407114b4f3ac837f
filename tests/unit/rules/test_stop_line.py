"""V02: stands beyond the line on red, two pictures 10 s apart, others moved between them."""

import pytest

from core.observations import ActorClass, Candidate, Undecided
from tests.support.junction import Junction, PoleCamera, stop_and_go

CAR = ActorClass.CAR
RED = [(0.0, "red"), (40.0, "green")]


@pytest.mark.parametrize("fps", [2.0, 8.0, 25.0])
def test_overrun_is_v02_and_not_v01(fps: float) -> None:
    """Golden scenario 4: stops 1.2 m past the line on red for 20 s while cross traffic moves."""
    junction = Junction(fps=fps, lamp=RED)
    junction.add(CAR, stop_and_go(1.2, 15.0, 41.0), end_s=48.0)
    junction.passer_by()
    assert junction.found() == [("V02", 1)]


def test_whole_body_past_and_stopped_is_v02_only() -> None:
    junction = Junction(lamp=RED)
    junction.add(CAR, stop_and_go(6.0, 15.0, 41.0), end_s=48.0)
    junction.passer_by()
    (case,) = [o for o in junction.outcomes() if isinstance(o, Candidate)]
    assert case.violation_id == "V02"
    assert case.facts["whole_body_past"] is True
    p2, p3 = case.moments[1].pts_ns, case.moments[2].pts_ns
    assert p3 - p2 >= 10e9, "GA/T 832: stationary pictures at least 10 s apart"


@pytest.mark.parametrize(
    ("lamp", "front_m", "stand_s"),
    [
        pytest.param([(0.0, "green"), (20.0, "red"), (60.0, "green")], 1.5, 30, id="entered on green and trapped"),
        pytest.param([(0.0, "yellow"), (15.5, "red"), (60.0, "green")], 1.5, 30, id="entered on yellow"),
        pytest.param(RED, -0.5, 25, id="behind the line"),
        pytest.param(RED, 1.5, 7, id="shorter than 10 s"),
    ],
)
def test_no_overrun(lamp: list[tuple[float, str]], front_m: float, stand_s: float) -> None:
    junction = Junction(lamp=lamp, until_s=70.0)
    junction.add(CAR, stop_and_go(front_m, 15.0, 15.0 + stand_s), end_s=15.0 + stand_s)
    junction.passer_by()
    assert [v for v, _ in junction.found() if v == "V02"] == []


@pytest.mark.parametrize(
    ("height_m", "back_m"), [(4, 20), (5, 20), (6, 25), (6, 14), (7.5, 17), (9, 14), (12, 14), (12, 24)]
)
@pytest.mark.parametrize("front_m", [-1.0, -0.5, -0.1])
def test_before_the_line_nobody_is_convicted_at_an_angle_nobody_measured(
    height_m: float, back_m: float, front_m: float
) -> None:
    """From 11 to 41 degrees, 24 being taken for all."""
    camera = PoleCamera(height_m=height_m, back_m=back_m)
    junction = Junction(lamp=RED, camera=camera, is_calibrated=False, has_angle=False)
    junction.add(CAR, stop_and_go(front_m, 15.0, 41.0), end_s=48.0)
    junction.passer_by()
    assert junction.found() == []


@pytest.mark.parametrize(("height_m", "back_m"), [(5, 20), (7.5, 17), (9, 18)])
def test_wholly_past_the_line_is_v02_at_an_angle_nobody_measured(height_m: float, back_m: float) -> None:
    camera = PoleCamera(height_m=height_m, back_m=back_m)
    junction = Junction(lamp=RED, camera=camera, is_calibrated=False, has_angle=False)
    junction.add(CAR, stop_and_go(7.0, 15.0, 41.0), end_s=48.0)
    junction.passer_by()
    assert junction.found() == [("V02", 1)]


@pytest.mark.parametrize(
    ("height_m", "back_m"), [(4, 20), (5, 20), (6, 25), (6, 14), (7.5, 17), (9, 14), (12, 14), (12, 24)]
)
@pytest.mark.parametrize("front_m", [-1.0, -0.5, -0.1])
def test_before_the_line_nobody_is_convicted_when_only_the_angle_is_known(
    height_m: float, back_m: float, front_m: float
) -> None:
    camera = PoleCamera(height_m=height_m, back_m=back_m)
    junction = Junction(lamp=RED, camera=camera, is_calibrated=False)
    junction.add(CAR, stop_and_go(front_m, 15.0, 41.0), end_s=48.0)
    junction.passer_by()
    assert junction.found() == []


@pytest.mark.parametrize(("height_m", "back_m"), [(5, 20), (6, 14), (7.5, 17), (9, 14), (9, 18), (12, 24)])
def test_a_length_past_the_line_is_v02_when_only_the_angle_is_known(height_m: float, back_m: float) -> None:
    camera = PoleCamera(height_m=height_m, back_m=back_m)
    junction = Junction(lamp=RED, camera=camera, is_calibrated=False)
    junction.add(CAR, stop_and_go(4.0, 15.0, 41.0), end_s=48.0)
    junction.passer_by()
    assert junction.found() == [("V02", 1)]


def test_nobody_else_moved_is_undecided() -> None:
    junction = Junction(lamp=RED)
    junction.add(CAR, stop_and_go(1.2, 15.0, 41.0), end_s=48.0)
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)
    assert "other traffic" in outcome.reason


def test_open_waiting_area_is_free() -> None:
    junction = Junction(lamp=RED)
    pad = junction.camera.ground
    junction.parts["waiting_areas"] = [{"id": "left", "polygon_px": pad((-1, -4), (4, -4), (4, 8), (-1, 8))}]
    junction.add(CAR, stop_and_go(6.0, 15.0, 41.0), end_s=48.0)
    junction.passer_by()
    assert junction.found() == []


def test_motorbikes_over_the_line_are_not_v02() -> None:
    junction = Junction(lamp=RED, parts={"two_wheelers": "motor"})
    junction.add(ActorClass.MOTORCYCLE, stop_and_go(1.2, 15.0, 41.0, length_m=1.8), end_s=48.0)
    junction.passer_by()
    assert junction.found() == []
