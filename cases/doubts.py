"""Where what the cameras noted contradicts a citizen's claim: reasons to look, with the facts, never a verdict.

What they did not note is neutral. ``PROPOSES`` names the code an officer would give if a doubt is right, and its fact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cases.duplicates import between_m
from cases.office import Office
from cases.report import NewReport
from core.catalogue import Violation, catalogue
from evidence.upload import Capture, Inspection
from evidence.wording import place_zone

TIME_TOLERANCE = timedelta(minutes=10)
"""A claimed and a camera's time further apart are worth a look. Source: domain §4.3 (10 minutes)."""
PLACE_TOLERANCE_M = 500.0
"""A claimed and a camera's place further apart are worth a look: five times a phone's accuracy in streets."""
STATIONARY_MIN_S = 10.0
"""Source: GA/T 832: pictures of a standing vehicle are at least 10 s apart."""
RIDDEN_KMH = 25.0
"""A camera that goes faster sits in a motor vehicle. Source: GB 17761 (an e-bike stops helping at 25 km/h)."""
ACCURACY_M = 50.0
"""How far off a phone says it is, at most. Source: domain §4.2."""
STAMP_S = 1.0
"""EXIF tells whole seconds."""
OUTSIDE, DRIVEN = "report_outside_district", "report_taken_moving"
PROPOSES = {OUTSIDE: ("J09", "outside_district_m"), DRIVEN: ("J14", "camera_speed_kmh")}
"""Who held the camera, and whose the road is, a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One cue for the reviewer, and the values it rests on."""

    cue: str
    facts: dict[str, float]


def find_doubts(claim: NewReport, inspections: Sequence[Inspection], *, office: Office, time_zone: str) -> list[Doubt]:
    """Returns where the cameras' notes contradict a claim."""
    found = [*_other_time(claim, inspections, time_zone), *_other_place(claim, inspections)]
    times = picture_times(inspections, time_zone)
    if times is not None and is_stationary(catalogue().get(claim.violation_id)):
        apart_s = (max(times) - min(times)).total_seconds()
        if apart_s < STATIONARY_MIN_S:
            found.append(Doubt(cue="report_interval_short", facts={"photos_apart_s": round(apart_s, 1)}))
    speed_kmh = camera_kmh([one.capture for one in inspections])
    if speed_kmh >= RIDDEN_KMH:
        found.append(Doubt(cue=DRIVEN, facts={"camera_speed_kmh": round(speed_kmh, 1)}))
    places = [(one.capture.lat_deg, one.capture.lon_deg) for one in inspections]
    outside_m = max(office.outside_m(*place) for place in [(claim.lat_deg, claim.lon_deg), *places])
    if outside_m > 0:
        found.append(Doubt(cue=OUTSIDE, facts={"outside_district_m": round(outside_m)}))
    return found


def camera_kmh(captures: Sequence[Capture]) -> float:
    """Returns how fast the camera went at least: as its receiver says, or from place to place."""
    noted = [capture.speed_kmh for capture in captures if capture.speed_kmh is not None]
    return max([0.0, *noted, *(_pace_kmh(*pair) for pair in pairwise(captures))])


def picture_times(inspections: Sequence[Inspection], time_zone: str) -> list[datetime] | None:
    """Returns when each picture was taken, if every camera noted it; the claim is no clock."""
    times: list[datetime] = []
    for found in inspections:
        taken = taken_utc(found, time_zone)
        if taken is None:
            return None
        times += [taken + timedelta(seconds=still.at_s) for still in found.stills]
    return times if times == sorted(times) else None


def taken_utc(found: Inspection, time_zone: str) -> datetime | None:
    """Returns when a file was made, as its camera noted; a time without offset is the place's."""
    taken = found.capture.taken
    if taken is None:
        return None
    return (taken if taken.tzinfo else taken.replace(tzinfo=place_zone(time_zone))).astimezone(UTC)


def is_stationary(violation: Violation) -> bool:
    """Tells whether an offence is shown by a vehicle that stands."""
    return any(str(role).startswith("T0") for role in violation.evidence.get("roles", []))


def _other_time(claim: NewReport, inspections: Sequence[Inspection], time_zone: str) -> Iterator[Doubt]:
    taken = [moment for moment in (taken_utc(found, time_zone) for found in inspections) if moment is not None]
    apart = max((abs(moment - claim.occurred_utc) for moment in taken), default=timedelta())
    if apart > TIME_TOLERANCE:
        yield Doubt(cue="report_time_differs", facts={"time_differs_s": round(apart.total_seconds())})


def _other_place(claim: NewReport, inspections: Sequence[Inspection]) -> Iterator[Doubt]:
    apart_m = max((_between_m(claim, found.capture) or 0.0 for found in inspections), default=0.0)
    if apart_m > PLACE_TOLERANCE_M:
        yield Doubt(cue="report_place_differs", facts={"place_differs_m": round(apart_m)})


def _pace_kmh(first: Capture, second: Capture) -> float:
    """Returns the least speed that brings a camera from one place to the other, however wrong place and clock are."""
    apart_m = _between_m(first, second)
    if apart_m is None or first.taken is None or second.taken is None:
        return 0.0
    if (first.taken.tzinfo is None) != (second.taken.tzinfo is None):
        return 0.0
    longest_s = abs((second.taken - first.taken).total_seconds()) + STAMP_S
    return max(0.0, apart_m - 2 * ACCURACY_M) / longest_s * 3.6


def _between_m(first: NewReport | Capture, second: Capture) -> float | None:
    if first.lat_deg is None or first.lon_deg is None or second.lat_deg is None or second.lon_deg is None:
        return None
    return between_m((first.lat_deg, first.lon_deg), (second.lat_deg, second.lon_deg))
