"""From picture to road: metres by homography where the site is calibrated, by *vehicle lengths* where it is not.

Without calibration the actor itself is the ruler. A standard body of its class, seen at the camera's
depression angle, has a known picture height per metre; that gives pixels per metre across the line of
sight, and the sine of the angle foreshortens along it. Good near the place where it is measured, and
said so in the record (``Ground.scale_source``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from math import hypot
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.geometry import homography, project
from core.observations import ActorClass, FloatArray, TrackHistory
from core.site import Site
from rules.smoothing import SLACK_S, completed, grown, smoothed, step_s

Array = NDArray[np.float64]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Standard outer size of a class, metres. ``top_m``: distance from the rear to the highest seen edge."""

    length_m: float
    width_m: float
    height_m: float
    top_m: float

    @property
    def reach_m(self) -> float:
        """More than the middle of a body is ever away from the foot point, whichever way it lies."""
        return (self.length_m + self.width_m) / 2


BODIES = {
    ActorClass.PERSON: Body(length_m=0.3, width_m=0.55, height_m=1.7, top_m=0.15),
    ActorClass.BICYCLE: Body(length_m=1.8, width_m=0.6, height_m=1.7, top_m=0.9),
    ActorClass.MOTORCYCLE: Body(length_m=1.8, width_m=0.7, height_m=1.65, top_m=0.9),
    ActorClass.CAR: Body(length_m=4.5, width_m=1.8, height_m=1.5, top_m=2.0),
    ActorClass.BUS: Body(length_m=11.0, width_m=2.5, height_m=3.1, top_m=10.0),
    ActorClass.TRUCK: Body(length_m=8.0, width_m=2.4, height_m=3.0, top_m=6.0),
}
"""Source: domain.md 1.1 (car 4.5 m, bus 11 m, truck 8 m); GB 17761 e-bike <= 1.8 m class; the rest usual sizes."""


USUAL_DEPRESSION_DEG = 24.0
"""Taken where a site gives neither ground points nor the angle. Source: a 7 m pole 16 m behind the line, ADR 0003."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A track on the road.

    Shapes: t_s (N,), foot_px (N, 2) the middle of the box's lower edge, smoothed; boxes_of() gives the smoothed
    boxes (N, 4), scale_of() scale_px_per_m (N, 2), local pixels per metre across and along the line of sight.
    What rules derive from it is worked out once and shared: nobody may write into what a path gives.
    """

    history: TrackHistory
    ground: Ground
    t_s: Array
    foot_px: Array
    boxes_of: Callable[[], Array]
    scale_of: Callable[[], Array]
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Returns what ``make`` gives for a key, worked out once for all rules; arrays come read-only."""
        if key not in self._made:
            value = make()
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            self._made[key] = value
        made: Made = self._made[key]
        return made

    @property
    def boxes(self) -> Array:
        """Boxes (N, 4), smoothed."""
        return self.once("boxes", self.boxes_of)

    @property
    def scale_px_per_m(self) -> Array:
        """Local pixels per metre (N, 2) by the actor's own size; where the road is calibrated hardly anybody asks."""
        return self.once("scale", self.scale_of)

    @property
    def body(self) -> Body:
        """Standard size of the actor's class."""
        return BODIES[self.history.class_id]

    def comes_near(self, points_px: Sequence[tuple[float, float]], rows: slice = slice(None)) -> bool:
        """Tells whether an actor may have been at a drawn part in some rows: its boxes, grown by their size, reach."""
        x1, y1, x2, y2 = self.once(("reach", rows.start, rows.stop), lambda: _reach(self.history.xyxy[rows]))
        xs, ys = zip(*points_px, strict=True)
        return bool(x1 <= max(xs) and x2 >= min(xs) and y1 <= max(ys) and y2 >= min(ys))

    def to_line_m(self, points_px: ArrayLike, towards_px: ArrayLike) -> tuple[Array, Array, Array]:
        """Returns (distance, along, span) of the foot point to a line, each (N,), metres.

        ``distance`` is signed, positive on the side of ``towards_px``; ``along`` runs from the line's
        start, ``span`` is the line's length on the same scale.
        """
        line, towards = np.asarray(points_px, float), np.asarray(towards_px, float)
        return self.once(("to line", line.tobytes(), towards.tobytes()), lambda: self._to_line(line, towards))

    def _to_line(self, line: Array, towards: Array) -> tuple[Array, Array, Array]:
        if len(line) == 2:
            return self._to_segment(line[0], line[1], towards)
        parts = [self._to_segment(a, b, towards) for a, b in pairwise(line)]
        distance, along, length = (np.stack(values) for values in zip(*parts, strict=True))
        outside = np.maximum(np.maximum(-along, along - length), 0)
        nearest = outside.argmin(axis=0)
        rows = np.arange(len(self.t_s))
        before = np.cumsum(length, axis=0) - length
        return distance[nearest, rows], (before + along)[nearest, rows], length.sum(axis=0)

    def heading_deg(self, from_to_px: ArrayLike, velocity_m: Array) -> Array:
        """Returns the angle (N,) 0-180 between the actor's velocity and an arrow drawn in the picture."""
        direction = self.arrow_m(from_to_px)
        dot = dots(direction, velocity_m)
        norms = lengths(direction) * lengths(velocity_m)
        angle: Array = np.degrees(np.arccos(np.clip(dot / np.maximum(norms, 1e-9), -1, 1)))
        return angle

    def arrow_m(self, from_to_px: ArrayLike) -> Array:
        """Returns an arrow drawn in the picture as a vector (N, 2) in metres on each row's local scale."""
        arrow = np.asarray(from_to_px, float)
        if self.ground.matrix is not None:
            start, end = self.ground.drawn_m(arrow)
            return np.broadcast_to(end - start, (len(self.t_s), 2))
        return self.vectors_m(arrow[:1], arrow[1:])

    def vectors_m(self, from_px: Array, to_px: Array) -> Array:
        """Returns row-wise vectors (N, 2) in metres between picture points, on each row's local scale."""
        if self.ground.matrix is not None:
            return self.on_ground_m(to_px) - self.on_ground_m(from_px)
        vectors: Array = (to_px - from_px) / self.scale_px_per_m
        return vectors

    @property
    def foot_m(self) -> Array:
        """Foot points (N, 2) on the ground plane, metres; only where the road is calibrated."""
        return self.once("foot_m", lambda: self.ground.points_m(self.foot_px))

    def on_ground_m(self, points_px: Array) -> Array:
        """Returns picture points (N, 2) on the ground plane, metres; only where the road is calibrated."""
        return self.foot_m if points_px is self.foot_px else self.ground.points_m(points_px)

    def velocity_mps(self, window_s: float = 0.8) -> Array:
        """Returns the velocity (N, 2) m/s over a window centred on each row."""
        return self.once(("velocity", window_s), lambda: self._velocity_mps(window_s))

    def speed_mps(self, window_s: float) -> Array:
        """Returns the speed (N,) m/s over a window centred on each row."""
        return self.once(("speed", window_s), lambda: lengths(self.velocity_mps(window_s)))

    def _velocity_mps(self, window_s: float) -> Array:
        t_s = self.t_s
        half_s = window_s / 2 + SLACK_S
        early = t_s.searchsorted(t_s - half_s, side="left")
        late = t_s.searchsorted(t_s + half_s, side="right") - 1
        span_s = np.maximum(t_s[late] - t_s[early], 1e-3)
        return self._between_rows_m(early, late) / span_s[:, None]

    def _between_rows_m(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> Array:
        """Returns the vectors (N, 2) in metres from the foot points of some rows to those of others."""
        if self.ground.matrix is not None:
            return self.foot_m.take(last, axis=0) - self.foot_m.take(first, axis=0)
        return self.vectors_m(self.foot_px[first], self.foot_px[last])

    def shift_m(self, first: int, last: int) -> float:
        """Returns how far the foot point moved between two rows, metres."""
        if self.ground.matrix is not None:
            x, y = self.foot_m[last] - self.foot_m[first]
            return hypot(float(x), float(y))
        scale = (self.scale_px_per_m[first] + self.scale_px_per_m[last]) / 2
        return float(np.linalg.norm((self.foot_px[last] - self.foot_px[first]) / scale))

    def away_m(self, place: int | Array) -> Array:
        """Returns the distance (N,) of every row from one row's place, or from a picture point, metres."""
        point = self.foot_px[place] if isinstance(place, int) else np.asarray(place, float)
        if self.ground.matrix is not None:
            ways = self.foot_m - self.ground.points_m(point)
        else:
            ways = self.vectors_m(point[None], self.foot_px)
        return lengths(ways)

    def away(self, towards_px: ArrayLike, origin_px: ArrayLike) -> float:
        """Returns how much a travel direction leads away from the camera: 1 away, 0 across, -1 towards it."""
        step = np.asarray(towards_px, float) - np.asarray(origin_px, float)
        if self.ground.matrix is not None:
            origin = np.asarray(origin_px, float)
            return self.ground.once(("away", origin.tobytes(), step.tobytes()), lambda: self.ground.away(step, origin))
        metric = step / self.ground.flat_scale
        return float(-metric[1] / max(np.linalg.norm(metric), 1e-9))

    def _to_segment(self, a: Array, b: Array, towards: Array) -> tuple[Array, Array, Array]:
        points = np.stack((a, b, towards))
        if self.ground.matrix is not None:
            foot, key = self.foot_m, ("segment", points.tobytes())
            start, unit, side, length = self.ground.once(key, lambda: _axes(*self.ground.points_m(points)[:, None]))
        else:
            foot = self.foot_px / self.scale_px_per_m
            start, unit, side, length = _axes(*(p[None] / self.scale_px_per_m for p in points))
        way = foot - start
        distance, along = (way[:, 1] * unit[:, 0] - way[:, 0] * unit[:, 1]) * side, dots(way, unit)
        return distance, along, np.broadcast_to(length, along.shape)


def lengths(vectors: Array) -> Array:
    """Returns the length (N,) of vectors (N, 2)."""
    length: Array = np.hypot(vectors[:, 0], vectors[:, 1])
    return length


def dots(first: Array, second: Array) -> Array:
    """Returns the scalar products (N,) of vectors (N, 2) or (2,) with vectors (N, 2), row by row."""
    product: Array = first[..., 0] * second[..., 0] + first[..., 1] * second[..., 1]
    return product


def spans(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Returns (first, last) row of every run of True.

    >>> spans(np.array([True, True, False, True]))
    [(0, 1), (3, 3)]
    """
    padded = np.zeros(len(mask) + 2, np.bool_)
    padded[1:-1] = mask
    edges = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return [(first, end - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def _reach(boxes: FloatArray) -> tuple[float, float, float, float]:
    """Returns the upright rectangle around some boxes (N, 4), grown by the largest width and height of them."""
    x1, y1, x2, y2 = boxes.T
    wide, high = float((x2 - x1).max()), float((y2 - y1).max())
    return float(x1.min()) - wide, float(y1.min()) - high, float(x2.max()) + wide, float(y2.max()) + high


def _axes(start: Array, end: Array, target: Array) -> tuple[Array, Array, Array, Array]:
    """Returns the start (N, 2) and direction (N, 2) of lines, the side (N,) points are on, and the lengths (N,)."""
    line = end - start
    length = np.maximum(lengths(line), 1e-9)
    unit = line / length[:, None]
    way = target - start
    return start, unit, np.sign(way[:, 1] * unit[:, 0] - way[:, 0] * unit[:, 1]), length


class Ground:
    """The road under one camera view."""

    def __init__(self, site: Site) -> None:
        self.matrix: Array | None = None
        self._made: dict[Hashable, Any] = {}
        if site.calibration is not None:
            points = site.calibration.points
            self.matrix = homography([p.image_px for p in points], [p.ground_m for p in points])
            self._middle_px = np.mean([p.image_px for p in points], axis=0)
            self._rows = self.matrix.tolist()
            self._inverse = np.asarray(np.linalg.inv(self.matrix), np.float64)
        angle = np.radians(site.camera.depression_deg or USUAL_DEPRESSION_DEG)
        self._picture_px = site.camera.picture_size_px
        self._sin, self._cos = float(np.sin(angle)), float(np.cos(angle))
        self.flat_scale = np.array([1.0, self._sin])

    def point_m(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Returns one picture point on the ground plane, metres; only where the road is calibrated."""
        (a, b, c), (d, e, f), (g, h, i) = self._rows
        scale = g * x_px + h * y_px + i
        return (a * x_px + b * y_px + c) / scale, (d * x_px + e * y_px + f) / scale

    def points_m(self, points_px: Array) -> Array:
        """Returns picture points (N, 2) on the ground plane, metres; only where the road is calibrated."""
        if self.matrix is None:
            raise ValueError("no ground plane without calibration")
        return project(self.matrix, points_px)

    def drawn_m(self, points_px: Array) -> Array:
        """Returns drawn picture points (N, 2) on the ground plane, metres, worked out once; only where calibrated."""
        return self.once(("drawn", points_px.tobytes()), lambda: self.points_m(points_px))

    def away(self, step_px: Array, origin_px: Array) -> float:
        """Returns how much a way drawn from a picture point leads away from the camera; only where calibrated."""
        points = np.stack((origin_px, origin_px + np.array([0.0, 4.0]), origin_px + step_px / np.linalg.norm(step_px)))
        here, camera_side, ahead = self.points_m(points)
        back, forth = camera_side - here, ahead - here
        return float(-(back @ forth) / max(np.linalg.norm(back) * np.linalg.norm(forth), 1e-9))

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Returns what ``make`` gives for something drawn, worked out once for all paths."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def shifted_px(self, points_m: Array, by_m: Array) -> Array:
        """Returns the picture points (N, 2) of ground points moved by metres; only where the road is calibrated."""
        return project(self._inverse, points_m + by_m)

    @cached_property
    def handedness(self) -> int:
        """1 where turning right is a positive cross product of ground vectors (as in the picture), else -1."""
        if self.matrix is None:
            return 1
        corner, right, down = project(self.matrix, self._middle_px + np.array([[0, 0], [1, 0], [0, 1]]))
        a, b = right - corner, down - corner
        return 1 if a[0] * b[1] - a[1] * b[0] > 0 else -1

    @property
    def scale_source(self) -> str:
        """How metres are known here, for the record."""
        return "homography" if self.matrix is not None else "vehicle_length"

    def path(self, history: TrackHistory) -> Path:
        """Returns a track on the road, its boxes smoothed."""
        return self.paths([history])[0]

    def paths(self, histories: Sequence[TrackHistory]) -> list[Path]:
        """Returns tracks on the road, worked out together: a few long arrays cost less than many short ones."""
        whole = [completed(np.asarray(h.xyxy, float), h.t_s, self._picture_px[1]) for h in histories]
        boxes, rows = smoothed(whole, [step_s(h.t_s) for h in histories])
        foot_px = np.column_stack(((boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]))
        found = [self._path(h, boxes[here], foot_px[here]) for h, here in zip(histories, rows, strict=True)]
        if self.matrix is not None:
            foot_m = self.points_m(foot_px)
            for path, here in zip(found, rows, strict=True):
                path.once("foot_m", partial(foot_m.__getitem__, here))
        return found

    def _path(self, history: TrackHistory, boxes: Array, foot_px: Array) -> Path:
        return Path(
            history=history,
            ground=self,
            t_s=history.t_s,
            foot_px=foot_px,
            boxes_of=lambda: boxes,
            scale_of=lambda: self._scale(history, boxes),
        )

    def _scale(self, history: TrackHistory, boxes: Array) -> Array:
        body = BODIES[history.class_id]
        per_m = body.height_m * self._cos + body.top_m * self._sin
        height_px = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
        across = grown(height_px, step_s(history.t_s)) / per_m
        return np.column_stack((across, across * self._sin))
