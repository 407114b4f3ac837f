"""How a track lies to drawn areas, in metres on the local scale: how deep inside, how far beside, how far across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from core.geometry import contains
from core.site import Lane, Point
from rules.ground import Path, dots, lengths
from rules.smoothing import SLACK_S

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Arrow = tuple[Point, Point]

SEAM_M = 0.3
"""Lanes drawn this near each other touch. Source: two painted line widths, GB 5768.3 (0.10 to 0.15 m each)."""
GAP_S = 1.2
"""A hole this short in a run of rows is a missed frame. Source: two frames at 2 Hz, the slowest rate supported."""
COURSE_S = 1.2
"""Course and speed are taken over this window. Source: three frames at 2 Hz, the slowest rate supported."""


def union_of(path: Path, polygons_px: Iterable[Sequence[Point]]) -> shapely.Geometry:
    """Returns the area that drawn polygons cover together; the seams between neighbours are closed."""
    seam_px = SEAM_M / 2 * float(np.median(path.scale_px_per_m[:, 0]))
    return _joined(tuple(tuple(p) for p in polygons_px), round(seam_px, 0))


@lru_cache(maxsize=256)
def _joined(polygons_px: tuple[tuple[Point, ...], ...], seam_px: float) -> shapely.Geometry:
    """Returns polygons grown by half a seam, joined and shrunk again; the same few areas are asked for all day."""
    grown = [shapely.Polygon(p).buffer(seam_px, join_style="mitre") for p in polygons_px]
    area = shapely.unary_union(grown).buffer(-seam_px, join_style="mitre")
    shapely.prepare(area)
    return area


def is_inside(area: shapely.Geometry, points_px: Array) -> Mask:
    """Returns for each point (N, 2) whether it lies in the area."""
    return np.asarray(shapely.contains_xy(area, points_px[:, 0], points_px[:, 1]), dtype=np.bool_)


def reach_m(path: Path, area: shapely.Geometry) -> Array:
    """Returns the vector (N, 2) from every foot point to the nearest point of the area's edge, metres."""
    count = len(path.t_s)
    best = np.full((count, 2), np.inf)
    for ring in _rings(area):
        seen = _seen_m(path, shapely.get_coordinates(ring))
        start, edge = seen[:, :-1], seen[:, 1:] - seen[:, :-1]
        share = -dots(start, edge) / np.maximum(dots(edge, edge), 1e-12)
        points = start + np.minimum(np.maximum(share, 0), 1)[..., None] * edge
        nearest = points[np.arange(count), np.hypot(points[..., 0], points[..., 1]).argmin(axis=1)]
        closer = lengths(nearest) < lengths(best)
        best[closer] = nearest[closer]
    return best


def depth_m(path: Path, area: shapely.Geometry) -> Array:
    """Returns how deep (N,) the foot point lies inside the area, metres; negative: how far outside."""
    distance = lengths(reach_m(path, area))
    return np.where(is_inside(area, path.foot_px), distance, -distance)


def steps_m(path: Path) -> Array:
    """Returns the step (N, 2) that led to each row, metres on the local scale; the first is zero."""
    before = np.maximum(np.arange(len(path.t_s)) - 1, 0)
    return path.once("steps", lambda: path.vectors_m(path.foot_px[before], path.foot_px))


def way_m(path: Path, arrow_px: Arrow) -> tuple[Array, Array]:
    """Returns the way made so far along and across an arrow drawn in the picture, (N,) each, metres, signed."""
    arrow = path.arrow_m(arrow_px)
    unit = arrow / np.maximum(lengths(arrow), 1e-9)[:, None]
    steps = steps_m(path)
    along: Array = np.cumsum(dots(steps, unit))
    across: Array = np.cumsum(steps[:, 1] * unit[:, 0] - steps[:, 0] * unit[:, 1])
    return along, across


def off_axis_deg(path: Path, arrow_px: Arrow) -> Array:
    """Returns the angle (N,) 0-90 between the course and an arrow's axis, whichever way along it."""
    angle = path.heading_deg(arrow_px, path.velocity_mps(COURSE_S))
    return np.minimum(angle, 180.0 - angle)


def lane_at(path: Path, lanes: Sequence[Lane]) -> NDArray[np.int64]:
    """Returns for each row the index of the lane the foot point is in, -1 outside all."""
    found = np.full(len(path.t_s), -1, np.int64)
    for index, lane in enumerate(lanes):
        found[contains(lane.polygon_px, path.foot_px) & (found < 0)] = index
    return found


def runs(mask: Mask, t_s: Array, gap_s: float = GAP_S) -> list[tuple[int, int]]:
    """Returns (first, last) row of every run of true rows; holes up to ``gap_s`` are bridged.

    >>> runs(np.array([True, True, False, True]), np.array([0.0, 0.5, 3.0, 9.0]))
    [(0, 1), (3, 3)]
    """
    rows = np.flatnonzero(mask)
    if not len(rows):
        return []
    seen_s = t_s[rows]
    breaks = np.flatnonzero(seen_s[1:] - seen_s[:-1] > gap_s + SLACK_S)
    firsts, lasts = [int(rows[0]), *rows[breaks + 1].tolist()], [*rows[breaks].tolist(), int(rows[-1])]
    return list(zip(firsts, lasts, strict=True))


def middle_row(path: Path, first: int, last: int) -> int:
    """Returns the row half-way in time between two rows."""
    return first + int(np.abs(path.t_s[first : last + 1] - (path.t_s[first] + path.t_s[last]) / 2).argmin())


def is_still_going(path: Path, last: int) -> bool:
    """Tells whether a run reaches the newest row of an actor still in sight: its end is not known yet."""
    return not path.history.is_finished and last == len(path.t_s) - 1


def _seen_m(path: Path, points_px: Array) -> Array:
    """Returns the vectors (N, K, 2) from every foot point to drawn picture points (K, 2), metres."""
    if path.ground.matrix is not None:
        return path.ground.drawn_m(points_px) - path.foot_m[:, None]
    vectors: Array = (points_px - path.foot_px[:, None]) / path.scale_px_per_m[:, None]
    return vectors


def _rings(area: shapely.Geometry) -> list[shapely.LinearRing]:
    polygons = [p for p in shapely.get_parts(area) if isinstance(p, shapely.Polygon) and not p.is_empty]
    return [ring for p in polygons for ring in (p.exterior, *p.interiors)]
