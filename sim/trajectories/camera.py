"""Pinhole cameras over the road, and drawing on their picture exactly what lies on the road."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from core.errors import ConfigError

Array = NDArray[np.float64]
Point = tuple[float, float]

NEAR_M = 1.0
"""Nothing nearer than this is seen."""
FAR_M = 400.0
"""Ground beyond this is not drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinhole:
    """A camera without distortion at ``eye_m``, looking at ``target_m``."""

    eye_m: tuple[float, float, float]
    target_m: tuple[float, float, float]
    focal_px: float
    size_px: tuple[int, int] = (1920, 1080)

    def project(self, points_m: ArrayLike) -> tuple[Array, Array]:
        """Returns pixels (N, 2) and depths (N,) in metres of road points (N, 3)."""
        right, down, forward = self._axes()
        local = (np.asarray(points_m, float) - np.asarray(self.eye_m)) @ np.c_[right, down, forward]
        depth_m = local[:, 2]
        xy = local[:, :2] / np.maximum(depth_m, 1e-6)[:, None] * self.focal_px + np.array(self.size_px) / 2
        return xy, depth_m

    def point(self, place_m: Point) -> Point:
        """Returns the pixel of a point on the road."""
        xy, depth_m = self.project([(*place_m, 0.0)])
        if depth_m[0] < NEAR_M:
            raise ConfigError(f"road point {place_m} lies behind the camera; move it or choose another camera")
        return float(xy[0, 0]), float(xy[0, 1])

    def area(self, corners_m: Sequence[Point]) -> list[Point]:
        """Returns the seen part of a road polygon, pixels."""
        seen = shapely.Polygon(corners_m).intersection(self._before())
        if not seen.is_empty:
            xy, _ = self.project([(x, y, 0.0) for x, y in seen.exterior.coords])
            seen = shapely.Polygon(xy).intersection(self._frame())
        if seen.is_empty or seen.geom_type != "Polygon":
            raise ConfigError(f"polygon {list(corners_m)} is not in the picture; move it or choose another camera")
        return [(float(x), float(y)) for x, y in seen.exterior.coords[:-1]]

    def line(self, points_m: Sequence[Point]) -> list[Point]:
        """Returns the seen part of a road line, pixels, in the same order."""
        seen = shapely.LineString(points_m).intersection(self._before())
        if not seen.is_empty:
            xy, _ = self.project([(x, y, 0.0) for x, y in seen.coords])
            seen = shapely.LineString(xy).intersection(self._frame())
        if seen.is_empty or seen.geom_type != "LineString":
            raise ConfigError(f"line {list(points_m)} is not in the picture; move it or choose another camera")
        return [(float(x), float(y)) for x, y in seen.coords]

    @property
    def depression_deg(self) -> float:
        """Angle the line of sight to the middle of the stop line makes with the road, degrees."""
        return float(np.degrees(np.arctan2(self.eye_m[2], np.hypot(self.eye_m[0], self.eye_m[1]))))

    def _axes(self) -> tuple[Array, Array, Array]:
        forward = np.asarray(self.target_m, float) - np.asarray(self.eye_m, float)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        return right, np.cross(forward, right), forward

    def _before(self) -> shapely.Polygon:
        """Returns the ground before the camera's near plane."""
        forward = self._axes()[2]
        ahead = forward[:2] / np.linalg.norm(forward[:2])
        aside = np.array([ahead[1], -ahead[0]])
        lift_m = (NEAR_M + self.eye_m[2] * forward[2]) / float(np.linalg.norm(forward[:2]))
        start = np.asarray(self.eye_m[:2]) + ahead * max(lift_m, NEAR_M)
        near, far = start, start + ahead * FAR_M
        return shapely.Polygon([near - aside * FAR_M, near + aside * FAR_M, far + aside * FAR_M, far - aside * FAR_M])

    def _frame(self) -> shapely.Polygon:
        return shapely.box(0, 0, *self.size_px)


CAMERAS = {
    "pole": Pinhole(eye_m=(0.0, -17.0, 7.5), target_m=(0.0, 2.0, 0.0), focal_px=1400.0),
    "gantry": Pinhole(eye_m=(0.0, -23.0, 6.5), target_m=(0.0, 3.0, 0.0), focal_px=1750.0),
    "left": Pinhole(eye_m=(-9.0, -16.0, 7.5), target_m=(0.0, 2.0, 0.0), focal_px=1400.0),
    "right": Pinhole(eye_m=(9.0, -16.0, 7.5), target_m=(0.0, 2.0, 0.0), focal_px=1400.0),
    "mast": Pinhole(eye_m=(0.0, -24.0, 14.0), target_m=(0.0, 3.0, 0.0), focal_px=1700.0),
    "high": Pinhole(eye_m=(0.0, -44.0, 14.0), target_m=(0.0, 6.0, 0.0), focal_px=1500.0),
}
"""Where cameras hang: behind the waiting traffic, rear plates in sight, as on Chinese e-police poles."""
