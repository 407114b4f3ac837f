"""Standing beyond a stop line: what the motor (V02) and the non-motor offence (V20) have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.geometry import contains
from core.observations import SignalState, SignalTimeline
from core.site import Subject
from rules.crossing import Crossing
from rules.scene import Scene
from rules.standing import steady_spans

NEVER_STOOD_MPS = 2.0
"""Who is never slower than this did not stand, however boxes jump. Source: four times the standing limit of 2 km/h."""
VISIBLE_M = 0.3
"""A shift that two pictures show. Source: width of a painted stop line (GB 5768.3: 0.2 to 0.4 m)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What makes a stand beyond the line. ``apart_s``: the two pictures lie this far apart where the stand lasts."""

    subject: Subject
    over_m: float
    beyond_m: float
    stand_s: float
    apart_s: float
    speed_mps: float


def stand(crossing: Crossing, scene: Scene, limits: Limits) -> tuple[int, int] | None:
    """Returns the first stand beyond the line, cut to the law's interval: (P2 row, P3 row)."""
    path = crossing.path
    if path.t_s[-1] - path.t_s[crossing.before_row] < limits.stand_s:
        return None
    if float(path.speed_mps(2.0)[crossing.before_row :].min()) > NEVER_STOOD_MPS:
        return None
    for start, last in steady_spans(path, speed_max_mps=limits.speed_mps, min_s=limits.stand_s):
        first = max(start, crossing.before_row + 1)
        if last < first or float(np.median(crossing.front_m[first : last + 1])) < limits.over_m:
            continue
        if float(np.median(crossing.rear_m[first : last + 1])) > limits.beyond_m:
            continue
        if _in_waiting_area(crossing, scene, first, limits.subject):
            continue
        stood_s = float(path.t_s[last] - path.t_s[first])
        if stood_s < limits.apart_s and last == len(path.t_s) - 1 and not path.history.is_finished:
            continue
        wanted_s = min(max(stood_s, limits.stand_s), limits.apart_s)
        late = np.flatnonzero(path.t_s[first : last + 1] >= path.t_s[first] + wanted_s)
        if len(late):
            return first, first + int(late[0])
    return None


def reached_s(crossing: Crossing, over_m: float, first: int) -> float:
    """Returns when the front reached the overrun distance before a stand, interpolated."""
    t_s, front_m = crossing.path.t_s, crossing.front_m
    row = max(i for i in range(first) if front_m[i] < over_m)
    share = (over_m - front_m[row]) / max(float(front_m[row + 1] - front_m[row]), 1e-6)
    return float(t_s[row] + min(share, 1.0) * (t_s[row + 1] - t_s[row]))


def red_before(crossing: Crossing, lamp: SignalTimeline, over_m: float, first: int) -> int | None:
    """Returns the row of P1: in red and not yet over the line, or else still rolling on over it in red."""
    pts, front_m = crossing.path.history.pts_ns, crossing.front_m
    reds = [i for i in range(first) if lamp.state_at(int(pts[i])) is SignalState.RED]
    short = [i for i in reds if front_m[i] < over_m]
    if short:
        return short[-1]
    rolling = [i for i in reds if front_m[i] <= front_m[first] - VISIBLE_M]
    return rolling[0] if rolling else None


def _in_waiting_area(crossing: Crossing, scene: Scene, row: int, subject: Subject) -> bool:
    areas = [a for a in scene.view.site.waiting_areas if subject in a.applies_to]
    return any(bool(contains(a.polygon_px, crossing.path.foot_px[[row]])[0]) for a in areas)
