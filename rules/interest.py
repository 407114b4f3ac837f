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

STRIPS = 8
"""Strips a drawn part is cut into, each with its own upright rectangle. Source: fits slanted lanes, design default."""
HULLS = 48
"""Rows are taken together until so many upright rectangles are left. Source: six seconds at 8 fps, design default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """Whom a rule is about, and the drawn parts (things with points_px or polygon_px) it is about.

    ``stand_s``: a rule of standing says how long a stand lasts before it can be an offence; the others judge a way.
    """

    rule: Rule
    classes: tuple[ActorClass, ...]
    parts: Callable[[Site], Sequence[Any]]
    stand_s: Callable[[Site], float] | None = None


class Interests:
    """All interests on one site, in footage pixels."""

    def __init__(self, site: Site, interests: Sequence[Interest]) -> None:
        wanted = [[_points(part) for part in interest.parts(site)] for interest in interests]
        parts = sorted({points for row in wanted for points in row})
        self._cares = np.array([[points in row for points in parts] for row in wanted], np.bool_)
        self._concerns = {c: np.array([c in interest.classes for interest in interests]) for c in ActorClass}
        pieces = [_pieces(points) for points in parts]
        self._left, self._top, self._right, self._bottom = np.concatenate([np.zeros((0, 4)), *pieces]).T
        self._starts = np.cumsum([0, *map(len, pieces)])[:-1]

    def of(self, history: TrackHistory) -> Mask:
        """Returns which rules (R,) an actor concerns."""
        concerns = self._concerns[history.class_id]
        if not len(history) or not len(self._starts):
            return np.zeros_like(concerns)
        x1, y1, x2, y2 = _hulls(history.xyxy).T[..., None]
        hit = (x1 <= self._right) & (x2 >= self._left) & (y1 <= self._bottom) & (y2 >= self._top)
        near = np.logical_or.reduceat(hit.any(axis=0), self._starts)
        asked: Mask = concerns & (self._cares & near).any(axis=1)
        return asked


def _hulls(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns upright rectangles (K, 4) that together hold every box grown by its size and the way between two."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    low, high = boxes[:, :2] - sizes, boxes[:, 2:] + sizes
    if len(boxes) > 1:
        low, high = np.minimum(low[1:], low[:-1]), np.maximum(high[1:], high[:-1])
    starts = np.arange(0, len(low), -(-len(low) // HULLS))
    return np.concatenate((np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)), axis=1)


def _points(part: Any) -> tuple[bool, tuple[tuple[float, float], ...]]:
    """Returns a part's shape as a value: whether it is an area, and its points."""
    is_area = hasattr(part, "polygon_px")
    return is_area, tuple(part.polygon_px if is_area else part.points_px)


@lru_cache(maxsize=1024)
def _pieces(points: tuple[bool, tuple[tuple[float, float], ...]]) -> NDArray[np.float64]:
    """Returns upright rectangles (K, 4) that together hold a drawn part."""
    is_area, corners = points
    shape = shapely.make_valid(shapely.Polygon(corners)) if is_area else shapely.LineString(corners)
    left, top, right, bottom = shape.bounds
    edges = np.linspace(top - 1, bottom + 1, STRIPS + 1)
    strips = shapely.box(left - 1, edges[:-1], right + 1, edges[1:])
    bounds: NDArray[np.float64] = shapely.bounds(shapely.intersection(shape, strips))
    return bounds[np.isfinite(bounds).all(axis=1)]
