"""V14 not following the lane arrow at a lamp-controlled junction.

Legal elements (Reg 51(1)): before a junction with lamps and lane arrows the vehicle must be in a lane that
allows the movement it then makes.
Checked here: the lane held over the last 10 m before the stop line, without changing; the whole body past
the line; the exit reached, which alone fixes the movement; the movement is not among the lane's arrows.
Variable lanes stay undecided, since what their sign shows is not read; so does a lane that is not clear and
a movement whose exit was not reached in the picture.
A human checks: worn or hidden arrows, officers, works, a blocked lane ahead, emergency vehicles.
Known traps: changing lanes at the line itself; junctions without lamps (another offence, not this one).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.geometry import contains
from core.observations import Candidate, Outcome, TrackHistory
from core.site import Exit, Lane, Movement, Site
from core.time import NS_PER_S
from rules.body import even_body
from rules.crossing import Crossing, crossings, has_travelled, movement_after
from rules.ground import Array
from rules.red_light import SETTLE_S
from rules.scene import FOUR_WHEELERS, Scene, moments, undecided

LANE_KINDS = ("motor", "bus", "mixed")
CUES = ("arrow_worn_or_occluded", "lane_blocked_ahead", "police_hand_signal", "giving_way_to_emergency_vehicle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """Lanes held before a line, with the share (0-1) of the way driven in each, most first."""

    shares: tuple[tuple[Lane, float], ...]
    seen_m: float

    @property
    def allowed(self) -> set[Movement]:
        """Movements any of these lanes allows; who may turn left may turn round (Reg 49), V13 says where not."""
        drawn = {movement for lane, _ in self.shares for movement in lane.movements}
        return drawn | {"U"} if "L" in drawn else drawn


def lane_arrow(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the movements one vehicle made that its lane does not allow."""
    site = scene.view.site
    lanes = _lanes(site)
    if history.class_id not in FOUR_WHEELERS or not site.is_enabled("V14") or not lanes:
        return []
    path = scene.path(history)
    found: list[Outcome] = []
    for line in site.stop_lines:
        if "motor" in line.applies_to and line.signal is not None:
            outcomes = (_judge(crossing, lanes, scene) for crossing in crossings(path, line))
            found += [o for o in outcomes if o is not None]
    return found


def lacking(site: Site) -> list[str]:
    """Returns what V14 still needs drawn."""
    gaps = [] if _lanes(site) else ["draw motor lanes with their movements"]
    gaps += [] if site.exits else ["draw the exits with their movements"]
    is_lit = any(line.signal for line in site.stop_lines if "motor" in line.applies_to)
    return gaps if is_lit else [*gaps, "draw a motor stop line that names its signal"]


def _lanes(site: Site) -> list[Lane]:
    return [lane for lane in site.lanes if lane.kind in LANE_KINDS and lane.movements]


def _judge(crossing: Crossing, lanes: list[Lane], scene: Scene) -> Outcome | None:
    path, parameters = crossing.path, scene.view.site.parameters("V14")
    is_settled = path.history.is_finished or scene.now_ns / NS_PER_S >= (crossing.rear_s or np.inf) + SETTLE_S
    if crossing.past_row is None or not is_settled:
        if crossing.rear_s is not None:
            scene.look_again(path.history, crossing.rear_s + SETTLE_S)
        return None
    leave = _exit(crossing, scene.view.site)
    movement = leave[0].movement if leave else movement_after(crossing, scene.view.site)
    approach = _approach(crossing, lanes, float(parameters["min_in_lane_before_line_m"]))
    if movement is None or approach is None or movement in approach.allowed:
        return None
    doubt = _doubt(approach, leave, parameters)
    if doubt is not None or leave is None:
        return undecided("V14", path.history, crossing.past_row or crossing.before_row, doubt or "")
    if not has_travelled(path, crossing.before_row, leave[1]):
        return None
    return _candidate(crossing, approach, leave, scene)


def _doubt(approach: Approach, leave: tuple[Exit, int] | None, parameters: dict[str, object]) -> str | None:
    """Returns why a forbidden movement is not proven; None when it is."""
    if any(lane.is_variable for lane, _ in approach.shares):
        return "variable lane: what its sign showed is not read"
    if leave is None:
        return "exit not reached in the picture"
    if approach.seen_m < float(str(parameters["min_in_lane_before_line_m"])):
        return "not seen in its lane far enough before the line"
    if approach.shares[0][1] < float(str(parameters["lane_confidence_min"])):
        return "lane not clear before the line"
    return None


def _exit(crossing: Crossing, site: Site) -> tuple[Exit, int] | None:
    """Returns the exit reached first after the line, and the row."""
    first, found = crossing.past_row or 0, []
    for leave in site.exits:
        if leave.stop_line in (None, crossing.line.id):
            inside = np.flatnonzero(contains(leave.polygon_px, crossing.path.foot_px[first:]))
            found += [(first + int(inside[0]), leave)] if len(inside) else []
    row, nearest = min(found, key=lambda pair: pair[0], default=(0, None))
    return None if nearest is None else (nearest, row)


def _approach(crossing: Crossing, lanes: list[Lane], needed_m: float) -> Approach | None:
    """Returns the lanes held over the last ``needed_m`` before the line; None when it was in none of them."""
    path = crossing.path
    body = even_body(path)
    if body is None:
        return None
    even = body.path
    front_m = np.interp(even.t_s, path.t_s, crossing.front_m)
    is_before = (even.t_s <= path.t_s[crossing.before_row]) & (front_m >= -needed_m) & (front_m <= 0)
    step_m = np.maximum(np.diff(front_m, append=front_m[-1]), 0.0) * is_before
    way_m = float(step_m.sum())
    inside = {lane.id: _share(lane, body.front_px, step_m) for lane in lanes}
    held = [(lane, inside[lane.id]) for lane in lanes if inside[lane.id] > 0]
    if not held or way_m <= 0:
        return None
    seen_m = -float(crossing.front_m[: crossing.before_row + 1].min())
    return Approach(shares=tuple(sorted(held, key=lambda pair: -pair[1])), seen_m=seen_m)


def _share(lane: Lane, points_px: Array, step_m: Array) -> float:
    inside = contains(lane.polygon_px, points_px)
    return float((step_m * inside).sum() / max(float(step_m.sum()), 1e-9))


def _candidate(crossing: Crossing, approach: Approach, leave: tuple[Exit, int], scene: Scene) -> Candidate:
    path, lamp = crossing.path, scene.lamp(crossing.line.signal)
    lane, share = approach.shares[0]
    rows = (crossing.before_row, crossing.past_row or crossing.before_row, leave[1])
    return Candidate(
        violation_id="V14",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows, lamp),
        parameters=scene.view.site.parameters("V14"),
        facts={
            "lane": lane.id,
            "lane_movements": "".join(lane.movements),
            "movement": leave[0].movement,
            "exit": leave[0].id,
            "share_of_way_in_lane": round(share, 2),
            "seen_before_line_m": round(approach.seen_m, 1),
            "front_crossed_s": round(crossing.front_s, 2),
            "exit_reached_s": round(float(path.t_s[leave[1]]), 2),
            "scale": scene.view.ground.scale_source,
        },
        cues=CUES,
        signal_id=crossing.line.signal,
        region_id=crossing.line.id,
    )
