"""Plane geometry on arrays of points: signed distances, homography, polygons.

Shapes: points are (N, 2) float64 unless said otherwise.
"""

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def homography(image_px: ArrayLike, ground_m: ArrayLike) -> Array:
    """Returns the 3x3 matrix that takes image points to ground points, least squares over >= 4 pairs.

    >>> h = homography([[0, 0], [10, 0], [10, 10], [0, 10]], [[0, 0], [1, 0], [1, 1], [0, 1]])
    >>> [round(float(v), 6) for v in project(h, [[5, 5]])[0]]
    [0.5, 0.5]
    """
    source, target = np.asarray(image_px, float), np.asarray(ground_m, float)
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    matrix: Array = np.linalg.svd(np.asarray(rows))[2][-1].reshape(3, 3)
    scaled: Array = matrix / matrix[2, 2]
    return scaled


def project(matrix: Array, points: ArrayLike) -> Array:
    """Returns points (N, 2) taken through a homography."""
    lifted = np.asarray(points, float).reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
    projected: Array = lifted[:, :2] / lifted[:, 2:]
    return projected


def contains(polygon: ArrayLike, points: ArrayLike) -> NDArray[np.bool_]:
    """Returns for each point whether it lies inside the polygon.

    >>> contains([(0, 0), (4, 0), (4, 4), (0, 4)], [(1, 1), (5, 1)]).tolist()
    [True, False]
    """
    xy = np.asarray(points, float).reshape(-1, 2)
    shape, (left, top, right, bottom) = _prepared(_corners(polygon))
    x, y = xy[:, 0], xy[:, 1]
    inside: NDArray[np.bool_] = (x > left) & (x < right) & (y > top) & (y < bottom)
    if inside.any():
        inside[inside] = shapely.contains_xy(shape, x[inside], y[inside])
    return inside


def area_of(polygon: ArrayLike) -> shapely.Polygon:
    """Returns a polygon ready to be asked often; drawn areas are few."""
    return _prepared(_corners(polygon))[0]


def _corners(polygon: ArrayLike) -> tuple[tuple[float, float], ...]:
    if isinstance(polygon, list) and polygon and isinstance(polygon[0], tuple):
        return tuple(polygon)
    return tuple((float(x), float(y)) for x, y in np.asarray(polygon, float))


@lru_cache(maxsize=1024)
def _prepared(corners: tuple[tuple[float, float], ...]) -> tuple[shapely.Polygon, tuple[float, float, float, float]]:
    """Returns a polygon ready to be asked often, and its bounds (x1, y1, x2, y2); drawn areas are few."""
    shape = shapely.Polygon(corners)
    shapely.prepare(shape)
    return shape, shape.bounds


def may_touch(polygon: ArrayLike, box_xyxy: tuple[float, float, float, float]) -> bool:
    """Tells whether a rectangle touches the upright rectangle around a polygon: cheap, to rule the rest out.

    >>> may_touch([(0, 0), (4, 0), (0, 4)], (5, 0, 6, 1)), may_touch([(0, 0), (4, 0), (0, 4)], (3, 3, 6, 6))
    (False, True)
    """
    _, (left, top, right, bottom) = _prepared(_corners(polygon))
    x1, y1, x2, y2 = box_xyxy
    return bool(x1 <= right and x2 >= left and y1 <= bottom and y2 >= top)


def share_inside(polygon: ArrayLike, box_xyxy: ArrayLike) -> float:
    """Returns the share (0-1) of a rectangle's area that lies inside the polygon.

    >>> share_inside([(0, 0), (2, 0), (2, 2), (0, 2)], (1, 0, 3, 2))
    0.5
    """
    x1, y1, x2, y2 = (float(v) for v in np.asarray(box_xyxy, float))
    shape, (left, top, right, bottom) = _prepared(_corners(polygon))
    if x2 <= left or x1 >= right or y2 <= top or y1 >= bottom:
        return 0.0
    rectangle = shapely.box(x1, y1, x2, y2)
    return float(shape.intersection(rectangle).area / max(rectangle.area, 1e-9))


def iou(first: ArrayLike, second: ArrayLike) -> Array:
    """Returns the intersection over union of every pair of boxes, shape (N, M).

    >>> iou([[0, 0, 2, 2]], [[1, 0, 3, 2]]).round(3).tolist()
    [[0.333]]
    """
    a, b = np.asarray(first, float).reshape(-1, 4), np.asarray(second, float).reshape(-1, 4)
    wide = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    high = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    inter = np.maximum(wide, 0) * np.maximum(high, 0)
    area_a, area_b = ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) for box in (a, b))
    ratio: Array = inter / np.maximum(area_a[:, None] + area_b[None] - inter, 1e-9)
    return ratio


def pair_iou(first: ArrayLike, second: ArrayLike) -> Array:
    """Returns the intersection over union (N,) of boxes (N, 4) with boxes (N, 4), row by row.

    >>> pair_iou([[0, 0, 2, 2]], [[1, 0, 3, 2]]).round(3).tolist()
    [0.333]
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    sizes = np.maximum(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0)
    inter = sizes[:, 0] * sizes[:, 1]
    area_a, area_b = ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) for box in (a, b))
    ratio: Array = inter / np.maximum(area_a + area_b - inter, 1e-9)
    return ratio
