"""Which tracks still in sight are worth judging now, and by which rules.

Judging everybody by every rule all the time costs most of what rules cost and finds nothing. A verdict changes when
an actor has left a zone or crossed a line of that rule, when it has stood long enough for it, when the rule itself
asked to see it again, and when it has left the picture. The last is the judge's own matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains
from core.observations import ActorClass, TrackHistory
from core.site import PART_LISTS, Site
from core.time import NS_PER_S
from rules import INTERESTS

Mask = NDArray[np.bool_]
Box = NDArray[np.float64]

STAND_NS, STAND_SIZES = 2 * NS_PER_S, 0.2
"""A live track stands if its box kept its place this long within this share of its size."""
SETTLED_NS = 2 * NS_PER_S
"""A stand is judged this much after it was long enough. Source: boxes come to rest over a second or two."""
AGAIN = 4
"""It is judged again when it is this many times as long, and when the rule asks for it."""
TOGETHER_NS = 2 * NS_PER_S
"""What becomes due within this span is looked at together: one actor leaves several zones at once."""
APART_NS = 4 * NS_PER_S
"""One rule judges a moving track this seldom at most, so that an offence is filed within about five seconds."""


@dataclass(slots=True)
class _Watched:
    """One live track: where it stands, what it is inside of, and when which rule (by its number) sees it next."""

    anchor: Box
    since_ns: int
    place: bytes
    """What it is inside of, as a mask (P,)."""
    is_off: bool = False
    due_ns: dict[int, int] = field(default_factory=dict)
    changed_ns: dict[int, int] = field(default_factory=dict)
    judged_ns: dict[int, int] = field(default_factory=dict)

    def at(self, row: int, at_ns: int) -> None:
        """Has a rule see it at a moment, or earlier if that was arranged."""
        self.due_ns[row] = min(at_ns, self.due_ns.get(row, at_ns))


class Attention:
    """Remembers the live tracks of one session. Deterministic."""

    def __init__(self, site: Site) -> None:
        drawn = [part for name in PART_LISTS for part in getattr(site, name)]
        self._zones = [part for part in drawn if hasattr(part, "polygon_px")]
        self._lines = [part for part in drawn if hasattr(part, "points_px")]
        wanted = [{id(part) for part in interest.parts(site)} for interest in INTERESTS]
        parts: list[Any] = [*self._zones, *self._lines]
        self._asks = np.array([[id(part) in row for part in parts] for row in wanted], np.bool_)
        stand_ns = {
            row: int(stand_s(site) * NS_PER_S)
            for row, stand_s in enumerate(interest.stand_s for interest in INTERESTS)
            if stand_s is not None and wanted[row]
        }
        self._stand_ns = {
            kind: {row: ns for row, ns in stand_ns.items() if kind in INTERESTS[row].classes} for kind in ActorClass
        }
        self._ways = {
            kind: np.array([i.stand_s is None and kind in i.classes for i in INTERESTS]) for kind in ActorClass
        }
        self._is_line = np.arange(len(parts)) >= len(self._zones)
        self._echo_ns = [int(interest.echo_s * NS_PER_S) for interest in INTERESTS]
        self._watched: dict[int, _Watched] = {}

    def due(self, live: Sequence[TrackHistory], now_ns: int) -> list[tuple[TrackHistory, Mask]]:
        """Returns the tracks to be judged now with the rules (R,) to judge them by, and takes them for judged."""
        if not live:
            return []
        boxes = np.array([track.xyxy[-1] for track in live], np.float64)
        places, known = self._places(boxes), self._watched
        watched = [
            known.get(track.track_id) or self._begun(box, place, now_ns)
            for track, box, place in zip(live, boxes, places, strict=True)
        ]
        is_off = _is_off(np.array([seen.anchor for seen in watched]), boxes).tolist()
        found = []
        for track, seen, box, place, off in zip(live, watched, boxes, places, is_off, strict=True):
            self._follow(seen, track.class_id, box, place.tobytes(), now_ns, is_off=off)
            rows = [row for row, at_ns in seen.due_ns.items() if at_ns <= now_ns]
            if rows:
                found.append((track, self._judged(seen, rows, now_ns)))
        self._watched = {track.track_id: seen for track, seen in zip(live, watched, strict=True)}
        return found

    def ask(self, again_ns: Mapping[tuple[int, int], int]) -> None:
        """Takes when rules want to see tracks again, by track id and number of the rule."""
        for (name, row), at_ns in again_ns.items():
            if name in self._watched:
                self._watched[name].at(row, at_ns)

    def _begun(self, box: Box, place: Mask, now_ns: int) -> _Watched:
        """Returns a track just seen: what it is inside of, it has just entered."""
        return _Watched(anchor=box, since_ns=now_ns, place=(place & self._is_line).tobytes())

    def _follow(
        self, seen: _Watched, class_id: ActorClass, box: Box, place: bytes, now_ns: int, *, is_off: bool
    ) -> None:
        """Notes where a track is now; a box off its place once only has jumped."""
        if is_off and (seen.is_off or now_ns - seen.since_ns < STAND_NS):
            seen.anchor, seen.since_ns = box, now_ns
            for row in self._stand_ns[class_id].keys() & seen.due_ns.keys():
                del seen.due_ns[row]
        seen.is_off = is_off
        if now_ns - seen.since_ns >= STAND_NS:
            for row, stand_ns in self._stand_ns[class_id].items():
                if seen.judged_ns.get(row, 0) <= seen.since_ns:
                    seen.at(row, seen.since_ns + stand_ns + SETTLED_NS)
        elif place != seen.place:
            changed = np.frombuffer(place, np.bool_) != np.frombuffer(seen.place, np.bool_)
            for row in np.flatnonzero(self._ways[class_id] & (self._asks & changed).any(axis=1)).tolist():
                seen.changed_ns[row] = now_ns
                seen.at(row, _together(now_ns + self._echo_ns[row]))
            seen.place = place

    def _judged(self, seen: _Watched, rows: Sequence[int], now_ns: int) -> Mask:
        """Returns some rules as marks (R,), and arranges when they see the track next."""
        marks = np.zeros(len(INTERESTS), np.bool_)
        marks[rows] = True
        for row in rows:
            del seen.due_ns[row]
            seen.judged_ns[row] = now_ns
            if INTERESTS[row].stand_s is not None:
                seen.at(row, seen.since_ns + AGAIN * (now_ns - seen.since_ns))
            elif seen.changed_ns.get(row, -self._echo_ns[row]) + self._echo_ns[row] > now_ns:
                seen.at(row, _together(max(seen.changed_ns[row] + self._echo_ns[row], now_ns + APART_NS)))
        return marks

    def _places(self, boxes: NDArray[np.float64]) -> Mask:
        """Returns what each of some boxes (N, 4) stands in and on the left of, (N, P)."""
        feet = np.column_stack(((boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]))
        inside = [contains(zone.polygon_px, feet) for zone in self._zones]
        table = [*inside, *(_is_left(np.asarray(line.points_px, float)[[0, -1]], feet) for line in self._lines)]
        return np.column_stack(table) if table else np.zeros((len(feet), 0), np.bool_)


def _together(at_ns: int) -> int:
    """Returns when what is due at a moment is looked at."""
    return -(-at_ns // TOGETHER_NS) * TOGETHER_NS


def _is_left(line: NDArray[np.float64], points: NDArray[np.float64]) -> Mask:
    """Returns whether points (N, 2) lie to the left of a line (2, 2), seen along it and on as far as it goes."""
    (x, y), (to_x, to_y) = line
    is_left: Mask = (to_x - x) * (points[:, 1] - y) < (to_y - y) * (points[:, 0] - x)
    return is_left


def _is_off(anchors: Box, boxes: Box) -> Mask:
    """Tells which boxes (N, 4) left their places."""
    half_around = (boxes[:, 2:] - boxes[:, :2]).sum(axis=1)
    is_off: Mask = np.abs(anchors - boxes).max(axis=1) > STAND_SIZES * half_around / 2
    return is_off
