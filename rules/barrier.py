"""V21 climbing over a road barrier.

Legal elements (RTSL 63): crossing, climbing over or leaning on road barriers is forbidden to pedestrians.
Checked here: a person on foot seen clearly on one side of a drawn barrier, then clearly on the other, the
passage within the barrier's ends, as slow as climbing is, and seen while it happened.
A human checks: an opening that is not drawn, workers on duty, the climbing itself (pose is not measured).
Known traps: openings (draw one barrier on each side of them), boxes cut off by the barrier's panels, an id
that hops from one side to a person on the other, someone walking along the barrier and leaning on it.
"""

from __future__ import annotations

import numpy as np

from core.observations import ActorClass, Candidate, Outcome, TrackHistory
from core.site import Barrier, Site
from rules.crossing import has_travelled
from rules.ground import Path
from rules.region import Array
from rules.scene import Scene, moments, undecided

CLEAR_M = 1.0
"""So far from the barrier's foot is clearly on one side. Source: two walker widths, design default."""
NEAR_M = 0.5
"""Climbing happens within this of the foot line. Source: barrier base and body depth, GB/T 31439 (0.3-0.5 m)."""
END_M = 1.0
"""Nearer to an end it may have been walked round. Source: one step, and a drawing error of 0.3 m."""
UNSEEN_S = 1.5
"""A hole this long in sight while it passes the barrier leaves open how it did. Source: a third of a climb, 4-6 s."""


def barrier(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the climbs of one pedestrian, one per barrier at most."""
    site = scene.view.site
    if history.class_id is not ActorClass.PERSON or not site.is_enabled("V21") or len(history) < 3:
        return []
    path = scene.path(history)
    outcomes = (_judge(path, fence, scene) for fence in site.barriers)
    return [o for o in outcomes if o is not None]


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule."""
    return [] if site.barriers else ["draw the barriers"]


def _judge(path: Path, fence: Barrier, scene: Scene) -> Outcome | None:
    distance, along, span = path.to_line_m(fence.points_px, _beside(fence))
    from_end = np.minimum(along, span - along)
    least_s = float(scene.view.site.parameters("V21")["min_duration_s"])
    for before, after in _passages(distance):
        near = slice(before, after + 1)
        if float(from_end[near].min()) <= END_M or not _has_travelled(path, distance, before, after):
            continue
        if float(np.diff(path.t_s[near]).max()) > UNSEEN_S:
            return undecided("V21", path.history, before, "not seen while it passed the barrier")
        took_s = _took_s(path.t_s[near], np.abs(distance[near]))
        if took_s < least_s:
            continue
        over = before + int(np.abs(distance[near]).argmin())
        rows = (before, over if before < over < after else (before + after) // 2, after)
        facts = {"at_barrier_s": round(took_s, 1), "from_end_m": round(float(from_end[near].min()), 1)}
        return _candidate(path, fence, scene, rows, facts)
    return None


def _candidate(
    path: Path, fence: Barrier, scene: Scene, rows: tuple[int, int, int], facts: dict[str, float]
) -> Candidate:
    return Candidate(
        violation_id="V21",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows),
        parameters=scene.view.site.parameters("V21"),
        facts={**facts, "scale": scene.view.ground.scale_source},
        cues=("barrier_gap", "worker_on_duty"),
        region_id=fence.id,
    )


def _passages(distance: Array) -> list[tuple[int, int]]:
    """Returns for every change of side the last row clearly on the one and the first row clearly on the other."""
    side = np.where(np.abs(distance) >= CLEAR_M, np.sign(distance), 0)
    clear = np.flatnonzero(side)
    return [(int(clear[i]), int(clear[i + 1])) for i in np.flatnonzero(np.diff(side[clear]))]


def _has_travelled(path: Path, distance: Array, before: int, after: int) -> bool:
    """Tells whether the box itself moved between where it was farthest off on the one side and on the other."""
    sign = float(np.sign(distance[before]))
    start = int((distance[: before + 1] * sign).argmax())
    end = after + int((-distance[after:] * sign).argmax())
    return has_travelled(path, start, end)


def _took_s(t_s: Array, away_m: Array) -> float:
    """Returns how long the way past the barrier took, from ``NEAR_M`` before it to as far after, interpolated."""
    close = np.flatnonzero(away_m < NEAR_M)
    if not len(close):
        closest = int(away_m.argmin())
        return _when(t_s, away_m, closest, 1) - _when(t_s, away_m, closest, -1)
    return _when(t_s, away_m, int(close[-1]), 1) - _when(t_s, away_m, int(close[0]), -1)


def _when(t_s: Array, away_m: Array, row: int, step: int) -> float:
    """Returns when the distance passed ``NEAR_M`` between a row and its neighbour."""
    other = row + step
    if not 0 <= other < len(t_s) or away_m[other] <= away_m[row] or away_m[row] >= NEAR_M:
        return float(t_s[row])
    share = (NEAR_M - away_m[row]) / (away_m[other] - away_m[row])
    return float(t_s[row] + share * (t_s[other] - t_s[row]))


def _beside(fence: Barrier) -> tuple[float, float]:
    """Returns a picture point on one side of the barrier, to give the distance its sign."""
    (x1, y1), (x2, y2) = fence.points_px[0], fence.points_px[-1]
    return (x1 + x2) / 2 - (y2 - y1) * 0.1, (y1 + y2) / 2 + (x2 - x1) * 0.1
