"""How a scripted actor moves: a smooth path on the ground and where its front is at each second."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.interpolate import CubicSpline

from sim.junction import GroundPoint, Vector

Travel = Callable[[float], float]
"""Clip time in seconds -> metres of the actor's front along its path."""


class Path:
    """A cubic spline through ground points, by arc length."""

    def __init__(self, points: Sequence[GroundPoint]) -> None:
        corners = np.asarray(points, dtype=float)
        chord = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        rough = CubicSpline(chord, corners, axis=0)
        fine = np.linspace(0.0, float(chord[-1]), max(200, int(chord[-1] * 8)))
        xy = rough(fine)
        length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        self._spline = CubicSpline(length, xy, axis=0)
        self._length = length
        self._xy = xy
        self.length_m = float(length[-1])

    def at(self, along_m: float) -> tuple[float, float, float]:
        """Returns (x, y, heading in radians) at a distance along the path."""
        along = min(max(along_m, 0.0), self.length_m)
        x, y = self._spline(along)
        dx, dy = self._spline(along, 1)
        return float(x), float(y), math.atan2(float(dy), float(dx))

    def along(self, point: GroundPoint) -> float:
        """Returns the distance along the path of its point nearest to ``point``."""
        nearest: Vector = np.hypot(self._xy[:, 0] - point[0], self._xy[:, 1] - point[1])
        return float(self._length[int(np.argmin(nearest))])


class Cruise(BaseModel):
    """Constant speed; the front passes ``at`` at ``at_s``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["cruise"]
    speed_mps: float = Field(gt=0, le=40)
    at: GroundPoint
    at_s: float

    def travel(self, path: Path) -> Travel:
        """Returns the front's distance along the path over time."""
        mark = path.along(self.at)
        return lambda t: mark + self.speed_mps * (t - self.at_s)


class StopGo(BaseModel):
    """Brakes so that the front stands at ``at`` from ``stop_s`` to ``go_s`` (None: to the end), then drives off."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["stop_go"]
    speed_mps: float = Field(gt=0, le=40)
    brake_mps2: float = Field(default=2.0, gt=0, le=8)
    at: GroundPoint
    stop_s: float
    go_s: float | None = None
    accelerate_mps2: float = Field(default=1.8, gt=0, le=5)
    leave_mps: float = Field(default=10.0, gt=0, le=40)

    def travel(self, path: Path) -> Travel:
        """Returns the front's distance along the path over time."""
        mark = path.along(self.at)
        brake_s = self.stop_s - self.speed_mps / self.brake_mps2

        def front(t: float) -> float:
            if t <= brake_s:
                return mark - self.speed_mps**2 / 2 / self.brake_mps2 - self.speed_mps * (brake_s - t)
            if t <= self.stop_s:
                return mark - self.brake_mps2 * (self.stop_s - t) ** 2 / 2
            if self.go_s is None or t <= self.go_s:
                return mark
            return mark + self._gone(t - self.go_s)

        return front

    def _gone(self, since_go_s: float) -> float:
        ramp_s = self.leave_mps / self.accelerate_mps2
        if since_go_s < ramp_s:
            return self.accelerate_mps2 * since_go_s**2 / 2
        return self.leave_mps * (since_go_s - ramp_s / 2)


Motion = Annotated[Cruise | StopGo, Field(discriminator="type")]
