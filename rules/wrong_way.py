"""V05 non-motor wrong way, V06 motor wrong way.

Legal elements (RTSL 35): travelling against the direction signed for the lane. Motor: the whole body is
beyond the centre line or in the one-way lane.
Checked here: inside a direction zone drawn from the signed plan, course more than 135 degrees off its
arrow, far enough, long enough and faster than walking. Two-way zones never convict.
A human checks: pushing the bike, a detour round works, an officer's order, the sign or marking itself.
Known traps: reversing into a bay, starting from a doorway to the nearest crossing, id switches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains
from core.observations import Candidate, Outcome, TrackHistory
from core.site import DirectionZone
from rules.ground import Path, dots, lengths
from rules.region import runs, steps_m
from rules.scene import Scene, class_cues, moments
from rules.smoothing import SLACK_S

RULE_OF = {"motor": "V06", "nonmotor": "V05"}
CUES = {
    "V05": ("detour_around_obstruction", "pushing_bike"),
    "V06": ("reversing_manoeuvre", "obstruction_ahead"),
}
GAP_S = 0.6
"""A hole this short in the run of wrong-way rows is jitter. Source: two frames at the slowest useful rate, 4 Hz."""


def wrong_way(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the wrong-way rides of one actor, one per zone at most."""
    subject = scene.view.subject_of(history.class_id)
    violation_id = RULE_OF.get(subject)
    if violation_id is None or not scene.view.site.is_enabled(violation_id):
        return []
    path = scene.path(history)
    if len(path.t_s) < 3:
        return []
    zones = [z for z in scene.view.site.direction_zones if subject in z.applies_to and not z.two_way]
    zones = [z for z in zones if path.comes_near(z.polygon_px)]
    return _judge(path, zones, scene, violation_id) if zones else []


def _judge(path: Path, zones: list[DirectionZone], scene: Scene, violation_id: str) -> list[Outcome]:
    """Judges all zones together: who swerves from one into the next keeps riding the wrong way."""
    parameters = scene.view.site.parameters(violation_id)
    inside = np.stack([_inside(path, zone, whole_body=violation_id == "V06") for zone in zones])
    if not inside.any():
        return []
    velocity = path.velocity_mps(1.0)
    speed_kmh = path.speed_mps(1.0) * 3.6
    headings = [path.heading_deg(zone.heading_px, velocity) for zone in zones]
    against = inside & (np.stack(headings) > float(parameters["heading_diff_deg_min"]))
    wrong = against.any(axis=0) & (speed_kmh > float(parameters["min_speed_kmh"]))
    found: list[Outcome] = []
    for first, last in runs(wrong, path.t_s, GAP_S):
        zone = zones[int(against[:, first : last + 1].sum(axis=1).argmax())]
        distance_m = _against_m(path, zone, first, last)
        duration_s = float(path.t_s[last] - path.t_s[first])
        if distance_m < float(parameters["min_distance_m"]) or duration_s + SLACK_S < float(
            parameters["min_duration_s"]
        ):
            continue
        if not path.history.is_finished and path.history.pts_ns[last] == path.history.pts_ns[-1]:
            continue
        rows = (first, int(np.argmin(np.abs(path.t_s - (path.t_s[first] + path.t_s[last]) / 2))), last)
        found.append(
            Candidate(
                violation_id=violation_id,
                track_id=path.history.track_id,
                subject=path.history.class_id,
                moments=moments(path, rows),
                parameters=dict(parameters),
                facts={
                    "distance_m": round(distance_m, 1),
                    "duration_s": round(duration_s, 1),
                    "speed_kmh": round(float(np.median(speed_kmh[first : last + 1])), 1),
                    "scale": scene.view.ground.scale_source,
                },
                cues=(*class_cues(path.history), *CUES[violation_id]),
                region_id=zone.id,
            )
        )
    return found[:1]


def _inside(path: Path, zone: DirectionZone, *, whole_body: bool) -> NDArray[np.bool_]:
    inside = contains(zone.polygon_px, path.foot_px)
    if whole_body:
        inset = (path.boxes[:, 2] - path.boxes[:, 0]) * 0.1
        for x in (path.boxes[:, 0] + inset, path.boxes[:, 2] - inset):
            inside &= contains(zone.polygon_px, np.column_stack((x, path.boxes[:, 3])))
    return inside


def _against_m(path: Path, zone: DirectionZone, first: int, last: int) -> float:
    """Returns the way travelled against the arrow, metres, summed step by step on the local scale."""
    arrow = path.arrow_m(zone.heading_px)
    unit = arrow / np.maximum(lengths(arrow), 1e-9)[:, None]
    return float(-dots(steps_m(path), unit)[first + 1 : last + 1].sum())
