"""Plane geometry on arrays of points: signed distances, homography, polygons.

Shapes: points are (N, 2) float64 unless said otherwise.
"""

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
    xy = np.asarray(points, float).reshape(-1, 2)
    out = np.c_[xy, np.ones(len(xy))] @ matrix.T
    projected: Array = out[:, :2] / out[:, 2:]
    return projected


def contains(polygon: ArrayLike, points: ArrayLike) -> NDArray[np.bool_]:
    """Returns for each point whether it lies inside the polygon.

    >>> contains([(0, 0), (4, 0), (4, 4), (0, 4)], [(1, 1), (5, 1)]).tolist()
    [True, False]
    """
    xy = np.asarray(points, float).reshape(-1, 2)
    shape = shapely.Polygon(np.asarray(polygon, float))
    return np.asarray(shapely.contains_xy(shape, xy[:, 0], xy[:, 1]), dtype=np.bool_)


def share_inside(polygon: ArrayLike, box_xyxy: ArrayLike) -> float:
    """Returns the share (0-1) of a rectangle's area that lies inside the polygon.

    >>> share_inside([(0, 0), (2, 0), (2, 2), (0, 2)], (1, 0, 3, 2))
    0.5
    """
    x1, y1, x2, y2 = (float(v) for v in np.asarray(box_xyxy, float))
    rectangle = shapely.box(x1, y1, x2, y2)
    return float(shapely.Polygon(np.asarray(polygon, float)).intersection(rectangle).area / max(rectangle.area, 1e-9))


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
