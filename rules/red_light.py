"""V01 motor red light, V03 e-bike and bicycle red light.

Legal elements (RTSL 38; Reg 38, 40; GA/T 496 practice): during red for *its movement* the vehicle
crosses the stop line and keeps going.
Checked here: front before the line and lamp red (P1), whole body past it in red (P2), further on in
red without having settled down (P3); red older than the guard when the front crossed; right turn on a
round red lamp is legal; entered on green or yellow is no offence; UNKNOWN never convicts.
A human checks: emergency vehicles, police signals, yielding to one, a pushed bike, plate, e-bike or motorcycle.
Known traps: waiting on or over the line (V02), creeping queues, two-stage left turns, crowds that hide wheels.
"""

from __future__ import annotations

import numpy as np

from core.observations import Candidate, Outcome, SignalState, SignalTimeline, TrackHistory
from core.site import Signal, StopLine
from core.time import NS_PER_S
from rules.crossing import Crossing, crossings, has_travelled, movement_after
from rules.scene import STAND_MPS, STAND_S, Scene, class_cues, moments, state_at, undecided
from rules.standing import steady_spans

RULE_OF = {"motor": "V01", "nonmotor": "V03"}
SETTLE_S = 5.0
"""A passage is judged this long after the body passed: the movement shows. Source: clip_post_s, violations.yaml."""
CUES = ("giving_way_to_emergency_vehicle", "police_hand_signal")
"""What no box shows and the reviewer must look for. Source: exclude of V01 and V03, violations.yaml."""
LAMP_DOUBT = "lamp not readable when the line was crossed"
"""Why a passage stays undecided under a lamp that says nothing."""
DOUBTS = {
    SignalState.FAULT: "signal_fault_or_conflict: it did what it cannot, its sources disagree, or officers direct",
    SignalState.FLASHING_YELLOW: "signal_dark_or_flashing_yellow: no lamp said who must stop",
    SignalState.OFF: "signal_dark_or_flashing_yellow: no lamp said who must stop",
}
"""Each begins with the exclusion key of violations.yaml."""


def lamp_doubt(*states: SignalState) -> str:
    """Returns why these states decide nothing."""
    return next((DOUBTS[s] for s in states if s in DOUBTS), LAMP_DOUBT)


def red_light(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the red-light runs of one actor."""
    subject = scene.view.subject_of(history.class_id)
    violation_id = RULE_OF.get(subject)
    if violation_id is None or not scene.view.site.is_enabled(violation_id):
        return []
    path = scene.path(history)
    found: list[Outcome] = []
    for line in scene.view.site.stop_lines:
        if subject not in line.applies_to:
            continue
        for crossing in crossings(path, line):
            outcome = _judge(crossing, scene, violation_id, line.signal_for(subject))
            if outcome is not None:
                found.append(outcome)
    return found


def _judge(crossing: Crossing, scene: Scene, violation_id: str, signal_id: str | None) -> Outcome | None:
    parameters = scene.view.site.parameters(violation_id)
    further_m = float(parameters["p3_min_displacement_m"])
    lamp = scene.lamp(signal_id)
    after = _after_row(crossing, further_m) if _is_settled(crossing, scene, lamp) else None
    if after is None or not has_travelled(crossing.path, crossing.before_row, after):
        return None
    row = crossing.past_row or crossing.before_row
    doubt = _doubt(crossing, scene, signal_id, float(parameters["red_guard_s"]))
    if doubt is not None or lamp is None:
        return undecided(violation_id, crossing.path.history, row, doubt) if doubt else None
    after = _red_after(crossing, lamp, after, further_m)
    if after is None:
        return None
    before = _red_before(crossing, lamp)
    if before is None:
        return undecided(violation_id, crossing.path.history, row, "no picture before the line in red")
    if not _is_steady(crossing, before, after, float(parameters.get("max_p1_p3_s", 15.0))):
        return None
    return _candidate(scene, crossing, lamp, violation_id=violation_id, before=before, after=after)


def _is_settled(crossing: Crossing, scene: Scene, lamp: SignalTimeline | None) -> bool:
    """Tells whether the whole body passed, and went on long enough for its movement to show; else asks to see it then.

    Who waits behind the line, for a gap to turn right into, has shown no movement yet.
    """
    if crossing.rear_s is None:
        return False
    path, now_s = crossing.path, scene.now_ns / NS_PER_S
    if path.history.is_finished or state_at(lamp, crossing.front_s) is not SignalState.RED:
        return path.history.is_finished or now_s >= crossing.rear_s + SETTLE_S
    stands = steady_spans(path, speed_max_mps=STAND_MPS, min_s=STAND_S) if now_s >= crossing.rear_s + SETTLE_S else []
    went_on_s = max(crossing.rear_s, *(float(path.t_s[last]) for _, last in stands)) if stands else crossing.rear_s
    if now_s < went_on_s + SETTLE_S:
        scene.look_again(path.history, went_on_s + SETTLE_S)
    return now_s >= went_on_s + SETTLE_S


def _doubt(crossing: Crossing, scene: Scene, signal_id: str | None, guard_s: float) -> str | None:
    """Returns None when red forbade the passage, "" when it was free, else why that stays open."""
    lamp, signal = scene.lamp(signal_id), scene.view.site.signal(signal_id)
    states = [state_at(lamp, crossing.front_s), state_at(lamp, crossing.rear_s or crossing.front_s)]
    if SignalState.GREEN in states or SignalState.YELLOW in states:
        return ""
    if lamp is None or signal is None:
        return "no lamp configured for this stop line"
    if states != [SignalState.RED, SignalState.RED]:
        return lamp_doubt(*states)
    if not _is_past_guard(lamp, crossing.front_s, guard_s):
        return ""
    return _movement_doubt(movement_after(crossing, scene.view.site), crossing.line, signal)


def _movement_doubt(movement: str | None, line: StopLine, signal: Signal) -> str | None:
    """Returns what ``_doubt`` returns, for the movement made: a round red lamp leaves the right turn free (Reg 38)."""
    if movement == "R" and "R" in line.movements:
        return None if signal.is_arrow and "R" in signal.movements else ""
    if movement is None and "R" in line.movements:
        return "movement not seen, a right turn would be legal"
    if movement == "L" and "L" in line.movements and "L" not in signal.movements:
        return "the lamp read does not govern left turns"
    return None


def _after_row(crossing: Crossing, further_m: float) -> int | None:
    first = crossing.past_row or 0
    beyond = np.flatnonzero(crossing.rear_m[first:] >= max(float(crossing.rear_m[first]), 0.0) + further_m)
    return int(beyond[0]) + first if len(beyond) else None


def _red_after(crossing: Crossing, lamp: SignalTimeline, after: int, further_m: float) -> int | None:
    """Returns the row of P3: further on in red, after any wait in front of the junction; None if it only waited."""
    path = crossing.path
    near = [
        (a, b)
        for a, b in steady_spans(path, speed_max_mps=STAND_MPS, min_s=STAND_S)
        if b >= (crossing.past_row or 0) and crossing.rear_m[a] < path.body.length_m + further_m
    ]
    if near:
        stood_m = float(crossing.rear_m[near[-1][1]])
        later = np.flatnonzero(crossing.rear_m[near[-1][1] :] >= stood_m + further_m)
        if not len(later):
            return None
        after = near[-1][1] + int(later[0])
    return after if lamp.state_at(int(path.history.pts_ns[after])) is SignalState.RED else None


def _red_before(crossing: Crossing, lamp: SignalTimeline) -> int | None:
    """Returns the row of P1: the last in red before the body passed, front before the line if there is such a one."""
    pts = crossing.path.history.pts_ns
    for row in range(crossing.before_row, -1, -1):
        if lamp.state_at(int(pts[row])) is SignalState.RED:
            return row
        if pts[row] < pts[crossing.before_row] - NS_PER_S:
            break
    return None


def _is_past_guard(lamp: SignalTimeline, front_s: float, guard_s: float) -> bool:
    since = lamp.since_at(int(front_s * NS_PER_S))
    return since is not None and front_s - since / NS_PER_S >= guard_s


def _is_steady(crossing: Crossing, before: int, after: int, limit_s: float) -> bool:
    path = crossing.path
    spans = steady_spans(path, speed_max_mps=STAND_MPS, min_s=STAND_S)
    stood_s = sum(max(0.0, min(path.t_s[b], path.t_s[after]) - max(path.t_s[a], path.t_s[before])) for a, b in spans)
    return bool(path.t_s[after] - path.t_s[before] - stood_s <= limit_s)


def _candidate(
    scene: Scene, crossing: Crossing, lamp: SignalTimeline, *, violation_id: str, before: int, after: int
) -> Candidate:
    rows = (before, crossing.past_row or before, after)
    path = crossing.path
    since_ns = lamp.since_at(int(crossing.front_s * NS_PER_S)) or 0
    speed_kmh = float(np.linalg.norm(path.velocity_mps()[rows[1]])) * 3.6
    cues = (*class_cues(path.history), *CUES)
    if violation_id == "V03" and speed_kmh < 7.0:
        cues = (*cues, "pushing_bike")
    return Candidate(
        violation_id=violation_id,
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows, lamp),
        parameters=scene.view.site.parameters(violation_id),
        facts={
            "front_crossed_s": round(crossing.front_s, 2),
            "rear_crossed_s": round(crossing.rear_s or 0.0, 2),
            "red_since_s": round(since_ns / NS_PER_S, 2),
            "red_onset_seen": lamp.is_onset_seen(int(crossing.front_s * NS_PER_S)),
            "red_elapsed_s": round(crossing.front_s - since_ns / NS_PER_S, 2),
            "distance_past_line_m": round(float(crossing.rear_m[rows[2]]), 1),
            "speed_kmh": round(speed_kmh, 1),
            "movement": movement_after(crossing, scene.view.site) or "unknown",
            "scale": scene.view.ground.scale_source,
        },
        cues=cues,
        signal_id=lamp.signal_id,
        region_id=crossing.line.id,
    )
