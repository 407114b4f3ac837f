"""V08 illegal parking, driver absent or not known.

Legal elements (RTSL 56, 93; Reg 63): standing where stopping is forbidden, longer than the zone allows,
obstructing. Two overviews at least the zone's threshold apart (never below 10 s, GA/T 832) show no move.
Checked here: share of the footprint inside the zone, dwell through occlusions and detector gaps, shift
between T0 and T1, the zone's schedule, marked bays; time spent queueing for a red lamp does not count, and a stand
behind another vehicle that nothing passes stays open (rules/queueing.py).
A human checks: driver present, breakdown, vehicles on duty, loading windows. V09 (driver
present, told to leave, stays) is not proposed and cannot be switched on: nobody sees from a pole who sits
inside or what was said; the reviewer of a V08 case decides.
Known traps: queueing traffic, short boarding, a second car taking the place of the first.
"""

from __future__ import annotations

from datetime import datetime, time
from math import inf

import numpy as np

from core.geometry import share_inside
from core.observations import Candidate, Outcome, Role, TrackHistory
from core.site import NoStopZone, Site, Subject
from rules.ground import Path
from rules.queueing import stay
from rules.scene import FOUR_WHEELERS, Scene, moments, undecided
from rules.standing import half_s, steady_mps, steady_px

FOOTPRINT_SHARE = 0.4
"""Lower part of a box that stands for the footprint. Source: half the foreshortened length, ground.py at 24 degrees."""

BAY_SHARE = 0.5
"""Standing in a bay: half the footprint. Source: as V08 overlap_with_zone_min, violations.yaml."""
LATER_S = 60.0
"""Whether a zone has come into force is asked this often. Source: schedules are written in minutes."""
AGAIN_SHARE = 0.1
"""Whether traffic passed what may queue is asked again when it has stood this much longer. Source: 6 s in a minute."""
Rectangle = tuple[float, float, float, float]


def parking(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the parking candidate of one vehicle."""
    if history.class_id not in FOUR_WHEELERS or not scene.view.site.is_enabled("V08"):
        return []
    zones = scene.view.site.no_stop_zones
    if not zones or history.duration_s < min(confirm_s(z, scene) for z in zones):
        return []
    path = scene.path(history)
    candidates = (_judge(path, zone, scene) for zone in zones)
    first = next((c for c in candidates if c is not None), None)
    return [] if first is None else [first]


def confirm_s(zone: NoStopZone, scene: Scene) -> float:
    """Returns the zone's threshold, seconds: its own, else the catalogue's for its kind."""
    return zone.confirm_s or float(scene.view.site.parameters("V08")["t_confirm_s"][zone.kind])


def least_parked_s(site: Site) -> float:
    """Returns the shortest threshold of a site's zones, seconds; endless without one."""
    kinds = site.parameters("V08")["t_confirm_s"]
    return min((zone.confirm_s or float(kinds[zone.kind]) for zone in site.no_stop_zones), default=inf)


def is_in_force(zone: NoStopZone, local: datetime | None) -> bool:
    """Tells whether the zone applies at a local time; a schedule with an unknown clock does not convict.

    >>> from core.site import NoStopZone, Site, Subject
    >>> zone = NoStopZone(id="z", polygon_px=[(0, 0), (1, 0), (1, 1)], schedule="22:00-06:00")
    >>> is_in_force(zone, datetime(2026, 1, 1, 23, 0)), is_in_force(zone, datetime(2026, 1, 1, 12, 0))
    (True, False)
    """
    if zone.schedule == "always":
        return True
    if local is None:
        return False
    start, end = (time.fromisoformat(part) for part in zone.schedule.split("-"))
    now = local.time()
    return start <= now < end if start < end else now >= start or now < end


def _judge(path: Path, zone: NoStopZone, scene: Scene) -> Outcome | None:
    parameters = scene.view.site.parameters("V08")
    needed_s, max_shift_m = confirm_s(zone, scene), float(parameters["max_shift_m"])
    if not is_in_force(zone, scene.local_time(path.t_s[-1])):
        scene.look_again(path.history, path.t_s[-1] + LATER_S)
        return None
    for start, last in stands(path, max_shift_m, float(parameters["occlusion_tolerance_s"])):
        first = settled(path, start, last, max_shift_m)
        if path.t_s[last] - path.t_s[first] < needed_s:
            _look_again(path, last, needed_s - float(path.t_s[last] - path.t_s[first]), scene)
            continue
        place = footprint(path, first, last)
        share = share_inside(zone.polygon_px, place)
        if share < float(parameters["overlap_with_zone_min"]) or is_in_bay(scene.view.site, "motor", place):
            continue
        meaning = stay(path, first, last, scene)
        late = int(np.searchsorted(meaning.free_s, needed_s))
        if late > last:
            _look_again(path, last, needed_s - float(meaning.free_s[last]), scene)
            continue
        if meaning.may_be_jam:
            _look_again(path, last, AGAIN_SHARE * float(path.t_s[last] - path.t_s[first]), scene)
            reason = "the vehicle ahead stood too and nothing passed: it may have been queueing"
            return undecided("V08", path.history, late, reason)
        middle = int(np.searchsorted(path.t_s, (path.t_s[first] + path.t_s[late]) / 2))
        rows = (first, middle, late)
        roles = (Role.T0_OVERVIEW, Role.P2_DURING, Role.T1_OVERVIEW)
        return Candidate(
            violation_id="V08",
            track_id=path.history.track_id,
            subject=path.history.class_id,
            moments=moments(path, rows, roles=roles),
            parameters={**parameters, "confirm_s": needed_s, "zone_kind": zone.kind},
            facts={
                "stood_s": round(float(path.t_s[last] - path.t_s[first]), 1),
                "could_drive_on_s": round(float(meaning.free_s[last]), 1),
                "still_there": bool(last == len(path.t_s) - 1 and not path.history.is_finished),
                "share_in_zone": round(share, 2),
                "shift_m": round(path.shift_m(first, late), 2),
                "scale": scene.view.ground.scale_source,
            },
            cues=("queue_for_signal_or_jam", "breakdown_with_triangle", "passenger_boarding_under_threshold"),
            region_id=zone.id,
        )
    return None


def _look_again(path: Path, last: int, in_s: float, scene: Scene) -> None:
    """Asks to see a stand that goes on again when it may have lasted long enough."""
    if last == len(path.t_s) - 1:
        scene.look_again(path.history, float(path.t_s[last]) + in_s)


def footprint(path: Path, first: int, last: int) -> Rectangle:
    """Returns the lower part of the box a standing actor keeps, in picture points."""
    x1, y1, x2, y2 = (float(v) for v in np.median(path.boxes[first : last + 1], axis=0))
    return x1, y2 - FOOTPRINT_SHARE * (y2 - y1), x2, y2


def is_in_bay(site: Site, subject: Subject, place: Rectangle) -> bool:
    """Tells whether a footprint lies mostly in one marked bay for this subject: parking there is legal."""
    bays = (bay for bay in site.parking_bays if subject in bay.applies_to)
    return any(share_inside(bay.polygon_px, place) >= BAY_SHARE for bay in bays)


def stands(path: Path, max_shift_m: float, gap_s: float) -> list[tuple[int, int]]:
    """Returns (first, last) rows of each stay within ``max_shift_m`` of where it began, gaps up to ``gap_s``."""
    slow, place_px = np.flatnonzero(steady_mps(path) <= max_shift_m), steady_px(path)
    holes = np.r_[np.diff(path.t_s) > gap_s, False]
    spans: list[tuple[int, int]] = []
    row = 0
    while len(later := slow[slow >= row]):
        start = int(later[0])
        came = int(np.searchsorted(path.t_s, path.t_s[start] + 2 * half_s(path)[start]))
        begin = np.median(path.foot_px[start : came + 1], axis=0)
        way = path.vectors_m(np.broadcast_to(begin, place_px.shape), place_px)
        is_leaving = np.linalg.norm(way, axis=1) > 2 * max_shift_m
        ends = np.flatnonzero((holes | is_leaving)[start:])
        spans.append((start, start + int(ends[0]) if len(ends) else len(place_px) - 1))
        row = spans[-1][1] + 1
    return spans


def settled(path: Path, start: int, last: int, max_shift_m: float) -> int:
    """Returns the first row at the place where the vehicle then stays: T0 is taken standing, not rolling in."""
    away_m = path.away_m(np.median(path.foot_px[start : last + 1], axis=0))
    near = np.flatnonzero(away_m[start : last + 1] <= max_shift_m)
    return start + int(near[0]) if len(near) else last
