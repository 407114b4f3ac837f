"""V20 non-motor vehicle stopped beyond the stop line on red.

Legal elements (Reg 68(4)): on red the non-motor vehicle waits behind the stop line; it stands beyond it.
Checked here: front past the line by the overrun distance after red began (older than the guard of V03),
standing there at least the catalogue's time near the line, lamp red all along; P2 and P3 are 10 s apart where it stands
that long (GA/T 832). The non-motor lamp governs, the motor lamp where there is none (Reg 38). A marked
waiting area for non-motor vehicles is legal.
A human checks: a pushed bike, an awning that moved the waiting place, e-bike or motorcycle, an officer's signal.
Known traps: entered on green and waiting in the junction for the second stage of a left turn, crowds.
"""

from __future__ import annotations

import numpy as np

from core.observations import UNCLEAR, Candidate, Outcome, SignalState, SignalTimeline, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from rules.crossing import Crossing, crossings
from rules.overrun import Limits, reached_s, red_before, stand
from rules.red_light import lamp_doubt
from rules.scene import STAND_MPS, TWO_WHEELERS, Scene, class_cues, moments, state_at, undecided

BEYOND_M = 6.0
"""Waiting for the lamp happens this near the line. Source: crosswalk and its set-back, GB 5768.3 (1-3 m and 3 m up)."""
APART_S = 10.0
"""Pictures of a standing subject lie this far apart where they can. Source: GA/T 832-2014, stationary >= 10 s."""


def nonmotor_stop_line(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the overruns of one non-motor vehicle."""
    is_subject = history.class_id in TWO_WHEELERS and scene.view.subject_of(history.class_id) == "nonmotor"
    if not is_subject or not scene.view.site.is_enabled("V20"):
        return []
    path = scene.path(history)
    found: list[Outcome] = []
    for line in scene.view.site.stop_lines:
        if "nonmotor" in line.applies_to:
            outcomes = (_judge(crossing, scene) for crossing in crossings(path, line))
            found += [o for o in outcomes if o is not None]
    return found


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule."""
    lines = [line for line in site.stop_lines if "nonmotor" in line.applies_to]
    if not lines:
        return ["draw a stop line that applies to nonmotor"]
    signals = [(line.id, site.signal(line.signal_for("nonmotor"))) for line in lines]
    return [
        f"stop line '{line_id}' needs a signal with region_px"
        for line_id, signal in signals
        if signal is None or signal.region_px is None
    ]


def _judge(crossing: Crossing, scene: Scene) -> Outcome | None:
    path, parameters = crossing.path, scene.view.site.parameters("V20")
    over_m = float(parameters["overrun_min_m"])
    limits = Limits(
        subject="nonmotor",
        over_m=over_m,
        beyond_m=BEYOND_M,
        stand_s=float(parameters["stationary_min_s"]),
        apart_s=max(APART_S, float(parameters["stationary_min_s"])),
        speed_mps=STAND_MPS,
    )
    span = stand(crossing, scene, limits)
    if span is None:
        return None
    first, last = span
    lamp = scene.lamp(crossing.line.signal_for("nonmotor"))
    entered_s = reached_s(crossing, over_m, first)
    entry = state_at(lamp, entered_s)
    if entry in (SignalState.GREEN, SignalState.YELLOW):
        return None
    if lamp is None or entry is not SignalState.RED:
        reason = lamp_doubt(entry) if lamp else "no lamp configured for this stop line"
        return undecided("V20", path.history, first, reason)
    states = lamp.states_between(int(path.history.pts_ns[first]), int(path.history.pts_ns[last]))
    if states & UNCLEAR and not states & {SignalState.GREEN, SignalState.YELLOW}:
        return undecided("V20", path.history, first, "lamp not readable while it stood")
    elapsed_s = entered_s - (lamp.since_at(int(entered_s * NS_PER_S)) or 0) / NS_PER_S
    if states != {SignalState.RED} or elapsed_s < float(scene.view.site.parameters("V03")["red_guard_s"]):
        return None
    return _candidate(crossing, scene, lamp, (first, last), elapsed_s)


def _candidate(
    crossing: Crossing, scene: Scene, lamp: SignalTimeline, span: tuple[int, int], elapsed_s: float
) -> Candidate:
    path, parameters = crossing.path, scene.view.site.parameters("V20")
    first, last = span
    before = red_before(crossing, lamp, float(parameters["overrun_min_m"]), first)
    rows = (crossing.before_row if before is None else before, first, last)
    return Candidate(
        violation_id="V20",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows, lamp),
        parameters=parameters,
        facts={
            "front_crossed_s": round(crossing.front_s, 2),
            "front_past_line_m": round(float(np.median(crossing.front_m[first : last + 1])), 1),
            "stood_s": round(float(path.t_s[last] - path.t_s[first]), 1),
            "red_elapsed_s": round(elapsed_s, 2),
            "scale": scene.view.ground.scale_source,
        },
        cues=(*class_cues(path.history), "pushing_bike", "sunshade_area_shifted_line", "waiting_area_marked"),
        signal_id=lamp.signal_id,
        region_id=crossing.line.id,
    )
