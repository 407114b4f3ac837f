"""V02 motor vehicle stopped beyond the stop line on red.

Legal elements (Reg 51(5); tender practice after GA/T 832): on red the vehicle passes the line and stands
there; two pictures at least 10 s apart show that it did not move while others did.
Checked here: not yet beyond the line by the overrun distance in red (P1), standing beyond it (P2),
unmoved 10 s later (P3), lamp red all along, other traffic moved between P2 and P3. Cars, buses and
trucks only: for two-wheelers the law is V20 and the class is uncertain.
A human checks: pushed forward by an emergency vehicle, breakdown, a worn line, an officer's signal.
Known traps: entered on green or yellow and trapped; open waiting areas; queues that creep.
"""

from __future__ import annotations

import numpy as np

from core.observations import ActorClass, Candidate, Outcome, SignalState, TrackHistory
from core.site import Camera, Site
from core.time import NS_PER_S
from rules.crossing import Crossing, crossings
from rules.ground import BODIES
from rules.overrun import Limits, reached_s, red_before, stand
from rules.red_light import lamp_doubt
from rules.scene import FOUR_WHEELERS, Scene, moments, state_at, undecided

CAR_M = BODIES[ActorClass.CAR].length_m
"""Bodies longer than this hide their front more. Source: domain.md 1.1, ground.py."""
FRONT_DOUBT = 0.2
"""Share of the length beyond a car's by which the hidden front is in doubt. Source: city buses are 9 to 12 m, ours
11 m; seen obliquely the box's lower edge is the nearer rear corner (benchmarks/legal_traffic.py, seeds 1688, 3884)."""

ANGLE_DOUBT = 0.05
"""The same where only the camera's angle is given. Source: geometry; at 20 degrees one degree of error is a twentieth
of a length; seed 2713 is told apart."""

SCALE_DOUBT = 1.0
"""The same where neither ground points nor the angle are given: the whole body must be past, for its rear is seen.
Source: domain.md 1.1 ("require the rear ground edge to cross: safer"); taken for 24 degrees, a camera at 14 puts a car
that stands 1 m before the line past it (tests/unit/rules/test_stop_line.py)."""

AS_WIDE = 0.85
"""A body whose width tells of fewer pixels a metre than this share of what its height tells is taller than its class:
a van, whose length and place are then measured too short. Source: a car's own spread, 1.7 to 2.0 m wide, 1.4 to 1.6 m
high; a van is 2 m high and flat at the front (benchmarks/legal_traffic.py, seeds 51059, 62194)."""

FOCAL_SHARE = 0.8
"""Focal length, share of the picture's width, where the camera is not calibrated: 64 degrees wide. Source: a 4 mm lens
before a sensor of 1/2.8 inch, usual at junctions."""


def stop_line(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the overruns of one vehicle."""
    if history.class_id not in FOUR_WHEELERS or not scene.view.site.is_enabled("V02"):
        return []
    path = scene.path(history)
    found: list[Outcome] = []
    for line in scene.view.site.stop_lines:
        if "motor" in line.applies_to:
            outcomes = (_judge(crossing, scene) for crossing in crossings(path, line))
            found += [o for o in outcomes if o is not None]
    return found


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule beside line and lamp."""
    is_measured = site.calibration is not None or site.camera.depression_deg is not None
    return (
        [] if is_measured else ["give calibration or camera.depression_deg: without, only who is wholly past is found"]
    )


def _judge(crossing: Crossing, scene: Scene) -> Outcome | None:
    path, parameters = crossing.path, scene.view.site.parameters("V02")
    doubt_m = FRONT_DOUBT * max(path.body.length_m - CAR_M, 0.0)
    if scene.view.ground.matrix is None:
        camera = scene.view.site.camera
        scale = SCALE_DOUBT if camera.depression_deg is None else ANGLE_DOUBT
        doubt_m += (scale + _too_tall(crossing, camera)) * path.body.length_m
    over_m, least_s = float(parameters["overrun_min_m"]) + doubt_m, float(parameters["stationary_min_s"])
    limits = Limits(
        subject="motor",
        over_m=over_m,
        beyond_m=2 * path.body.length_m,
        stand_s=least_s,
        apart_s=least_s,
        speed_mps=float(parameters["stationary_speed_max_kmh"]) / 3.6,
    )
    span = stand(crossing, scene, limits)
    if span is None:
        return None
    first, last = span
    lamp = scene.lamp(crossing.line.signal)
    entry = state_at(lamp, reached_s(crossing, over_m, first))
    if entry in (SignalState.GREEN, SignalState.YELLOW):
        return None
    if lamp is None or entry is not SignalState.RED:
        reason = lamp_doubt(entry) if lamp else "no lamp configured for this stop line"
        return undecided("V02", path.history, first, reason)
    span_ns = int(path.history.pts_ns[first]), int(path.history.pts_ns[last])
    if lamp.states_between(*span_ns) != {SignalState.RED}:
        return None
    before = red_before(crossing, lamp, over_m, first)
    is_alone = not scene.others_moved(path.history.track_id, float(path.t_s[first]), float(path.t_s[last]))
    if before is None or is_alone:
        reason = "no other traffic seen moving while it stood" if is_alone else "no picture in red before it stood"
        return undecided("V02", path.history, last, reason)
    rows = (before, first, last)
    return Candidate(
        violation_id="V02",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows, lamp),
        parameters=dict(parameters),
        facts={
            "front_crossed_s": round(crossing.front_s, 2),
            "front_past_line_m": round(float(np.median(crossing.front_m[first : last + 1])), 1),
            "whole_body_past": bool(np.median(crossing.rear_m[first : last + 1]) > 0),
            "stood_s": round(float(path.t_s[last] - path.t_s[first]), 1),
            "red_since_s": round((lamp.since_at(int(path.history.pts_ns[first])) or 0) / NS_PER_S, 2),
            "scale": scene.view.ground.scale_source,
        },
        cues=("line_occluded_or_worn", "giving_way_to_emergency_vehicle"),
        signal_id=lamp.signal_id,
        region_id=crossing.line.id,
    )


def _too_tall(crossing: Crossing, camera: Camera) -> float:
    """Returns by what share metres told by the height of a body may be too short, 0 for one of the usual shape.

    How much of its side is seen follows from its course and from how far aside of the camera's axis it stands.
    """
    path, line = crossing.path, crossing.line
    right, down = (np.subtract(line.towards_px, np.mean(line.points_px, axis=0)) / path.ground.flat_scale).tolist()
    aside = np.arctan((path.foot_px[:, 0] / camera.picture_size_px[0] - 0.5) / FOCAL_SHARE)
    along = np.abs(np.cos(np.arctan2(right, -down) - aside))
    wide_m = path.body.width_m * along + path.body.length_m * (1 - along**2) ** 0.5
    wide_px = path.boxes[:, 2] - path.boxes[:, 0]
    share = float(np.median(wide_px / wide_m / path.scale_px_per_m[:, 0]))
    return 1 - share if share < AS_WIDE else 0.0
