"""Where everything is at every step of a scene: scripted cast and ambient traffic together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from sim import ambient
from sim.actors import BODIES, Pose, Trajectory
from sim.motion import Path, Travel
from sim.scene import Actor, Scene
from sim.signals import Colour

STEP_S = ambient.STEP_S
_MIN_MOVE_M = 1e-4
_MIN_GAIN_MPS = 0.004
_BRAKING_MPS2 = 0.7
_TURN_AHEAD_M, _TURN_RAD = 18.0, math.radians(25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The whole world at one clip time."""

    t_s: float
    signals: dict[str, Colour]
    poses: tuple[Pose, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Every step of a scene, STEP_S apart, from clip time 0."""

    scene: Scene
    moments: tuple[Moment, ...]

    def trajectories(self) -> dict[str, Trajectory]:
        """Returns each actor's way through the scene, by actor id."""
        rows: dict[str, list[tuple[float, Pose]]] = {}
        for moment in self.moments:
            for pose in moment.poses:
                rows.setdefault(pose.actor_id, []).append((moment.t_s, pose))
        return {name: _trajectory(found) for name, found in rows.items()}


def build_world(scene: Scene) -> World:
    """Runs a scene.

    Raises:
        ConfigError: the scene has ambient traffic and SUMO is not installed.
    """
    scripts = [Script(actor) for actor in scene.cast]
    steps = round(scene.duration_s / STEP_S)
    crowds = _ambient_poses(scene, scripts, steps) if scene.ambient else [[] for _ in range(steps)]
    moments: list[Moment] = []
    before: dict[str, Pose] = {}
    for step in range(steps):
        t_s = round(step * STEP_S, 3)
        poses = [p for s in scripts if (p := s.pose(t_s)) is not None] + crowds[step]
        moments.append(
            Moment(t_s=t_s, signals=scene.signals.states(t_s), poses=tuple(_going_on(p, before) for p in poses))
        )
    return World(scene=scene, moments=tuple(moments))


class Script:
    """A scripted actor ready to be asked where it is."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._path = Path(actor.path)
        self._travel: Travel = actor.motion.travel(self._path)

    def pose(self, t_s: float) -> Pose | None:
        """Returns where the actor is, None before its way begins and after it ends."""
        body_m = _body_length(self.actor)
        along = self._travel(t_s) - body_m / 2
        if not 0.0 < along < self._path.length_m:
            return None
        x, y, heading = self._path.at(along)
        ahead = self._path.at(along + _TURN_AHEAD_M)[2]
        bend = math.remainder(ahead - heading, 2 * math.pi)
        speed = (self._travel(t_s + 0.01) - self._travel(t_s - 0.01)) / 0.02
        return Pose(
            actor_id=self.actor.id,
            kind=self.actor.kind,
            x_m=x,
            y_m=y,
            heading_rad=heading,
            speed_mps=max(0.0, speed),
            turning=int(math.copysign(1, bend)) if abs(bend) > _TURN_RAD else 0,
        )


def _body_length(actor: Actor) -> float:
    return BODIES[actor.kind].length_m


def _ambient_poses(scene: Scene, scripts: list[Script], steps: int) -> list[list[Pose]]:
    found: list[list[Pose]] = []
    on_road = [s for s in scripts if s.actor.is_seen and s.actor.kind not in ("walker", "bike_pusher")]
    with ambient.running(scene) as traffic:
        first = -round(traffic.warmup_s / STEP_S)
        for step in range(first, steps):
            # SUMO's state after its k-th step is the world k steps after its start.
            t_s = step * STEP_S
            cast_poses = [p for s in on_road if (p := s.pose(t_s)) is not None] if t_s > -30 else []
            crowd = traffic.step(cast_poses)
            if step >= 0:
                found.append(crowd)
    return found


def _going_on(pose: Pose, before: dict[str, Pose]) -> Pose:
    """Returns a pose with what depends on the one before it: metres gone, brake lights."""
    last = before.get(pose.actor_id)
    if last is not None:
        moved = math.hypot(pose.x_m - last.x_m, pose.y_m - last.y_m)
        slowing = (last.speed_mps - pose.speed_mps) / STEP_S
        # Held on the brake once stopped, until it drives off again.
        is_held = last.is_braking and pose.speed_mps <= last.speed_mps + _MIN_GAIN_MPS
        pose = replace(
            pose,
            gone_m=last.gone_m + (moved if moved > _MIN_MOVE_M else 0.0),
            is_braking=slowing > _BRAKING_MPS2 or is_held,
        )
    before[pose.actor_id] = pose
    return pose


def _trajectory(rows: list[tuple[float, Pose]]) -> Trajectory:
    first = rows[0][1]
    return Trajectory(
        actor_id=first.actor_id,
        kind=first.kind,
        t_s=np.array([t for t, _ in rows]),
        x_m=np.array([p.x_m for _, p in rows]),
        y_m=np.array([p.y_m for _, p in rows]),
        heading_rad=np.array([p.heading_rad for _, p in rows]),
        speed_mps=np.array([p.speed_mps for _, p in rows]),
    )
