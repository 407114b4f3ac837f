"""Vehicles and people seen from above, cut out with their shadows: material to paste onto any ground.

Each group is rendered on a black and on a white ground. Where the two pictures differ the ground shows through, so
their difference is how much of any ground is seen: nothing through a car, half through its shadow.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.observations import ActorClass
from sim import junction
from sim.actors import Kind, Pose
from sim.labels import Label
from sim.mesh import Mesh
from sim.pictures import random_sun
from sim.render import Renderer
from sim.scene import CameraSpec, Scene
from sim.town import Solid
from sim.world import Moment

SIZE_PX, WIDTH_M, HEIGHT_M = 1024, 26.0, 80.0
"""A sprite has SIZE_PX / WIDTH_M pixels a metre; as from a drone 80 m up."""
STEEPEST_DEG = 35.0
_ROWS_M = (-10.0, -6.0, -2.0, 2.0, 6.0, 10.0)
_GROUPS: tuple[tuple[Kind, ...], ...] = (
    ("hatchback", "sedan", "suv", "van"),
    ("ebike", "bicycle", "walker"),
    ("bus",),
)
_ORDER = (0, 0, 1, 0, 2)
"""Which group a moment shows, in turn."""
_MARGIN_PX = 44
_LOOKS = 14
_SOLID = 225
"""Alpha from which a pixel is body, not shadow."""
_CLEAR = 0.96
"""Share of the ground's light from which nothing at all lies over it: below is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprite:
    """One actor from above. Shapes: bgra (h, w, 4) uint8, premultiplied: colours already weighted by alpha."""

    class_id: ActorClass
    bgra: Any


def render_sprites(scene: Scene, seeds: list[int], moments: int, out: Path) -> list[Path]:
    """Renders one camera and one sun a seed and returns the sprites, ``CLASS_SEED_NUMBER.png``."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for seed in seeds:
        for number, sprite in enumerate(cut_sprites(scene, seed, moments)):
            path = out / f"{sprite.class_id.name.lower()}_{seed:03d}_{number:03d}.png"
            cv2.imwrite(str(path), sprite.bgra)
            written.append(path)
    return written


def cut_sprites(scene: Scene, seed: int, moments: int) -> list[Sprite]:
    """Returns the sprites of one camera and one sun."""
    chance = random.Random(seed)
    camera = _camera(chance)
    shot = scene.model_copy(update={"camera": camera, "sun": random_sun(chance), "cast": []})
    times = [
        Moment(t_s=n, signals=scene.signals.states(0.0), poses=tuple(_group(chance, _GROUPS[_ORDER[n % len(_ORDER)]])))
        for n in range(moments)
    ]
    sunlight = chance.choice((1.0, 0.6, 0.15))
    on_black, on_white = (_render(shot, times, shade, sunlight) for shade in (0, 255))
    found = []
    for (dark, labels), (light, _) in zip(on_black, on_white, strict=True):
        bgra = matte(dark, light)
        found += [s for label in labels if (s := _cut(label, bgra)) is not None]
    return found


def matte(dark: Any, light: Any) -> Any:
    """Returns what covers a ground, from its pictures on black and on white.

    Shapes: dark, light (H, W, 3) float32, 0 to 255; result (H, W, 4) uint8, premultiplied.

    >>> light = np.full((2, 2, 3), 200.0)
    >>> light[0, 0] = 30
    >>> dark = np.zeros((2, 2, 3))
    >>> dark[0, 0] = 30
    >>> matte(dark, light)[0].tolist()
    [[30, 30, 30, 255], [0, 0, 0, 0]]
    """
    difference = (light - dark).mean(axis=2)
    through = np.clip(difference / max(1.0, float(np.percentile(difference, 90))) / _CLEAR, 0, 1)
    is_open = through >= 1
    haze = np.median(dark[is_open], axis=0) if is_open.any() else np.zeros(3)
    body = np.clip(dark - haze * through[..., None], 0, 255)
    body[is_open] = 0
    return np.dstack([body, (1 - through) * 255]).round().astype("u1")


def _camera(chance: random.Random) -> CameraSpec:
    tilt = math.radians(chance.choice((0.3, 0.3, chance.uniform(2, STEEPEST_DEG))))
    turn, back = chance.uniform(0, 2 * math.pi), HEIGHT_M * math.tan(tilt)
    return CameraSpec(
        eye_m=(-back * math.cos(turn), -back * math.sin(turn), HEIGHT_M),
        target_m=(0.3 * math.cos(turn), 0.3 * math.sin(turn), 0.0),
        field_deg=math.degrees(2 * math.atan(WIDTH_M / 2 / HEIGHT_M * math.cos(tilt))),
        picture_size_px=(SIZE_PX, SIZE_PX),
    )


def _render(shot: Scene, times: list[Moment], shade: int, sunlight: float) -> list[tuple[Any, tuple[Label, ...]]]:
    half = junction.GROUND_HALF_M
    mesh = Mesh().quad([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], (0, 0, 1))
    ground = Solid(mesh=mesh, mode=1, texture=np.full((8, 8, 3), shade, "u1"))
    renderer = Renderer(shot, ground=ground, sunlight=sunlight, is_draft=True)
    made = [renderer.render(moment) for moment in times]
    renderer.close()
    return [(r.bgr.astype("f4"), r.labels) for r in made]


def _group(chance: random.Random, kinds: tuple[Kind, ...]) -> list[Pose]:
    """Returns a field of actors apart from one another."""
    columns = (-6.0, 6.0) if "bus" in kinds else (-9.5, -3.2, 3.2, 9.5)
    poses = []
    for x in columns:
        for y in _ROWS_M:
            kind = chance.choice(kinds)
            heading = chance.uniform(0, 2 * math.pi) if "walker" in kinds else chance.choice((0.0, math.pi))
            poses.append(
                Pose(
                    actor_id=f"{kind}_{chance.randrange(_LOOKS)}",
                    kind=kind,
                    x_m=x,
                    y_m=y,
                    heading_rad=heading,
                    speed_mps=chance.choice((0.0, 1.4)),
                    gone_m=chance.uniform(0, 9),
                )
            )
    return poses


def _cut(label: Label, bgra: Any) -> Sprite | None:
    """Returns one actor without its neighbours, None if it is hidden or too near to the edge."""
    x1, y1, x2, y2 = (int(v) for v in label.xyxy)
    if label.visibility < 0.9 or min(x1, y1) < _MARGIN_PX or max(x2, y2) > SIZE_PX - _MARGIN_PX:
        return None
    view = bgra[y1 - _MARGIN_PX : y2 + _MARGIN_PX, x1 - _MARGIN_PX : x2 + _MARGIN_PX].copy()
    count, piece = cv2.connectedComponents((view[..., 3] >= _SOLID).astype("u1"))[:2]
    sizes = np.bincount(piece[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX].ravel(), minlength=count)
    sizes[0] = 0
    own = int(sizes.argmax())
    if not sizes[own]:
        return None
    others = cv2.dilate(((piece != own) & (piece > 0)).astype("u1"), np.ones((7, 7), "u1"))
    view[others > 0] = 0
    return Sprite(class_id=label.class_id, bgra=view)
