"""V08: dwell through gaps, T0 and T1 as far apart as the zone asks, queues and short stops left alone."""

import pytest

from core.observations import ActorClass, Candidate
from tests.support.junction import Junction, stop_and_go

CAR = ActorClass.CAR


def build(
    *, kind: str = "general", confirm_s: float | None = None, until_s: float = 340.0, fps: float = 2.0
) -> Junction:
    """No-stop strip along the right kerb, x 2 to 6, y -8 to 6."""
    junction = Junction(fps=fps, lamp=[(0.0, "green")], until_s=until_s)
    junction.parts["stop_lines"] = []
    junction.parts["no_stop_zones"] = [
        {
            "id": "kerb",
            "kind": kind,
            "confirm_s": confirm_s,
            "polygon_px": junction.camera.ground((2, -8), (6, -8), (6, 6), (2, 6)),
        }
    ]
    return junction


def test_general_zone_320_seconds() -> None:
    """Golden scenario 15: V08 with T0 and T1 at least 300 s apart."""
    junction = build()
    junction.add(CAR, stop_and_go(2.0, 8.0, 328.0, x_m=4.0), end_s=330.0)
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.violation_id == "V08"
    assert (case.moments[-1].pts_ns - case.moments[0].pts_ns) / 1e9 >= 300.0
    assert case.moments[0].pts_ns / 1e9 >= 7.0, "T0 is taken standing, not rolling in"


@pytest.mark.parametrize(
    ("stays_s", "x_m"), [pytest.param(250.0, 4.0, id="left at 250 s"), pytest.param(320.0, -2.0, id="beside the zone")]
)
def test_free(stays_s: float, x_m: float) -> None:
    junction = build()
    junction.add(CAR, stop_and_go(2.0, 8.0, 8.0 + stays_s, x_m=x_m), end_s=12.0 + stays_s)
    assert junction.found() == []


def test_occlusions_up_to_the_tolerance_are_bridged() -> None:
    junction = build(kind="no_stopping_zone", until_s=220.0)
    junction.add(CAR, stop_and_go(2.0, 8.0, 400.0, x_m=4.0), seen=lambda t: not 60 < t < 78)
    assert junction.found() == [("V08", 1)]


def test_a_gap_beyond_the_tolerance_starts_anew() -> None:
    junction = build(kind="no_stopping_zone", until_s=220.0)
    junction.add(CAR, stop_and_go(2.0, 8.0, 400.0, x_m=4.0), seen=lambda t: not 100 < t < 130)
    assert junction.found() == []


def test_site_threshold_never_below_ten_seconds() -> None:
    junction = build(confirm_s=9.0)
    with pytest.raises(ValueError, match="greater than or equal to 10"):
        _ = junction.site


def test_schedule_with_unknown_clock_does_not_convict() -> None:
    junction = build(confirm_s=20.0, until_s=60.0)
    junction.parts["no_stop_zones"][0]["schedule"] = "07:00-20:00"
    junction.add(CAR, stop_and_go(2.0, 8.0, 400.0, x_m=4.0))
    assert junction.found() == []


def test_marked_bay_is_free() -> None:
    junction = build(confirm_s=60.0, until_s=120.0)
    pad = junction.camera.ground
    junction.parts["parking_bays"] = [{"id": "bay", "polygon_px": pad((2, -5), (6, -5), (6, 5), (2, 5))}]
    junction.add(CAR, stop_and_go(2.0, 8.0, 400.0, x_m=4.0))
    assert junction.found() == []
