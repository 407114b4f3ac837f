"""Labelled pictures for training the detector: a scene from random cameras, under random suns, in random traffic."""

from __future__ import annotations

import random
from pathlib import Path

import cv2

from core.errors import ConfigError
from sim.labels import Label
from sim.render import Renderer
from sim.scene import CameraSpec, Scene
from sim.world import STEP_S, build_world

_PICTURES_PER_VIEW = 10
_MIN_VISIBILITY = 0.25
_MIN_SIDE_PX = 6.0


def parse_seeds(text: str) -> list[int]:
    """Returns the seeds of a list such as ``3,7,20-22``.

    Raises:
        ConfigError: not a list of numbers.

    >>> parse_seeds("3,20-22")
    [3, 20, 21, 22]
    """
    found: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.strip().partition("-")
            found += range(int(first), int(last or first) + 1)
    except ValueError as error:
        raise ConfigError(f"'{text}' is not a list of seeds; write for example 3,7,20-29") from error
    return found


def render_pictures(scene: Scene, seeds: list[int], views: int, out: Path) -> list[Path]:
    """Renders ``views`` random views per seed and returns the pictures; each has a YOLO label file beside it."""
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for seed in seeds:
        # Ambient traffic that breaks a rule or brushes past another is fine here: only the boxes are learned.
        world = build_world(scene.model_copy(update={"seed": seed}))
        for view in range(views):
            chance = random.Random(seed * 1000 + view)
            shot = scene.model_copy(
                update={"seed": seed, "camera": random_camera(chance, scene), "sun": random_sun(chance)}
            )
            renderer = Renderer(shot)
            gap_s = scene.duration_s / _PICTURES_PER_VIEW
            times = [(k + chance.random()) * gap_s for k in range(_PICTURES_PER_VIEW)]
            for number, t_s in enumerate(times):
                rendered = renderer.render(world.moments[min(int(t_s / STEP_S), len(world.moments) - 1)])
                path = out / f"sim_{seed:04d}_{view:02d}_{number:02d}.jpg"
                cv2.imwrite(str(path), rendered.bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
                path.with_suffix(".txt").write_text(yolo_text(rendered.labels, scene.camera.picture_size_px))
                written.append(path)
            renderer.close()
    return written


def random_camera(chance: random.Random, scene: Scene) -> CameraSpec:
    """Returns a pole camera before or behind the junction, 5-13 m high."""
    if chance.random() < 1 / 3:
        eye = (chance.uniform(-7, 7), chance.uniform(20, 34), chance.uniform(5, 11))
        target = (chance.uniform(-4, 4), chance.uniform(-24, -12), 0.0)
    else:
        eye = (chance.uniform(-9, 9), chance.uniform(-58, -26), chance.uniform(5, 13))
        target = (chance.uniform(-4, 4), chance.uniform(-14, 8), 0.0)
    size = scene.camera.picture_size_px
    return CameraSpec(eye_m=eye, target_m=target, field_deg=chance.uniform(42, 74), picture_size_px=size)


def random_sun(chance: random.Random) -> tuple[float, float, float]:
    """Returns a direction to the sun, from low to high."""
    return chance.uniform(-0.7, 0.7), chance.uniform(-0.7, 0.7), chance.uniform(0.35, 0.95)


def yolo_text(labels: tuple[Label, ...], picture_size_px: tuple[int, int]) -> str:
    """Returns YOLO lines: class, then centre and size as shares of the picture; hardly visible actors are left out."""
    width, height = picture_size_px
    lines = []
    for label in labels:
        x1, y1, x2, y2 = label.xyxy
        if label.visibility < _MIN_VISIBILITY or min(x2 - x1, y2 - y1) < _MIN_SIDE_PX:
            continue
        box = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        lines.append(f"{int(label.class_id)} " + " ".join(f"{value:.6f}" for value in box))
    return "\n".join(lines) + ("\n" if lines else "")
