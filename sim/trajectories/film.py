"""What the camera would give of a scene: perfect tracks, exact lamps, and the site file drawn on its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass, SignalState, SignalTimeline, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from sim.trajectories.camera import CAMERAS, NEAR_M, Pinhole
from sim.trajectories.motion import BODIES
from sim.trajectories.scene import Actor, TrajectoryScene

Array = NDArray[np.float64]
CLASS_OF = {
    "person": ActorClass.PERSON,
    "bicycle": ActorClass.BICYCLE,
    "motorcycle": ActorClass.MOTORCYCLE,
    "car": ActorClass.CAR,
    "van": ActorClass.CAR,
    "bus": ActorClass.BUS,
    "truck": ActorClass.TRUCK,
}
POINTS = ("towards_m", "dashed_side_m")
"""Keys of a site that hold one place."""
SMALLEST_PX = 8.0
"""A box smaller than this each way is not detected."""
CALIBRATED_ON = ((-6.0, -7.0), (6.0, -7.0), (6.0, 16.0), (-6.0, 16.0))
"""Four surveyed road points, metres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A scene seen. Track ids count from 1 in the order of the actors; ``times_ns`` are all frames."""

    scene: TrajectoryScene
    fps: float
    site: Site
    times_ns: NDArray[np.int64]
    tracks: tuple[TrackHistory, ...]
    signals: dict[str, SignalTimeline]
    feed: dict[str, SignalTimeline]
    """What the controller says of the lamps it knows."""

    def name_of(self, track_id: int) -> str:
        """Returns the actor's name behind a track."""
        return self.scene.names[track_id - 1]


def film(scene: TrajectoryScene, fps: float) -> Film:
    """Returns the scene as seen at a frame rate."""
    camera = CAMERAS[scene.camera]
    times_ns = np.round(_times_s(scene, fps) * NS_PER_S).astype(np.int64)
    tracks = tuple(_track(camera, actor, times_ns, number) for number, actor in enumerate(scene.actors, 1))
    return Film(
        scene=scene,
        fps=fps,
        site=site_of(scene),
        times_ns=times_ns,
        tracks=tracks,
        signals={name: _timeline(name, states, scene.until_s) for name, states in scene.lamps.items()},
        feed={name: _timeline(name, states, scene.until_s) for name, states in scene.feed.items()},
    )


def _times_s(scene: TrajectoryScene, fps: float) -> Array:
    """Returns the seconds (N,) of every frame."""
    visits = scene.visits
    if visits is None:
        return np.arange(0.0, scene.until_s, 1 / fps)
    starts = np.arange(0.0, scene.until_s, visits.every_s)
    up = [t for t in starts.tolist() if not any(start <= t < end for start, end in visits.down_s)]
    times: Array = (np.array(up)[:, None] + np.arange(0.0, visits.last_s, 1 / fps)).ravel()
    return times


def site_of(scene: TrajectoryScene) -> Site:
    """Returns the scene's site file, every part projected exactly."""
    camera = CAMERAS[scene.camera]
    points = [{"image_px": camera.point(place), "ground_m": place} for place in CALIBRATED_ON]
    return Site.model_validate(
        {
            "site_id": "trajectories",
            "place": "no place",
            "camera": {
                "camera_id": scene.camera,
                "picture_size_px": camera.size_px,
                "depression_deg": round(camera.depression_deg, 1),
            },
            "calibration": {"points": points} if scene.calibrated else None,
            **{key: _drawn(camera, key, value) for key, value in scene.site.items()},
        }
    )


def _drawn(camera: Pinhole, key: str, value: Any) -> Any:
    """Returns a piece of the site with every ``*_m`` key turned into ``*_px``."""
    if isinstance(value, dict):
        return {k.removesuffix("_m") + "_px" if _is_place(k) else k: _drawn(camera, k, v) for k, v in value.items()}
    if not _is_place(key) or value is None:
        return [_drawn(camera, key, item) for item in value] if isinstance(value, list) else value
    if key in POINTS:
        return camera.point(value)
    if key in {"points_m", "heading_m"}:
        return camera.line(value)
    if value and isinstance(value[0][0], list):
        return [camera.area(part) for part in value]
    return camera.area(value)


def _is_place(key: str) -> bool:
    return key in {*POINTS, "points_m", "heading_m"} or key.endswith(("polygon_m", "polygons_m", "islands_m"))


def _track(camera: Pinhole, actor: Actor, times_ns: NDArray[np.int64], number: int) -> TrackHistory:
    t_s = times_ns / NS_PER_S
    seen = (t_s >= actor.from_s) & (t_s <= (np.inf if actor.to_s is None else actor.to_s))
    for start_s, end_s in actor.hidden_s:
        seen &= ~((t_s > start_s) & (t_s < end_s))
    rows = np.flatnonzero(seen)
    boxes, is_seen = _boxes(camera, actor, t_s[rows])
    return TrackHistory(
        track_id=number,
        class_id=CLASS_OF[actor.kind],
        class_share=1.0,
        pts_ns=times_ns[rows[is_seen]],
        xyxy=boxes[is_seen].astype(np.float32),
        confidence=np.full(int(is_seen.sum()), 0.9, np.float32),
        is_finished=True,
    )


def _boxes(camera: Pinhole, actor: Actor, t_s: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Returns the box (N, 4) around the body's corners and whether it can be seen (N,)."""
    body = BODIES[actor.kind]
    middle, ahead = actor.motion.places(t_s, body.length_m)
    aside = np.c_[ahead[:, 1], -ahead[:, 0]]
    rear = middle - ahead * body.length_m / 2
    corners = [
        np.c_[rear + ahead * along + aside * half * side, np.full(len(t_s), z)]
        for start, end, half, top in body.boxes
        for along in (start, end)
        for side in (-1, 1)
        for z in (0.0, top)
    ]
    if not len(t_s):
        return np.zeros((0, 4)), np.zeros(0, dtype=np.bool_)
    xy, depth_m = camera.project(np.concatenate(corners))
    stacked, depths = xy.reshape(len(corners), len(t_s), 2), depth_m.reshape(len(corners), len(t_s))
    width, height = camera.size_px
    boxes = np.clip(np.c_[stacked.min(axis=0), stacked.max(axis=0)], 0, [width, height, width, height])
    sizes = boxes[:, 2:] - boxes[:, :2]
    return boxes, (depths.min(axis=0) >= NEAR_M) & (sizes.min(axis=1) >= SMALLEST_PX)


def _timeline(name: str, states: list[Any], until_s: float) -> SignalTimeline:
    return SignalTimeline(
        signal_id=name,
        since_ns=tuple(round(t * NS_PER_S) for t, _ in states),
        states=tuple(SignalState(state) for _, state in states),
        until_ns=round(until_s * NS_PER_S),
    )
