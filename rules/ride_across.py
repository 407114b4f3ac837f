"""V24 riding, not pushing, across the carriageway of a road section.

Legal elements (RTSL 57; Reg 70): on a road section (路段) riders of bicycles, e-bikes and tricycles dismount
and push across the motor lanes, on a crosswalk where there is one.
Checked here: in the motor lanes, course across their axis, faster than anyone pushes, far enough across;
away from every signalled stop line and every signalled crosswalk, which make a junction, not a road section.
A human checks: a pushed bike (running with it), a marked cycle crossing, the rider on the saddle.
Known traps: left turns at side roads without lamps (leave the mouth of the side road out of the lanes), riders
joining the road from an entrance (they turn along it), U-turns.
"""

from __future__ import annotations

import numpy as np

from core.geometry import area_of
from core.observations import Candidate, Outcome, TrackHistory
from core.site import Lane, Site
from rules.ground import Path
from rules.region import COURSE_S, Array, Mask, depth_m, is_still_going, lane_at, middle_row, off_axis_deg, runs, way_m
from rules.scene import TWO_WHEELERS, Scene, class_cues, moments

MOTOR_KINDS = ("motor", "bus", "emergency")
"""Lanes of the motor carriageway; a mixed lane is the riders' own."""
ACROSS_DEG = 60.0
"""A course at least this far off the lane's axis crosses it. Source: twice a steep lane change, design default."""
JUNCTION_M = 15.0
"""So near a lamp's line or crosswalk is junction. Source: crosswalk, set-back and two car lengths, design default."""


def ride_across(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the rides of one non-motor vehicle across the motor lanes."""
    site = scene.view.site
    is_subject = history.class_id in TWO_WHEELERS and scene.view.subject_of(history.class_id) == "nonmotor"
    if not is_subject or not site.is_enabled("V24") or len(history) < 3:
        return []
    lanes = [lane for lane in site.lanes if lane.kind in MOTOR_KINDS and lane.heading_px]
    path, parameters = scene.path(history), site.parameters("V24")
    crossing = _is_across(path, lanes)
    if not crossing.any():
        return []
    speed_kmh = path.speed_mps(COURSE_S) * 3.6
    crossing &= (speed_kmh >= float(parameters["speed_kmh_min"])) & (_from_junction_m(path, site) > JUNCTION_M)
    found: list[Outcome] = []
    for first, last in runs(crossing, path.t_s):
        lane = lanes[int(lane_at(path, lanes)[first])]
        _, across = way_m(path, lane.heading_px or ((0.0, 0.0), (0.0, 0.0)))
        across_m = abs(float(across[last] - across[first]))
        if across_m >= float(parameters["min_crossing_m"]) and not is_still_going(path, last):
            facts = {"across_m": across_m, "speed_kmh": float(np.median(speed_kmh[first : last + 1]))}
            found.append(_candidate(path, scene, (first, last), lane, facts))
    return found


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule."""
    lanes = [lane for lane in site.lanes if lane.kind in MOTOR_KINDS]
    gaps = [] if lanes else ["draw the motor lanes of the road section"]
    return gaps + [f"lane '{lane.id}' needs heading_px" for lane in lanes if lane.heading_px is None]


def _is_across(path: Path, lanes: list[Lane]) -> Mask:
    """Tells for each row (N,) whether the rider is in a motor lane and goes across it."""
    at, found = lane_at(path, lanes), np.zeros(len(path.t_s), np.bool_)
    for index, lane in enumerate(lanes):
        if lane.heading_px is not None and (at == index).any():
            found |= (at == index) & (off_axis_deg(path, lane.heading_px) >= ACROSS_DEG)
    return found


def _from_junction_m(path: Path, site: Site) -> Array:
    """Returns the distance (N,) to the nearest signalled stop line or crosswalk, metres."""
    nearest = np.full(len(path.t_s), np.inf)
    for line in site.stop_lines:
        if line.signal or line.nonmotor_signal:
            distance, along, span = path.to_line_m(line.points_px, line.towards_px)
            beside = np.maximum(np.maximum(-along, along - span), 0)
            nearest = np.minimum(nearest, np.hypot(distance, beside))
    for walk in site.crosswalks:
        if walk.signal:
            nearest = np.minimum(nearest, np.maximum(-depth_m(path, area_of(walk.polygon_px)), 0))
    return nearest


def _candidate(path: Path, scene: Scene, span: tuple[int, int], lane: Lane, facts: dict[str, float]) -> Candidate:
    first, last = span
    rows = (first, middle_row(path, first, last), last)
    return Candidate(
        violation_id="V24",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows),
        parameters=scene.view.site.parameters("V24"),
        facts={
            **{name: round(value, 1) for name, value in facts.items()},
            "duration_s": round(float(path.t_s[last] - path.t_s[first]), 1),
            "scale": scene.view.ground.scale_source,
        },
        cues=(*class_cues(path.history), "pushing_bike", "cycle_crossing_marked", "inside_signalised_junction"),
        region_id=lane.id,
    )
