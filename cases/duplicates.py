"""Has this been reported before? By plate, time and place, or by the pictures themselves."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from cases.report import NewReport, ReportRecord

WITHIN = timedelta(minutes=10)
WITHIN_M = 200.0
"""Source: domain §4.3 (same plate, same violation, 10 minutes, 200 m)."""
PHASH_BITS = 6
"""Two 64-bit perceptual hashes this close are one picture, renamed, scaled or re-encoded.

Source: measured in tests/unit/cases/test_duplicates.py: re-encoded and scaled copies differ by at most 4 bits.
"""
SAME_PICTURES_MIN = 2
"""So many pictures must be found again: one alone may be chance (a dark street, a wall)."""
PLAIN_BITS = 12
"""A picture without structure (black, white) has nearly all bits alike: it proves nothing."""
EARTH_RADIUS_M = 6_371_000.0


def distance_m(first: NewReport, second: NewReport) -> float | None:
    """Returns the distance between two claims; None when either has no coordinates."""
    if first.lat_deg is None or first.lon_deg is None or second.lat_deg is None or second.lon_deg is None:
        return None
    return between_m((first.lat_deg, first.lon_deg), (second.lat_deg, second.lon_deg))


def between_m(first_deg: tuple[float, float], second_deg: tuple[float, float]) -> float:
    """Returns the great-circle distance of two (latitude, longitude).

    >>> round(between_m((34.0, 118.0), (34.001, 118.0)))
    111
    """
    lat1, lon1, lat2, lon2 = (math.radians(v) for v in (*first_deg, *second_deg))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


def same_claim(report: ReportRecord, earlier: Iterable[ReportRecord]) -> str | None:
    """Returns the id of an earlier report about the same offence."""
    if not report.claim.plate:
        return None
    for other in earlier:
        apart_m = distance_m(report.claim, other.claim)
        is_near = report.claim.place == other.claim.place if apart_m is None else apart_m <= WITHIN_M
        if is_near:
            return other.report_id
    return None


def same_pictures(phashes: Sequence[str], marks: Iterable[tuple[str, str]]) -> str | None:
    """Returns the id of the first earlier report that holds these pictures; ``marks`` are (report id, hash)."""
    telling = [int(text, 16) for text in phashes if _is_telling(text)]
    needed = min(SAME_PICTURES_MIN, len(phashes))
    found: dict[str, set[int]] = defaultdict(set)
    for report_id, text in marks:
        known = int(text, 16)
        for number, mark in enumerate(telling):
            if (mark ^ known).bit_count() <= PHASH_BITS:
                found[report_id].add(number)
    return next((report_id for report_id in sorted(found) if len(found[report_id]) >= needed), None)


def _is_telling(phash: str) -> bool:
    ones = int(phash, 16).bit_count()
    return PLAIN_BITS <= ones <= 64 - PLAIN_BITS
