"""V19 jaywalking: crossing the roadway away from a crossing facility that is near.

Legal elements (RTSL 62; Reg 75): where there is a crosswalk or another crossing facility, pedestrians use
it; where there is none, crossing after making sure is legal.
Checked here: a drawn crosswalk within the catalogue's distance, never nearer to one than the least distance
while in the roadway (all drawn lanes), entered from the edge, far enough across and still across at the end,
into a second motor lane, walking rather across the road than along it.
A human checks: boarding a bus or taxi, workers, diversions, streets shared with walkers, who it is.
Known traps: drivers walking round a parked car, hawkers between lanes, tracks that begin in mid-road
(undecided), riders boxed as walkers (too fast). Facilities outside the picture cannot be drawn: no offence.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from core.geometry import area_of, contains
from core.observations import ActorClass, Candidate, Outcome, TrackHistory
from core.site import Lane, Site
from rules.ground import Path
from rules.region import Array, depth_m, is_inside, is_still_going, runs, union_of, way_m
from rules.scene import Scene, moments, undecided

MOTOR_KINDS = ("motor", "bus", "emergency")
"""Lanes that count for crossing two of them; a mixed lane is shared with walkers."""
HIDDEN_S = 3.0
"""A walker may be hidden this long on the way. Source: a bus of 11 m passing at 15 km/h."""
EDGE_M = 1.0
"""First seen this near the roadway's edge has come from it. Source: a step and a drawing error of 0.3 m."""
LANE_M = 0.5
"""This deep in a lane is in it, not on its line. Source: half a walker's width and a line."""
RUN_MPS = 4.0
"""Faster is no walker. Source: running pace 14 km/h, design default."""
ROUGH = 1.3
"""Without calibration the distance from a crosswalk must be this much larger. Source: ADR 0003, scale off the actor."""


def jaywalking(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the crossings of one pedestrian away from the crosswalk."""
    site = scene.view.site
    if history.class_id is not ActorClass.PERSON or not site.is_enabled("V19") or len(history) < 3:
        return []
    lanes = [lane for lane in site.lanes if lane.kind in MOTOR_KINDS and lane.heading_px]
    if not lanes or not site.crosswalks:
        return []
    path, parameters = scene.path(history), site.parameters("V19")
    roadway = union_of(path, [lane.polygon_px for lane in site.lanes])
    if not is_inside(roadway, path.foot_px).any():
        return []
    depth = depth_m(path, roadway)
    outcomes = (
        _judge(path, scene, (first, last), depth)
        for first, last in runs(depth > 0, path.t_s, HIDDEN_S)
        if not is_still_going(path, last) and _is_walk_across(path, lanes, (first, last), parameters)
    )
    return [o for o in outcomes if o is not None]


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule."""
    gaps = [] if site.crosswalks else ["draw the crosswalk that should be used"]
    lanes = [lane for lane in site.lanes if lane.kind in MOTOR_KINDS]
    if len(lanes) < 2:
        gaps.append("draw the lanes of the roadway, at least two")
    return gaps + [f"lane '{lane.id}' needs heading_px" for lane in lanes if lane.heading_px is None]


def from_crosswalks_m(path: Path, site: Site) -> Array:
    """Returns the distance (N,) to the nearest drawn crosswalk, 0 on it, metres."""
    each = [np.maximum(-depth_m(path, area_of(c.polygon_px)), 0) for c in site.crosswalks]
    nearest: Array = np.min(each, axis=0)
    return nearest


def _is_walk_across(path: Path, lanes: list[Lane], span: tuple[int, int], parameters: dict[str, Any]) -> bool:
    """Tells whether the walker came far enough across, into a second lane, and did not turn back."""
    first, last = span
    feet = path.foot_px[first : last + 1]
    lanes = [lane for lane in lanes if contains(lane.polygon_px, feet).any()]
    if len(lanes) < 2:
        return False
    each = (lane for lane in lanes if depth_m(path, area_of(lane.polygon_px))[first : last + 1].max() >= LANE_M)
    entered = list(islice(each, 2))
    if len(entered) < 2 or entered[0].heading_px is None:
        return False
    along, across = way_m(path, entered[0].heading_px)
    across_m, along_m = abs(float(across[last] - across[first])), abs(float(along[last] - along[first]))
    is_walking = path.shift_m(first, last) <= RUN_MPS * float(path.t_s[last] - path.t_s[first])
    return across_m >= float(parameters["min_depth_into_roadway_m"]) and across_m >= along_m and is_walking


def _judge(path: Path, scene: Scene, span: tuple[int, int], depth: Array) -> Outcome | None:
    first, last = span
    site, parameters = scene.view.site, scene.view.site.parameters("V19")
    away_m = from_crosswalks_m(path, site)[first : last + 1]
    least_m = float(parameters["lateral_distance_from_crosswalk_m_min"])
    if away_m.min() < least_m * (1.0 if scene.view.ground.matrix is not None else ROUGH):
        return None
    if away_m.min() > float(parameters["facility_within_m"]):
        return None
    if first == 0 and depth[0] > EDGE_M:
        return undecided("V19", path.history, first, "not seen entering the roadway")
    rows = (max(first - 1, 0), first + int(depth[first : last + 1].argmax()), last)
    if len(set(rows)) < len(rows):
        rows = (first, (first + last) // 2, last)
    return Candidate(
        violation_id="V19",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows),
        parameters=parameters,
        facts={
            "from_crosswalk_m": round(float(away_m.min()), 1),
            "walked_m": round(path.shift_m(first, last), 1),
            "in_roadway_s": round(float(path.t_s[last] - path.t_s[first]), 1),
            "deepest_m": round(float(depth[first : last + 1].max()), 1),
            "scale": scene.view.ground.scale_source,
        },
        cues=("bus_or_taxi_boarding_kerb_lane", "worker_on_duty", "roadworks_detour", "mixed_street"),
        region_id=None,
    )
