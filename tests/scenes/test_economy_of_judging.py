"""Nothing is lost to economy: judging when something happened files what judging everybody at every frame files.

Who is asked at every frame is also asked too early: a rider who will turn right still goes straight on. Such cases,
which the whole track does not bear out, need not be filed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

import pipeline.judge
from cli.scoring import all_cases, observations_of
from core.observations import TrackHistory, Undecided
from core.site import Site
from pipeline.judge import Judge
from pipeline.kept import keep
from pipeline.observation import Observation
from pipeline.replay import rejudge
from rules import INTERESTS
from rules.interest import Interests, Mask
from sim.trajectories import Case, TrajectoryScene, film
from tests.support.traffic import lawless_scene

FPS = 4.0
Said = set[tuple[str, int]]


class Everybody:
    """In place of the attention: every rule sees every track, always."""

    def __init__(self, site: Site) -> None:
        pass

    def due(self, live: Sequence[TrackHistory], now_ns: int) -> list[tuple[TrackHistory, Mask]]:
        return [(track, np.ones(len(INTERESTS), np.bool_)) for track in live]

    def ask(self, again_ns: Mapping[tuple[int, int], int]) -> None:
        pass


def said(seen: Sequence[Observation], site: Site) -> Said:
    """Returns the cases a judge files, by offence and track."""
    judge = Judge(site)
    outcomes = [outcome for observation in seen for outcome in judge.add(observation)]
    outcomes += judge.finish()
    return {(o.candidate.violation_id, o.candidate.track_id) for o in outcomes if not isinstance(o, Undecided)}


def check(scene: TrajectoryScene, monkeypatch: pytest.MonkeyPatch) -> int:
    """Compares with looking always and with the whole tracks; returns how many cases there were."""
    shot = film(scene, FPS)
    seen = observations_of(shot)
    filed = said(seen, shot.site)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.judge, "Attention", Everybody)
        patch.setattr(pipeline.judge, "TICK_S", 0.0)
        patch.setattr(Interests, "of", lambda self, history: np.ones(len(INTERESTS), np.bool_))
        always = said(seen, shot.site)
        whole = {(e.violation_id, e.candidate.track_id) for e in rejudge(keep("S", seen), shot.site) if e.candidate}
    assert filed <= always, "filed by looking now and then, not by looking always"
    assert always & whole <= filed, "lost: looking always files it and the whole track bears it out"
    return len(filed)


@pytest.mark.timeout(180)
def test_random_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(check(lawless_scene(seed, actors=6, until_s=26), monkeypatch) for seed in range(2)) >= 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_much_random_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(check(lawless_scene(seed), monkeypatch) for seed in range(100, 120)) >= 60


@pytest.mark.parametrize("case", [c for c in all_cases() if c.scene.until_s <= 60][::160], ids=lambda c: c.case_id)
def test_situations(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    check(case.scene, monkeypatch)
