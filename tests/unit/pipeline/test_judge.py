"""When the judge looks: offenders in sight are filed in time, nobody is said twice, nothing is lost at the end."""

import pytest

from cli.noise import GRID_FPS
from cli.scoring import all_cases, observations_of
from core.observations import Undecided
from core.time import NS_PER_S
from pipeline.judge import Finding, Judge
from sim.trajectories import film

IN_TIME_S = 5.0
"""Offence to queue: issue 5, all rules on."""


def heard(name: str) -> tuple[list[tuple[float, Finding]], list[Finding]]:
    """Returns the findings given while the scene ran, with their lateness in seconds, and those of its end."""
    shot = film(all_cases([name])[0].scene, GRID_FPS)
    judge = Judge(shot.site)
    soon = [
        ((observation.pts_ns - found.candidate.end_ns) / NS_PER_S, found)
        for observation in observations_of(shot)
        for found in judge.add(observation)
        if not isinstance(found, Undecided)
    ]
    return soon, [found for found in judge.finish() if not isinstance(found, Undecided)]


@pytest.mark.parametrize(
    "name",
    [
        "v01_straight_on_in_red[into_red_s=2.5 speed_mps=3",
        "v22_drives_along_the_cycle_lane[kind=car x_m=4.5 speed_mps=9 camera=gantry",
    ],
)
def test_an_offender_in_sight_is_filed_in_time_and_once(name: str) -> None:
    ((late_s, found),), rest = heard(name)
    assert not found.history.is_finished
    assert 0 <= late_s <= IN_TIME_S
    assert rest == []


def test_what_ended_just_before_the_end_is_not_lost() -> None:
    shot = film(all_cases(["v03_straight_on_in_red[kind=bicycle into_red_s=3"])[0].scene, GRID_FPS)
    judge, seen = Judge(shot.site), observations_of(shot)
    found = [outcome for observation in seen for outcome in judge.add(observation)]
    (offence,) = [f.candidate for f in found if isinstance(f, Finding)]
    again = Judge(shot.site)
    cut = [o for o in seen if o.pts_ns <= offence.end_ns + NS_PER_S]
    early = [outcome for observation in cut for outcome in again.add(observation)]
    assert not [f for f in early if isinstance(f, Finding)]
    (late,) = [f.candidate for f in again.finish() if isinstance(f, Finding)]
    assert late.onset_ns == offence.onset_ns
