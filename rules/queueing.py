"""Parked or queueing: how long a standing vehicle could have driven on, and whether that can be told at all.

A vehicle queues while the lamp of its stop line is red and it stands first at the line or close behind another that
stands (Reg 51, 53); this time is no parking. Where no lamp is drawn, a vehicle that stands close behind another is
parked if traffic passes them, and left open if nothing does: it may be a jam.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains
from core.observations import SignalState, SignalTimeline
from rules.body import Body, body_of
from rules.ground import Array, Path
from rules.scene import FOUR_WHEELERS, STAND_MPS, Scene
from rules.standing import steady_mps

Mask = NDArray[np.bool_]

STEP_S = 2.0
"""The street is looked at this often. Source: the headway of a discharging queue, 2 s a vehicle."""
CLOSE_M = 8.0
"""A queue stands this close. Source: domain.md 1.4 V08, parked against queueing."""
ASIDE_M = 1.75
"""In the same lane: this far aside at most. Source: half a 3.5 m lane, CJJ 37."""
PASSING_M = 7.0
"""Traffic that passes drives this far aside at most. Source: two lanes of 3.5 m, CJJ 37."""
LINE_M = 80.0
"""A stop line further ahead does not govern. Source: a queue of a dozen cars, 6.5 m each."""
START_S = 2.0
"""After green begins each vehicle of a queue starts this much later. Source: saturation headway, 2 s a vehicle."""
COMING_S, COMING_M = 6.0, 3.0
"""Its course is the way of the last seconds before it stood, if that is long enough. Source: braking from 30 km/h at
2 m/s^2 takes 4 s; 3 m are well above what boxes jump."""
PICKS = 4
"""Rows a place is the median of. Source: half a second at 8 fps."""
HALF = 0.5
"""A vehicle close ahead for this share of the time makes a jam possible. Source: the greater part, design default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What a stand means. Shapes: free_s (N,) seconds it could have driven on, summed up to each row of its path."""

    free_s: Array
    may_be_jam: bool


def stay(path: Path, first: int, last: int, scene: Scene) -> Stay:
    """Returns what a stand from one row to another means."""
    times = np.arange(path.t_s[first], path.t_s[last] + STEP_S / 2, STEP_S)
    course = _course(path, first)
    body = body_of(path, lying=_lying(path, first, scene) if course is None else course)
    if body is None or len(times) < 2:
        return Stay(free_s=path.t_s - path.t_s[first], may_be_jam=False)
    ahead = body.ahead[first] if course is None else course
    lamp, line_m = _lamp_ahead(body, first, ahead, scene)
    held = _held(lamp, times, line_m)
    here_px = np.median(body.centre_px[first : last + 1], axis=0)
    others = [_Other.seen(body, ahead, here_px, path) for path in _vehicles(path, times, scene)]
    is_close = np.logical_or.reduce([np.zeros(len(times), np.bool_), *(o.stands_close(times) for o in others if o)])
    is_first = line_m is not None and line_m <= CLOSE_M
    free = ~((is_close | is_first) & held)
    summed = np.interp(path.t_s, times, np.r_[0.0, np.cumsum(STEP_S * free[:-1])])
    blocked = float((is_close & free).sum()) >= HALF * max(float(free.sum()), 1.0)
    return Stay(free_s=summed, may_be_jam=blocked and not any(o.passes(times) for o in others if o))


def _lying(path: Path, row: int, scene: Scene) -> Array | None:
    """Returns the unit vector (2,) the lane or the approach leads along, for vehicles never seen moving."""
    site, here = scene.view.site, path.foot_px[[row]]
    arrows = [lane.heading_px for lane in site.lanes if lane.heading_px and contains(lane.polygon_px, here)[0]]
    arrows += [(_middle(line.points_px), line.towards_px) for line in site.stop_lines if "motor" in line.applies_to]
    if not arrows:
        return None
    arrow = path.arrow_m(arrows[0])[row]
    unit: Array = arrow / max(float(np.linalg.norm(arrow)), 1e-9)
    return unit


def _course(path: Path, row: int) -> Array | None:
    """Returns the unit course (2,) it came to its stand by, between median places; None if its coming was not seen."""
    start = int(np.searchsorted(path.t_s, path.t_s[row] - COMING_S))
    came, stood = path.foot_px[start : start + PICKS], path.foot_px[row : row + PICKS]
    way = path.vectors_m(*(np.repeat(np.median(p, axis=0)[None], len(path.t_s), 0) for p in (came, stood)))[row]
    length_m = float(np.linalg.norm(way))
    return None if length_m < COMING_M else way / length_m


def _lamp_ahead(body: Body, row: int, course: Array, scene: Scene) -> tuple[SignalTimeline | None, float | None]:
    """Returns the lamp of the stop line ahead and the way of the front to it; None for both without one."""
    path: Path = replace(body.path, foot_px=body.centre_px)
    best: tuple[SignalTimeline | None, float | None] = (None, None)
    for line in scene.view.site.stop_lines:
        lamp = scene.lamp(line.signal)
        if "motor" not in line.applies_to or lamp is None:
            continue
        distance, along, span = path.to_line_m(line.points_px, line.towards_px)
        ahead = path.arrow_m((_middle(line.points_px), line.towards_px))[row]
        way_m = -float(distance[row]) - body.length_m / 2
        is_ahead = float(ahead @ course) > 0 and 0 <= along[row] <= span[row]
        if is_ahead and -body.length_m < way_m <= LINE_M and (best[1] is None or way_m < best[1]):
            best = (lamp, way_m)
    return best


def _held(lamp: SignalTimeline | None, times: Array, line_m: float | None) -> Mask:
    """Tells at which moments (N,) the lamp holds a queue back, its slow start included."""
    if lamp is None or line_m is None:
        return np.zeros(len(times), np.bool_)
    start_s = START_S * (1 + max(line_m, 0.0) / CLOSE_M)
    asked = np.round(np.stack([times, times - start_s]) * 1e9).astype(np.int64)
    red = [[lamp.state_at(int(ns)) is SignalState.RED for ns in row] for row in asked]
    held: Mask = np.logical_or.reduce(np.asarray(red, np.bool_))
    return held


def _vehicles(path: Path, times: Array, scene: Scene) -> list[Path]:
    """Returns the other vehicles in sight at some time of a stand."""
    others = [t for t in scene.tracks if t.class_id in FOUR_WHEELERS and t.track_id != path.history.track_id]
    return scene.paths_of([t for t in others if len(t) >= 3 and t.t_s[-1] >= times[0] and t.t_s[0] <= times[-1]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    """Another vehicle as seen from a standing one. Shapes: ahead_m, gap_m, aside_m, speed_mps (N,) at ``t_s``."""

    t_s: Array
    ahead_m: Array
    gap_m: Array
    aside_m: Array
    speed_mps: Array

    @classmethod
    def seen(cls, body: Body, ahead: Array, here_px: Array, path: Path) -> _Other | None:
        """Returns the other vehicle; None while its course is unknown."""
        other = body_of(path, lying=ahead)
        if other is None:
            return None
        way = path.vectors_m(here_px[None], other.centre_px)
        return cls(
            t_s=path.t_s,
            ahead_m=way @ ahead,
            gap_m=way @ ahead - (body.length_m + other.length_m) / 2,
            aside_m=np.abs(way @ np.array([-ahead[1], ahead[0]])),
            speed_mps=steady_mps(path),
        )

    def stands_close(self, times: Array) -> Mask:
        """Tells at which moments it stood close ahead in the same lane."""
        is_close = (self.ahead_m > 0) & (self.gap_m <= CLOSE_M) & (self.aside_m <= ASIDE_M)
        rows = np.clip(np.searchsorted(self.t_s, times), 0, len(self.t_s) - 1)
        in_sight = (times >= self.t_s[0] - STEP_S) & (times <= self.t_s[-1] + STEP_S)
        stood: Mask = (is_close & (self.speed_mps <= STAND_MPS))[rows] & in_sight
        return stood

    def passes(self, times: Array) -> bool:
        """Tells whether it came from wholly behind and drove on wholly ahead, beside the standing vehicle."""
        is_beside = (self.aside_m > ASIDE_M) & (self.aside_m <= PASSING_M)
        rows = is_beside & (self.t_s >= times[0]) & (self.t_s <= times[-1])
        ahead_m, apart_m = self.ahead_m[rows], self.ahead_m[rows] - self.gap_m[rows]
        return bool(len(ahead_m) > 1 and ahead_m[0] < -apart_m[0] and ahead_m[-1] > apart_m[-1])


def _middle(points_px: list[tuple[float, float]]) -> tuple[float, float]:
    x, y = np.asarray(points_px, float).mean(axis=0).tolist()
    return x, y
