"""From observations to findings: tracker, lamp timelines and rules of one camera, in time order, deterministic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.observations import Candidate, SignalTimeline, TrackHistory, Undecided
from core.site import Site
from core.time import NS_PER_S
from pipeline.observation import Observation
from pipeline.sight import Sight
from rules import RuleBook, Scene, SiteView, require_judged
from vision.track import Tracker

EVALUATE_EVERY_S = 2.0
"""Live tracks are judged this often; ended ones at once."""
REMEMBER_S = 30.0
"""Ended tracks stay visible to the rules this long (V02 asks whether other traffic moved)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A candidate with the track and the lamps it rests on."""

    candidate: Candidate
    history: TrackHistory
    signals: Mapping[str, SignalTimeline]


class Judge:
    """Watches one session. ``tracker`` is another than the usual one where trackers are tried out."""

    def __init__(self, site: Site, start_utc: datetime | None = None, *, tracker: Tracker | None = None) -> None:
        require_judged(site)
        self._view = SiteView.of(site)
        self._start_utc = start_utc
        self._sight = Sight((s.id for s in site.signals), tracker)
        self._book = RuleBook()
        self._recent: list[TrackHistory] = []
        self._next_ns = 0
        self._now_ns = 0

    def add(self, observation: Observation) -> list[Finding | Undecided]:
        """Takes one frame; returns what became clear with it."""
        self._now_ns = observation.pts_ns
        ended = self._sight.add(observation)
        is_due = self._now_ns >= self._next_ns
        if is_due:
            self._next_ns = self._now_ns + int(EVALUATE_EVERY_S * NS_PER_S)
        live = self._sight.live() if is_due or ended else []
        return self._evaluate(ended, live, live if is_due else [])

    def finish(self) -> list[Finding | Undecided]:
        """Ends the session; returns what was still open."""
        return self._evaluate(self._sight.finish(), [], [])

    def _evaluate(
        self, ended: list[TrackHistory], live: list[TrackHistory], due: list[TrackHistory]
    ) -> list[Finding | Undecided]:
        if not ended and not due:
            return []
        self._recent = [t for t in self._recent if self._now_ns - int(t.pts_ns[-1]) <= REMEMBER_S * NS_PER_S] + ended
        signals = self._sight.timelines()
        scene = Scene(
            view=self._view,
            tracks=[*self._recent, *live],
            signals=signals,
            now_ns=self._now_ns,
            start_utc=self._start_utc,
        )
        histories = {h.track_id: h for h in (*ended, *due)}
        found: list[Finding | Undecided] = []
        for outcome in self._book.evaluate(list(histories.values()), scene):
            if isinstance(outcome, Undecided):
                found.append(outcome)
            else:
                found.append(Finding(candidate=outcome, history=histories[outcome.track_id], signals=signals))
        return found
