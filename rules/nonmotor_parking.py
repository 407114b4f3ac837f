"""V10 bicycles and e-bikes parked where they may not stand: a work order for the place, not a fine.

Legal elements (RTSL 59): non-motor vehicles park in the places provided; where there are none, without
obstructing others.
Checked here: footprint inside a drawn non-motor zone (sidewalk, tactile paving, fire lane, entrance), not in
a marked non-motor bay, unmoved for the zone's time with nobody waiting beside it, and as many together as
make a work order. One candidate stands for the cluster: its longest-standing member.
A human checks: riders nearby, deliveries, the operator loading bikes, e-bike or motorcycle.
Known traps: a rider who stays seated (one box with the machine), bikes hidden behind bikes (counted once).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.geometry import share_inside
from core.observations import ActorClass, Candidate, Outcome, Role, TrackHistory
from core.site import NonmotorZone, Site
from rules.ground import Path
from rules.parking import footprint, is_in_bay, settled, stands
from rules.region import middle_row
from rules.scene import TWO_WHEELERS, Scene, class_cues, moments

BESIDE_S = 20.0
"""A person this long beside a bike in the last minute belongs to it. Source: walking past takes 3 s, design default."""
LATER_S = 5.0
"""Whether enough stand together by now is asked this often. Source: a work order has time, the officers' queue 5 s."""
LAST_S = 60.0
"""The minute before T1 that is searched for a rider. Source: t_candidate_s of V08, violations.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One two-wheeler standing in a zone: rows of its path, share of its footprint inside."""

    path: Path
    first: int
    last: int
    share: float

    @property
    def start_s(self) -> float:
        """Session second at which it stood."""
        return float(self.path.t_s[self.first])

    @property
    def end_s(self) -> float:
        """Session second at which it was last seen standing."""
        return float(self.path.t_s[self.last])


def nonmotor_parking(history: TrackHistory, scene: Scene) -> list[Outcome]:
    """Returns the work order one two-wheeler stands for, if it is the first of enough of them."""
    site = scene.view.site
    if not site.is_enabled("V10") or not site.nonmotor_zones or not _is_subject(history, scene):
        return []
    candidates = (_judge(history, zone, scene) for zone in site.nonmotor_zones)
    return [c for c in candidates if c is not None]


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule."""
    return [] if site.nonmotor_zones else ["draw nonmotor_zones"]


def least_left_s(site: Site) -> float:
    """Returns the shortest threshold of a site's zones, seconds; endless without one."""
    usual_s = float(site.parameters("V10")["t_confirm_s"])
    return min((zone.confirm_s or usual_s for zone in site.nonmotor_zones), default=inf)


def _is_subject(history: TrackHistory, scene: Scene) -> bool:
    return history.class_id in TWO_WHEELERS and scene.view.subject_of(history.class_id) == "nonmotor"


def _judge(history: TrackHistory, zone: NonmotorZone, scene: Scene) -> Candidate | None:
    parameters = scene.view.site.parameters("V10")
    needed_s = zone.confirm_s or float(parameters["t_confirm_s"])
    own = _stay_of(history, zone, scene, needed_s)
    if own is None:
        return None
    others = (t for t in scene.tracks if t.track_id != history.track_id and _is_subject(t, scene))
    stays = [s for s in (_stay_of(t, zone, scene, needed_s) for t in others) if s is not None]
    together = [own, *(s for s in stays if s.start_s <= own.end_s and s.end_s >= own.start_s)]
    enough = int(parameters["min_cluster_size_for_workorder"])
    first = min(together, key=lambda s: (s.start_s, s.path.history.track_id))
    if len(together) < enough or first is not own:
        scene.look_again(history, own.end_s + LATER_S)
        return None
    confirmed_s = sorted(s.start_s + needed_s for s in together)[enough - 1]
    return _candidate(own, zone, scene, confirmed_s=confirmed_s, together=len(together))


def _stay_of(history: TrackHistory, zone: NonmotorZone, scene: Scene, needed_s: float) -> Stay | None:
    return scene.once(("V10 stay", history.track_id, zone.id), lambda: _stay(history, zone, scene, needed_s))


def _stay(history: TrackHistory, zone: NonmotorZone, scene: Scene, needed_s: float) -> Stay | None:
    """Returns the stay in the zone that lasted long enough with no rider beside it, None without one."""
    if history.duration_s < needed_s:
        return None
    rest = scene.view.site.parameters("V08")
    max_shift_m, gap_s = float(rest["max_shift_m"]), float(rest["occlusion_tolerance_s"])
    path = scene.path(history)
    for start, last in stands(path, max_shift_m, gap_s):
        first = settled(path, start, last, max_shift_m)
        if path.t_s[last] - path.t_s[first] < needed_s:
            continue
        place = footprint(path, first, last)
        share = share_inside(zone.polygon_px, place)
        is_bad_place = share >= float(rest["overlap_with_zone_min"]) and not is_in_bay(
            scene.view.site, "nonmotor", place
        )
        stay = Stay(path=path, first=first, last=last, share=share)
        if is_bad_place and not _has_rider(stay, scene):
            return stay
    return None


def _has_rider(stay: Stay, scene: Scene) -> bool:
    """Tells whether somebody kept beside the machine during the last minute of its stay."""
    near_m = float(scene.view.site.parameters("V10")["no_rider_within_m"])
    box = np.median(stay.path.boxes[stay.first : stay.last + 1], axis=0)
    place = np.array([(box[0] + box[2]) / 2, box[3]])
    for other in scene.tracks:
        if other.class_id is not ActorClass.PERSON or len(other) < 3:
            continue
        walker = scene.path(other)
        is_then = (walker.t_s >= stay.end_s - LAST_S) & (walker.t_s <= stay.end_s)
        beside = walker.t_s[is_then & (walker.away_m(place) <= near_m)]
        if len(beside) and beside[-1] - beside[0] >= BESIDE_S:
            return True
    return False


def _candidate(stay: Stay, zone: NonmotorZone, scene: Scene, *, confirmed_s: float, together: int) -> Candidate | None:
    path, parameters = stay.path, scene.view.site.parameters("V10")
    late = int(np.searchsorted(path.t_s, confirmed_s))
    if late > stay.last:
        return None
    rows = (stay.first, middle_row(path, stay.first, late), late)
    roles = (Role.T0_OVERVIEW, Role.P2_DURING, Role.T1_OVERVIEW)
    return Candidate(
        violation_id="V10",
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows, roles=roles),
        parameters={**parameters, "confirm_s": zone.confirm_s or parameters["t_confirm_s"], "zone_kind": zone.kind},
        facts={
            "stood_s": round(stay.end_s - stay.start_s, 1),
            "standing_together": together,
            "share_in_zone": round(stay.share, 2),
            "shift_m": round(path.shift_m(stay.first, late), 2),
            "scale": scene.view.ground.scale_source,
        },
        cues=(*class_cues(path.history), "rider_present", "delivery_short_stop", "being_loaded_by_operator"),
        region_id=zone.id,
    )
