"""A pinhole camera on a pole: the one matrix that makes the picture, the labels and the site file agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.junction import Vector
from sim.scene import CameraSpec

NEAR_M, FAR_M = 0.5, 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera with its view-projection matrix.

    Shapes: view_projection (4, 4), world to clip space, OpenGL convention.
    """

    eye: Vector
    view_projection: Vector
    projection: Vector
    width_px: int
    height_px: int

    def project(self, points: Vector) -> Vector:
        """Returns source pixels (N, 2) of world points (N, 3); NaN for points behind the camera."""
        clip = np.c_[points, np.ones(len(points))] @ self.view_projection.T
        depth = np.where(clip[:, 3] > 0.3, clip[:, 3], np.nan)
        x = (clip[:, 0] / depth * 0.5 + 0.5) * self.width_px
        y = (0.5 - clip[:, 1] / depth * 0.5) * self.height_px
        return np.stack([x, y], axis=1)

    def project_ground(self, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Returns source pixels of ground points."""
        flat = np.array([(x, y, 0.0) for x, y in points])
        return [(float(x), float(y)) for x, y in self.project(flat)]

    def pixels_per_metre(self, point: Vector) -> float:
        """Returns the scale at a world point, across the line of sight."""
        depth = float((self.view_projection @ np.array([*point, 1.0]))[3])
        return float(self.projection[0, 0]) * self.width_px / 2 / max(depth, 1e-6)

    def is_near(self, x: float, y: float, radius_m: float) -> bool:
        """Tells whether a ball of ``radius_m`` at a ground point can touch the picture."""
        clip = self.view_projection @ np.array([x, y, 1.0, 1.0])
        w = float(clip[3])
        if w <= radius_m + 1:
            return False
        margin_x = w + radius_m * float(self.projection[0, 0])
        margin_y = w + radius_m * float(self.projection[1, 1])
        return abs(float(clip[0])) < margin_x and abs(float(clip[1])) < margin_y


def build_camera(spec: CameraSpec) -> Camera:
    """Returns the camera a scene describes."""
    eye = np.array(spec.eye_m, dtype=float)
    width, height = spec.picture_size_px
    forward = np.array(spec.target_m, dtype=float) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    view = np.eye(4)
    view[:3, :3] = [right, up, -forward]
    view[:3, 3] = -view[:3, :3] @ eye
    focal = 1 / math.tan(math.radians(spec.field_deg) / 2)
    projection = np.zeros((4, 4))
    projection[0, 0] = focal
    projection[1, 1] = focal * width / height
    projection[2, 2] = -(FAR_M + NEAR_M) / (FAR_M - NEAR_M)
    projection[2, 3] = -2 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
    projection[3, 2] = -1
    return Camera(eye=eye, view_projection=projection @ view, projection=projection, width_px=width, height_px=height)
