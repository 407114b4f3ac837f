"""Labelled pictures for training the detector: a scene from random cameras, under random suns, in random traffic."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import cv2

from core.errors import ConfigError
from sim.labels import Label
from sim.render import Renderer
from sim.scene import CameraSpec, Scene
from sim.weather import WEATHERS, WeatherName
from sim.world import STEP_S, build_world

CameraKind = Literal["pole", "drone"]
_PICTURES_PER_VIEW = {"pole": 10, "drone": 5}
_PREFIXES = {"pole": "sim", "drone": "drone"}
_PART_CLASSES = {"head": 0, "plate": 1}
_MIN_PART_VISIBILITY = 0.6
_MIN_PART_PX = {"head": 4.0, "plate": 3.0}
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


def render_pictures(
    scene: Scene,
    seeds: list[int],
    views: int,
    out: Path,
    *,
    camera: CameraKind = "pole",
    weather: WeatherName | Literal["any"] = "day",
) -> list[Path]:
    """Renders ``views`` random views per seed and returns the pictures; ``weather`` "any" draws one per view.

    Each picture has a YOLO label file ``.txt`` beside it, and ``.parts.txt`` with its heads (0) and plates (1).
    """
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for seed in seeds:
        # Ambient traffic that breaks a rule or brushes past another is fine here: only the boxes are learned.
        world = build_world(scene.model_copy(update={"seed": seed}))
        for view in range(views):
            chance = random.Random(seed * 1000 + view)
            shot = scene.model_copy(
                update={
                    "seed": seed,
                    "camera": _CAMERAS[camera](chance, scene),
                    "sun": random_sun(chance),
                    "weather": chance.choice(sorted(WEATHERS)) if weather == "any" else weather,
                }
            )
            renderer = Renderer(shot)
            count = _PICTURES_PER_VIEW[camera]
            times = [(k + chance.random()) * scene.duration_s / count for k in range(count)]
            for number, t_s in enumerate(times):
                rendered = renderer.render(world.moments[min(int(t_s / STEP_S), len(world.moments) - 1)])
                path = out / f"{_PREFIXES[camera]}_{seed:04d}_{view:02d}_{number:02d}.jpg"
                cv2.imwrite(str(path), rendered.bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
                path.with_suffix(".txt").write_text(yolo_text(rendered.labels, scene.camera.picture_size_px))
                path.with_suffix(".parts.txt").write_text(parts_text(rendered.labels, scene.camera.picture_size_px))
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


def random_drone(chance: random.Random, scene: Scene) -> CameraSpec:
    """Returns a drone's camera 40-120 m up, from straight down to 45 degrees oblique, turned at random."""
    height, tilt = chance.uniform(40, 120), math.radians(chance.choice([0.0, chance.uniform(0, 45)]))
    turn, at = chance.uniform(0, 2 * math.pi), (chance.uniform(-25, 25), chance.uniform(-25, 25))
    # A camera looking straight down has no upward direction; half a metre aside gives it one.
    back = max(height * math.tan(tilt), 0.5)
    eye = (at[0] - back * math.cos(turn), at[1] - back * math.sin(turn), height)
    size = scene.camera.picture_size_px
    return CameraSpec(eye_m=eye, target_m=(*at, 0.0), field_deg=chance.uniform(35, 65), picture_size_px=size)


_CAMERAS: dict[CameraKind, Callable[[random.Random, Scene], CameraSpec]] = {
    "pole": random_camera,
    "drone": random_drone,
}


def random_sun(chance: random.Random) -> tuple[float, float, float]:
    """Returns a direction to the sun, from low to high."""
    return chance.uniform(-0.7, 0.7), chance.uniform(-0.7, 0.7), chance.uniform(0.35, 0.95)


def yolo_text(labels: tuple[Label, ...], picture_size_px: tuple[int, int]) -> str:
    """Returns YOLO lines: class, then centre and size as shares of the picture; hardly visible actors are left out."""
    lines = []
    for label in labels:
        x1, y1, x2, y2 = label.xyxy
        if label.visibility < _MIN_VISIBILITY or min(x2 - x1, y2 - y1) < _MIN_SIDE_PX:
            continue
        lines.append(_yolo_line(int(label.class_id), label.xyxy, picture_size_px))
    return "".join(lines)


def parts_text(labels: tuple[Label, ...], picture_size_px: tuple[int, int]) -> str:
    """Returns YOLO lines of the heads (0) and plates (1) that can be seen; a plate's text follows its box."""
    lines = []
    for detail in (d for label in labels for d in label.details):
        x1, y1, x2, y2 = detail.xyxy
        if detail.visibility >= _MIN_PART_VISIBILITY and min(x2 - x1, y2 - y1) >= _MIN_PART_PX[detail.kind]:
            line = _yolo_line(_PART_CLASSES[detail.kind], detail.xyxy, picture_size_px)
            lines.append(f"{line.rstrip()} {detail.text}".rstrip() + "\n")
    return "".join(lines)


def _yolo_line(class_number: int, xyxy: tuple[float, float, float, float], picture_size_px: tuple[int, int]) -> str:
    (x1, y1, x2, y2), (width, height) = xyxy, picture_size_px
    box = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return f"{class_number} " + " ".join(f"{value:.6f}" for value in box) + "\n"
