"""V23 driving in the emergency lane of an expressway or urban expressway.

Legal elements (Reg 82(4), 85; Points Measures 10(11)): without an emergency, driving in the emergency lane.
Checked here: half the body's ground rectangle inside lanes of kind emergency, course along the lane, far and
long enough while moving. Standing there (Points Measures 9(3)) is not proposed by this rule: a camera
cannot tell a breakdown from a rest.
A human checks: emergency vehicles on duty, an accident or breakdown, officers, a shoulder opened to traffic.
Without ground calibration the way is not measured that far: undecided.
Known traps: draw the lane without merging and exit ramps; 50 m must lie in the picture, which needs a camera
that looks far down the road.
"""

from __future__ import annotations

from core.observations import Outcome, TrackHistory
from core.site import Site
from rules.lane_run import is_going_on, lane_candidate, lane_runs
from rules.scene import FOUR_WHEELERS, Scene, undecided

CUES = ("emergency_vehicle_on_duty", "breakdown_with_triangle", "shoulder_open_to_traffic", "police_hand_signal")


def emergency_lane(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the drive of one motor vehicle along an emergency lane."""
    site = scene.view.site
    if history.class_id not in FOUR_WHEELERS or not site.is_enabled("V23"):
        return []
    path, parameters = scene.path(history), site.parameters("V23")
    lanes = [lane for lane in site.lanes if lane.kind == "emergency"]
    for run in lane_runs(path, lanes, share_min=float(parameters["footprint_in_lane_min"])):
        is_far = run.distance_m >= float(parameters["min_distance_m"])
        if not is_far or run.moving_s < float(parameters["min_duration_s"]):
            continue
        if is_going_on(run, path):
            return []
        if scene.view.ground.matrix is None:
            return [undecided("V23", history, -1, "a way of 50 m cannot be measured without ground calibration")]
        return [lane_candidate(run, path, scene, violation_id="V23", cues=CUES)]
    return []


def lacking(site: Site) -> list[str]:
    """Returns what V23 still needs drawn."""
    gaps = [] if any(lane.kind == "emergency" for lane in site.lanes) else ["draw lanes of kind emergency"]
    return gaps if site.calibration else [*gaps, "calibrate the ground: 50 m cannot be measured in vehicle lengths"]
