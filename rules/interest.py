"""Which rules an actor concerns at all: by its class, and by the drawn parts its boxes came near.

Most actors pass most parts by far off. What no box, grown by its own size, ever reached need not be measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from core.observations import ActorClass, Outcome, TrackHistory
from core.site import Site
from rules.scene import Scene

Rule = Callable[[TrackHistory, Scene], list[Outcome]]
Mask = NDArray[np.bool_]
_Shape = tuple[bool, tuple[tuple[float, float], ...]]

ECHO_S = 2.0
"""Source: rules bridge holes of 1.2 s (region.py)."""
STRIPS = 8
"""Strips a drawn part is cut into, each with its own upright rectangle. Source: fits slanted lanes, design default."""
HULLS = 48
"""Rows are taken together until so many upright rectangles are left. Source: six seconds at 8 fps, design default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """Whom a rule is about, and the drawn parts (things with points_px or polygon_px) it is about.

    ``stand_s``: a rule of standing says how long a stand lasts before it can be an offence; the others judge a way.
    ``echo_s``: how long after crossing a line or leaving a zone a way shows what it was.
    """

    rule: Rule
    classes: tuple[ActorClass, ...]
    parts: Callable[[Site], Sequence[Any]]
    stand_s: Callable[[Site], float] | None = None
    echo_s: float = ECHO_S


class Interests:
    """All interests on one site, in footage pixels."""

    def __init__(self, site: Site, interests: Sequence[Interest]) -> None:
        wanted = [[_points(part) for part in interest.parts(site)] for interest in interests]
        parts = sorted({points for row in wanted for points in row})
        self._cares = np.array([[points in row for points in parts] for row in wanted], np.bool_)
        self._concerns = {c: np.array([c in interest.classes for interest in interests]) for c in ActorClass}
        self._drawn = {c: _Drawn.of(parts, self._cares[rows].any(axis=0)) for c, rows in self._concerns.items()}

    def of(self, history: TrackHistory) -> Mask:
        """Returns which rules (R,) an actor concerns."""
        near = self._drawn[history.class_id].near(history)
        asked: Mask = self._concerns[history.class_id] & (self._cares & near).any(axis=1)
        return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """The parts one class may concern, ``rows`` of all P, as pieces. Shapes: bounds (4, K), starts (P',)."""

    count: int
    rows: NDArray[np.int64]
    bounds: NDArray[np.float32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, parts: Sequence[_Shape], wanted: Mask) -> _Drawn:
        """Returns the wanted ones (P,) of some parts."""
        rows = np.flatnonzero(wanted)
        pieces = [_pieces(parts[row]) for row in rows.tolist()]
        bounds = np.concatenate([np.zeros((0, 4)), *pieces]).T
        starts = np.cumsum([0, *map(len, pieces)])[:-1]
        return cls(count=len(parts), rows=rows, bounds=bounds.astype(np.float32), starts=starts)

    def near(self, history: TrackHistory) -> Mask:
        """Returns which of all parts (P,) an actor came near."""
        near = np.zeros(self.count, np.bool_)
        if len(history) and len(self.rows):
            hulls = _hulls(history.xyxy)
            whole = np.concatenate((hulls[:2].min(axis=1), hulls[2:].max(axis=1)))
            hit = _touch(whole[:, None], self.bounds)
            hit[hit] = _touch(hulls[..., None], self.bounds[:, hit]).any(axis=0)
            near[self.rows] = np.logical_or.reduceat(hit, self.starts)
        return near


def _touch(one: NDArray[np.float32], other: NDArray[np.float32]) -> Mask:
    """Returns which upright rectangles (4, ...) touch which others."""
    touch: Mask = (one[0] <= other[2]) & (one[2] >= other[0]) & (one[1] <= other[3]) & (one[3] >= other[1])
    return touch


def _hulls(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns upright rectangles (4, K) that together hold every box grown by its size and the way between two."""
    corners = boxes.T.copy()
    sizes = corners[2:] - corners[:2]
    low, high = corners[:2] - sizes, corners[2:] + sizes
    if len(boxes) > 1:
        low, high = np.minimum(low[:, 1:], low[:, :-1]), np.maximum(high[:, 1:], high[:, :-1])
    starts = np.arange(0, low.shape[1], -(-low.shape[1] // HULLS))
    return np.concatenate((np.minimum.reduceat(low, starts, axis=1), np.maximum.reduceat(high, starts, axis=1)))


def _points(part: Any) -> _Shape:
    """Returns a part's shape as a value: whether it is an area, and its points."""
    is_area = hasattr(part, "polygon_px")
    return is_area, tuple(part.polygon_px if is_area else part.points_px)


@lru_cache(maxsize=1024)
def _pieces(points: _Shape) -> NDArray[np.float64]:
    """Returns upright rectangles (K, 4) that together hold a drawn part, and a pixel more."""
    is_area, corners = points
    shape = shapely.make_valid(shapely.Polygon(corners)) if is_area else shapely.LineString(corners)
    left, top, right, bottom = shape.bounds
    edges = np.linspace(top - 1, bottom + 1, STRIPS + 1)
    strips = shapely.box(left - 1, edges[:-1], right + 1, edges[1:])
    bounds: NDArray[np.float64] = shapely.bounds(shapely.intersection(shape, strips))
    grown: NDArray[np.float64] = bounds[np.isfinite(bounds).all(axis=1)] + np.array([-1.0, -1.0, 1.0, 1.0])
    return grown
