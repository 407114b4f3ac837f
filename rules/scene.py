"""What a rule may look at: the site on the road, all tracks, all lamps, and the present moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass, Moment, Role, SignalState, SignalTimeline, TrackHistory, Undecided
from core.site import Site, Subject
from core.time import NS_PER_S
from rules.ground import Ground, Path, spans

Made = TypeVar("Made")
FOUR_WHEELERS = (ActorClass.CAR, ActorClass.BUS, ActorClass.TRUCK)
TWO_WHEELERS = (ActorClass.BICYCLE, ActorClass.MOTORCYCLE)
BEFORE_DURING_AFTER = (Role.P1_BEFORE, Role.P2_DURING, Role.P3_AFTER)
STAND_MPS = 0.55
"""Standing still: 2 km/h. Source: V02 stationary_speed_max_kmh, violations.yaml."""
STAND_S = 2.0
"""Shorter halts are hesitation, not waiting. Source: reaction time of 1-2 s in traffic engineering practice."""


@dataclass(frozen=True, slots=True)
class SiteView:
    """A site in footage pixels with its road geometry."""

    site: Site
    ground: Ground

    @classmethod
    def of(cls, site: Site) -> SiteView:
        """Returns the view of a site already scaled to its footage."""
        return cls(site, Ground(site))

    def subject_of(self, class_id: ActorClass) -> Subject:
        """Returns the law a class falls under here (a motor-or-e-bike box follows ``site.two_wheelers``)."""
        if class_id is ActorClass.PERSON:
            return "pedestrian"
        if class_id is ActorClass.BICYCLE:
            return "nonmotor"
        return self.site.two_wheelers if class_id is ActorClass.MOTORCYCLE else "motor"


@dataclass(slots=True)
class Scene:
    """Everything seen up to ``now_ns``."""

    view: SiteView
    tracks: Sequence[TrackHistory]
    signals: Mapping[str, SignalTimeline]
    now_ns: int
    start_utc: datetime | None = None
    paths: dict[int, Path] = field(default_factory=dict)
    """Paths by track id; those worked out for an earlier scene serve again where the track is still the same."""
    asks: int = 0
    """Number of the rule that is asked now."""
    again_ns: dict[tuple[int, int], int] = field(default_factory=dict)
    """When rules want to see tracks again whose verdict is near, by track id and number of the rule."""
    _made: dict[Hashable, Any] = field(default_factory=dict)

    def look_again(self, history: TrackHistory, at_s: float) -> None:
        """Asks for a track to be judged again by the same rule at a session second, if it is in sight then."""
        if not history.is_finished:
            key, at_ns = (history.track_id, self.asks), int(at_s * NS_PER_S)
            self.again_ns[key] = min(at_ns, self.again_ns.get(key, at_ns))

    def path(self, history: TrackHistory) -> Path:
        """Returns a track on the road, worked out once."""
        known = self.paths.get(history.track_id)
        return known if known is not None and known.history is history else self.paths_of([history])[0]

    def paths_of(self, histories: Sequence[TrackHistory]) -> list[Path]:
        """Returns tracks on the road; those not worked out yet are worked out together."""
        known = [self.paths.get(history.track_id) for history in histories]
        fresh = [h for h, path in zip(histories, known, strict=True) if path is None or path.history is not h]
        if fresh:
            self.paths.update(zip((h.track_id for h in fresh), self.view.ground.paths(fresh), strict=True))
        return [self.paths[history.track_id] for history in histories]

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Returns what ``make`` gives for a key, worked out once however many tracks ask."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def seen_at(self, t_s: float, classes: Collection[ActorClass]) -> list[TrackHistory]:
        """Returns the tracks of some classes that were in sight before and after a session second."""
        first_s, last_s = self.once("spans", self._spans_s)
        rows = np.flatnonzero((first_s <= t_s) & (t_s <= last_s)).tolist()
        return [self.tracks[row] for row in rows if self.tracks[row].class_id in classes]

    def _spans_s(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the first and the last second (N,) of every track; never for tracks of less than three rows."""
        spans = [(t.pts_ns[0], t.pts_ns[-1]) if len(t) >= 3 else (1, 0) for t in self.tracks]
        first, last = np.asarray(spans, np.int64).reshape(-1, 2).T / NS_PER_S
        return first, last

    def local_time(self, t_s: float) -> datetime | None:
        """Returns the wall-clock time at the place; None while the footage's clock is unknown."""
        if self.start_utc is None:
            return None
        return (self.start_utc + timedelta(seconds=float(t_s))).astimezone(ZoneInfo(self.view.site.time_zone))

    def lamp(self, signal_id: str | None) -> SignalTimeline | None:
        """Returns the timeline of a lamp; None when no lamp is named."""
        return None if signal_id is None else self.signals.get(signal_id)

    def others_moved(self, track_id: int, start_s: float, end_s: float, *, min_shift_m: float = 2.0) -> bool:
        """Tells whether any other actor visibly moved between two moments."""
        for other in self.tracks:
            if other.track_id == track_id:
                continue
            rows = np.flatnonzero((other.t_s >= start_s) & (other.t_s <= end_s))
            if len(rows) > 2 and self.path(other).shift_m(int(rows[0]), int(rows[-1])) >= min_shift_m:
                return True
        return False


def moment(path: Path, row: int, role: Role, lamp: SignalTimeline | None = None) -> Moment:
    """Returns the moment of one row of a track."""
    box = path.history.xyxy[row]
    pts_ns = int(path.history.pts_ns[row])
    return Moment(
        role=role,
        pts_ns=pts_ns,
        xyxy=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        signal=None if lamp is None else lamp.state_at(pts_ns),
    )


def moments(
    path: Path, rows: Sequence[int], lamp: SignalTimeline | None = None, roles: Sequence[Role] = BEFORE_DURING_AFTER
) -> tuple[Moment, ...]:
    """Returns the law's moments of a track: one row for each role."""
    return tuple(moment(path, row, role, lamp) for row, role in zip(rows, roles, strict=True))


def undecided(violation_id: str, history: TrackHistory, row: int, reason: str) -> Undecided:
    """Returns that an offence cannot be told, at one row of a track, and why."""
    return Undecided(
        violation_id=violation_id, track_id=history.track_id, pts_ns=int(history.pts_ns[row]), reason=reason
    )


def class_cues(history: TrackHistory) -> tuple[str, ...]:
    """Returns the cue that the reviewer must settle which law applies to a two-wheeler."""
    return ("class_uncertain_ebike_vs_motorcycle",) if history.class_id is ActorClass.MOTORCYCLE else ()


def standing_spans(path: Path, *, speed_max_mps: float, min_s: float) -> list[tuple[int, int]]:
    """Returns (first, last) row of every stand of at least ``min_s``, in order."""
    return path.once(("stands", speed_max_mps, min_s), lambda: _standing_spans(path, speed_max_mps, min_s))


def _standing_spans(path: Path, speed_max_mps: float, min_s: float) -> list[tuple[int, int]]:
    slow = path.speed_mps(1.0) <= speed_max_mps
    return [(a, b) for a, b in spans(slow) if path.t_s[b] - path.t_s[a] >= min_s]


def state_at(lamp: SignalTimeline | None, t_s: float) -> SignalState:
    """Returns a lamp's state at a session second; UNKNOWN without a lamp."""
    return SignalState.UNKNOWN if lamp is None else lamp.state_at(int(t_s * NS_PER_S))
