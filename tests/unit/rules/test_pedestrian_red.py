"""V04: entering on red convicts, finishing on red does not (Reg 39)."""

import pytest

from core.observations import ActorClass, Candidate, Undecided
from tests.support.junction import Junction, Place

LAMP = [(0.0, "green"), (12.0, "red")]


def build(lamp: list[tuple[float, str]], fps: float = 8.0) -> Junction:
    """Crosswalk 3.5 m deep across the near arm, x from -7 to 7; its lamp is the junction's only lamp."""
    junction = Junction(fps=fps, lamp=lamp, until_s=40.0)
    pad = junction.camera.ground
    junction.parts["stop_lines"] = []
    junction.parts["crosswalks"] = [
        {"id": "south", "signal": "lamp", "polygon_px": pad((-7, 1.5), (7, 1.5), (7, 5), (-7, 5))}
    ]
    return junction


def walk(entry_s: float, *, y_m: float = 3.0, until_m: float = 99.0, speed_mps: float = 1.3) -> Place:
    """Walks from the left kerb; the feet pass x = -7 at ``entry_s`` and stop ``until_m`` into the road."""
    return lambda t: (-7 + min((t - entry_s) * speed_mps, until_m), y_m)


@pytest.mark.parametrize("fps", [4.0, 8.0, 25.0])
def test_entered_two_seconds_into_red(fps: float) -> None:
    """Golden scenario 10."""
    junction = build(LAMP, fps)
    junction.add(ActorClass.PERSON, walk(14.0), start_s=12.5, end_s=22.0, heading=(1.0, 0.0))
    (case,) = junction.outcomes()
    assert isinstance(case, Candidate)
    assert case.violation_id == "V04"
    assert case.facts["red_elapsed_s"] == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize(
    ("entry_s", "until_m"),
    [
        pytest.param(11.0, 99.0, id="on at the last green second, finishing on red (golden 9)"),
        pytest.param(12.4, 99.0, id="within the guard"),
        pytest.param(16.0, 0.6, id="a foot on the stripes, waiting at the kerb"),
    ],
)
def test_free(entry_s: float, until_m: float) -> None:
    junction = build(LAMP)
    junction.add(
        ActorClass.PERSON, walk(entry_s, until_m=until_m), start_s=entry_s - 1.5, end_s=30.0, heading=(1.0, 0.0)
    )
    assert junction.outcomes() == []


def test_lamp_unreadable_is_undecided() -> None:
    junction = build([(0.0, "unknown")])
    junction.add(ActorClass.PERSON, walk(14.0), start_s=12.5, end_s=22.0, heading=(1.0, 0.0))
    (outcome,) = junction.outcomes()
    assert isinstance(outcome, Undecided)


def test_walking_through_along_the_road_is_no_crossing() -> None:
    junction = build([(0.0, "red")])
    junction.add(ActorClass.PERSON, lambda t: (0.0, -2 + 1.3 * t), start_s=0.0, end_s=8.0)
    assert junction.found() == []
