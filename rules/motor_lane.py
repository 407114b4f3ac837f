"""V07 non-motor vehicle riding in a motor lane.

Legal elements (RTSL 36, 57; Reg 70): where a non-motor lane is marked, non-motor vehicles keep to it;
who finds it occupied may borrow the neighbouring lane past the obstacle and must return promptly.
Checked here: a non-motor lane of the same direction runs beside the rider; the rider is in a motor lane,
clear of its edge and of the non-motor lane, far enough and long enough, going along the road. A standing
vehicle in the non-motor lane frees the way past it; crossing, turning and the junction's interior (drawn
in no lane) do not count.
A human checks: roadworks, obstacles no network knows (a skip, a hole), a pushed bike, e-bike or motorcycle.
Known traps: riding round a parked van, queues of riders that overflow, pulling over to turn left.
Not judged: roads without a non-motor lane (keep right, 1.5 m in some cities): the edge is not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.geometry import area_of, contains, may_touch, share_inside
from core.observations import Candidate, Outcome, TrackHistory
from core.site import Lane, Site
from rules.ground import Path, dots, lengths
from rules.region import (
    COURSE_S,
    Array,
    Mask,
    depth_m,
    is_still_going,
    middle_row,
    off_axis_deg,
    reach_m,
    runs,
    steps_m,
    union_of,
    way_m,
)
from rules.scene import FOUR_WHEELERS, STAND_MPS, STAND_S, TWO_WHEELERS, Scene, class_cues, moments, standing_spans

ALONG_DEG_MAX = 30.0
"""A course up to this far off the lane's axis rides along it. Source: design default, half of a steep lane change."""
SLOW_MPS = 1.0
"""Below this the course is jitter and says nothing. Source: slower than walking, 3.6 km/h."""
BESIDE_M = 12.0
"""The non-motor lane serves lanes this far from it. Source: three lanes of 3.5 m and a strip, CJJ 37."""
BESIDE_COS = 0.5
"""The non-motor lane is beside, not ahead or behind. Source: within 30 degrees of square to the lane."""
SAME_WAY_DEG = 60.0
"""Two lanes of one carriageway point the same way within this. Source: design default for a bend."""
BORROW_M = 20.0
"""Swerving out before an obstacle and back after it. Source: Reg 70 'promptly'; 4 s at 18 km/h each way (design)."""
BLOCKER_SHARE = 0.3
"""Share of a standing vehicle's footprint in the lane that blocks it. Source: 0.6 m of a car, what a bike needs."""
FOOTPRINT_SHARE = 0.4
"""Lower part of a box that stands for the footprint. Source: as in parking.py."""


def motor_lane(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the rides of one non-motor vehicle in motor lanes."""
    site = scene.view.site
    is_subject = history.class_id in TWO_WHEELERS and scene.view.subject_of(history.class_id) == "nonmotor"
    if not is_subject or not site.is_enabled("V07") or len(history) < 3:
        return []
    own = [lane for lane in site.lanes if lane.kind == "nonmotor"]
    motor = [lane for lane in site.lanes if lane.kind == "motor" and lane.heading_px]
    path = scene.path(history)
    is_near = any(path.comes_near(lane.polygon_px) for lane in motor)
    return _judge(path, motor, own, scene) if own and is_near else []


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule."""
    gaps = [] if any(lane.kind == "nonmotor" for lane in site.lanes) else ["draw the non-motor lane (kind nonmotor)"]
    motor = [lane for lane in site.lanes if lane.kind == "motor"]
    if not motor:
        gaps.append("draw the motor lanes (kind motor)")
    return gaps + [f"lane '{lane.id}' needs heading_px" for lane in motor if lane.heading_px is None]


def _judge(path: Path, motor: list[Lane], own: list[Lane], scene: Scene) -> list[Outcome]:
    parameters = scene.view.site.parameters("V07")
    inside = np.stack([contains(lane.polygon_px, path.foot_px) for lane in motor])
    anywhere = np.logical_or.reduce(inside)
    if not anywhere.any() or _travelled_m(path, anywhere) < float(parameters["min_distance_m"]):
        return []
    along = inside & np.stack([_is_along(path, lane) for lane in motor])
    if not _may_be_enough(path, np.logical_or.reduce(along), parameters):
        return []
    depth = _depth(path, own, scene)
    along &= depth >= float(parameters["min_lateral_offset_m"])
    if not _may_be_enough(path, np.logical_or.reduce(along), parameters):
        return []
    riding = np.logical_or.reduce(
        [rows & _has_own_lane(path, lane, own) for rows, lane in zip(along, motor, strict=True)]
    )
    if not _rides(path, riding, inside, motor, parameters):
        return []
    borrowed = _borrowed(path, own, scene)
    found: list[Outcome] = []
    for ride, lane in _rides(path, riding & ~borrowed, inside, motor, parameters):
        if not is_still_going(path, ride.last):
            depth_there = float(np.median(depth[ride.first : ride.last + 1]))
            facts = {"depth_m": round(depth_there, 1), "borrowed": bool(borrowed.any())}
            found.append(_candidate(path, ride, lane, scene, facts))
    return found


def _rides(
    path: Path, riding: Mask, inside: Mask, motor: list[Lane], parameters: dict[str, Any]
) -> list[tuple[_Ride, Lane]]:
    """Returns every ride that is far, long and steady enough, with the lane it was mostly in."""
    found: list[tuple[_Ride, Lane]] = []
    for first, last in runs(riding, path.t_s):
        lane = motor[int(inside[:, first : last + 1].sum(axis=1).argmax())]
        along_m, _ = way_m(path, lane.heading_px or ((0.0, 0.0), (0.0, 0.0)))
        share = float(riding[first : last + 1].mean())
        ride = _Ride(first, last, abs(float(along_m[last] - along_m[first])), share)
        if ride.is_enough(path, parameters):
            found.append((ride, lane))
    return found


@dataclass(frozen=True, slots=True)
class _Ride:
    first: int
    last: int
    distance_m: float
    share: float

    def is_enough(self, path: Path, parameters: dict[str, Any]) -> bool:
        """Tells whether the ride is as far, as long and as steady as the catalogue asks."""
        least = {k: float(parameters[k]) for k in ("min_distance_m", "min_duration_s", "inside_ratio_min")}
        return (
            self.distance_m >= least["min_distance_m"]
            and float(path.t_s[self.last] - path.t_s[self.first]) >= least["min_duration_s"]
            and self.share >= least["inside_ratio_min"]
        )


def _candidate(path: Path, ride: _Ride, lane: Lane, scene: Scene, facts: dict[str, Any]) -> Candidate:
    first, last = ride.first, ride.last
    rows = (first, middle_row(path, first, last), last)
    return Candidate(
        violation_id="V07",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows),
        parameters=scene.view.site.parameters("V07"),
        facts={
            "distance_m": round(ride.distance_m, 1),
            "duration_s": round(float(path.t_s[last] - path.t_s[first]), 1),
            "share_inside": round(ride.share, 2),
            **facts,
            "scale": scene.view.ground.scale_source,
        },
        cues=(*class_cues(path.history), "nonmotor_lane_blocked_borrowing", "crossing_or_turning", "roadworks"),
        region_id=lane.id,
    )


def _travelled_m(path: Path, rows: Mask) -> float:
    """Returns the length of the way made on some rows, jitter included: a cheap upper bound."""
    return float(lengths(steps_m(path))[rows].sum())


def _may_be_enough(path: Path, rows: Mask, parameters: dict[str, Any]) -> bool:
    """Tells whether a ride on some rows at most can be long enough, in metres with jitter included and in seconds."""
    way = np.cumsum(lengths(steps_m(path)))
    least_m, least_s = float(parameters["min_distance_m"]), float(parameters["min_duration_s"])
    spans = runs(rows, path.t_s)
    return any(way[b] - way[a] >= least_m and path.t_s[b] - path.t_s[a] >= least_s for a, b in spans)


def _depth(path: Path, own: Sequence[Lane], scene: Scene) -> Array:
    """Returns how far (N,) the rider is from the carriageway's edge and from the non-motor lane, the lesser."""
    carriageway = union_of(path, [lane.polygon_px for lane in scene.view.site.lanes if lane.kind != "nonmotor"])
    return np.minimum(depth_m(path, carriageway), -depth_m(path, union_of(path, [lane.polygon_px for lane in own])))


def _is_along(path: Path, lane: Lane) -> Mask:
    """Tells for each row (N,) whether the rider goes along the lane, either way, or hardly goes at all."""
    if lane.heading_px is None:
        return np.zeros(len(path.t_s), np.bool_)
    is_slow = path.speed_mps(COURSE_S) < SLOW_MPS
    is_along: Mask = is_slow | (off_axis_deg(path, lane.heading_px) <= ALONG_DEG_MAX)
    return is_along


def _has_own_lane(path: Path, lane: Lane, own: Sequence[Lane]) -> Mask:
    """Tells for each row (N,) whether a non-motor lane of this lane's direction runs beside the rider."""
    found = np.zeros(len(path.t_s), np.bool_)
    if lane.heading_px is None:
        return found
    arrow = path.arrow_m(lane.heading_px)
    unit = arrow / np.maximum(lengths(arrow), 1e-9)[:, None]
    for other in own:
        if other.heading_px is not None and bool(np.median(path.heading_deg(other.heading_px, arrow)) > SAME_WAY_DEG):
            continue
        reach = _reach_m(path, other)
        distance = lengths(reach)
        is_square = np.abs(dots(reach, unit)) <= BESIDE_COS * distance
        found |= is_square & (distance <= BESIDE_M)
    return found


def _reach_m(path: Path, lane: Lane) -> Array:
    """Returns the vector (N, 2) to the nearest point of a lane's edge, metres."""
    return path.once(("V07 reach", lane.id), lambda: reach_m(path, area_of(lane.polygon_px)))


def _borrowed(path: Path, own: Sequence[Lane], scene: Scene) -> Mask:
    """Tells for each row (N,) whether a vehicle standing in the non-motor lane excuses riding beside it."""
    excused = np.zeros(len(path.t_s), np.bool_)
    for start_s, end_s, place in scene.once("V07 blockers", lambda: _blockers(own, scene)):
        is_then = (path.t_s >= start_s - STAND_S) & (path.t_s <= end_s + STAND_S)
        excused |= is_then & (path.away_m(place) <= BORROW_M)
    return excused


def _blockers(own: Sequence[Lane], scene: Scene) -> list[tuple[float, float, Array]]:
    """Returns (from, to, where) of every vehicle that stands in a non-motor lane."""
    found: list[tuple[float, float, Array]] = []
    others = [t for t in scene.tracks if t.class_id in FOUR_WHEELERS and len(t) >= 3]
    others = [t for t in others if any(may_touch(lane.polygon_px, t.extent_px) for lane in own)]
    for body in scene.paths_of(others):
        for first, last in standing_spans(body, speed_max_mps=STAND_MPS, min_s=STAND_S):
            box = np.median(body.boxes[first : last + 1], axis=0)
            if _is_in_the_way(box, own):
                place = np.array([(box[0] + box[2]) / 2, box[3]])
                found.append((float(body.t_s[first]), float(body.t_s[last]), place))
    return found


def _is_in_the_way(box: Array, own: Sequence[Lane]) -> bool:
    footprint = (box[0], box[3] - FOOTPRINT_SHARE * (box[3] - box[1]), box[2], box[3])
    return any(share_inside(lane.polygon_px, footprint) >= BLOCKER_SHARE for lane in own)
