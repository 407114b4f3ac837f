"""V22 motor vehicle driving in a non-motor lane.

Legal elements (RTSL 36, 37): the road has a non-motor lane; a motor vehicle drives along it. Beijing:
more than half the body in the lane.
Checked here: half the body's ground rectangle inside lanes of kind nonmotor, course along the lane, far
and long enough while moving. Free: crossing the lane to turn, to a driveway or a bay, a short swerve,
standing in it (that is parking, V08), a vehicle that stands in a marked bay.
A human checks: officers, emergency vehicles, a blocked carriageway, an electric three-wheeler taken for a car.
Known traps: draw the lane without the dashed stretch before a junction, where motor vehicles may enter to
turn right; beside the camera's axis the body's place is good to about 0.3 m when calibrated.
"""

from __future__ import annotations

from core.observations import Outcome, TrackHistory
from core.site import Site
from rules.lane_run import is_going_on, lane_candidate, lane_runs, stands_in_bay
from rules.scene import FOUR_WHEELERS, Scene

CUES = ("entering_driveway_or_bay", "giving_way_to_emergency_vehicle", "three_wheel_ebike_misclassified")


def nonmotor_lane(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the drive of one motor vehicle along a non-motor lane."""
    site = scene.view.site
    if history.class_id not in FOUR_WHEELERS or not site.is_enabled("V22"):
        return []
    path, parameters = scene.path(history), site.parameters("V22")
    lanes = [lane for lane in site.lanes if lane.kind == "nonmotor"]
    for run in lane_runs(path, lanes, share_min=float(parameters["footprint_in_lane_min"])):
        is_far = run.distance_m >= float(parameters["min_distance_m"])
        if not is_far or run.moving_s < float(parameters["min_duration_s"]):
            continue
        if is_going_on(run, path) or stands_in_bay(path, scene):
            return []
        return [lane_candidate(run, path, scene, violation_id="V22", cues=CUES)]
    return []


def lacking(site: Site) -> list[str]:
    """Returns what V22 still needs drawn."""
    return [] if any(lane.kind == "nonmotor" for lane in site.lanes) else ["draw lanes of kind nonmotor"]
