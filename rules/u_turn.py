"""V13 turning round where it is forbidden.

Legal elements (Reg 49; Points Measures 12(2)): a sign or marking forbids turning round or turning left
there; the vehicle turns round.
Checked here: the course turned by 150 degrees or more without a break, within 20 s and 40 m, and the vehicle
came back beside its own way; the middle of the turn lies in a zone drawn from the signs; the lamp that lets
vehicles turn round, where the zone names one, was not green. Recorded, not judged: solid lines and crosswalks
driven over.
A human checks: the sign itself, officers, emergency vehicles, a closed road ahead.
Known traps: openings and dashed stretches must be left out of the zone; reversing turns the course too, at
once and on the spot, and is no turn; turning round in three strokes is not found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from core.geometry import contains
from core.observations import UNCLEAR, Candidate, Outcome, SignalState, TrackHistory
from core.site import NoUTurnZone, Site
from rules.body import MOVING_MPS, Body, even_body, runs
from rules.ground import Array, lengths
from rules.scene import FOUR_WHEELERS, Scene, moments, state_at, undecided
from rules.smoothing import median

BREAK_DEG = 60.0
"""A course that jumps more than this in one step has gone into reverse. Source: a third of the half turn that makes."""
BESIDE_M = 4.0
"""A turn comes back this far aside at least. Source: more than the 3.5 m lane (CJJ 37) that reversing stays in."""
BESIDE_SHARE = 0.75
"""Share of its way a turn goes aside at most. Source: 2 / pi = 0.64 in a half circle; a left turn goes more."""
CALM_ROWS = 11
"""Even rows a course is the median of. Source: one second, a tenth of which is shorter than any turn of 150 degrees."""
LATER_S = 2.0
"""Whoever drives in a zone is seen again this much later. Source: half of the quickest turn, 4 s."""
CUES = ("uturn_opening_or_dashed_section", "police_hand_signal", "emergency_vehicle_on_duty", "closed_road_ahead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turning round. Rows index the body's even rows."""

    body: Body
    start: int
    middle: int
    end: int
    turned_deg: float
    way_m: float
    beside_m: float

    @property
    def duration_s(self) -> float:
        """Seconds from the old course to the new one."""
        return float(self.body.path.t_s[self.end] - self.body.path.t_s[self.start])


def u_turn(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the forbidden turns of one vehicle."""
    site = scene.view.site
    if history.class_id not in FOUR_WHEELERS or not site.is_enabled("V13") or not site.no_u_turn_zones:
        return []
    path = scene.path(history)
    body = even_body(path) if any(path.comes_near(zone.polygon_px) for zone in site.no_u_turn_zones) else None
    turn = None if body is None else _turn(body, site.parameters("V13"))
    if turn is None:
        if body is not None and _zone_at(body, -1, site) and float(body.path.speed_mps(1.0)[-1]) >= MOVING_MPS:
            scene.look_again(history, float(path.t_s[-1]) + LATER_S)
        return []
    zone = _zone_at(turn.body, turn.middle, site)
    outcome = None if zone is None else _judge(turn, zone, history, scene)
    return [] if outcome is None else [outcome]


def lacking(site: Site) -> list[str]:
    """Returns what V13 still needs drawn."""
    return [] if site.no_u_turn_zones else ["draw no_u_turn_zones (from the signed plan)"]


def _zone_at(body: Body, row: int, site: Site) -> NoUTurnZone | None:
    """Returns the zone the body's middle is in."""
    middle_px = body.centre_px[row][None]
    return next((z for z in site.no_u_turn_zones if contains(z.polygon_px, middle_px)[0]), None)


def _turn(body: Body, parameters: dict[str, object]) -> Turn | None:
    """Returns the first turning round of the asked size that the vehicle made; None without one."""
    least_deg = float(str(parameters["heading_change_deg_min"]))
    velocity = body.path.velocity_mps(1.0)
    course_deg = np.degrees(np.arctan2(velocity[:, 1], velocity[:, 0]))
    for first, last in _unbroken(velocity, course_deg):
        turned = np.unwrap(course_deg[first : last + 1], period=360.0)
        if float(turned.max() - turned.min()) < least_deg:
            continue
        turned = _calm(turned)
        if float(turned.max() - turned.min()) < least_deg:
            continue
        for end in range(1, len(turned)):
            starts = np.flatnonzero(np.abs(turned[: end + 1] - turned[end]) >= least_deg)
            if not len(starts):
                continue
            start = int(starts[-1])
            half = np.flatnonzero(np.abs(turned[start:] - turned[start]) >= least_deg / 2)
            turn = _measured(body, velocity, (first + start, first + start + int(half[0]), first + end))
            if _is_tight(turn, parameters):
                return turn
    return None


def _calm(course_deg: Array) -> Array:
    """Returns the running median over ``CALM_ROWS`` even rows: one jumping box turns nobody round."""
    half = CALM_ROWS // 2
    padded = np.pad(course_deg, half, mode="edge")
    return median(np.lib.stride_tricks.sliding_window_view(padded, CALM_ROWS))


def _unbroken(velocity: Array, course_deg: Array) -> list[tuple[int, int]]:
    """Returns (first, last) rows of every drive without a halt and without going into reverse."""
    moving = lengths(velocity) >= MOVING_MPS
    jump = np.abs((np.diff(course_deg, prepend=course_deg[0]) + 180.0) % 360.0 - 180.0) > BREAK_DEG
    return runs(moving & ~jump)


def _measured(body: Body, velocity: Array, rows: tuple[int, int, int]) -> Turn:
    start, middle, end = rows
    steps_m = velocity[start:end] * np.diff(body.path.t_s[start : end + 1])[:, None]
    ahead = velocity[start] / np.linalg.norm(velocity[start])
    shift = steps_m.sum(axis=0)
    before, after = (np.degrees(np.arctan2(velocity[row, 1], velocity[row, 0])) for row in (start, end))
    return Turn(
        body=body,
        start=start,
        middle=middle,
        end=end,
        turned_deg=float(180.0 - abs(abs(after - before) % 360.0 - 180.0)),
        way_m=float(np.linalg.norm(steps_m, axis=1).sum()),
        beside_m=abs(float(shift[0] * ahead[1] - shift[1] * ahead[0])),
    )


def _is_tight(turn: Turn, parameters: dict[str, object]) -> bool:
    is_quick = turn.duration_s <= float(str(parameters["within_s"]))
    return (
        is_quick
        and turn.way_m <= float(str(parameters["within_m"]))
        and BESIDE_M <= turn.beside_m <= BESIDE_SHARE * turn.way_m
    )


def _judge(turn: Turn, zone: NoUTurnZone, history: TrackHistory, scene: Scene) -> Outcome | None:
    lamp = scene.lamp(zone.signal)
    path, t_s = scene.path(history), turn.body.path.t_s
    rows = [int(np.abs(path.t_s - t_s[row]).argmin()) for row in (turn.start, turn.middle, turn.end)]
    if zone.signal is not None:
        state = state_at(lamp, float(turn.body.path.t_s[turn.start]))
        if state is SignalState.GREEN:
            return None
        if state in UNCLEAR:
            return undecided("V13", history, rows[0], "the lamp that lets vehicles turn round was not readable")
    way_px = shapely.LineString(turn.body.centre_px[turn.start : turn.end + 1])
    site = scene.view.site
    return Candidate(
        violation_id="V13",
        track_id=history.track_id,
        subject=history.class_id,
        moments=moments(path, rows, lamp),
        parameters=site.parameters("V13"),
        facts={
            "turned_deg": round(turn.turned_deg),
            "duration_s": round(turn.duration_s, 1),
            "way_m": round(turn.way_m, 1),
            "came_back_beside_m": round(turn.beside_m, 1),
            "solid_lines_crossed": [m.id for m in site.solid_lines if way_px.crosses(shapely.LineString(m.points_px))],
            "crosswalks_crossed": [w.id for w in site.crosswalks if way_px.intersects(shapely.Polygon(w.polygon_px))],
            "scale": scene.view.ground.scale_source,
        },
        cues=CUES,
        signal_id=zone.signal,
        region_id=zone.id,
    )
