"""Crossing a stop line: when the front and when the whole body passed it, and what came before and after.

Decided by the way travelled, not by being somewhere: the front must have been seen before the line,
both edges of the box must have travelled, and the place of crossing must lie within the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains
from core.site import Movement, Site, StopLine
from rules.ground import Path
from rules.scene import FOUR_WHEELERS

Array = NDArray[np.float64]

SIDE_MARGIN_M = 0.4
"""A wheel may pass this far beside the drawn line's ends. Source: half a two-wheeler's width, domain.md 1.1."""
REARM_M = 0.5
"""The rear must be this far before the line for a new crossing. Source: V02 overrun_min_m, violations.yaml."""
TRAVEL_SHARE = 0.45
"""Least way of both box edges, share of the box's height. Source: measured on real crowds (17 false alarms to 5)."""
TRAVEL_SHARE_LONG = 0.3
"""The same for four wheels: seen from a gantry 6.5 m up, a bus moves its top edge 0.34 of its height while its whole
body passes the line and 2 m more. Source: projection, sim/conformance v01_long_vehicles_in_red."""
TURN_DEG = 50.0
"""A final course this far off the line's normal is a turn. Source: over half a right angle."""
HALF_WAY, FAR_END = 0.5, 1.0
"""Who may turn right went straight on if seen past that exit: past half of it on a course off by less than half a turn.
Source: geometry; on an arc that ends in the exit the course is 30 degrees off half-way."""
TURN_MIN_M = 6.0
"""Course is judged after this way past the line. Source: a car's length and a half, domain.md 1.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One passage of a line. Rows index the path; times are session seconds; distances metres past the line.

    Shapes: front_m, rear_m (N,).
    """

    line: StopLine
    path: Path
    front_m: Array
    rear_m: Array
    before_row: int
    front_s: float
    past_row: int | None
    rear_s: float | None


def crossings(path: Path, line: StopLine) -> list[Crossing]:
    """Returns every passage of the line by one actor: front past it, and, if it got so far, its whole body."""
    if len(path.t_s) < 3 or not path.comes_near(line.points_px):
        return []
    return path.once(("crossings", line.id), lambda: _crossings(path, line))


def _crossings(path: Path, line: StopLine) -> list[Crossing]:
    foot_m, along_m, span_m = path.to_line_m(line.points_px, line.towards_px)
    middle = np.asarray(line.points_px, float).mean(axis=0)
    away = path.away(line.towards_px, middle)
    length_m = path.body.length_m
    front_m, rear_m = foot_m + (1 + away) / 2 * length_m, foot_m - (1 - away) / 2 * length_m
    inside = (along_m >= -SIDE_MARGIN_M) & (along_m <= span_m + SIDE_MARGIN_M)
    found: list[Crossing] = []
    free_from, count = 0, len(front_m)
    for entry in np.flatnonzero((front_m[:-1] <= 0) & (front_m[1:] > 0)).tolist():
        if entry < free_from:
            continue
        leave = _first(front_m[entry + 1 :] < -REARM_M, entry + 1, count)
        past_or_none = _first(rear_m[entry + 1 : leave] > 0, entry + 1, count)
        past = past_or_none if past_or_none < leave else None
        at = past if past is not None else int(np.argmax(front_m[entry + 1 : leave])) + entry + 1
        if inside[entry] or inside[at]:
            found.append(
                Crossing(
                    line=line,
                    path=path,
                    front_m=front_m,
                    rear_m=rear_m,
                    before_row=entry,
                    front_s=_when(path.t_s, front_m, entry),
                    past_row=past,
                    rear_s=None if past is None else _when(path.t_s, rear_m, past - 1),
                )
            )
        free_from = leave
    return found


def _first(mask: NDArray[np.bool_], offset: int, otherwise: int) -> int:
    """Returns the row of the first True, counted from ``offset``; ``otherwise`` where there is none."""
    rows = np.flatnonzero(mask)
    return int(rows[0]) + offset if len(rows) else otherwise


def has_travelled(path: Path, first: int, last: int) -> bool:
    """Tells whether both edges of the box moved with the actor, a share of its height at least.

    A box whose lower edge alone jumps (wheels hidden, id hopping to the rider behind) has not travelled.
    """
    start, end = path.boxes[first], path.boxes[last]
    shift = end - start
    size = float(min(start[3] - start[1], end[3] - end[1]))
    moved_y = min(abs(float(shift[1])), abs(float(shift[3]))) if shift[1] * shift[3] > 0 else 0.0
    moved_x = min(abs(float(shift[0])), abs(float(shift[2]))) if shift[0] * shift[2] > 0 else 0.0
    share = TRAVEL_SHARE_LONG if path.history.class_id in FOUR_WHEELERS else TRAVEL_SHARE
    return float(np.hypot(moved_x, moved_y)) >= share * size


def movement_after(crossing: Crossing, site: Site) -> Movement | None:
    """Returns the movement made after the line: by the exit reached, else by the final course; None if too short."""
    path, first = crossing.path, crossing.past_row
    if first is None:
        return None
    for leave in site.exits:
        if leave.stop_line in (None, crossing.line.id) and bool(contains(leave.polygon_px, path.foot_px[first:]).any()):
            return leave.movement
    last = len(path.t_s) - 1
    if crossing.rear_m[last] - crossing.rear_m[first] < TURN_MIN_M and path.shift_m(first, last) < TURN_MIN_M:
        return None
    middle = np.asarray(crossing.line.points_px, float).mean(axis=0)
    arrow = np.array([middle, crossing.line.towards_px])
    ahead = path.arrow_m(arrow)[last]
    early = max(first, int(np.searchsorted(path.t_s, path.t_s[last] - 1.0)) - 1)
    course = path.velocity_mps(1.0)[early:].mean(axis=0)
    cross = ahead[0] * course[1] - ahead[1] * course[0]
    angle = float(np.degrees(np.arctan2(abs(cross), float(ahead @ course))))
    if angle < TURN_DEG:
        past = HALF_WAY if angle < TURN_DEG / 2 else FAR_END
        return "S" if _passed_share(crossing, site, last) >= past else None
    return "R" if cross * path.ground.handedness > 0 else "L"


def _passed_share(crossing: Crossing, site: Site, last: int) -> float:
    """Returns how far (0 near end, 1 far end) it went past the exits of right turns it might still make; 1 if none."""
    path, line = crossing.path, crossing.line
    exits = [e for e in site.exits if e.movement == "R" and e.stop_line in (None, line.id)]
    if "R" not in line.movements or not exits:
        return FAR_END
    middle = np.asarray(line.points_px, float).mean(axis=0)
    ahead = path.arrow_m(np.array([middle, line.towards_px]))[last]
    unit = ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    corners = [corner for leave in exits for corner in leave.polygon_px]
    ways_m = [float(path.arrow_m(np.array([middle, corner]))[last] @ unit) for corner in corners]
    near_m, far_m = min(ways_m), max(ways_m)
    went_m = float(crossing.front_m[last] + crossing.rear_m[last]) / 2
    return (went_m - near_m) / max(far_m - near_m, 1e-9)


def _when(t_s: Array, value: Array, row: int) -> float:
    """Returns the interpolated time at which a value passes zero between ``row`` and the next."""
    low, high = float(value[row]), float(value[row + 1])
    share = 0.0 if high <= low else min(max(-low / (high - low), 0.0), 1.0)
    return float(t_s[row] + share * (t_s[row + 1] - t_s[row]))
