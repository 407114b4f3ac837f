"""Motion primitives of road actors: a course on the ground and where the front is at each second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Array = NDArray[np.float64]
Point = tuple[float, float]
ARC_STEPS = 48


class Course:
    """A polyline by arc length, going on straight before its start and after its end."""

    def __init__(self, points_m: Array) -> None:
        step = np.diff(points_m, axis=0)
        length = np.linalg.norm(step, axis=1)
        keep = length > 1e-9
        self._start = points_m[:-1][keep]
        self._unit = step[keep] / length[keep][:, None]
        self._along: Array = np.r_[0.0, np.cumsum(length[keep])]

    def at(self, along_m: Array) -> tuple[Array, Array]:
        """Returns places (N, 2) and unit headings (N, 2) at distances along the course."""
        leg = np.clip(np.searchsorted(self._along, along_m, side="right") - 1, 0, len(self._unit) - 1)
        rest = along_m - self._along[leg]
        places: Array = self._start[leg] + self._unit[leg] * rest[:, None]
        return places, self._unit[leg]

    def corners_m(self) -> Array:
        """Returns the distance along the course of every corner."""
        return self._along


class Motion(BaseModel):
    """Base of all primitives. ``places`` gives where the *middle* of a body of some length is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def places(self, t_s: Array, length_m: float) -> tuple[Array, Array]:
        """Returns middles (N, 2) and headings (N, 2) at session seconds."""
        course, front_m = self.course(), self.front_m(t_s)
        return course.at(front_m - length_m / 2)

    def course(self) -> Course:
        """Returns the way on the ground."""
        raise NotImplementedError

    def front_m(self, t_s: Array) -> Array:
        """Returns where along the course the front is at session seconds."""
        raise NotImplementedError


class Turnable(Motion):
    """A course through ``at_m`` (distance 0), straight or, ``straight_m`` later, turning on an arc."""

    at_m: Point = (1.5, 0.0)
    towards: Point = (0.0, 1.0)
    side: Literal["S", "L", "R", "U"] = "S"
    straight_m: float = 5.0
    radius_m: float = Field(default=6.0, gt=0)

    def course(self) -> Course:
        """Returns the way on the ground; it starts 200 m before ``at_m``."""
        ahead = np.asarray(self.towards, float) / np.hypot(*self.towards)
        corner = np.asarray(self.at_m, float) + ahead * self.straight_m
        start = np.asarray(self.at_m, float) - ahead * 200.0
        if self.side == "S":
            return Course(np.array([start, corner]))
        hand = -1.0 if self.side == "R" else 1.0
        left = np.array([-ahead[1], ahead[0]]) * hand
        angle = np.linspace(0.0, np.pi if self.side == "U" else np.pi / 2, ARC_STEPS)
        arc = corner + left * self.radius_m
        points = arc - left * self.radius_m * np.cos(angle)[:, None] + ahead * self.radius_m * np.sin(angle)[:, None]
        onward = -ahead if self.side == "U" else left
        return Course(np.r_[start[None], points, points[-1:] + onward])

    def places(self, t_s: Array, length_m: float) -> tuple[Array, Array]:
        """Returns middles (N, 2) and headings (N, 2) at session seconds."""
        return self.course().at(200.0 + self.front_m(t_s) - length_m / 2)


class Drive(Turnable):
    """Constant speed; the front is at ``at_m`` at ``at_s``."""

    speed_mps: float = Field(gt=0, le=50)
    at_s: float

    def front_m(self, t_s: Array) -> Array:
        """Returns the front's distance from ``at_m``."""
        return (t_s - self.at_s) * self.speed_mps


class StopAndGo(Turnable):
    """Brakes so that the front stands at ``at_m`` from ``stop_s``; drives off at ``go_s`` if there is one."""

    speed_mps: float = Field(default=8.0, gt=0, le=50)
    stop_s: float
    go_s: float | None = None
    brake_mps2: float = Field(default=2.0, gt=0)
    accelerate_mps2: float = Field(default=2.0, gt=0)
    leave_mps: float = Field(default=8.0, gt=0)

    def front_m(self, t_s: Array) -> Array:
        """Returns the front's distance from ``at_m``."""
        early_s = np.maximum(self.stop_s - t_s, 0.0)
        brake_s = self.speed_mps / self.brake_mps2
        braking = np.minimum(early_s, brake_s)
        front: Array = -(self.brake_mps2 * braking**2 / 2 + self.speed_mps * (early_s - braking))
        if self.go_s is not None:
            late_s = np.maximum(t_s - self.go_s, 0.0)
            ramp_s = self.leave_mps / self.accelerate_mps2
            ramp = np.minimum(late_s, ramp_s)
            front = front + self.accelerate_mps2 * ramp**2 / 2 + self.leave_mps * (late_s - ramp)
        return front


class Walk(Turnable):
    """Constant pace; the front of the body is at ``at_m`` at ``at_s``; may stop, and go on or not."""

    speed_mps: float = Field(default=1.3, gt=0, le=8)
    at_s: float
    stop_after_m: float | None = None
    pause_s: float | None = None

    def front_m(self, t_s: Array) -> Array:
        """Returns the front's distance from ``at_m``."""
        way: Array = (t_s - self.at_s) * self.speed_mps
        if self.stop_after_m is None:
            return way
        stopped = np.minimum(way, self.stop_after_m)
        if self.pause_s is None:
            return stopped
        return np.maximum(stopped, way - self.pause_s * self.speed_mps)


class Wait(Turnable):
    """Stands with its front at ``at_m``."""

    def front_m(self, t_s: Array) -> Array:
        """Returns zero."""
        return np.zeros_like(t_s)


class PassThrough(Motion):
    """Along a polyline from ``at_s`` on, each leg at its own speed, with a pause at any corner."""

    points_m: list[Point] = Field(min_length=2)
    at_s: float
    speeds_mps: list[float] = Field(min_length=1)
    pauses_s: list[float] = []

    @model_validator(mode="after")
    def _counts_fit(self) -> PassThrough:
        legs = len(self.points_m) - 1
        if len(self.speeds_mps) not in {1, legs}:
            raise ValueError(f"speeds_mps: give one speed or {legs}, one a leg")
        if self.pauses_s and len(self.pauses_s) != legs + 1:
            raise ValueError(f"pauses_s: give {legs + 1}, one a point")
        return self

    def course(self) -> Course:
        """Returns the way on the ground."""
        return Course(np.asarray(self.points_m, float))

    def front_m(self, t_s: Array) -> Array:
        """Returns the front's distance from the first point; before ``at_s`` it comes at the first speed."""
        corners = self.course().corners_m()
        legs = len(corners) - 1
        speeds = np.asarray(self.speeds_mps * legs if len(self.speeds_mps) == 1 else self.speeds_mps, float)
        pauses = self.pauses_s or [0.0] * (legs + 1)
        times, places = [self.at_s, self.at_s + pauses[0]], [0.0, 0.0]
        for leg in range(legs):
            there_s = times[-1] + float(corners[leg + 1] - corners[leg]) / float(speeds[leg])
            times += [there_s, there_s + pauses[leg + 1]]
            places += [float(corners[leg + 1])] * 2
        before = np.minimum(t_s - times[0], 0.0) * speeds[0]
        after = np.maximum(t_s - times[-1], 0.0) * speeds[-1]
        front: Array = np.interp(t_s, times, places) + before + after
        return front


@dataclass(frozen=True, slots=True)
class Body:
    """Outer shape: boxes (rear, front, half width, top) in metres from the rear."""

    length_m: float
    boxes: tuple[tuple[float, float, float, float], ...]


BODIES = {
    "person": Body(0.3, ((0.0, 0.3, 0.27, 1.7),)),
    "bicycle": Body(1.75, ((0.0, 1.75, 0.1, 0.7), (0.5, 1.2, 0.3, 1.7))),
    "motorcycle": Body(1.8, ((0.0, 1.8, 0.2, 0.8), (0.4, 1.2, 0.35, 1.65))),
    "car": Body(4.5, ((0.0, 4.5, 0.9, 0.9), (0.3, 3.0, 0.8, 1.5))),
    "van": Body(5.2, ((0.0, 5.2, 0.95, 1.0), (0.0, 4.2, 0.95, 2.0))),
    "bus": Body(11.0, ((0.0, 11.0, 1.25, 3.1),)),
    "truck": Body(8.0, ((0.0, 5.8, 1.2, 3.0), (5.8, 8.0, 1.2, 2.6))),
}
"""Everyday sizes: sedan, van, 11 m city bus, medium truck, e-bike of GB 17761 with its rider."""
