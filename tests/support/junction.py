"""A junction seen by a pinhole camera: actors move on the road in metres, boxes come out in pixels.

Independent of rules/ground.py: three-dimensional bodies are projected corner by corner, so what a rule
is given is what a detector on a real camera would give. Road: x to the right, y away from the camera,
stop line along x at y = 0, junction beyond it (y > 0), camera behind the waiting traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.observations import ActorClass, Outcome, SignalState, SignalTimeline, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from rules import RuleBook, Scene, SiteView

SIZE_M = {  # length, width, height
    ActorClass.PERSON: (0.3, 0.55, 1.72),
    ActorClass.BICYCLE: (1.8, 0.6, 1.7),
    ActorClass.MOTORCYCLE: (1.8, 0.7, 1.65),
    ActorClass.CAR: (4.5, 1.8, 1.5),
    ActorClass.BUS: (11.0, 2.5, 3.1),
}
Place = Callable[[float], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoleCamera:
    """A pole camera ``back_m`` behind the line, ``height_m`` up, looking at the line."""

    height_m: float = 7.5
    back_m: float = 17.0
    focal_px: float = 1400.0
    size_px: tuple[int, int] = (1920, 1080)
    x_m: float = 0.0

    def project(self, points_m: Any) -> np.ndarray:
        """Returns pixels (N, 2) of road points (N, 3)."""
        eye = np.array([self.x_m, -self.back_m, self.height_m])
        forward = np.array([self.x_m, 2.0, 0.0]) - eye
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        local = (np.asarray(points_m, float) - eye) @ np.c_[right, down, forward]
        return local[:, :2] / local[:, 2:] * self.focal_px + np.array(self.size_px) / 2

    def ground(self, *points_m: tuple[float, float]) -> list[tuple[float, float]]:
        """Returns pixels of points on the road."""
        return [(float(x), float(y)) for x, y in self.project([(x, y, 0.0) for x, y in points_m])]


@dataclass
class Junction:
    """Builds a site and its tracks, then asks the rules."""

    camera: PoleCamera = field(default_factory=PoleCamera)
    fps: float = 8.0
    is_calibrated: bool = True
    has_angle: bool = True
    lamp: list[tuple[float, str]] = field(default_factory=lambda: [(0.0, "green"), (10.0, "yellow"), (13.0, "red")])
    until_s: float = 60.0
    parts: dict[str, Any] = field(default_factory=dict)
    other_lamps: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    tracks: list[TrackHistory] = field(default_factory=list)

    def __post_init__(self) -> None:
        pad = self.camera.ground
        self.parts.setdefault(
            "stop_lines",
            [{"id": "south", "points_px": pad((-7, 0), (7, 0)), "towards_px": pad((0, 6))[0], "signal": "lamp"}],
        )
        self.parts.setdefault("signals", [{"id": "lamp", "region_px": (10, 10, 40, 90)}])

    def add(
        self,
        who: ActorClass,
        place: Place,
        *,
        start_s: float = 0.0,
        end_s: float | None = None,
        seen: Callable[[float], bool] = lambda t: True,
        heading: tuple[float, float] | None = (0.0, 1.0),
    ) -> int:
        """Adds an actor whose *middle* is at ``place(t)`` metres; returns its track id. No heading: along its way."""
        length, width, height = SIZE_M[who]
        ahead = np.asarray(heading or (0.0, 1.0), float) / np.hypot(*(heading or (0.0, 1.0)))
        pts, boxes = [], []
        for t in np.arange(start_s, self.until_s if end_s is None else end_s, 1 / self.fps):
            if not seen(float(t)):
                continue
            middle = np.asarray(place(float(t)), float)
            step = np.subtract(place(float(t) + 0.05), place(float(t) - 0.05))
            ahead = step / np.hypot(*step) if heading is None and np.hypot(*step) > 1e-3 else ahead
            aside = np.array([ahead[1], -ahead[0]])
            corners = [
                (*(middle + a * length / 2 * ahead + b * width / 2 * aside), z)
                for a in (-1, 1)
                for b in (-1, 1)
                for z in (0.0, height)
            ]
            xy = self.camera.project(corners)
            box = np.r_[xy.min(axis=0), xy.max(axis=0)]
            w, h = self.camera.size_px
            box = np.clip(box, 0, [w, h, w, h])
            if box[2] - box[0] > 4 and box[3] - box[1] > 4:
                pts.append(round(t * NS_PER_S))
                boxes.append(box)
        self.tracks.append(
            TrackHistory(
                track_id=len(self.tracks) + 1,
                class_id=who,
                class_share=1.0,
                pts_ns=np.asarray(pts, np.int64),
                xyxy=np.asarray(boxes, np.float32),
                confidence=np.full(len(pts), 0.9, np.float32),
                is_finished=True,
            )
        )
        return len(self.tracks)

    def passer_by(self) -> None:
        """Adds cross traffic that keeps moving far ahead: V02 wants to see others move."""
        self.add(ActorClass.CAR, lambda t: (-12 + (t % 6) * 4, 16.0), heading=(1.0, 0.0))

    @property
    def site(self) -> Site:
        """The site, drawn exactly, calibrated by four road points or not at all."""
        ground = [(-6.0, -8.0), (6.0, -8.0), (6.0, 14.0), (-6.0, 14.0)]
        points = [{"image_px": p, "ground_m": g} for p, g in zip(self.camera.ground(*ground), ground, strict=True)]
        depression = float(np.degrees(np.arctan2(self.camera.height_m, self.camera.back_m)))
        return Site.model_validate(
            {
                "site_id": "test",
                "place": "test junction",
                "camera": {
                    "camera_id": "c",
                    "picture_size_px": self.camera.size_px,
                    "depression_deg": depression if self.has_angle else None,
                },
                "calibration": {"points": points} if self.is_calibrated else None,
                **self.parts,
            }
        )

    def outcomes(self) -> list[Outcome]:
        """Returns what the rules say about all tracks."""
        timelines = {"lamp": self.lamp, **self.other_lamps}
        signals = {
            name: SignalTimeline(
                signal_id=name,
                since_ns=tuple(int(t * NS_PER_S) for t, _ in states),
                states=tuple(SignalState(s) for _, s in states),
                until_ns=int(self.until_s * NS_PER_S),
            )
            for name, states in timelines.items()
        }
        scene = Scene(
            view=SiteView.of(self.site), tracks=self.tracks, signals=signals, now_ns=int(self.until_s * NS_PER_S)
        )
        return RuleBook().evaluate(self.tracks, scene)

    def found(self) -> list[tuple[str, int]]:
        """Returns (violation, track) of every candidate."""
        return [(o.violation_id, o.track_id) for o in self.outcomes() if hasattr(o, "moments")]


def drive(speed_mps: float, front_at_line_s: float, *, length_m: float = 4.5, x_m: float = 1.5) -> Place:
    """Returns the place of an actor driving straight ahead whose front passes the line at a given second."""
    return lambda t: (x_m, (t - front_at_line_s) * speed_mps - length_m / 2)


def stop_and_go(
    front_stop_m: float, stop_s: float, go_s: float, *, speed_mps: float = 8.0, length_m: float = 4.5, x_m: float = 1.5
) -> Place:
    """Returns the place of an actor that brakes at 2 m/s^2, stands with its front at ``front_stop_m``, leaves later."""

    def place(t: float) -> tuple[float, float]:
        braking_s = speed_mps / 2.0
        if t < stop_s - braking_s:
            front = front_stop_m - speed_mps * braking_s / 2 - speed_mps * (stop_s - braking_s - t)
        elif t < stop_s:
            front = front_stop_m - (stop_s - t) ** 2
        elif t < go_s:
            front = front_stop_m
        else:
            front = front_stop_m + min((t - go_s) ** 2, (t - go_s) * 8.0)
        return x_m, front - length_m / 2

    return place


def along(points_m: list[tuple[float, float]], speed_mps: float, start_s: float = 0.0) -> Place:
    """Returns the place of an actor that drives a polyline at a steady speed from ``start_s`` and stays at its end."""
    corners = np.asarray(points_m, float)
    way = np.r_[0.0, np.cumsum(np.hypot(*np.diff(corners, axis=0).T))]

    def place(t: float) -> tuple[float, float]:
        done = (t - start_s) * speed_mps
        before = min(done, 0.0) * (corners[1] - corners[0]) / way[1]
        return (
            float(np.interp(done, way, corners[:, 0]) + before[0]),
            float(np.interp(done, way, corners[:, 1]) + before[1]),
        )

    return place


def arc(centre: tuple[float, float], radius_m: float, from_deg: float, to_deg: float) -> list[tuple[float, float]]:
    """Returns points of a bend, 0 degrees to the right, 90 ahead."""
    angles = np.radians(np.linspace(from_deg, to_deg, 24))
    return [(float(centre[0] + radius_m * np.cos(a)), float(centre[1] + radius_m * np.sin(a))) for a in angles]
