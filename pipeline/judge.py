"""From observations to findings: tracker, lamp timelines and rules of one camera, in time order, deterministic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.observations import Candidate, SignalFault, SignalTimeline, TrackHistory, Undecided
from core.site import Site
from core.time import NS_PER_S
from pipeline.observation import Observation
from pipeline.sight import Sight
from rules import RuleBook, Scene, SiteView, require_judged
from rules.ground import Path
from vision.track import Tracker

TICK_S = 2.0
"""Tracks that are due are judged together this often: those that ended since, and live ones that stand."""
STAND_S, STAND_SIZES = 2.0, 0.2
"""A live track stands if its box kept its place this long within this share of its size. What moves is judged when it
has left the picture: its whole way is known then; only offences of standing must be seen while they go on."""
AGAIN_S, AGAIN_SHARE = 10.0, 0.25
"""A standing track is judged again when it is this much longer, in seconds and as a share of its length."""
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
        self._ended: list[TrackHistory] = []
        self._recent: list[TrackHistory] = []
        self._due_ns: dict[int, int] = {}
        self._paths: dict[int, Path] = {}
        self._next_ns = 0
        self._now_ns = 0

    def add(self, observation: Observation) -> list[Finding | Undecided]:
        """Takes one frame; returns what became clear with it."""
        self._now_ns = observation.pts_ns
        self._ended += self._sight.add(observation)
        if self._now_ns < self._next_ns:
            return []
        self._next_ns = self._now_ns + int(TICK_S * NS_PER_S)
        return self._judge(self._sight.live())

    def faults(self) -> tuple[SignalFault, ...]:
        """Returns when a lamp or its feed could not be right, so far."""
        return self._sight.faults()

    def finish(self) -> list[Finding | Undecided]:
        """Ends the session; returns what was still open."""
        self._ended += self._sight.finish()
        return self._judge([])

    def _judge(self, live: list[TrackHistory]) -> list[Finding | Undecided]:
        ended, self._ended = self._ended, []
        due = [t for t in live if self._now_ns >= self._due_ns.get(t.track_id, _first_ns(t)) and _stands(t)]
        if not ended and not due:
            return []
        self._recent = [t for t in self._recent if self._now_ns - int(t.pts_ns[-1]) <= REMEMBER_S * NS_PER_S] + ended
        found = self._evaluate([*ended, *due], [*self._recent, *live])
        self._paths = {t.track_id: self._paths[t.track_id] for t in self._recent if t.track_id in self._paths}
        self._due_ns |= {track.track_id: self._now_ns + _wait_ns(track) for track in due}
        self._due_ns = {t.track_id: self._due_ns[t.track_id] for t in live if t.track_id in self._due_ns}
        return found

    def _evaluate(self, judged: list[TrackHistory], tracks: list[TrackHistory]) -> list[Finding | Undecided]:
        signals = self._sight.timelines()
        scene = Scene(
            view=self._view,
            tracks=tracks,
            signals=signals,
            now_ns=self._now_ns,
            start_utc=self._start_utc,
            paths=self._paths,
        )
        histories = {h.track_id: h for h in judged}
        found: list[Finding | Undecided] = []
        for outcome in self._book.evaluate(judged, scene):
            if isinstance(outcome, Undecided):
                found.append(outcome)
            else:
                found.append(Finding(candidate=outcome, history=histories[outcome.track_id], signals=signals))
        return found


def _first_ns(track: TrackHistory) -> int:
    """Returns when a live track is judged for the first time."""
    return int(track.pts_ns[0]) + int(AGAIN_S * NS_PER_S)


def _wait_ns(track: TrackHistory) -> int:
    """Returns how long a live track just judged is left alone."""
    return int(max(AGAIN_S, AGAIN_SHARE * track.duration_s) * NS_PER_S)


def _stands(track: TrackHistory) -> bool:
    """Tells whether a live track kept its place lately, in the picture."""
    early = int(np.searchsorted(track.pts_ns, track.pts_ns[-1] - int(STAND_S * NS_PER_S)))
    before, now = track.xyxy[early], track.xyxy[-1]
    return bool(np.abs(now - before).max() <= STAND_SIZES * (now[2:] - now[:2]).mean())
