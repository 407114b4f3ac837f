"""Rows at a site's own aspect and from nearer: the cameras' squares are squeezed 16:9 pictures with small riders.

Each row of a junction camera gives its picture at 16:9 and two cut-outs around its actors, all as wide as the
network's input, so what is 25 px high for the trained eye is seen at 35 to 70 px too.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import FloatArray
from models.train.agreement import Opinions, complete
from models.train.dataset import PHOTOS, Labelled, is_shippable, read_row, read_rows, write_picture

ASPECT = 16 / 9
WIDTH_PX = 640
VIEWS = 2
NEAREST, FARTHEST = 0.35, 0.75
"""Width of a cut-out as a share of the picture's."""
FLATTEST, STEEPEST = 0.6, 0.9
"""Height of a cut-out as a share of its width."""
ASIDE = 0.3
"""How far from the middle of a cut-out the actor it was made for may lie, as a share of its sides."""
LEAST_SHARE = 0.35
"""Share of an actor that must lie inside a cut-out to be labelled there."""
LEAST_SIDE_PX = 4

Teachers = Callable[[NDArray[np.uint8]], Opinions]


def write_rows(corpus: Path, target: Path, opinions: Teachers, *, seed: int = 0) -> int:
    """Saves the shippable training rows with completed labels, and their views; returns how many pictures."""
    chance, count = random.Random(seed), 0
    for row in read_rows(corpus):
        if not is_shippable(row) or row.split != "train":
            continue
        picture = read_row(row)
        picture = complete(picture, opinions(picture.rgb))
        if row.camera == PHOTOS and not len(picture.class_id):
            continue
        for view in (picture, *views(picture, chance)) if row.camera.startswith("cam") else (picture,):
            write_picture(target, "train", view)
            count += 1
    return count


def views(picture: Labelled, chance: random.Random) -> Iterator[Labelled]:
    """Yields a squeezed picture at 16:9 and cut-outs of it around its actors."""
    height = picture.rgb.shape[0]
    width = round(height * ASPECT)
    stretch = np.array([width / picture.rgb.shape[1], 1] * 2, dtype=np.float32)
    wide = replace(
        picture,
        rgb=np.asarray(cv2.resize(picture.rgb, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8),
        xyxy=picture.xyxy * stretch,
    )
    yield _cut(wide, np.array([0, 0, width, height], dtype=np.float32), f"{picture.name}_wide")
    for number in range(VIEWS):
        yield _cut(wide, _window(wide, chance), f"{picture.name}_near{number}")


def _window(picture: Labelled, chance: random.Random) -> FloatArray:
    """Returns a window around one of the actors, or anywhere when there is none. Shape: (4,), px."""
    height, width = picture.rgb.shape[:2]
    across = chance.uniform(NEAREST, FARTHEST) * width
    down = min(height, across * chance.uniform(FLATTEST, STEEPEST))
    x, y = chance.random() * width, chance.random() * height
    if len(picture.xyxy):
        x1, y1, x2, y2 = picture.xyxy[chance.randrange(len(picture.xyxy))].tolist()
        x = (x1 + x2) / 2 + chance.uniform(-ASIDE, ASIDE) * across
        y = (y1 + y2) / 2 + chance.uniform(-ASIDE, ASIDE) * down
    left = float(np.clip(x - across / 2, 0, width - across))
    top = float(np.clip(y - down / 2, 0, height - down))
    return np.array([left, top, left + across, top + down], dtype=np.float32).round()


def _cut(picture: Labelled, window: FloatArray, name: str) -> Labelled:
    """Returns a cut-out at the network's width with the actors that lie in it."""
    x1, y1, x2, y2 = window.astype(int).tolist()
    low, high = np.tile(window[:2], 2), np.tile(window[2:], 2)
    clipped = np.clip(picture.xyxy, low, high)
    size, whole = clipped[:, 2:] - clipped[:, :2], picture.xyxy[:, 2:] - picture.xyxy[:, :2]
    share = size.prod(axis=1) / np.maximum(whole.prod(axis=1), 1)
    kept = (size > LEAST_SIDE_PX).all(axis=1) & (share > LEAST_SHARE)
    scale = WIDTH_PX / (x2 - x1)
    rgb = cv2.resize(picture.rgb[y1:y2, x1:x2], (WIDTH_PX, round((y2 - y1) * scale)), interpolation=cv2.INTER_AREA)
    return Labelled(
        name=name,
        rgb=np.asarray(rgb, dtype=np.uint8),
        xyxy=((clipped[kept] - low) * np.float32(scale)).astype(np.float32),
        class_id=picture.class_id[kept],
    )
