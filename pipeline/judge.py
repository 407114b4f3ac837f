"""From observations to findings: tracker, lamp timelines and rules of one camera, in time order, deterministic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.observations import Candidate, SignalFault, SignalTimeline, TrackHistory, Undecided
from core.site import Site
from core.time import NS_PER_S
from pipeline.attention import Attention
from pipeline.observation import Observation
from pipeline.sight import Sight
from rules import RuleBook, Scene, SiteView, require_judged
from rules.ground import Path
from vision.track import Tracker

TICK_S = 1.0
"""Tracks that are due are judged together this often: those that ended since, and live ones worth it."""
REMEMBER_S = 30.0
"""Ended tracks stay visible to the rules this long (V02 asks whether other traffic moved)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A candidate with the track and the lamps it rests on."""

    candidate: Candidate
    history: TrackHistory
    signals: Mapping[str, SignalTimeline]
    kept: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)
    """Whole pictures of moments before the session, by session time (below zero): V11."""

    @property
    def from_ns(self) -> int:
        """Session time of the first moment this session's footage shows."""
        return min(m.pts_ns for m in self.candidate.moments if m.pts_ns not in self.kept)


class Days(Protocol):
    """What is told of vehicles that stand for days (``pipeline.long_watch``)."""

    def look(self, tracks: Sequence[TrackHistory], now_ns: int) -> list[Finding | Undecided]:
        """Takes the tracks in sight and those that ended lately."""
        ...

    def save(self) -> None:
        """The session may be over."""
        ...


class Judge:
    """Watches one session. ``tracker`` is another than the usual one where trackers are tried out.

    ``keep`` is given every track that ended; ``days`` tells of what stands longer than a session.
    """

    def __init__(
        self,
        site: Site,
        start_utc: datetime | None = None,
        *,
        tracker: Tracker | None = None,
        keep: Callable[[list[TrackHistory]], None] | None = None,
        days: Days | None = None,
    ) -> None:
        require_judged(site)
        self._view = SiteView.of(site)
        self._start_utc = start_utc
        self._sight = Sight((s.id for s in site.signals), tracker)
        self._book = RuleBook()
        self._ended: list[TrackHistory] = []
        self._keep: Callable[[list[TrackHistory]], None] = keep or _drop
        self._recent: list[TrackHistory] = []
        self._attention = Attention(site)
        self._paths: dict[int, Path] = {}
        self._days = days
        self._next_ns = 0
        self._now_ns = 0

    def add(self, observation: Observation) -> list[Finding | Undecided]:
        """Takes one frame; returns what became clear with it."""
        self._now_ns = observation.pts_ns
        self._ended += self._sight.add(observation)
        if self._now_ns >= self._next_ns:
            self._next_ns = self._now_ns + int(TICK_S * NS_PER_S)
            live = self._sight.live()
            found = self._judge(live)
            return found if self._days is None else found + self._days.look([*self._recent, *live], self._now_ns)
        return []

    def faults(self) -> tuple[SignalFault, ...]:
        """Returns when a lamp or its feed could not be right, so far."""
        return self._sight.faults()

    def timelines(self) -> dict[str, SignalTimeline]:
        """Returns the lamps' states so far."""
        return self._sight.timelines()

    def finish(self) -> list[Finding | Undecided]:
        """Ends the session; returns what was still open."""
        self._ended += self._sight.finish()
        if self._days is not None:
            self._days.save()
        return self._judge([])

    def _judge(self, live: list[TrackHistory]) -> list[Finding | Undecided]:
        ended, self._ended = self._ended, []
        self._keep(ended)
        due = self._attention.due(live, self._now_ns)
        if not (ended or due):
            return []
        self._recent = [t for t in self._recent if self._now_ns - int(t.pts_ns[-1]) <= REMEMBER_S * NS_PER_S] + ended
        signals = self._sight.timelines()
        scene = Scene(
            view=self._view,
            tracks=[*self._recent, *live],
            signals=signals,
            now_ns=self._now_ns,
            start_utc=self._start_utc,
            paths=self._paths,
        )
        outcomes = self._book.evaluate(ended, scene, live=due)
        self._attention.ask(scene.again_ns)
        self._paths = {t.track_id: self._paths[t.track_id] for t in self._recent if t.track_id in self._paths}
        histories = {h.track_id: h for h in (*ended, *(track for track, _ in due))}
        return [
            o if isinstance(o, Undecided) else Finding(candidate=o, history=histories[o.track_id], signals=signals)
            for o in outcomes
        ]


def _drop(ended: list[TrackHistory]) -> None:
    """Keeps nothing."""
