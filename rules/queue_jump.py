"""V25 queue jumping: passing a queue in the next lane and squeezing in.

Legal elements (RTSL 45; Reg 53): traffic ahead in the lane queues or crawls; the vehicle overtakes it in
another lane and cuts in between waiting vehicles.
Checked here: a change from one drawn lane to another; in the new lane a vehicle close ahead and one close
behind, both slow, with no more room between them than the catalogue's gap; at least the catalogue's number
of slow vehicles of that lane passed on the way. A lane that ends ahead (``is_ending``) is left by merging
alternately, which is the law; joining the end of a queue or an empty lane is free.
A human checks: a breakdown ahead in the own lane, officers, a vehicle that let it in.
Known traps: needs ground calibration and lanes drawn over the length of the queue; vehicles hidden in a
dense queue are not counted, so jumps are missed rather than invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains
from core.observations import Candidate, Outcome, TrackHistory
from core.site import Lane, Site
from rules.body import Body, body_of, even_body, runs
from rules.ground import Array, Path
from rules.scene import FOUR_WHEELERS, Scene, moments

STEADY_S = 1.0
"""A lane held shorter than this was only touched. Source: seen at two frames a second in two frames."""
SETTLE_S = 2.0
"""A body has left its old lane this long after its middle has. Source: half a lane, 1.75 m, at 1 m/s aside."""
OVERLAP = 0.8
"""Neighbours nearer than this share of two half bodies overlap. Source: a fifth for the box's noise."""
PASSING_S = 30.0
"""Vehicles passed longer ago belong to another jam. Source: half of dedup_window_s, violations.yaml."""
CUES = ("lane_drop_zipper_merge", "breakdown_ahead", "police_hand_signal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One vehicle of the new lane, as the one that cuts in sees it at that moment. Metres along its course."""

    track_id: int
    ahead_m: float
    half_m: float
    speed_kmh: float
    passed_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """A change from one lane to another. Rows index the body's even rows; ``along`` (2,) the course held before it."""

    body: Body
    along: Array
    lane: Lane
    row: int
    last: int

    @property
    def cut_in_s(self) -> float:
        """Session second at which the body's middle entered the new lane."""
        return float(self.body.path.t_s[self.row])

    @property
    def at_s(self) -> float:
        """Session second at which the whole body was in the new lane: neighbours are read then."""
        settled = np.flatnonzero(self.body.path.t_s >= self.cut_in_s + SETTLE_S)
        return float(self.body.path.t_s[min(int(settled[0]) if len(settled) else self.last, self.last)])


def queue_jump(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the queue jumps of one vehicle."""
    site = scene.view.site
    lanes = [lane for lane in site.lanes if lane.kind in ("motor", "bus", "mixed")]
    if history.class_id not in FOUR_WHEELERS or not site.is_enabled("V25") or len(lanes) < 2:
        return []
    body = None if scene.view.ground.matrix is None else even_body(scene.path(history))
    if body is None:
        return []
    outcomes = (_judge(insertion, history, scene) for insertion in _insertions(body, lanes))
    return [o for o in outcomes if o is not None]


def lacking(site: Site) -> list[str]:
    """Returns what V25 still needs drawn."""
    motor = [lane for lane in site.lanes if lane.kind in ("motor", "bus", "mixed")]
    gaps = [] if len(motor) > 1 else ["draw two motor lanes or more, over the length of the queue"]
    return gaps if site.calibration else [*gaps, "calibrate the ground: gaps in a queue need it"]


def _insertions(body: Body, lanes: list[Lane]) -> list[Insertion]:
    """Returns every change between two lanes, each held for a while; leaving a lane that ends is none."""
    t_s = body.path.t_s
    held: list[tuple[int, int, int]] = []
    for index, lane in enumerate(lanes):
        inside = contains(lane.polygon_px, body.centre_px)
        held += [(a, b, index) for a, b in runs(inside) if t_s[b] - t_s[a] >= STEADY_S]
    held.sort()
    return [
        Insertion(body=body, along=_course(body, start, left), lane=lanes[new], row=first, last=last)
        for (start, left, old), (first, last, new) in pairwise(held)
        if old != new and not lanes[old].is_ending and t_s[first] - t_s[left] <= STEADY_S
    ]


def _course(body: Body, first: int, last: int) -> Array:
    """Returns the course (2,) held over the earlier half of a stay in a lane: before it began to turn out."""
    course = np.median(body.ahead[first : (first + last) // 2 + 1], axis=0)
    unit: Array = course / max(float(np.linalg.norm(course)), 1e-9)
    return unit


def _judge(insertion: Insertion, history: TrackHistory, scene: Scene) -> Candidate | None:
    parameters = scene.view.site.parameters("V25")
    slow_kmh = float(parameters["queue_speed_max_kmh"])
    others = [t for t in scene.seen_at(insertion.at_s, FOUR_WHEELERS) if t.track_id != history.track_id]
    seen = [_neighbour(insertion, path) for path in scene.paths_of(others)]
    queue = [n for n in seen if n is not None and n.speed_kmh <= slow_kmh]
    before = min((n for n in queue if n.ahead_m > 0), key=lambda n: n.ahead_m, default=None)
    behind = max((n for n in queue if n.ahead_m <= 0), key=lambda n: n.ahead_m, default=None)
    passed = sorted(n.passed_s for n in queue if n.passed_s is not None)
    if before is None or behind is None or len(passed) < int(parameters["passed_queue_vehicles_min"]):
        return None
    least_m = OVERLAP * (insertion.body.length_m / 2)
    if before.ahead_m < least_m + OVERLAP * before.half_m or -behind.ahead_m < least_m + OVERLAP * behind.half_m:
        return None
    gap_m = (before.ahead_m - before.half_m) - (behind.ahead_m + behind.half_m)
    if gap_m > float(parameters["lateral_insert_gap_m_max"]):
        return None
    path = scene.path(history)
    times = (passed[0], insertion.cut_in_s, insertion.at_s)
    rows = [int(np.abs(path.t_s - t).argmin()) for t in times]
    return Candidate(
        violation_id="V25",
        track_id=history.track_id,
        subject=history.class_id,
        moments=moments(path, rows),
        parameters=parameters,
        facts={
            "passed_vehicles": len(passed),
            "gap_m": round(gap_m, 1),
            "cut_in_s": round(insertion.cut_in_s, 2),
            "vehicle_ahead_track_id": before.track_id,
            "vehicle_behind_track_id": behind.track_id,
            "queue_speed_kmh": round(float(np.median([n.speed_kmh for n in queue])), 1),
            "scale": scene.view.ground.scale_source,
        },
        cues=CUES,
        region_id=insertion.lane.id,
    )


def _neighbour(insertion: Insertion, path: Path) -> Neighbour | None:
    """Returns another vehicle as seen at the insertion; None when it was not in the new lane then."""
    body = body_of(path, lying=insertion.along)
    if body is None:
        return None
    now = int(np.abs(path.t_s - insertion.at_s).argmin())
    if not contains(insertion.lane.polygon_px, body.centre_px[[now]])[0]:
        return None
    in_lane = contains(insertion.lane.polygon_px, body.centre_px)
    ahead_m = _ahead_m(insertion, body)
    return Neighbour(
        track_id=path.history.track_id,
        ahead_m=float(ahead_m[now]),
        half_m=body.length_m / 2,
        speed_kmh=float(path.speed_mps(2.0)[now]) * 3.6,
        passed_s=_passed_s(path.t_s, ahead_m, in_lane, now),
    )


def _ahead_m(insertion: Insertion, body: Body) -> Array:
    """Returns how far (N,) another body was ahead of the one that cuts in, at each of its own rows."""
    own = insertion.body
    here = np.column_stack([np.interp(body.path.t_s, own.path.t_s, column) for column in own.centre_px.T])
    distance: Array = body.path.vectors_m(here, body.centre_px) @ insertion.along
    return distance


def _passed_s(t_s: Array, ahead_m: Array, in_lane: NDArray[np.bool_], now: int) -> float | None:
    """Returns when a vehicle of the lane was passed on the way; None when it was not."""
    if ahead_m[now] > 0:
        return None
    earlier = (t_s <= t_s[now]) & (t_s >= t_s[now] - PASSING_S) & in_lane & (ahead_m > 0)
    rows = np.flatnonzero(earlier)
    return float(t_s[rows[-1]]) if len(rows) else None
