"""V16 standing in a box (网状线) or on a crosswalk behind a queue.

Legal elements (Reg 53): traffic ahead stands or crawls; the vehicle drives in although it cannot get out
on the far side, and waits inside the marked area.
Checked here: its entry was seen; at that moment a vehicle ahead in the same lane already stood, with less
room beyond the area than the vehicle is long (never more than the catalogue's gap); it then stood inside,
half its body or half the area's depth at least, for 10 s (GA/T 832). A queue that formed after it had
entered is no offence; nor is waiting in an open waiting area.
A human checks: a breakdown ahead, a collision, an officer, an emergency vehicle, a pedestrian in front.
Known traps: a column that arrives together, where the room is used up by a vehicle still moving at entry
(left free here); an exit outside the picture (left undecided).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.geometry import contains
from core.observations import Candidate, Outcome, TrackHistory
from core.site import Box, Crosswalk, Site
from rules.body import Body, body_of, runs
from rules.ground import Ground, Path
from rules.scene import FOUR_WHEELERS, Scene, moments, undecided

STAND_KMH = 2.0
"""Standing still. Source: V02 stationary_speed_max_kmh, violations.yaml."""
STAND_WINDOW_S, STAND_SHIFT_M = 2.0, 1.0
"""Speed is taken over this window; a stand moves less than this in all. Source: V08 reads stands so, 0.5 m each end."""
CRAWL_KMH = 5.0
"""A vehicle ahead slower than this blocks. Source: Reg 53 "standing or slowly moving"; V12's lowest driving speed."""
BESIDE_M = 1.75
"""Ahead in the same lane: this far aside at most. Source: half a 3.5 m lane, CJJ 37."""
ROUGH_M = 7.0
"""The box's lower edge lies this near the body's middle. Source: half a bus, 5.5 m, and jitter."""
AHEAD_M = 40.0
"""A queue further ahead is not the reason. Source: V13 within_m, the reach of one junction, violations.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The last vehicle of the queue ahead: its rear, metres ahead of where the follower came to stand."""

    track_id: int
    rear_m: float
    is_standing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One stand inside an area. Rows index the path."""

    body: Body
    area: Box | Crosswalk
    entry_row: int
    first_row: int
    last_row: int
    share: float
    beyond_m: float
    """Far edge of the area, metres ahead of the body's middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a vehicle stands on the ground, metres, and the unit vector of its course."""

    x_m: float
    y_m: float
    ahead_x: float
    ahead_y: float

    @classmethod
    def of(cls, wait: Wait) -> Place | None:
        """Returns the place of a wait; None where the road is not calibrated."""
        body, row, ground = wait.body, wait.first_row, wait.body.path.ground
        if ground.matrix is None:
            return None
        (x_m, y_m), (ahead_x, ahead_y) = ground.points_m(body.centre_px[row])[0].tolist(), body.ahead[row].tolist()
        return cls(x_m=x_m, y_m=y_m, ahead_x=ahead_x, ahead_y=ahead_y)

    def seen_m(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Returns how far ahead and, on either side, aside of it a point of the ground lies."""
        x_m, y_m = x_m - self.x_m, y_m - self.y_m
        return x_m * self.ahead_x + y_m * self.ahead_y, abs(x_m * self.ahead_y - y_m * self.ahead_x)


def box_junction(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the areas one vehicle blocked."""
    site = scene.view.site
    if history.class_id not in FOUR_WHEELERS or not site.is_enabled("V16"):
        return []
    path, parameters = scene.path(history), site.parameters("V16")
    least_s = float(parameters["stationary_min_s"])
    if len(path.t_s) < 3 or history.duration_s < least_s:
        return []
    drawn: list[Box | Crosswalk] = [*site.boxes, *site.crosswalks]
    areas = [area for area in drawn if path.comes_near(area.polygon_px)]
    spans = _stands(path, least_s) if areas else []
    body = body_of(path) if spans else None
    if body is None:
        return []
    outcomes = [_judge(body, area, span, scene) for span in spans for area in areas]
    return [o for o in outcomes if o is not None]


def lacking(site: Site) -> list[str]:
    """Returns what V16 still needs drawn."""
    return [] if site.boxes or site.crosswalks else ["draw boxes or crosswalks"]


def _stands(path: Path, least_s: float) -> list[tuple[int, int]]:
    """Returns (first, last) rows of every stand; boxes that jump for a moment do not end one, moving on does."""
    slow = path.speed_mps(STAND_WINDOW_S) <= STAND_KMH / 3.6
    spans = runs(slow, path.t_s, STAND_WINDOW_S)
    return [(a, b) for a, b in spans if path.t_s[b] - path.t_s[a] >= least_s and path.shift_m(a, b) <= STAND_SHIFT_M]


def _judge(body: Body, area: Box | Crosswalk, span: tuple[int, int], scene: Scene) -> Outcome | None:
    path, parameters = body.path, scene.view.site.parameters("V16")
    if not path.comes_near(area.polygon_px, slice(span[0], span[1] + 1)):
        return None
    depth = body.span_inside_m(area.polygon_px, span[0])
    if depth is None or _in_waiting_area(body, scene, span[0]):
        return None
    share = float(np.median(body.share_inside(area.polygon_px, slice(span[0], span[1] + 1))))
    share = min(1.0, share * body.length_m / min(body.length_m, depth[1] - depth[0] + 1e-6))
    if share < float(parameters["footprint_in_box_min"]):
        return None
    outside = np.flatnonzero(~np.logical_or.reduce(body.spine_inside(area.polygon_px)[:, : span[0]]))
    if not len(outside):
        return undecided("V16", path.history, span[0], "its entry into the area was not seen")
    wait = Wait(
        body=body,
        area=area,
        entry_row=int(outside[-1]),
        first_row=span[0],
        last_row=span[1],
        share=share,
        beyond_m=depth[1],
    )
    return _explained(wait, scene)


def _explained(wait: Wait, scene: Scene) -> Outcome | None:
    """Returns what the queue ahead makes of a wait: blocked at entry, formed later, or out of sight."""
    path, parameters = wait.body.path, scene.view.site.parameters("V16")
    room_max_m = min(float(parameters["entry_gap_to_queue_tail_m_max"]), wait.body.length_m)
    tail = _tail(wait, scene, float(path.t_s[wait.entry_row + 1]))
    if tail is not None and tail.rear_m - wait.beyond_m < room_max_m:
        return _candidate(wait, tail, scene)
    if tail is None and path.history.is_finished and _tail(wait, scene, float(path.t_s[wait.last_row])) is None:
        return undecided("V16", path.history, wait.first_row, "what it waited for is out of sight")
    return None


def _tail(wait: Wait, scene: Scene, at_s: float) -> Tail | None:
    """Returns the nearest vehicle that stood or crawled ahead in the same lane at a moment."""
    own, ground, place = wait.body.path.history.track_id, scene.view.ground, Place.of(wait)
    others = [track for track in scene.seen_at(at_s, FOUR_WHEELERS) if track.track_id != own]
    if place is not None:
        others = [track for track in others if _may_be_ahead(place, track, ground, at_s)]
    tails = [_as_tail(wait, place, path, at_s) for path in scene.paths_of(others)]
    return min((tail for tail in tails if tail is not None), key=lambda t: t.rear_m, default=None)


def _may_be_ahead(place: Place, other: TrackHistory, ground: Ground, at_s: float) -> bool:
    """Rules out cheaply, by its box alone, what is far from the lane ahead."""
    at = min(int(other.t_s.searchsorted(at_s)), len(other) - 1)
    x1, _, x2, y2 = other.xyxy[at].tolist()
    ahead_m, aside_m = place.seen_m(*ground.point_m((x1 + x2) / 2, y2))
    return aside_m <= BESIDE_M + ROUGH_M and -ROUGH_M <= ahead_m <= AHEAD_M + ROUGH_M


def _as_tail(wait: Wait, place: Place | None, path: Path, at_s: float) -> Tail | None:
    row = int(np.abs(path.t_s - at_s).argmin())
    if place is not None and place.seen_m(*path.foot_m[row].tolist())[1] > BESIDE_M + path.body.reach_m:
        return None  # however its body lies
    speed_kmh = float(path.speed_mps(STAND_WINDOW_S)[row]) * 3.6
    if speed_kmh > CRAWL_KMH:
        return None
    ahead = wait.body.ahead[wait.first_row]
    other = body_of(path, lying=ahead)
    if other is None:
        return None
    there = other.only(row)
    gap = there.path.vectors_m(wait.body.centre_px[[wait.first_row]], there.centre_px)[0]
    ahead_m, aside_m = float(gap @ ahead), float(gap @ np.array([-ahead[1], ahead[0]]))
    lengthwise = min(abs(float(other.ahead[row] @ ahead)), 1.0)
    half_m = (lengthwise * other.length_m + (1 - lengthwise**2) ** 0.5 * other.width_m) / 2
    if ahead_m <= 0 or ahead_m > AHEAD_M or abs(aside_m) > BESIDE_M:
        return None
    return Tail(track_id=path.history.track_id, rear_m=ahead_m - half_m, is_standing=speed_kmh <= STAND_KMH)


def _in_waiting_area(body: Body, scene: Scene, row: int) -> bool:
    areas = [a for a in scene.view.site.waiting_areas if "motor" in a.applies_to]
    return any(bool(contains(a.polygon_px, body.centre_px[[row]])[0]) for a in areas)


def _candidate(wait: Wait, tail: Tail, scene: Scene) -> Candidate:
    path, parameters = wait.body.path, scene.view.site.parameters("V16")
    late = path.t_s >= path.t_s[wait.first_row] + float(parameters["stationary_min_s"])
    rows = (wait.entry_row, wait.first_row, int(np.flatnonzero(late)[0]))
    return Candidate(
        violation_id="V16",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows),
        parameters=dict(parameters),
        facts={
            "entered_s": round(float(path.t_s[wait.entry_row + 1]), 2),
            "stood_s": round(float(path.t_s[wait.last_row] - path.t_s[wait.first_row]), 1),
            "share_inside": round(wait.share, 2),
            "queue_track_id": tail.track_id,
            "queue_stood_at_entry": tail.is_standing,
            "room_beyond_m": round(tail.rear_m - wait.beyond_m, 1),
            "vehicle_length_m": wait.body.length_m,
            "scale": scene.view.ground.scale_source,
        },
        cues=("lead_vehicle_breakdown", "collision", "yielding_to_ped", "giving_way_to_emergency_vehicle"),
        region_id=wait.area.id,
    )
