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

from core.geometry import contains
from core.observations import Candidate, Outcome, Role, SignalState, SignalTimeline, TrackHistory, Undecided
from core.time import NS_PER_S
from rules.crossing import Crossing, crossings
from rules.red_light import LAMP_DOUBT
from rules.scene import FOUR_WHEELERS, Scene, moment, standing_spans, state_at

VISIBLE_M = 0.3
"""A shift that two pictures show. Source: width of a painted stop line (GB 5768.3: 0.2 to 0.4 m)."""


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


def _judge(crossing: Crossing, scene: Scene) -> Outcome | None:
    path, parameters = crossing.path, scene.view.site.parameters("V02")
    span = _stand(crossing, scene, parameters)
    if span is None:
        return None
    first, last = span
    lamp = scene.lamp(crossing.line.signal)
    over_m = float(parameters["overrun_min_m"])
    entry = state_at(lamp, _reached_s(crossing, over_m, first))
    if entry in (SignalState.GREEN, SignalState.YELLOW):
        return None
    if lamp is None or entry is not SignalState.RED:
        return _undecided(crossing, first, LAMP_DOUBT if lamp else "no lamp configured for this stop line")
    span_ns = int(path.history.pts_ns[first]), int(path.history.pts_ns[last])
    if lamp.states_between(*span_ns) != {SignalState.RED}:
        return None
    before = _red_before(crossing, lamp, over_m, first)
    is_alone = not scene.others_moved(path.history.track_id, float(path.t_s[first]), float(path.t_s[last]))
    if before is None or is_alone:
        reason = "no other traffic seen moving while it stood" if is_alone else "no picture in red before it stood"
        return _undecided(crossing, last, reason)
    rows = (before, first, last)
    roles = (Role.P1_BEFORE, Role.P2_DURING, Role.P3_AFTER)
    return Candidate(
        violation_id="V02",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=tuple(moment(path, row, role, lamp) for row, role in zip(rows, roles, strict=True)),
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


def _stand(crossing: Crossing, scene: Scene, parameters: dict[str, object]) -> tuple[int, int] | None:
    """Returns the first stand beyond the line, cut to the law's interval: (P2 row, P3 row)."""
    path = crossing.path
    speed_mps = float(str(parameters["stationary_speed_max_kmh"])) / 3.6
    least_s, over_m = float(str(parameters["stationary_min_s"])), float(str(parameters["overrun_min_m"]))
    for start, last in standing_spans(path, speed_max_mps=speed_mps, min_s=least_s):
        first = max(start, crossing.before_row + 1)
        if last < first or float(np.median(crossing.front_m[first : last + 1])) < over_m:
            continue
        if float(np.median(crossing.rear_m[first : last + 1])) > 2 * path.body.length_m:
            continue
        if _in_waiting_area(crossing, scene, first):
            continue
        late = np.flatnonzero(path.t_s[first : last + 1] >= path.t_s[first] + least_s)
        if len(late):
            return first, first + int(late[0])
    return None


def _reached_s(crossing: Crossing, over_m: float, stand: int) -> float:
    """Returns when the front reached the overrun distance, interpolated."""
    t_s, front_m = crossing.path.t_s, crossing.front_m
    row = max(i for i in range(stand) if front_m[i] < over_m)
    share = (over_m - front_m[row]) / max(float(front_m[row + 1] - front_m[row]), 1e-6)
    return float(t_s[row] + min(share, 1.0) * (t_s[row + 1] - t_s[row]))


def _red_before(crossing: Crossing, lamp: SignalTimeline, over_m: float, stand: int) -> int | None:
    """Returns the row of P1: in red and not yet over the line, or else still rolling on over it in red."""
    pts, front_m = crossing.path.history.pts_ns, crossing.front_m
    reds = [i for i in range(stand) if lamp.state_at(int(pts[i])) is SignalState.RED]
    short = [i for i in reds if front_m[i] < over_m]
    if short:
        return short[-1]
    rolling = [i for i in reds if front_m[i] <= front_m[stand] - VISIBLE_M]
    return rolling[0] if rolling else None


def _in_waiting_area(crossing: Crossing, scene: Scene, row: int) -> bool:
    areas = [a for a in scene.view.site.waiting_areas if "motor" in a.applies_to]
    return any(bool(contains(a.polygon_px, crossing.path.foot_px[[row]])[0]) for a in areas)


def _undecided(crossing: Crossing, row: int, reason: str) -> Undecided:
    history = crossing.path.history
    return Undecided(violation_id="V02", track_id=history.track_id, pts_ns=int(history.pts_ns[row]), reason=reason)
