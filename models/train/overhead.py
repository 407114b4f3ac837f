"""Training pictures as a drone sees them: rendered sprites on painted grounds, in queues, rows and anywhere.

``python -m sim sprites`` makes the sprites (premultiplied RGBA, shadow included). Everything that a place or a
camera decides is drawn by lot here: ground, scale, direction, paint, light, blur, noise and compression.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass
from models.train.dataset import Labelled

METRES_PER_PX = 26.0 / 1024
"""Scale of the sprites."""
SCALES = (0.032, 0.16)
"""Scales of the pictures, m/px: a car is 145 to 29 px long."""
SIZE_PX = 640
GROUND_PX = 2048
SOLID = 225
"""Alpha from which a pixel is body, not shadow."""
SHARES = {"car": 0.68, "bus": 0.06, "motorcycle": 0.09, "bicycle": 0.07, "person": 0.10}
LANE_M = 3.3
CLEARANCE_M = 0.35

Rng = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprite:
    """One actor from above. Shapes: rgba (h, w, 4) uint8, premultiplied; ``axis_rad`` is its length's direction."""

    class_id: ActorClass
    rgba: NDArray[np.uint8]
    axis_rad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A sprite turned and scaled. Shapes: rgba (h, w, 4) float32 of 0 to 1, is_body (h, w)."""

    class_id: ActorClass
    rgba: NDArray[np.float32]
    is_body: NDArray[np.bool_]


def load_sprites(folder: Path) -> dict[str, list[Sprite]]:
    """Returns the sprites by class name."""
    found: dict[str, list[Sprite]] = {}
    for path in sorted(folder.glob("*.png")):
        name = path.name.partition("_")[0]
        image = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), dtype=np.uint8)
        rgba = np.ascontiguousarray(image[..., [2, 1, 0, 3]])
        found.setdefault(name, []).append(
            Sprite(class_id=ActorClass[name.upper()], rgba=rgba, axis_rad=axis_of(rgba[..., 3] >= SOLID))
        )
    return found


def axis_of(is_body: NDArray[np.bool_]) -> float:
    """Returns the direction of a shape's length in the picture, radians.

    >>> shape = np.zeros((9, 9), bool)
    >>> shape[4] = True
    >>> axis_of(shape)
    0.0
    """
    y, x = np.nonzero(is_body)
    _, vectors = np.linalg.eigh(np.cov(np.stack([x, y]).astype(float)))
    return float(math.atan2(vectors[1, 1], vectors[0, 1])) % math.pi


def compose(sprites: dict[str, list[Sprite]], grounds: Sequence[NDArray[np.uint8]], rng: Rng, name: str) -> Labelled:
    """Returns one labelled picture of ``SIZE_PX``."""
    scale = float(np.exp(rng.uniform(*np.log(SCALES))))
    picture = _ground(grounds, rng).astype(np.float32) / np.float32(255)
    taken = np.zeros((SIZE_PX, SIZE_PX), dtype=np.uint8)
    rows: list[tuple[int, int, int, int, int]] = []
    for (x, y), direction in _places(rng, scale):
        kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
        placed = _turn(sprites[kind][rng.integers(len(sprites[kind]))], rng, scale=scale, direction=direction)
        box = _paste(picture, taken, placed, (round(x), round(y)), max(1, round(CLEARANCE_M / scale)))
        if box is not None:
            rows.append((int(placed.class_id), *box))
    table = np.array(rows, dtype=np.float32).reshape(-1, 5)
    rgb = _photograph(picture, rng)
    return Labelled(name=name, rgb=rgb, xyxy=table[:, 1:], class_id=table[:, 0].astype(np.int64))


def _ground(grounds: Sequence[NDArray[np.uint8]], rng: Rng) -> NDArray[np.uint8]:
    """Returns a cut of a ground at any angle and scale, with another tint."""
    ground = grounds[int(rng.integers(len(grounds)))]
    height, width = ground.shape[:2]
    turn: Any = cv2.getRotationMatrix2D(
        (float(rng.uniform(0, width)), float(rng.uniform(0, height))), float(rng.uniform(0, 360)), rng.uniform(0.7, 2.0)
    )
    turn[:, 2] += np.array([SIZE_PX - width, SIZE_PX - height]) / 2
    return np.asarray(cv2.warpAffine(ground, turn, (SIZE_PX, SIZE_PX), borderMode=cv2.BORDER_REFLECT), dtype=np.uint8)


def _places(rng: Rng, scale: float) -> Iterator[tuple[tuple[float, float], float]]:
    """Yields (centre px, direction) of what should stand in the picture: lanes of a road, then anything anywhere."""
    if rng.random() < 0.75:
        along, gap = rng.uniform(0, math.pi), rng.choice([6.0, 8.0, 14.0, 30.0])
        cos, sin = math.cos(along), math.sin(along)
        offset = rng.uniform(-0.3, 0.3) * SIZE_PX
        is_row = rng.random() < 0.2
        for lane in range(-int(rng.integers(0, 4)), int(rng.integers(1, 4))):
            across = offset + lane * (6.0 if is_row else LANE_M) / scale
            at = -0.7 * SIZE_PX + rng.uniform(0, 10) / scale
            while at < 0.7 * SIZE_PX:
                centre = (SIZE_PX / 2 + at * cos - across * sin, SIZE_PX / 2 + at * sin + across * cos)
                yield centre, along + (math.pi / 2 if is_row else 0.0) + rng.normal(0, 0.03)
                at += (2.6 if is_row else gap * rng.uniform(0.8, 1.7)) / scale
    for _ in range(rng.integers(0, 14)):
        yield (rng.uniform(0, SIZE_PX), rng.uniform(0, SIZE_PX)), rng.uniform(0, math.pi)


def _turn(sprite: Sprite, rng: Rng, *, scale: float, direction: float) -> Placed:
    """Returns a sprite in a direction (either way round) at the picture's scale, in other paint."""
    zoom = METRES_PER_PX / scale * rng.uniform(0.93, 1.1)
    angle = math.degrees(sprite.axis_rad - direction) + 180 * int(rng.integers(2))
    height, width = sprite.rgba.shape[:2]
    side = math.ceil(math.hypot(height, width) * zoom) + 2
    move: Any = cv2.getRotationMatrix2D((width / 2, height / 2), angle, zoom)
    move[:, 2] += np.array([side - width, side - height]) / 2
    source = sprite.rgba if zoom > 0.5 else cv2.GaussianBlur(sprite.rgba, (0, 0), 0.35 / zoom)
    rgba: Any = cv2.warpAffine(source, move, (side, side), flags=cv2.INTER_LINEAR).astype(np.float32) / np.float32(255)
    paint = rng.uniform(0.25, 1.25) * (rng.uniform(0.7, 1.15, 3) if rng.random() < 0.4 else np.ones(3))
    rgba[..., :3] = np.clip(rgba[..., :3] * paint.astype(np.float32), 0, 1)
    return Placed(class_id=sprite.class_id, rgba=rgba, is_body=rgba[..., 3] >= SOLID / 255)


def _paste(
    picture: NDArray[np.float32], taken: NDArray[np.uint8], placed: Placed, centre: tuple[int, int], clearance_px: int
) -> tuple[int, int, int, int] | None:
    """Draws a sprite where nothing stands yet and returns the box of what is seen of it, None if nothing was drawn."""
    side = len(placed.rgba)
    left, top = centre[0] - side // 2, centre[1] - side // 2
    x1, y1, x2, y2 = max(0, left), max(0, top), min(SIZE_PX, left + side), min(SIZE_PX, top + side)
    if x1 >= x2 or y1 >= y2:
        return None
    body = placed.is_body[y1 - top : y2 - top, x1 - left : x2 - left]
    here = taken[y1:y2, x1:x2]
    if body.sum() < max(12, 0.25 * placed.is_body.sum()) or here[body].any():
        return None
    rgba = placed.rgba[y1 - top : y2 - top, x1 - left : x2 - left]
    view = picture[y1:y2, x1:x2]
    view[:] = np.where((here > 1)[..., None], view, rgba[..., :3] + (1 - rgba[..., 3:]) * view)
    kernel = np.ones((2 * clearance_px + 1,) * 2, dtype=np.uint8)
    near = cv2.dilate(body.astype(np.uint8), kernel)
    here[:] = np.maximum(here, np.maximum(near, 2 * body.astype(np.uint8)))
    rows, columns = np.nonzero(body)
    return int(x1 + columns.min()), int(y1 + rows.min()), int(x1 + columns.max() + 1), int(y1 + rows.max() + 1)


def _photograph(picture: NDArray[np.float32], rng: Rng) -> NDArray[np.uint8]:
    """Returns what a drone's camera and its compression make of a picture."""
    seen: Any = np.clip(picture, 0, 1) ** rng.uniform(0.75, 1.4) * rng.uniform(0.7, 1.2) + rng.uniform(-0.05, 0.08)
    seen = seen * rng.uniform(0.93, 1.07, 3)
    if rng.random() < 0.6:
        seen = cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.3, 1.3))
    seen = np.clip(seen + rng.normal(0, rng.uniform(0, 0.03), seen.shape), 0, 1) * 255
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 96))]
    packed: Any = cv2.imencode(".jpg", seen.astype(np.uint8)[..., ::-1], quality)[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))[..., ::-1], dtype=np.uint8)


def painted(rng: Rng) -> NDArray[np.uint8]:
    """Returns patches of soil, grass, roof and road under straight and bent lines, shape (N, N, 3) uint8."""
    image = np.full((GROUND_PX, GROUND_PX, 3), _shade(rng), "f4")
    for _ in range(rng.integers(15, 60)):
        cv2.fillPoly(image, [_outline(rng, rng.uniform(40, 600))], _shade(rng))
    for grain, spread in ((2, 9.0), (5, 8.0), (24, 8.0), (150, 9.0)):
        coarse = rng.normal(0, spread * rng.uniform(0.2, 1.3), (GROUND_PX // grain, GROUND_PX // grain)).astype("f4")
        image += cv2.resize(coarse, (GROUND_PX, GROUND_PX), interpolation=cv2.INTER_CUBIC)[..., None]
    for _ in range(rng.integers(20, 90)):
        _line(image, rng)
    for _ in range(rng.integers(10, 120)):
        at = rng.integers(0, GROUND_PX, 2).tolist()
        cv2.circle(image, at, int(rng.integers(2, 12)), _shade(rng), int(rng.choice((-1, 1, 2))))
    for _ in range(rng.integers(5, 40)):
        box = cv2.boxPoints((tuple(rng.uniform(0, GROUND_PX, 2)), tuple(rng.uniform(8, 70, 2)), rng.uniform(0, 180)))
        cv2.fillPoly(image, [box.astype(np.int32)], _shade(rng))
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.7), 0, 255).astype("u1")


def _line(image: Any, rng: Rng) -> None:
    """Paints a line, whole or dashed: white, yellow or the dark of a seam."""
    colour = ((205, 205, 200), (205, 160, 60), (60, 60, 62))[rng.integers(3)]
    start, turn = rng.uniform(0, GROUND_PX, 2), rng.uniform(0, 2 * math.pi)
    step, is_dashed, width = rng.uniform(30, 80), rng.random() < 0.4, int(rng.integers(1, 6))
    for k in range(int(rng.integers(4, 40))):
        end = start + step * np.array([math.cos(turn), math.sin(turn)])
        if not (is_dashed and k % 2):
            cv2.line(image, start.astype(int).tolist(), end.astype(int).tolist(), colour, width, cv2.LINE_AA)
        start, turn = end, turn + rng.normal(0, 0.03)


def _outline(rng: Rng, radius: float) -> Any:
    """Returns a polygon of four to nine corners, some rectangular, shape (N, 2) int32."""
    centre = rng.uniform(0, GROUND_PX, 2)
    if rng.random() < 0.6:
        sides = (radius * rng.uniform(0.2, 2.5), radius * rng.uniform(0.2, 1.0))
        return cv2.boxPoints((tuple(centre), sides, rng.uniform(0, 180))).astype(np.int32)
    angles = np.sort(rng.uniform(0, 2 * math.pi, rng.integers(4, 10)))
    reach = radius * rng.uniform(0.5, 1.1, len(angles))
    return (centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]).astype(np.int32)


def _shade(rng: Rng) -> tuple[float, float, float]:
    """Returns an sRGB shade: mostly greys, else soil, grass or brick."""
    grey = rng.uniform(45, 205)
    bases = ((1, 1, 1), (1, 1, 1.03), (1.02, 1, 0.95), (0.75, 1.0, 0.6), (1.1, 1.0, 0.82), (1.2, 0.85, 0.75))
    weights = (0.34, 0.22, 0.2, 0.11, 0.08, 0.05)
    base = bases[int(rng.choice(len(bases), p=weights))]
    shade = np.clip(np.array(base) * grey * (0.6 if base[0] < 1 else 1.0) + rng.normal(0, 4, 3), 5, 235)
    return cast("tuple[float, float, float]", tuple(float(v) for v in shade))
