"""The ground rectangle of a body against where the pinhole world put it."""

import numpy as np
import pytest

from core.geometry import homography, project
from core.observations import ActorClass
from rules import SiteView
from rules.body import Body, body_of, evened
from tests.support.junction import Junction, Place, PoleCamera, along, arc

CAR = ActorClass.CAR
CAMERA = PoleCamera(height_m=10.0, back_m=30.0)
CORNERS = [(-6.0, -8.0), (6.0, -8.0), (6.0, 14.0), (-6.0, 14.0)]
TO_ROAD = homography(CAMERA.ground(*CORNERS), CORNERS)


def body(place: Place, *, end_s: float = 5.0, fps: float = 8.0) -> Body:
    junction = Junction(camera=CAMERA, fps=fps)
    junction.add(CAR, place, end_s=end_s, heading=None)
    found = body_of(SiteView.of(junction.site).ground.path(junction.tracks[0]))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(along([(1.5, -10), (1.5, 30)], 6.0), id="away from the camera"),
        pytest.param(along([(-3.0, 30), (-3.0, -10)], 6.0), id="towards the camera"),
        pytest.param(along([(-14, 5), (14, 5)], 5.0), id="across"),
        pytest.param(along([(0, -8), (0, 2), *arc((-6, 2), 6, 0, 90), (-14, 8)], 5.0), id="turning left"),
    ],
)
def test_middle_front_and_rear_lie_where_they_are(place: Place) -> None:
    found = body(place)
    rows = (found.path.t_s > 0.6) & (found.path.t_s < found.path.t_s[-1] - 0.6)
    truth = np.array([place(float(t)) for t in found.path.t_s])
    ahead = np.array([np.subtract(place(float(t) + 0.05), place(float(t) - 0.05)) / 0.1 for t in found.path.t_s])
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    for points_px, expected in (
        (found.centre_px, truth),
        (found.front_px, truth + 2.25 * ahead),
        (found.rear_px, truth - 2.25 * ahead),
    ):
        off_m = np.linalg.norm(project(TO_ROAD, points_px) - expected, axis=1)[rows]
        assert np.median(off_m) < 0.5
        assert off_m.max() < 1.5, "a third of a car while the course turns"


def test_share_inside_counts_the_body_not_the_box() -> None:
    found = body(along([(1.5, -10), (1.5, 30)], 6.0))
    row = int(np.abs(found.path.t_s - 2.0).argmin())  # middle at y = 2
    half = CAMERA.ground((-5, 2), (5, 2), (5, 20), (-5, 20))
    whole = CAMERA.ground((-5, -2), (5, -2), (5, 20), (-5, 20))
    assert found.share_inside(half)[row] == pytest.approx(0.5, abs=0.15)
    assert found.share_inside(whole)[row] == 1.0


def test_a_standing_car_keeps_the_course_it_came_with() -> None:
    found = body(along([(1.5, -10), (1.5, 4)], 6.0), end_s=12.0)
    assert found.ahead[-1] == pytest.approx((0.0, 1.0), abs=0.15)


def test_one_never_seen_moving_has_no_course_but_may_be_given_one() -> None:
    junction = Junction(camera=CAMERA)
    junction.add(CAR, lambda t: (1.5, 4.0), end_s=5.0)
    path = SiteView.of(junction.site).ground.path(junction.tracks[0])
    assert body_of(path) is None
    given = body_of(path, lying=np.array([0.0, 1.0]))
    assert given is not None
    assert project(TO_ROAD, given.centre_px)[5] == pytest.approx((1.5, 4.0), abs=0.4)


def test_even_rows_do_not_bridge_a_long_hole() -> None:
    junction = Junction(camera=CAMERA, fps=4.0)
    junction.add(CAR, along([(1.5, -10), (1.5, 30)], 4.0), end_s=8.0, seen=lambda t: not 2.0 < t < 5.0)
    even = evened(SiteView.of(junction.site).ground.path(junction.tracks[0]))
    assert not np.any((even.t_s > 2.05) & (even.t_s < 4.95))
    assert np.median(np.diff(even.t_s)) == pytest.approx(0.1)


def test_line_of_travel_through_an_area() -> None:
    found = body(along([(1.5, -10), (1.5, 30)], 6.0))
    row = int(np.abs(found.path.t_s - 1.0).argmin())  # middle at y = -4
    span = found.span_inside_m(CAMERA.ground((-5, 2), (5, 2), (5, 10), (-5, 10)), row)
    assert span == pytest.approx((6.0, 14.0), abs=0.6)
