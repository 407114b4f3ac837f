"""What no junction looks like: drawings that contradict themselves, found before they convict or hide anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    from core.site import Lane, Site

OVERLAP = 0.2
"""Neighbouring lanes may overlap by this share of the smaller one: an unsteady hand, not two lanes in one place."""
NEAR = 0.05
"""A stop line ends its lanes: it lies within this share of the picture's width of one of them."""
MOTOR_KINDS = ("motor", "bus", "mixed")


def contradictions(site: Site) -> Iterator[str]:
    """Yields one line for everything drawn that cannot be so."""
    yield from _lanes(site)
    yield from _stop_lines(site)
    for walk in site.crosswalks:
        area = shapely.Polygon(walk.polygon_px)
        if any(not area.intersects(shapely.Polygon(island)) for island in walk.refuge_islands_px):
            yield f"crosswalk '{walk.id}': a refuge island lies beside it; draw islands inside their crosswalk"


def _lanes(site: Site) -> Iterator[str]:
    areas = [(lane, shapely.Polygon(lane.polygon_px)) for lane in site.lanes]
    for (lane, area), (other, beside) in combinations(areas, 2):
        if area.intersection(beside).area > OVERLAP * min(area.area, beside.area):
            yield f"lanes '{lane.id}' and '{other.id}' overlap; draw each up to the line between them"
    for lane, area in areas:
        if lane.heading_px is not None and not shapely.LineString(lane.heading_px).intersects(area):
            yield f"lane '{lane.id}': heading_px lies outside it; draw the arrow inside the lane, along the traffic"


def _stop_lines(site: Site) -> Iterator[str]:
    near_px = NEAR * site.camera.picture_size_px[0]
    for line in site.stop_lines:
        drawn = shapely.LineString(line.points_px)
        if drawn.distance(shapely.Point(line.towards_px)) < 1.0:
            yield f"stop line '{line.id}': towards_px lies on it; give a point inside the junction beyond the line"
        lanes = [lane for lane in site.lanes if _serves(lane, line.applies_to)]
        if lanes and all(drawn.distance(shapely.Polygon(lane.polygon_px)) > near_px for lane in lanes):
            yield f"stop line '{line.id}' lies outside every lane it applies to; draw it across the end of its lanes"


def _serves(lane: Lane, subjects: Sequence[str]) -> bool:
    return (lane.kind in MOTOR_KINDS and "motor" in subjects) or (
        lane.kind in ("nonmotor", "mixed") and "nonmotor" in subjects
    )
