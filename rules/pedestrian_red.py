"""V04 pedestrian red light.

Legal elements (Reg 39; DB4403/T 150-2021): on red the pedestrian *enters* the crosswalk and goes on;
who is on it already may finish or wait at the centre. Without a pedestrian lamp the motor lamp of the
road walked along applies (Reg 38); the site names which one.
Checked here: seen outside, then inside the crosswalk, pedestrian lamp red and older than the guard at
entry, deep enough and long enough into the roadway, walking across.
A human checks: officers, wardens, escorted children, minors; whether it is a person at all.
Known traps: waiting with a foot on the stripes; entered on green and finishing on red; refuge islands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains
from core.observations import UNCLEAR, ActorClass, Candidate, Outcome, SignalState, TrackHistory
from core.site import Crosswalk
from core.time import NS_PER_S
from rules.ground import Path
from rules.scene import Scene, moments, state_at, undecided

LATER_S = 1.0
"""Whoever is on the crosswalk is seen again this much later. Source: 1.2 m, a step and a half, at walking pace."""


def pedestrian_red(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the red-light entries of one pedestrian."""
    if history.class_id is not ActorClass.PERSON or not scene.view.site.is_enabled("V04"):
        return []
    path = scene.path(history)
    if len(path.t_s) < 3:
        return []
    outcomes = (_judge(path, crosswalk, scene) for crosswalk in scene.view.site.crosswalks)
    return [o for o in outcomes if o is not None]


def _judge(path: Path, crosswalk: Crosswalk, scene: Scene) -> Outcome | None:
    parameters = scene.view.site.parameters("V04")
    inside = contains(crosswalk.polygon_px, path.foot_px)
    for island in crosswalk.refuge_islands_px:
        inside &= ~contains(island, path.foot_px)
    entry = next((i for i in range(1, len(inside)) if inside[i] and not inside[:i].any()), None)
    if entry is None:
        return None
    lamp = scene.lamp(crosswalk.signal)
    entered_s = float(path.t_s[entry - 1])  # the last moment seen outside: what lies between counts for the pedestrian
    state = state_at(lamp, entered_s)
    rows = _progress(path, crosswalk, entry, inside, parameters)
    if rows is None:
        if inside[-1] and state is SignalState.RED:
            scene.look_again(path.history, float(path.t_s[-1]) + LATER_S)
        return None
    if lamp is not None and state in UNCLEAR:
        return undecided("V04", path.history, entry, "pedestrian lamp not readable at entry")
    since_s = 0.0 if lamp is None else (lamp.since_at(int(entered_s * NS_PER_S)) or 0) / NS_PER_S
    if lamp is None or state is not SignalState.RED or entered_s - since_s < float(parameters["red_guard_s"]):
        return None
    if lamp.state_at(int(path.history.pts_ns[rows[0]])) is not SignalState.RED:
        return None  # waited with a foot on the stripes and went on when it might
    return Candidate(
        violation_id="V04",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, (entry - 1, *rows), lamp),
        parameters=dict(parameters),
        facts={
            "entered_s": round(entered_s, 2),
            "red_since_s": round(since_s, 2),
            "red_elapsed_s": round(entered_s - since_s, 2),
            "walked_m": round(path.shift_m(entry, rows[1]), 1),
            "scale": scene.view.ground.scale_source,
        },
        cues=("police_or_volunteer_guidance", "child_or_disabled_assisted"),
        signal_id=lamp.signal_id,
        region_id=crosswalk.id,
    )


def _progress(
    path: Path, crosswalk: Crosswalk, entry: int, inside: NDArray[np.bool_], parameters: dict[str, object]
) -> tuple[int, int] | None:
    """Returns the rows of P2 (deep enough) and P3 (still going on); None when it stayed at the edge."""
    depth_m, least_s = float(str(parameters["min_depth_into_roadway_m"])), float(str(parameters["min_track_s"]))
    steepest = float(str(parameters["heading_across_deg_max"]))
    deep = None
    for row in range(entry, len(inside)):
        if not inside[row]:
            continue
        if path.t_s[row] - path.t_s[entry] < least_s or path.shift_m(entry, row) < depth_m:
            continue
        if deep is None:
            if _off_axis_deg(path, crosswalk, entry, row) > steepest:
                return None
            deep = row
        elif path.shift_m(deep, row) >= depth_m / 2:
            return deep, row
    return None


def _off_axis_deg(path: Path, crosswalk: Crosswalk, first: int, last: int) -> float:
    """Returns the angle between the way walked and the crosswalk's long axis, 0-90 degrees."""
    corners = np.asarray(crosswalk.polygon_px, float)
    edges = [(corners[i], corners[(i + 1) % len(corners)]) for i in range(len(corners))]
    vectors = np.array([path.arrow_m(edge)[last] for edge in edges])
    axis = vectors[int(np.linalg.norm(vectors, axis=1).argmax())]
    way = path.vectors_m(path.foot_px[[first] * len(path.t_s)], path.foot_px[[last] * len(path.t_s)])[last]
    cosine = abs(float(axis @ way)) / max(float(np.linalg.norm(axis) * np.linalg.norm(way)), 1e-9)
    return float(np.degrees(np.arccos(min(cosine, 1.0))))
