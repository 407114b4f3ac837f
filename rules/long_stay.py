"""Who stands where for days: the stay of one vehicle, put together from looks that may lie hours apart.

A vehicle seen again is the same one if it stands within ``max_shift_m`` of where it came to stand, is as large, and
plate and colours do not contradict. Time in which nobody looked is counted apart from time it was seen standing. A stay
ends when the vehicle drives off, when another stands on its spot, when the spot was seen empty, or when nobody saw it
for too long: whoever comes back afterwards begins a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from core.geometry import iou, share_inside
from core.observations import ActorClass, Role, TrackHistory
from core.site import LongStayZone, Site
from core.time import NS_PER_S
from rules.parking import FOOTPRINT_SHARE
from rules.scene import FOUR_WHEELERS, SiteView

Box = tuple[float, float, float, float]
HOUR_NS = 3600 * NS_PER_S
"""Source: the hour of the clock."""
STILL_NS = 10 * NS_PER_S
"""A vehicle stands if it kept its place this long. Source: time between two pictures of what stands, GA/T 832."""
STILL_IOU = 0.8
"""So much do its earlier and later boxes overlap then. Source: 0.5 m (max_shift_m) of a car 4.5 m long."""
SPOT_M = 1.0
"""Two vehicles cannot stand with their middles nearer than this. Source: half the width of a car, 1.8 m."""
SIZE_RATIO = 1.4
"""Boxes of one standing vehicle differ in area by less. Source: 8 % jitter of each side, twice, design default."""
COVERED_SHARE = 0.25
"""A spot hidden by another box to this share tells nothing. Source: design default."""
WATCHED_NS = 120 * NS_PER_S
"""Looks nearer than this are one sighting. Source: four times the pipeline's interval between looks."""
EMPTY_NS = 600 * NS_PER_S
"""A spot is empty when nothing was found there this long. Source: the longest stop V08 knows, violations.yaml."""
EMPTY_LOOKS = 10
"""And at this many looks. Source: nine of ten detections may be missed at night; design default."""
UNREAD_NS = 15 * HOUR_NS
"""Longest unseen gap without a plate on both sides. Source: the longest night at 34 degrees north is 14 h."""
READ_NS = 72 * HOUR_NS
"""Longest unseen gap with the same plate on both sides. Source: a long weekend without the camera, design default."""
COLOUR_DOUBT = 0.35
"""Colours of one vehicle differ less between two pictures (natural logarithm). Source: design default."""


class Likeness(StrEnum):
    """What two portraits say to each other."""

    SAME = "same"
    OTHER = "other"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """What a picture tells of a vehicle: its plate, "" if unread, and the colours of its parts beside the ground's."""

    plate: str = ""
    colours: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture kept of a stay."""

    role: Role
    utc_ns: int
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One vehicle on one spot. Times are ns since 1970, ``box`` is where it came to stand, in picture points."""

    stay_id: str
    zone_id: str
    class_id: ActorClass
    box: Box
    begun_ns: int
    last_ns: int
    seen_ns: int = 0
    unseen_ns: int = 0
    longest_unseen_ns: int = 0
    hours: int = 1
    """Different hours in which it was seen standing: the observations of violations.yaml."""
    last_hour: int = 0
    days: tuple[int, ...] = ()
    """Different days of the place's calendar, as proleptic ordinals."""
    shift_m: float = 0.0
    """Farthest it was found from where it came to stand."""
    portrait: Portrait | None = None
    shots: tuple[Shot, ...] = ()
    bare_ns: int | None = None
    bare_looks: int = 0

    @property
    def longest_gap_ns(self) -> int:
        """How long it may stay unseen."""
        return READ_NS if self.portrait and self.portrait.plate else UNREAD_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A vehicle that stands now; ``pts_ns`` is the session time of its last row."""

    track: TrackHistory
    zone_id: str
    box: Box
    pts_ns: int = field(compare=False)


def standing(track: TrackHistory, site: Site) -> Standing | None:
    """Returns a vehicle as standing in public space, None when it does not."""
    if track.class_id not in FOUR_WHEELERS or track.is_finished or not len(track):
        return None
    rows = np.flatnonzero(track.pts_ns >= track.pts_ns[-1] - STILL_NS)
    if len(rows) < 2 or 2 * int(track.pts_ns[-1] - track.pts_ns[rows[0]]) < STILL_NS:
        return None
    early, late = np.array_split(track.xyxy[rows], 2)
    if float(iou(np.median(early, axis=0), np.median(late, axis=0))[0, 0]) < STILL_IOU:
        return None
    x1, y1, x2, y2 = (float(v) for v in np.median(track.xyxy[rows], axis=0))
    zone = zone_of((x1, y1, x2, y2), site)
    if zone is None:
        return None
    return Standing(track=track, zone_id=zone.id, box=(x1, y1, x2, y2), pts_ns=int(track.pts_ns[-1]))


def zone_of(box: Box, site: Site) -> LongStayZone | None:
    """Returns the public space a vehicle stands in; None outside, and where long stays are permitted."""
    x1, y1, x2, y2 = box
    foot = (x1, y2 - FOOTPRINT_SHARE * (y2 - y1), x2, y2)
    least = float(site.parameters("V08")["overlap_with_zone_min"])
    within = [z for z in site.long_stay_zones if share_inside(z.polygon_px, foot) >= least]
    return None if any(z.kind == "permitted" for z in within) else next(iter(within), None)


def shift_m(class_id: ActorClass, one: Box, other: Box, view: SiteView) -> float:
    """Returns how far apart two places of one vehicle are on the ground, metres."""
    rows = TrackHistory(
        track_id=0,
        class_id=class_id,
        class_share=1.0,
        pts_ns=np.array([0, HOUR_NS]),
        xyxy=np.array([one, other], np.float32),
        confidence=np.ones(2, np.float32),
        is_finished=True,
    )
    return view.ground.path(rows).shift_m(0, 1)


def size_ratio(one: Box, other: Box) -> float:
    """Returns the area of one box by that of another.

    >>> size_ratio((0, 0, 20, 10), (0, 0, 10, 10))
    2.0
    """
    return (one[2] - one[0]) * (one[3] - one[1]) / max((other[2] - other[0]) * (other[3] - other[1]), 1e-9)


def covered(spot: Box, other: Box) -> float:
    """Returns the share of a spot another box hides.

    >>> covered((0, 0, 10, 10), (5, 0, 20, 10))
    0.5
    """
    wide = min(spot[2], other[2]) - max(spot[0], other[0])
    high = min(spot[3], other[3]) - max(spot[1], other[1])
    return max(wide, 0) * max(high, 0) / max((spot[2] - spot[0]) * (spot[3] - spot[1]), 1e-9)


def compared(known: Portrait, now: Portrait) -> Likeness:
    """Returns whether two portraits may be of one vehicle; one character of a plate may be misread.

    >>> compared(Portrait(plate="苏C12345"), Portrait(plate="苏C12845")).value
    'unclear'
    >>> compared(Portrait(plate="苏C12345"), Portrait(plate="苏C98765")).value
    'other'
    """
    if known.plate and now.plate and known.plate != now.plate:
        is_near = len(known.plate) == len(now.plate)
        wrong = sum(a != b for a, b in zip(known.plate, now.plate, strict=False))
        return Likeness.UNCLEAR if is_near and wrong == 1 else Likeness.OTHER
    if known.plate and known.plate == now.plate:
        return Likeness.SAME
    if known.colours and now.colours:
        away = float(np.mean(np.abs(np.subtract(known.colours, now.colours))))
        return Likeness.OTHER if away > COLOUR_DOUBT else Likeness.SAME
    return Likeness.SAME


def begun(name: str, seen: Standing, now_ns: int, site: Site) -> Stay:
    """Returns the stay of a vehicle first seen standing now."""
    return Stay(
        stay_id=name,
        zone_id=seen.zone_id,
        class_id=seen.track.class_id,
        box=seen.box,
        begun_ns=now_ns,
        last_ns=now_ns,
        last_hour=now_ns // HOUR_NS,
        days=(_day(now_ns, site),),
    )


def gone_on(stay: Stay, now_ns: int, shift: float, site: Site) -> Stay:
    """Returns a stay with the vehicle seen once more."""
    gap, day, hour = now_ns - stay.last_ns, _day(now_ns, site), now_ns // HOUR_NS
    is_watched = gap <= WATCHED_NS
    return replace(
        stay,
        last_ns=now_ns,
        seen_ns=stay.seen_ns + (gap if is_watched else 0),
        unseen_ns=stay.unseen_ns + (0 if is_watched else gap),
        longest_unseen_ns=stay.longest_unseen_ns if is_watched else max(gap, stay.longest_unseen_ns),
        hours=stay.hours + (hour != stay.last_hour),
        last_hour=hour,
        days=stay.days if stay.days and stay.days[-1] == day else (*stay.days, day),
        shift_m=max(stay.shift_m, shift),
        bare_ns=None,
        bare_looks=0,
    )


def bare(stay: Stay, now_ns: int) -> Stay:
    """Returns a stay whose spot showed nothing at one more look."""
    first = now_ns if stay.bare_ns is None else stay.bare_ns
    return replace(stay, bare_ns=first, bare_looks=stay.bare_looks + 1)


def is_bare(stay: Stay, now_ns: int) -> bool:
    """Tells whether a spot showed nothing for so long that the vehicle is gone, if the picture shows anything."""
    return stay.bare_ns is not None and stay.bare_looks >= EMPTY_LOOKS and now_ns - stay.bare_ns >= EMPTY_NS


def _day(utc_ns: int, site: Site) -> int:
    moment = datetime.fromtimestamp(utc_ns // NS_PER_S, UTC).astimezone(ZoneInfo(site.time_zone))
    return moment.toordinal()
