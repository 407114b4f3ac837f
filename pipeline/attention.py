"""Which tracks still in sight are worth judging now: what stands, what changed zones, what a rule asked to see again.

Judging everybody all the time costs most of what rules cost and finds nothing: verdicts change when an actor stands
on, when it has left a zone or crossed a line, and when it has left the picture. The last is the judge's own matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains
from core.observations import TrackHistory
from core.site import PART_LISTS, Point, Site
from core.time import NS_PER_S

STAND_S, STAND_SIZES = 2.0, 0.2
"""A live track stands if its box kept its place this long within this share of its size."""
AGAIN_S, AGAIN_SHARE = 5.0, 0.1
"""A standing track is judged again when it is this much longer, in seconds and as a share of its length."""
ECHO_S = 2.0
"""What crossed a line or left a zone is judged this much later. Source: rules bridge holes of 1.2 s (region.py)."""
APART_S = 4.0
"""A moving track is judged this seldom at most, so that an offence is filed within about five seconds of its end."""

TOGETHER_NS = NS_PER_S // 2
"""What rules ask for is looked at together, this late at most."""


class Attention:
    """Remembers where the live tracks of one session were and when each was judged. Deterministic."""

    def __init__(self, site: Site) -> None:
        parts = [part for name in PART_LISTS for part in getattr(site, name)]
        self._zones: list[Sequence[Point]] = [p.polygon_px for p in parts if hasattr(p, "polygon_px")]
        self._lines = [np.asarray(p.points_px, float)[[0, -1]] for p in parts if hasattr(p, "points_px")]
        self._place: dict[int, bytes] = {}
        self._moving: set[int] = set()
        self._stand_ns: dict[int, int] = {}
        self._echo_ns: dict[int, int] = {}
        self._changed_ns: dict[int, int] = {}
        self._asked_ns: dict[int, int] = {}

    def is_asked(self, now_ns: int) -> bool:
        """Tells whether a rule wanted to see some track again by now."""
        return any(at_ns <= now_ns for at_ns in self._asked_ns.values())

    def standing(self, live: Sequence[TrackHistory], now_ns: int) -> list[TrackHistory]:
        """Returns the tracks whose standing is to be judged, and takes them for judged."""
        still = [track for track in live if _stands(track)]
        due = [track for track in still if now_ns >= self._stand_ns.get(track.track_id, _first_ns(track))]
        self._stand_ns |= {track.track_id: now_ns + _wait_ns(track) for track in due}
        moving = {track.track_id for track in live} - {track.track_id for track in still}
        self._note(live, moving | self._moving, now_ns)
        self._moving = moving
        self._forget({track.track_id for track in live})
        return due

    def moving(self, live: Sequence[TrackHistory], now_ns: int) -> list[TrackHistory]:
        """Returns the tracks whose way is to be judged, and takes them for judged."""
        due = [t for t in live if now_ns >= min(_at(self._echo_ns, t), _at(self._asked_ns, t))]
        for track in due:
            name = track.track_id
            self._echo_ns.pop(name, None)
            later_ns = self._changed_ns.get(name, now_ns) + int(ECHO_S * NS_PER_S)
            if name in self._changed_ns and later_ns > now_ns:
                self._echo_ns[name] = max(later_ns, now_ns + int(APART_S * NS_PER_S))
        self._asked_ns = {name: at_ns for name, at_ns in self._asked_ns.items() if at_ns > now_ns}
        return due

    def ask(self, again_ns: Mapping[int, int]) -> None:
        """Takes when rules want to see tracks again."""
        self._asked_ns |= {name: -(-at_ns // TOGETHER_NS) * TOGETHER_NS for name, at_ns in again_ns.items()}

    def _note(self, live: Sequence[TrackHistory], names: set[int], now_ns: int) -> None:
        """Notes who is in other zones than before, or on another side of a line."""
        for track, place in zip(live, self._places(live), strict=True):
            name = track.track_id
            if self._place.setdefault(name, place) == place or name not in names:
                continue
            self._place[name], self._changed_ns[name] = place, now_ns
            self._echo_ns.setdefault(name, now_ns + int(ECHO_S * NS_PER_S))

    def _places(self, live: Sequence[TrackHistory]) -> list[bytes]:
        if not live:
            return []
        boxes = np.array([track.xyxy[-1] for track in live], float)
        feet = np.column_stack(((boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]))
        table = [contains(zone, feet) for zone in self._zones] + [_side(line, feet) for line in self._lines]
        return [row.tobytes() for row in np.array(table, np.int8).reshape(-1, len(feet)).T]

    def _forget(self, names: set[int]) -> None:
        for known in (self._place, self._stand_ns, self._echo_ns, self._changed_ns, self._asked_ns):
            for name in known.keys() - names:
                del known[name]


def _at(times_ns: Mapping[int, int], track: TrackHistory) -> float:
    return times_ns.get(track.track_id, float("inf"))


def _side(line: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.int8]:
    """Returns on which side of a line points (N, 2) lie, -1 or 1; 0 beside its ends."""
    step, away = line[1] - line[0], points - line[0]
    along = away @ step / max(float(step @ step), 1e-9)
    side = np.where(step[0] * away[:, 1] - step[1] * away[:, 0] > 0, 1, -1)
    return np.where((along >= 0) & (along <= 1), side, 0).astype(np.int8)


def _first_ns(track: TrackHistory) -> int:
    """Returns when a standing track is judged for the first time."""
    return int(track.pts_ns[0]) + int(AGAIN_S * NS_PER_S)


def _wait_ns(track: TrackHistory) -> int:
    """Returns how long a standing track just judged is left alone."""
    return int(max(AGAIN_S, AGAIN_SHARE * track.duration_s) * NS_PER_S)


def _stands(track: TrackHistory) -> bool:
    """Tells whether a live track kept its place lately, in the picture."""
    early = int(np.searchsorted(track.pts_ns, track.pts_ns[-1] - int(STAND_S * NS_PER_S)))
    before, now = track.xyxy[early], track.xyxy[-1]
    return bool(np.abs(now - before).max() <= STAND_SIZES * (now[2:] - now[:2]).mean())
