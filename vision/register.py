"""Is this the same view? Registers pictures from a strange camera onto a camera's own reference picture.

From the same viewpoint one homography maps all that stands still, near and far; from anywhere else it maps one plane at
most, so the points that agree must be many, most of those that look alike, and spread over the picture, top and bottom.
Which way the strange camera points, how far it zooms and how it shakes does not matter.

Source: SIFT after Lowe, "Distinctive image features from scale-invariant keypoints" (2004); MAGSAC++ (2020).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
WORK_PX = 640
"""Pictures are compared at this length of their longer side."""
POINTS_MOST = 1500
ALIKE = 0.8
"""Lowe's ratio: the best match must be this much better than the next. Source: Lowe 2004, section 7.1."""
AGREE_PX = 2.0
"""A point agrees if the homography puts it this near, at ``WORK_PX``."""
AGREE_LEAST = 40
AGREE_SHARE = 0.5
"""Share of the points that look alike which must agree, in every row of ``GRID``: from beside, near contradicts far.

Source: lowest row's share, measured on renderings of one junction: turned by 3 or 4 degrees, zoomed by 1.06 or 1.12,
shaken at least 0.68; the camera moved by half a metre 0.49, by one metre 0.02, by three metres 0.00.
"""
ROW_LEAST = 10
"""A row with fewer points that look alike is not asked."""
GRID = (4, 6)
CELLS_LEAST = 8
"""Cells of ``GRID`` (rows, columns) of the reference that hold agreeing points; a third of them."""
HALF_CELLS_LEAST = 3
"""Of these in the upper half and in the lower one: the road alone is a plane that fits from anywhere, and so is what
lies far off."""
SCALE_MOST = 3.0
"""Zoomed further in or out than this, too little is left to compare."""


class Registrar:
    """Knows one reference picture (h, w, 3) RGB uint8."""

    def __init__(self, reference_rgb: NDArray[np.uint8]) -> None:
        self._sift = cv2.SIFT.create(nfeatures=POINTS_MOST)
        self._size_px = (reference_rgb.shape[1], reference_rgb.shape[0])
        self._points, self._marks = self._look(reference_rgb)

    def homography(self, rgb: NDArray[np.uint8]) -> Matrix | None:
        """Returns the matrix (3, 3) from pixels of a picture to the reference's; None when it is not the same view."""
        points, marks = self._look(rgb)
        if min(len(points), len(self._points)) < AGREE_LEAST:
            return None
        pairs = _pairs(marks, self._marks)
        if len(pairs) < AGREE_LEAST:
            return None
        agree_px = AGREE_PX * max(self._size_px) / WORK_PX
        found, mask = cv2.findHomography(points[pairs[:, 0]], self._points[pairs[:, 1]], cv2.USAC_MAGSAC, agree_px)
        onto = np.atleast_2d(np.asarray(found, np.float64))  # OpenCV answers None where it finds none
        if onto.shape != (3, 3) or not _is_plausible(onto, (rgb.shape[1], rgb.shape[0]), self._size_px):
            return None
        is_agreeing = np.asarray(mask).ravel() > 0
        is_same = self._agrees(pairs[:, 1], is_agreeing) and self._is_spread(pairs[is_agreeing, 1])
        return onto if is_same else None

    def _agrees(self, alike: NDArray[np.int64], is_agreeing: NDArray[np.bool_]) -> bool:
        """Tells whether near and far agree; rows of the reference's points that look alike, (M,), and which agree."""
        rows = (self._points[alike, 1] / self._size_px[1] * GRID[0]).astype(int)
        shares = [float(is_agreeing[rows == row].mean()) for row in range(GRID[0]) if (rows == row).sum() >= ROW_LEAST]
        return len(np.unique(alike[is_agreeing])) >= AGREE_LEAST and min(shares, default=0.0) >= AGREE_SHARE

    def _look(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns points (N, 2) in the picture's own pixels and their marks (N, 128)."""
        shrink = min(1.0, WORK_PX / max(rgb.shape[:2]))
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else grey
        found, marks = self._sift.detectAndCompute(small, None)
        if not found:
            return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
        points = np.array([point.pt for point in found], np.float32) / np.float32(shrink)
        return points.astype(np.float32), np.asarray(marks, np.float32)

    def _is_spread(self, rows: NDArray[np.int64]) -> bool:
        share = self._points[rows] / np.asarray(self._size_px, np.float32)
        cells = {(int(y * GRID[0]), int(x * GRID[1])) for x, y in share.tolist()}
        upper = sum(row < GRID[0] // 2 for row, _ in cells)
        return len(cells) >= CELLS_LEAST and min(upper, len(cells) - upper) >= HALF_CELLS_LEAST


def _pairs(marks: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.int64]:
    """Returns which marks look alike, rows of both (M, 2)."""
    best = cv2.BFMatcher(cv2.NORM_L2).knnMatch(marks, others, k=2)
    alike = [(a.queryIdx, a.trainIdx) for a, b in best if a.distance < ALIKE * b.distance]
    return np.array(alike, np.int64).reshape(-1, 2)


def _is_plausible(found: Matrix, size_px: tuple[int, int], onto_px: tuple[int, int]) -> bool:
    """Tells whether a homography can come from turning and zooming a camera: no mirror, no fold, no extreme zoom."""
    width, height = size_px
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], np.float64) @ found.T
    if (corners[:, 2] * corners[0, 2] <= 0).any():
        return False
    x, y = (corners[:, :2] / corners[:, 2:]).T
    area = float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    scale = (area / (onto_px[0] * onto_px[1])) ** 0.5 if area > 0 else 0.0
    return 1 / SCALE_MOST <= scale <= SCALE_MOST
