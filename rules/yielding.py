"""V12 not yielding to a pedestrian on a crosswalk.

Legal elements (RTSL 47; Beijing practice): no part of the vehicle is on the crosswalk yet, a pedestrian who
did not enter on red is on it, in the vehicle's lane or about to step into it, and the vehicle does not stop.
Checked here: the conflict zone is the vehicle's own lane and half a lane on each side, on the crosswalk; the
pedestrian was in it, moving towards the lane or in it, while the vehicle was still before the crosswalk with
room to stop, and still when the vehicle drove over the crosswalk. Free: pedestrian on red, at the kerb, on a
refuge, walking away past the lane, dashing out, turning back; a vehicle already on the crosswalk.
A human checks: a wave of the hand that lets the vehicle go, officers, emergency vehicles, the plate.
Known traps: the lane is taken as the vehicle's own way, since painted lanes end at the stop line; on an
unlit crosswalk nothing says that a pedestrian must wait; a hidden pedestrian is not seen to turn back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.geometry import contains, may_touch
from core.observations import ActorClass, Candidate, Outcome, SignalState, TrackHistory
from core.site import Crosswalk, Site
from rules.body import HOLE_S, Body, even_body, even_path, runs
from rules.ground import Array, Path
from rules.scene import Scene, class_cues, moments, state_at, undecided

LANE_M = 3.5
"""Width of a traffic lane. Source: CJJ 37 urban roads, 3.25 to 3.5 m."""
WALKING_MPS = 0.3
"""Slower is standing. Source: a quarter of the 1.2 m/s walking speed of traffic engineering practice."""
GAP_S = 0.6
"""A hole this short in a threat is jitter. Source: two frames at the slowest useful rate, 4 Hz."""
DASH_MPS = 2.5
"""Faster is running into the road. Source: twice the 1.2 m/s walking speed of traffic engineering practice."""
SPEED_S = 2.0
"""Speed at the crosswalk is taken over this window. Source: as long as the law's largest gap, V12 violations.yaml."""
DASH_S = 1.0
"""A dash shows this long before stepping in. Source: driver's reaction time in min_decision_distance_m, V12."""
BRAKE_MPS2, REACTION_S = 3.0, 1.0
"""Room to stop is v^2 / (2 * 3.0) + v * 1.0. Source: V12 min_decision_distance_m, violations.yaml."""
APPROACH_S = 5.0
"""An approach is thought on backwards this long at most. Source: clip_pre_s, violations.yaml."""
HALT_KMH, HALT_S = 2.0, 1.0
"""A halt before the crosswalk. Source: V02 stationary_speed_max_kmh; seen at two frames a second still."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One drive over a crosswalk. Times are session seconds; ``body`` has even rows, ``path`` the seen ones."""

    path: Path
    body: Body
    walk: Crosswalk
    touch_row: int
    touch_s: float
    clear_s: float
    middle_row: int

    @property
    def speed_mps(self) -> float:
        """Speed about the moment when the front reached the crosswalk; boxes that jump do not make it faster."""
        t_s = self.body.path.t_s
        near = np.abs(t_s - self.touch_s) <= SPEED_S / 2
        return float(np.median(self.speeds_mps[near]))

    @cached_property
    def speeds_mps(self) -> Array:
        """Speed of every even row."""
        return self.body.path.speed_mps(SPEED_S)

    def room_m(self, from_s: float) -> float:
        """Returns the way left to the crosswalk at a moment; before the vehicle was seen, by its first speed."""
        t_s = self.body.path.t_s
        rows = np.flatnonzero((t_s >= from_s) & (t_s <= self.touch_s))
        driven = float(np.trapezoid(self.speeds_mps[rows], t_s[rows])) if len(rows) else 0.0
        unseen_s = min(max(0.0, float(t_s[0]) - from_s), APPROACH_S)
        return driven + unseen_s * float(self.speeds_mps[0])

    def stopping_m(self, from_s: float) -> float:
        """Returns the way a driver needs to stop from the speed at a moment."""
        row = min(int(np.searchsorted(self.body.path.t_s, from_s)), self.touch_row)
        speed = float(self.speeds_mps[row])
        return speed**2 / (2 * BRAKE_MPS2) + speed * REACTION_S


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One pedestrian as seen from a passage.

    Shapes: t_s, aside_m (signed distance from the vehicle's way), drift_mps, is_inside (N,).
    """

    track_id: int
    t_s: Array
    aside_m: Array
    drift_mps: Array
    speed_mps: Array
    is_inside: NDArray[np.bool_]

    def row(self, t_s: float) -> int:
        """Returns the row at or next after a moment."""
        return min(int(np.searchsorted(self.t_s, t_s)), len(self.t_s) - 1)


def yielding(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the crosswalks one vehicle drove over in front of a pedestrian."""
    site = scene.view.site
    if scene.view.subject_of(history.class_id) != "motor" or not site.is_enabled("V12"):
        return []
    path = scene.path(history)
    walks = [walk for walk in site.crosswalks if path.comes_near(walk.polygon_px)]
    body = even_body(path) if walks else None
    if body is None:
        return []
    found: list[Outcome] = []
    for walk in walks:
        for passage in _passages(path, body, walk):
            outcome = _judge(passage, scene)
            found += [] if outcome is None else [outcome]
    return found


def lacking(site: Site) -> list[str]:
    """Returns what V12 still needs drawn."""
    return [] if site.crosswalks else ["draw a crosswalk"]


def _passages(path: Path, body: Body, walk: Crosswalk) -> list[Passage]:
    """Returns every drive, front first, from before the crosswalk to beyond it."""
    spine = body.spine_inside(walk.polygon_px)
    found: list[Passage] = []
    for first, last in runs(np.logical_or.reduce(spine)):
        is_whole = first > 0 and last < spine.shape[1] - 1
        on_it = np.flatnonzero(spine[2, first : last + 1])
        if not is_whole or not spine[-1, first] or not len(on_it):
            continue
        found.append(
            Passage(
                path=path,
                body=body,
                walk=walk,
                touch_row=first,
                touch_s=float(body.path.t_s[first]),
                clear_s=float(body.path.t_s[last + 1]),
                middle_row=first + int(on_it[len(on_it) // 2]),
            )
        )
    return found


def _judge(passage: Passage, scene: Scene) -> Outcome | None:
    """Returns the worst that any pedestrian makes of a passage: a case, else an open question, else nothing."""
    parameters = scene.view.site.parameters("V12")
    if passage.speed_mps * 3.6 < float(parameters["min_veh_speed_at_line_kmh"]):
        return None
    doubt: Outcome | None = None
    walkers = scene.seen_at(passage.touch_s, (ActorClass.PERSON,))
    for path in scene.paths_of([w for w in walkers if may_touch(passage.walk.polygon_px, w.extent_px)]):
        walk = _walk(passage, path)
        since_s = None if walk is None else _in_the_way_since(passage, walk, parameters)
        if walk is None or since_s is None:
            continue
        reason = _doubt(passage, walk, scene, since_s)
        if reason is None:
            return _candidate(passage, walk, scene, since_s)
        if reason:
            doubt = undecided("V12", passage.path.history, _rows(passage, passage.touch_s)[1], reason)
    return doubt


def _walk(passage: Passage, path: Path) -> Walk | None:
    even = even_path(path)
    if len(even.t_s) < 3:
        return None
    is_inside = even.once(("on", passage.walk.id), lambda: _is_on(passage.walk, even.foot_px))
    now = min(int(even.t_s.searchsorted(passage.touch_s)), len(even.t_s) - 1)
    if not is_inside[np.abs(even.t_s - even.t_s[now]) <= GAP_S].any():
        return None  # nobody who is a threat then
    place_px = passage.body.centre_px[[passage.middle_row]]
    ahead = passage.body.ahead[passage.middle_row]
    aside_m = even.vectors_m(place_px, even.foot_px) @ np.array([-ahead[1], ahead[0]])
    early, late = np.maximum(even.t_s - 0.4, even.t_s[0]), np.minimum(even.t_s + 0.4, even.t_s[-1])
    shift_m = np.interp(late, even.t_s, aside_m) - np.interp(early, even.t_s, aside_m)
    return Walk(
        track_id=path.history.track_id,
        t_s=even.t_s,
        aside_m=aside_m,
        drift_mps=shift_m / np.maximum(late - early, 1e-3),
        speed_mps=even.speed_mps(0.8),
        is_inside=is_inside,
    )


def _is_on(walk: Crosswalk, foot_px: Array) -> NDArray[np.bool_]:
    """Returns which feet (N, 2) stand on a crosswalk and not on its refuges."""
    is_on = contains(walk.polygon_px, foot_px)
    for island in walk.refuge_islands_px:
        is_on &= ~contains(island, foot_px)
    return is_on


def _in_the_way_since(passage: Passage, walk: Walk, parameters: dict[str, object]) -> float | None:
    """Returns since when the pedestrian was in the conflict zone; None when the vehicle had not to stop."""
    threat = _threat(walk, float(str(parameters["ped_min_step_in_m"])))
    now = walk.row(passage.touch_s)
    span = next(((a, b) for a, b in runs(threat, walk.t_s, GAP_S) if a <= now <= b), None)
    if span is None or abs(walk.t_s[now] - passage.touch_s) > HOLE_S:
        return None
    since_s = float(walk.t_s[span[0]])
    if passage.room_m(since_s) < passage.stopping_m(since_s):
        return None
    if _is_dash(walk, span[0]) or _turned_back(walk, span[0], now, float(str(parameters["ped_min_step_in_m"]))):
        return None
    gap_s = _gap_s(passage, walk, now)
    return None if gap_s is not None and gap_s > float(str(parameters["post_encroachment_time_max_s"])) else since_s


def _threat(walk: Walk, step_in_m: float) -> NDArray[np.bool_]:
    """Returns when the pedestrian was in the lane, or beside it within half a lane and on the way into it."""
    off_m = np.abs(walk.aside_m)
    is_coming = walk.drift_mps * np.sign(walk.aside_m) < -WALKING_MPS
    is_leaving = walk.drift_mps * np.sign(walk.aside_m) > WALKING_MPS
    in_lane = (off_m <= LANE_M / 2) & ~(is_leaving & (off_m > LANE_M / 4))
    stepped_in = np.zeros_like(walk.is_inside)
    for first, last in runs(walk.is_inside):
        way_m = np.abs(walk.aside_m[first : last + 1] - walk.aside_m[first])
        stepped_in[first : last + 1] = np.maximum.accumulate(way_m) >= step_in_m
    threat: NDArray[np.bool_] = walk.is_inside & stepped_in & (in_lane | (is_coming & (off_m <= LANE_M)))
    return threat


def _is_dash(walk: Walk, entry: int) -> bool:
    rows = (walk.t_s >= walk.t_s[entry] - DASH_S) & (walk.t_s <= walk.t_s[entry] + DASH_S / 2)
    return bool(walk.speed_mps[rows].max() >= DASH_MPS)


def _turned_back(walk: Walk, entry: int, now: int, step_m: float) -> bool:
    way = walk.aside_m[entry : now + 1] * np.sign(walk.drift_mps[entry])
    return bool((np.maximum.accumulate(way) - way).max() >= step_m)


def _gap_s(passage: Passage, walk: Walk, now: int) -> float | None:
    """Returns the time between one leaving and the other reaching the same spot; None for one standing in the lane."""
    off_m, drift = float(abs(walk.aside_m[now])), float(walk.drift_mps[now])
    beside_m = max(off_m - passage.body.width_m / 2, 0.0)
    if abs(drift) < WALKING_MPS:
        return None
    away_s = beside_m / abs(drift)
    is_coming = drift * walk.aside_m[now] < 0
    return max(away_s - (passage.clear_s - passage.touch_s), 0.0) if is_coming else away_s


def _doubt(passage: Passage, walk: Walk, scene: Scene, since_s: float) -> str | None:
    """Returns None when the pedestrian had the right of way, "" when not, else why that stays open."""
    if _halted(passage, since_s):
        return "it halted before the crosswalk: the pedestrian may have waved it on"
    if passage.walk.signal is None:
        return None
    lamp = scene.lamp(passage.walk.signal)
    run = next((a, b) for a, b in runs(walk.is_inside) if a <= walk.row(since_s) <= b)
    state = state_at(lamp, float(walk.t_s[run[0]]))
    if state is SignalState.RED:
        return "" if run[0] > 0 else "the pedestrian's entry was not seen and the lamp is red"
    if state in (SignalState.GREEN, SignalState.YELLOW):
        return None
    return "pedestrian lamp not readable when the pedestrian entered"


def _halted(passage: Passage, since_s: float) -> bool:
    t_s = passage.body.path.t_s
    slow = (passage.speeds_mps * 3.6 <= HALT_KMH) & (t_s >= since_s) & (t_s <= passage.touch_s)
    return any(t_s[b] - t_s[a] >= HALT_S for a, b in runs(slow))


def _rows(passage: Passage, since_s: float) -> tuple[int, int, int]:
    """Returns the rows of: still before it, on it, off it again."""
    t_s = passage.path.t_s
    before = max(int(np.searchsorted(t_s, passage.touch_s)) - 1, 0)
    early = int(np.searchsorted(t_s, max(since_s, passage.touch_s - REACTION_S)))
    during = min(before + 1, len(t_s) - 1)
    after = min(max(int(np.searchsorted(t_s, passage.clear_s - 1e-6)), during), len(t_s) - 1)
    return min(early, before), during, after


def _candidate(passage: Passage, walk: Walk, scene: Scene, since_s: float) -> Candidate:
    path, lamp = passage.path, scene.lamp(passage.walk.signal)
    now = walk.row(passage.touch_s)
    gap_s = _gap_s(passage, walk, now)
    return Candidate(
        violation_id="V12",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, _rows(passage, since_s), lamp),
        parameters=scene.view.site.parameters("V12"),
        facts={
            "pedestrian_track_id": walk.track_id,
            "pedestrian_in_zone_s": round(since_s, 2),
            "front_on_crosswalk_s": round(passage.touch_s, 2),
            "rear_off_crosswalk_s": round(passage.clear_s, 2),
            "pedestrian_beside_way_m": round(float(abs(walk.aside_m[now])), 1),
            "room_m": round(passage.room_m(since_s), 1),
            "stopping_m": round(passage.stopping_m(since_s), 1),
            "approach_seen": bool(passage.body.path.t_s[0] <= since_s),
            "gap_s": None if gap_s is None else round(gap_s, 1),
            "speed_kmh": round(passage.speed_mps * 3.6, 1),
            "scale": scene.view.ground.scale_source,
        },
        cues=(*class_cues(path.history), "ped_waves_vehicle_on", "ped_sudden_run_or_turn_back", "police_hand_signal"),
        signal_id=passage.walk.signal,
        region_id=passage.walk.id,
    )
