"""A vehicle's body on the road: where its front, rear and sides are, not only the box's lower edge.

The box says where the nearest edge of the body touches the road; the course says how the body lies.
From both and the class's standard size follows the body's middle, and from it any other point of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.geometry import contains
from rules.ground import Array, Path, dots, lengths, spans

MOVING_MPS = 1.0
"""A course is read only above this. Source: twice the standing limit of 2 km/h, V02 violations.yaml."""
STEP_S = 0.1
"""Rows of an evened-out path lie this far apart. Source: a car at 50 km/h moves 1.4 m, a third of its length."""
HOLE_S = 1.5
"""Longer holes in sight are not bridged. Source: the tracker's memory for moving actors."""
GRAIN_M = 0.25
"""Step along a line of travel. Source: half of the 0.5 m that V02 asks for, violations.yaml."""
LENGTHWISE = (-0.5, -0.25, 0.0, 0.25, 0.5)
"""Points along the body, shares of its length. Source: the ends, the middle and halfway between."""
SIDEWISE = (-0.4, 0.0, 0.4)
"""Points across the body, shares of its width. Source: the wheels stand a tenth inside the body."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """One vehicle's ground rectangle, row by row of ``path``.

    Shapes: centre_px (N, 2); ahead (N, 2) unit vector of the course in metres.
    """

    path: Path
    centre_px: Array
    ahead: Array

    @property
    def length_m(self) -> float:
        """Standard length of the class."""
        return self.path.body.length_m

    @property
    def width_m(self) -> float:
        """Standard width of the class."""
        return self.path.body.width_m

    @cached_property
    def front_px(self) -> Array:
        """Middle of the front edge (N, 2)."""
        return self.at_px(self.length_m / 2)

    @cached_property
    def rear_px(self) -> Array:
        """Middle of the rear edge (N, 2)."""
        return self.at_px(-self.length_m / 2)

    def at_px(self, ahead_m: float, aside_m: float = 0.0) -> Array:
        """Returns the picture points (N, 2) that lie so far ahead and aside of the body's middle."""
        spots: Array = self.spots_px(np.array([ahead_m]), np.array([aside_m]))[0]
        return spots

    def only(self, row: int) -> Body:
        """Returns the body at one row, as a body of that single row."""
        path, here = self.path, slice(row, row + 1)
        one = replace(
            path,
            t_s=path.t_s[here],
            foot_px=path.foot_px[here],
            boxes_of=lambda: path.boxes[here],
            scale_of=lambda: path.scale_px_per_m[here],
        )
        return Body(path=one, centre_px=self.centre_px[here], ahead=self.ahead[here])

    def span_inside_m(self, polygon_px: ArrayLike, row: int, *, reach_m: float = 30.0) -> tuple[float, float] | None:
        """Returns (first, last) distance ahead of the body's middle at which its line of travel lies in a polygon."""
        steps = np.arange(-reach_m, reach_m, GRAIN_M)
        inside = contains(polygon_px, self.only(row).spots_px(steps, np.zeros_like(steps)))
        return (float(steps[inside][0]), float(steps[inside][-1])) if inside.any() else None

    def share_inside(self, polygon_px: ArrayLike, rows: slice = slice(None)) -> Array:
        """Returns the share (N,), 0-1, of the body that stands inside a polygon, at some rows."""
        wheels = self._wheels_px[:, rows]
        share: Array = contains(polygon_px, wheels).reshape(len(wheels), -1).mean(axis=0)
        return share

    def spine_inside(self, polygon_px: ArrayLike) -> NDArray[np.bool_]:
        """Returns (5, N): which points of the body's middle line, rear to front, stand inside a polygon."""
        return contains(polygon_px, self._spine_px).reshape(len(LENGTHWISE), -1)

    @cached_property
    def _centre_m(self) -> Array:
        ground = self.path.ground
        return self.centre_px if ground.matrix is None else ground.points_m(self.centre_px)

    @cached_property
    def _spine_px(self) -> Array:
        along = np.array(LENGTHWISE) * self.length_m
        return self.spots_px(along, np.zeros_like(along))

    @cached_property
    def _wheels_px(self) -> Array:
        along, across = np.meshgrid(np.array(LENGTHWISE) * self.length_m, np.array(SIDEWISE) * self.width_m)
        return self.spots_px(along.ravel(), across.ravel())

    def spots_px(self, ahead_m: Array, aside_m: Array) -> Array:
        """Returns the picture points (K, N, 2) of K places given by how far ahead and aside of the middle they lie."""
        aside = np.column_stack((-self.ahead[:, 1], self.ahead[:, 0]))
        by_m = ahead_m[:, None, None] * self.ahead + aside_m[:, None, None] * aside
        if self.path.ground.matrix is None:
            moved: Array = self.centre_px + by_m * self.path.scale_px_per_m
            return moved
        return self.path.ground.shifted_px(self._centre_m, by_m).reshape(by_m.shape)


def body_of(path: Path, lying: Array | None = None) -> Body | None:
    """Returns a vehicle's body; one never seen moving lies along ``lying`` (2,), or is None without it."""
    moving = path.once("body", lambda: _body(path, courses(path)))
    if moving is not None or lying is None:
        return moving
    return _body(path, np.repeat(np.asarray(lying, float)[None], len(path.t_s), 0))


def _body(path: Path, ahead: Array | None) -> Body | None:
    if ahead is None:
        return None
    sight = _sight(path)
    lengthwise = np.abs(dots(ahead, sight))
    crosswise = np.sqrt(np.maximum(1 - lengthwise**2, 0))
    reach_m = path.body.length_m / 2 * lengthwise + path.body.width_m / 2 * crosswise
    return Body(path=path, centre_px=shifted_px(path, path.foot_px, sight * reach_m[:, None]), ahead=ahead)


def even_body(path: Path) -> Body | None:
    """Returns a vehicle's body at even steps, worked out once for all rules; None while its course is unknown."""
    return path.once("even body", lambda: body_of(even_path(path)) if len(path.t_s) >= 3 else None)


def even_path(path: Path) -> Path:
    """Returns the path at even steps, worked out once for all rules."""
    return path.once("even path", lambda: evened(path))


def courses(path: Path) -> Array | None:
    """Returns unit course vectors (N, 2); a standing vehicle keeps the course it came with."""
    velocity, speed = path.velocity_mps(1.0), path.speed_mps(1.0)
    is_steady = path.speed_mps(2.0) >= MOVING_MPS
    moving = np.flatnonzero((speed >= MOVING_MPS) & is_steady)
    if not len(moving):
        return None
    latest = np.searchsorted(moving, np.arange(len(speed)), side="right") - 1
    row = moving[np.maximum(latest, 0)]
    unit: Array = velocity[row] / speed[row][:, None]
    return unit


def evened(path: Path) -> Path:
    """Returns the path at even steps of 0.1 s, so that no verdict hangs on the frame rate; long holes stay holes."""
    t_s = np.arange(path.t_s[0], path.t_s[-1] + STEP_S / 2, STEP_S)
    after = np.clip(np.searchsorted(path.t_s, t_s), 1, len(path.t_s) - 1)
    t_s = t_s[path.t_s[after] - path.t_s[after - 1] <= HOLE_S]
    return replace(
        path,
        t_s=t_s,
        foot_px=_interpolated(t_s, path.t_s, path.foot_px),
        boxes_of=lambda: _interpolated(t_s, path.t_s, path.boxes),
        scale_of=lambda: _interpolated(t_s, path.t_s, path.scale_px_per_m),
    )


def runs(mask: NDArray[np.bool_], t_s: Array | None = None, gap_s: float = 0.0) -> list[tuple[int, int]]:
    """Returns (first, last) row of every run of True; holes up to ``gap_s`` are bridged where times are given.

    >>> runs(np.array([True, True, False, True]))
    [(0, 1), (3, 3)]
    >>> runs(np.array([True, True, False, True]), np.array([0.0, 0.1, 0.2, 0.3]), gap_s=0.5)
    [(0, 3)]
    """
    found: list[tuple[int, int]] = []
    for first, last in spans(mask):
        if found and t_s is not None and t_s[first] - t_s[found[-1][1]] <= gap_s:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def shifted_px(path: Path, points_px: Array, by_m: Array) -> Array:
    """Returns picture points (N, 2) moved by metres on the road, row by row of a path."""
    if path.ground.matrix is None:
        moved: Array = points_px + by_m * path.scale_px_per_m
        return moved
    return path.ground.shifted_px(path.on_ground_m(points_px), by_m)


def _sight(path: Path) -> Array:
    """Returns unit vectors (N, 2) on the road that lead away from the camera at each foot point."""
    beyond_px = path.foot_px - np.array([0.0, 4.0])
    if path.ground.matrix is None:
        away = path.vectors_m(path.foot_px, beyond_px)
    else:
        away = path.ground.points_m(beyond_px) - path.foot_m
    unit: Array = away / np.maximum(lengths(away), 1e-9)[:, None]
    return unit


def _interpolated(t_s: Array, known_s: Array, values: Array) -> Array:
    return np.column_stack([np.interp(t_s, known_s, column) for column in values.T])
