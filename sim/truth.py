"""What really happened in a scene: offences and lawful look-alikes, from the true trajectories.

Definitions follow domain.md section 1 and the catalogue's thresholds, on the watched (south) approach:
crossing is decided by the lamp at the moment the front reaches the stop line. Nothing here looks at pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely import contains_xy
from shapely.geometry import Polygon

from core.catalogue import catalogue
from core.errors import ConfigError
from sim import junction
from sim.actors import Trajectory
from sim.scene import Scene
from sim.world import World

WATCHED: junction.Arm = "S"
_TRAP_STAND_S = 3.0
_BRIEF_STOP_S = 2.0
_FOOTPRINT_SHRINK = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened: an offence (``violation_id``) or lawful behaviour that looks like one (``trap``)."""

    kind: str
    track: str
    subject: str
    t_start_s: float
    t_end_s: float
    violation_id: str | None = None
    is_scripted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """All events of a scene, by start time."""

    violations: tuple[Event, ...]
    traps: tuple[Event, ...]


def find_truth(world: World) -> Truth:
    """Returns every offence and trap of a scene on the watched approach."""
    scene = world.scene
    scripted = {a.id for a in scene.cast}
    events: list[Event] = []
    for track in world.trajectories().values():
        if len(track.t_s) < 3:
            continue
        events += _events_of(track, scene, is_scripted=track.actor_id in scripted)
    events.sort(key=lambda e: (e.t_start_s, e.track))
    return Truth(
        violations=tuple(e for e in events if e.violation_id), traps=tuple(e for e in events if not e.violation_id)
    )


def check_truth(world: World, truth: Truth) -> None:
    """Refuses a scene that does not show what it promises, or shows more, or cannot happen.

    Raises:
        ConfigError: a planned event is missing, an unplanned offence happened, or two bodies overlap.
    """
    planned = {(a.id, a.violation) for a in world.scene.cast if a.violation}
    traps = {(a.id, a.trap) for a in world.scene.cast if a.trap}
    found = {(e.track, e.violation_id) for e in truth.violations}
    seen = {(e.track, e.kind) for e in truth.traps}
    problems = [f"{actor} never did {what}" for actor, what in sorted([*(planned - found), *(traps - seen)])]
    problems += [f"{actor} did {what} unplanned" for actor, what in sorted(found - planned, key=str)]
    problems += [f"{a} and {b} overlap at {t:.1f} s" for a, b, t in overlaps(world)]
    if problems:
        raise ConfigError(f"scene '{world.scene.scene_id}' is not usable: " + "; ".join(problems))


def overlaps(world: World, *, every_s: float = 0.2, within_m: float = 60.0) -> list[tuple[str, str, float]]:
    """Returns (actor, actor, first clip time) of bodies that stand in each other."""
    step = max(1, round(every_s / 0.04))
    found: dict[tuple[str, str], float] = {}
    for moment in world.moments[::step]:
        near = [p for p in moment.poses if abs(p.x_m) < within_m and abs(p.y_m) < within_m]
        shapes = [
            footprint(p.x_m, p.y_m, p.heading_rad, (p.body.length_m, p.body.width_m), _FOOTPRINT_SHRINK) for p in near
        ]
        for i, first in enumerate(near):
            for j in range(i + 1, len(near)):
                other = near[j]
                if {first.body.subject, other.body.subject} == {"pedestrian"}:
                    continue
                if math.hypot(first.x_m - other.x_m, first.y_m - other.y_m) > 9.0:
                    continue
                if shapes[i].intersects(shapes[j]):
                    found.setdefault((first.actor_id, other.actor_id), moment.t_s)
    return [(a, b, t) for (a, b), t in found.items()]


def _events_of(track: Trajectory, scene: Scene, *, is_scripted: bool) -> Iterator[Event]:
    makers = (_walks,) if track.body.subject == "pedestrian" else (_crossings, _own_green, _wrong_way, _stops)
    for make in makers:
        for kind, violation_id, start, end in make(track, scene):
            yield Event(
                kind=kind,
                violation_id=violation_id,
                track=track.actor_id,
                subject=track.body.label,
                t_start_s=round(float(start), 2),
                t_end_s=round(float(end), 2),
                is_scripted=is_scripted,
            )


_Found = Iterator[tuple[str, str | None, float, float]]


def _crossings(track: Trajectory, scene: Scene) -> _Found:
    """Crossings of the watched stop line, judged by the lamp when the front crosses."""
    at = _crossing_index(track, scene, WATCHED)
    if at is None:
        return
    t_cross = float(track.t_s[at])
    group = junction.group_of(WATCHED)
    colour = scene.signals.state(group, t_cross)
    end = _left_junction(track, scene, at)
    if colour == "red":
        yield from _red_crossing(track, scene, at)
        return
    t_end = float(track.t_s[end])
    if colour == "yellow":
        yield "entered_on_yellow", None, t_cross, t_end
    elif scene.signals.state(group, t_end) == "red":
        yield "cleared_on_red", None, t_cross, t_end
    waited = _stand_before(track, scene, at)
    if waited is not None:
        name = "queued_on_red" if track.body.subject == "motor" else "waited_on_red"
        yield name, None, waited, t_cross


def _red_crossing(track: Trajectory, scene: Scene, at: int) -> _Found:
    subject, t_cross = track.body.subject, float(track.t_s[at])
    end = _left_junction(track, scene, at)
    if _turned_right(track, scene, end):
        yield "right_turn_on_red", None, t_cross, float(track.t_s[end])
        return
    group = junction.group_of(WATCHED)
    red_for = scene.signals.red_since(group, t_cross)
    rule = catalogue().get("V01" if subject == "motor" else "V03").detect
    if red_for < float(rule["red_guard_s"]):
        return
    past = _first(_along(track.rear, WATCHED)[:, 1] > -scene.junction.stop_line_m, at)
    if past is None or scene.signals.state(group, float(track.t_s[past])) != "red":
        return
    stood = _stands_on_red(track, scene, past)
    if stood is not None and subject == "motor":
        yield "stop_line_overrun", "V02", t_cross, stood
        return
    moved = np.hypot(track.x_m - track.x_m[past], track.y_m - track.y_m[past])
    further = _first(moved >= float(rule["p3_min_displacement_m"]), past)
    if further is None or scene.signals.state(group, float(track.t_s[further])) != "red":
        return
    yield "red_light", "V01" if subject == "motor" else "V03", t_cross, float(track.t_s[end])


def _own_green(track: Trajectory, scene: Scene) -> _Found:
    """Cross traffic that drives in on its own green while the watched lamp is red."""
    for arm in ("E", "W", "N"):
        at = _crossing_index(track, scene, arm)
        if at is None:
            continue
        t_cross = float(track.t_s[at])
        is_own = scene.signals.state(junction.group_of(arm), t_cross) == "green"
        if is_own and scene.signals.state(junction.group_of(WATCHED), t_cross) == "red":
            yield "own_green", None, t_cross, float(track.t_s[_left_junction(track, scene, at)])


def _wrong_way(track: Trajectory, scene: Scene) -> _Found:
    """Driving against the direction: riders in a cycle lane (V05), motor vehicles wholly in a motor lane (V06)."""
    is_motor = track.body.subject == "motor"
    name = "V06" if is_motor else "V05"
    rule = catalogue().get(name).detect
    lanes, margin = scene.junction.motor_lanes_m, track.body.width_m / 2
    edges = (lanes[0][0] + margin, lanes[-1][1] - margin) if is_motor else scene.junction.cycle_edges_m
    for sign in (1, -1):
        zone = junction.strip(WATCHED, _ordered(edges, sign), (scene.junction.stop_line_m, scene.junction.watched_m))
        inside = _inside(zone, np.stack([track.x_m, track.y_m], axis=1))
        against = np.abs(_turn(track.heading_rad, math.pi / 2 * sign)) > math.radians(
            float(rule["heading_diff_deg_min"])
        )
        fast = track.speed_mps > float(rule["min_speed_kmh"]) / 3.6
        for start, end in _runs(inside & against & fast):
            length = float(np.hypot(track.x_m[end] - track.x_m[start], track.y_m[end] - track.y_m[start]))
            lasted = float(track.t_s[end] - track.t_s[start])
            if length >= float(rule["min_distance_m"]) and lasted >= float(rule["min_duration_s"]):
                yield "wrong_way", name, float(track.t_s[start]), float(track.t_s[end])


def _stops(track: Trajectory, scene: Scene) -> _Found:
    if track.body.subject != "motor":
        return
    share = float(catalogue().get("V08").detect["overlap_with_zone_min"])
    for zone in scene.no_stop_zones:
        area = Polygon(zone.polygon_m)
        for start, end in _runs(track.speed_mps < 0.2):
            lasted = float(track.t_s[end] - track.t_s[start])
            body = footprint(
                float(track.x_m[start]),
                float(track.y_m[start]),
                float(track.heading_rad[start]),
                (track.body.length_m, track.body.width_m),
                1.0,
            )
            if body.intersection(area).area < share * body.area:
                continue
            if lasted >= zone.confirm_s:
                yield "illegal_parking", "V08", float(track.t_s[start]), float(track.t_s[end])
            elif lasted >= _BRIEF_STOP_S:
                yield "stopped_briefly", None, float(track.t_s[start]), float(track.t_s[end])


def _walks(track: Trajectory, scene: Scene) -> _Found:
    """Walks over the watched crosswalk, judged by the pedestrian lamp on stepping onto it."""
    zebra = scene.junction.crosswalk(WATCHED)
    spot = np.stack([track.x_m, track.y_m], axis=1)
    group = junction.ped_group_of(WATCHED)
    rule = catalogue().get("V04").detect
    for start, end in _runs(_inside(zebra, spot)):
        t_on, t_off = float(track.t_s[start]), float(track.t_s[end])
        depth = float(
            np.max(scene.junction.road_half_m - np.abs(junction.in_arm_frame(WATCHED, spot[start : end + 1])[:, 0]))
        )
        if t_off - t_on < float(rule["min_track_s"]) or depth < float(rule["min_depth_into_roadway_m"]):
            continue
        if scene.signals.state(group, t_on) == "red":
            is_late = scene.signals.red_since(group, t_on) >= float(rule["red_guard_s"])
            is_moving = float(np.hypot(*(spot[end] - spot[start]))) >= float(rule["min_depth_into_roadway_m"])
            if is_late and is_moving and start > 0:
                yield "pedestrian_red", "V04", t_on, t_off
        elif track.kind == "bike_pusher":
            yield "pushed_bike", None, t_on, t_off
        elif scene.signals.state(group, t_off) == "red":
            yield "finished_on_red", None, t_on, t_off
        else:
            yield "walked_on_green", None, t_on, t_off


def _along(points: NDArray[np.float64], arm: junction.Arm) -> NDArray[np.float64]:
    return junction.in_arm_frame(arm, points)


def _crossing_index(track: Trajectory, scene: Scene, arm: junction.Arm) -> int | None:
    """Returns the first row at which the front is past an arm's stop line, driving in."""
    front, line = _along(track.front, arm), -scene.junction.stop_line_m
    on_line = (front[1:, 0] > -0.3) & (front[1:, 0] < scene.junction.road_half_m + 0.3)
    crossed = (front[:-1, 1] < line) & (front[1:, 1] >= line) & on_line
    rows = np.flatnonzero(crossed)
    return int(rows[0]) + 1 if len(rows) else None


def _left_junction(track: Trajectory, scene: Scene, at: int) -> int:
    rear = track.rear
    edge = scene.junction.stop_line_m
    outside = (np.abs(rear[:, 0]) > edge) | (np.abs(rear[:, 1]) > edge)
    entered = _first(~outside, at)
    if entered is None:
        return len(track.t_s) - 1
    left = _first(outside, entered)
    return len(track.t_s) - 1 if left is None else left


def _turned_right(track: Trajectory, scene: Scene, end: int) -> bool:
    x, y = junction.in_arm_frame(WATCHED, np.array([[track.x_m[end], track.y_m[end]]]))[0]
    return bool(x > scene.junction.road_half_m and abs(y) < scene.junction.road_half_m)


def _stand_before(track: Trajectory, scene: Scene, at: int) -> float | None:
    """Returns when the actor came to stand before the line on red, None if it did not."""
    group = junction.group_of(WATCHED)
    front = _along(track.front, WATCHED)[:, 1]
    red = np.array([scene.signals.state(group, float(t)) == "red" for t in track.t_s[:at]], dtype=bool)
    near = (front[:at] > -scene.junction.stop_line_m - 20) & (track.speed_mps[:at] < 0.2)
    for start, end in _runs(red & near):
        if track.t_s[end] - track.t_s[start] >= _TRAP_STAND_S:
            return float(track.t_s[start])
    return None


def _stands_on_red(track: Trajectory, scene: Scene, past: int) -> float | None:
    """Returns when the actor moved on after standing past the line for as long as the law asks, on red."""
    rule = catalogue().get("V02").detect
    slow = track.speed_mps < float(rule["stationary_speed_max_kmh"]) / 3.6
    slow[:past] = False
    group = junction.group_of(WATCHED)
    for start, end in _runs(slow):
        on_red = [t for t in track.t_s[start : end + 1] if scene.signals.state(group, float(t)) == "red"]
        if on_red and on_red[-1] - on_red[0] > float(rule["stationary_min_s"]):
            return float(track.t_s[end])
    return None


def _ordered(edges: tuple[float, float], sign: int) -> tuple[float, float]:
    near, far = edges
    return (near, far) if sign > 0 else (-far, -near)


def _turn(heading_rad: NDArray[np.float64], reference_rad: float) -> NDArray[np.float64]:
    return (heading_rad - reference_rad + math.pi) % (2 * math.pi) - math.pi


def _inside(polygon: list[junction.GroundPoint], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(contains_xy(Polygon(polygon), points[:, 0], points[:, 1]), dtype=bool)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Returns (first, last) row of each unbroken stretch.

    >>> _runs(np.array([False, True, True, False, True]))
    [(1, 2), (4, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _first(flags: NDArray[np.bool_], start: int) -> int | None:
    rows = np.flatnonzero(flags[start:])
    return int(rows[0]) + start if len(rows) else None


def footprint(x: float, y: float, heading: float, size_m: tuple[float, float], scale: float) -> Polygon:
    """Returns the outline of a body on the ground, its size multiplied by ``scale``."""
    cos, sin = math.cos(heading), math.sin(heading)
    length, width = size_m[0] * scale / 2, size_m[1] * scale / 2
    return Polygon(
        [
            (x + cos * a * length - sin * b * width, y + sin * a * length + cos * b * width)
            for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))
        ]
    )
