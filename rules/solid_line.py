"""V15 changing lanes across a solid line.

Legal elements (RTSL 38; Points Measures 12(4)): the vehicle drives over a solid line into the next lane.
Checked here: whole body on one side of the line (P1), wheels on both sides for long enough (P2), whole body
on the other side (P3), sideways as far as a lane change takes; all beside the drawn line, not before it
begins. A dashed-solid pair may be crossed from its dashed side. Touching the line, and returning to the
lane it came from, are not proposed.
A human checks: an obstacle or crash ahead, officers, emergency vehicles, works, worn or temporary markings.
Known traps: this rule leans on the ground calibration most of all; without it the body's place is good to
about half a metre only. Long vehicles sweep over lines in bends: cue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass, Candidate, Outcome, TrackHistory
from core.site import Point, Site, SolidLine
from rules.body import Body, even_body, runs
from rules.ground import Array, dots, lengths
from rules.scene import FOUR_WHEELERS, Scene, moments

GAP_S = 0.3
"""A hole this short while straddling is jitter. Source: half of V15 min_straddle_s, violations.yaml."""
AROUND_S = 5.0
"""How far back and on a change of lanes reaches. Source: clip_pre_s and clip_post_s, violations.yaml."""
ACROSS_DEG = 45.0
"""Steeper is driving across, not changing lanes. Source: half a right angle, as V04 heading_across_deg_max."""
CUES = ("obstacle_or_crash_ahead", "police_hand_signal", "giving_way_to_emergency_vehicle", "line_occluded_or_worn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of lanes across a line. Rows index the even path; distances metres, signed by side."""

    body: Body
    before: int
    middle: int
    after: int
    straddle_s: float
    from_m: float
    to_m: float


def solid_line(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the solid lines one vehicle changed lanes across."""
    site = scene.view.site
    if history.class_id not in FOUR_WHEELERS or not site.is_enabled("V15") or not site.solid_lines:
        return []
    path = scene.path(history)
    lines = [line for line in site.solid_lines if path.comes_near(line.points_px)]
    body = even_body(path) if lines else None
    if body is None:
        return []
    found: list[Outcome] = []
    for line in lines:
        change = _change(body, line, site.parameters("V15"))
        if change is not None and not (line.kind == "dashed_solid" and change.from_m > 0):
            found.append(_candidate(change, line, history, scene))
    return found


def lacking(site: Site) -> list[str]:
    """Returns what V15 still needs drawn."""
    gaps = [] if site.solid_lines else ["draw solid_lines"]
    return gaps if site.calibration else [*gaps, "calibrate the ground: without it the wheels' place is a guess"]


def _change(body: Body, line: SolidLine, parameters: dict[str, object]) -> Change | None:
    """Returns the first complete change of lanes across a line."""
    middles = replace(body.path, foot_px=body.centre_px)
    side_m, along_m, span_m = middles.to_line_m(line.points_px, _side_px(line))
    if float(side_m.min()) > -body.width_m / 2 or float(side_m.max()) < body.width_m / 2:
        return None
    is_beside = (along_m >= 0) & (along_m <= span_m)
    off_deg = _off_line_deg(body, line)
    reach_m = body.width_m / 2 * np.cos(np.radians(off_deg)) + body.length_m / 2 * np.sin(np.radians(off_deg))
    over_m = float(str(parameters["wheel_over_line_min_m"]))
    straddles = (np.abs(side_m) <= reach_m - over_m) & is_beside & (off_deg <= ACROSS_DEG)
    for first, last in runs(straddles, body.path.t_s, GAP_S):
        change = _measured(body, side_m, is_beside, (first, last))
        if change is not None and _is_whole(change, parameters):
            return change
    return None


def _measured(body: Body, side_m: Array, is_beside: NDArray[np.bool_], span: tuple[int, int]) -> Change | None:
    """Returns the change of lanes around one straddle; None when it began before the line or no side was left."""
    t_s, (first, last) = body.path.t_s, span
    clear = np.abs(side_m) >= body.width_m / 2
    earlier = np.flatnonzero(clear[:first] & is_beside[:first] & (t_s[:first] >= t_s[first] - AROUND_S))
    later = last + 1 + np.flatnonzero(clear[last + 1 :] & (t_s[last + 1 :] <= t_s[last] + AROUND_S))
    if not len(earlier) or not len(later):
        return None
    return Change(
        body=body,
        before=int(earlier[-1]),
        middle=first + int(np.abs(side_m[first : last + 1]).argmin()),
        after=int(later[0]),
        straddle_s=float(t_s[last] - t_s[first]),
        from_m=float(side_m[earlier][np.abs(side_m[earlier]).argmax()]),
        to_m=float(side_m[later][np.abs(side_m[later]).argmax()]),
    )


def _is_whole(change: Change, parameters: dict[str, object]) -> bool:
    is_other_side = change.from_m * change.to_m < 0
    is_long = change.straddle_s >= float(str(parameters["min_straddle_s"]))
    return (
        is_other_side and is_long and abs(change.to_m - change.from_m) >= float(str(parameters["min_lateral_move_m"]))
    )


def _side_px(line: SolidLine) -> Point:
    """Returns a point on the side that counts as positive: the dashed side, else one side of the first stretch."""
    if line.dashed_side_px is not None:
        return line.dashed_side_px
    (x1, y1), (x2, y2) = line.points_px[:2]
    return (x1 + x2) / 2 - (y2 - y1), (y1 + y2) / 2 + (x2 - x1)


def _off_line_deg(body: Body, line: SolidLine) -> Array:
    """Returns the angle (N,) 0-90 between the body and the line's chord."""
    chord = body.path.arrow_m((line.points_px[0], line.points_px[-1]))
    length = np.maximum(lengths(chord), 1e-9)
    angle: Array = np.degrees(np.arccos(np.clip(np.abs(dots(chord, body.ahead)) / length, 0, 1)))
    return angle


def _candidate(change: Change, line: SolidLine, history: TrackHistory, scene: Scene) -> Candidate:
    path, t_s = scene.path(history), change.body.path.t_s
    rows = [int(np.abs(path.t_s - t_s[row]).argmin()) for row in (change.before, change.middle, change.after)]
    is_long = history.class_id is not ActorClass.CAR
    return Candidate(
        violation_id="V15",
        track_id=history.track_id,
        subject=history.class_id,
        moments=moments(path, rows),
        parameters=scene.view.site.parameters("V15"),
        facts={
            "line_kind": line.kind,
            "straddle_s": round(change.straddle_s, 1),
            "sideways_m": round(abs(change.to_m - change.from_m), 1),
            "crossed_s": round(float(t_s[change.middle]), 2),
            "scale": scene.view.ground.scale_source,
        },
        cues=(*CUES, "long_vehicle_swept_path") if is_long else CUES,
        region_id=line.id,
    )
