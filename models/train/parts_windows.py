"""Windows around actors with their heads and plates: what the network for parts learns from.

Beside a picture ``name.jpg`` lie ``name.txt`` (actors) and ``name.parts.txt`` (0 head, 1 plate), both YOLO text, as
``python -m sim pictures`` writes them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import FloatArray, IntArray
from models.boxes import covered_share
from models.train.dataset import read_rgb

HEAD, PLATE = 0, 1
STORED_PX = 352
"""Largest side of a stored window."""

CONTEXT = 1.7
"""Side of a window against the longer side of its actor."""

LEAST_ACTOR_PX = 24
UMBRELLAS = 0.04
"""Share of windows in which people carry umbrellas."""

Picker = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A square cut-out, kept as JPEG; ``weight`` says how often it is drawn.

    Shapes: xyxy (N, 4) in the cut-out's pixels, kind (N,) of HEAD and PLATE.
    """

    jpeg: bytes
    xyxy: FloatArray
    kind: IntArray
    weight: float = 1.0


def read_yolo(path: Path, width_px: int, height_px: int) -> tuple[FloatArray, IntArray]:
    """Returns (xyxy, class) of a YOLO text file; further columns are ignored, a missing file holds none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    table = np.array([[float(v) for v in line.split()[:5]] for line in lines if line.strip()]).reshape(-1, 5)
    size = np.array([width_px, height_px])
    centre, half = table[:, 1:3] * size, table[:, 3:5] * size / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32), table[:, 0].astype(np.int64)


def windows_of(folder: Path, *, weight: float = 1.0, seed: int = 0) -> Iterator[Window]:
    """Yields a window around every actor of every picture in a folder, and one at random for every fourth."""
    pick = np.random.default_rng(seed)
    for path in sorted(folder.glob("*.jpg")):
        rgb = read_rgb(path)
        height, width = rgb.shape[:2]
        actors, _ = read_yolo(path.with_suffix(".txt"), width, height)
        xyxy, kind = read_yolo(path.with_suffix(".parts.txt"), width, height)
        for x1, y1, x2, y2 in actors.tolist():
            side = max(x2 - x1, y2 - y1) * CONTEXT
            if side >= LEAST_ACTOR_PX * CONTEXT:
                yield _cut(rgb, ((x1 + x2) / 2, (y1 + y2) / 2, side), (xyxy, kind), weight)
        for _ in range(len(actors) // 4):
            side = float(pick.uniform(160, 420))
            middle = (float(pick.uniform(0, width)), float(pick.uniform(height * 0.2, height)), side)
            yield _cut(rgb, middle, (xyxy, kind), weight)


def _cut(
    rgb: NDArray[np.uint8], middle: tuple[float, float, float], parts: tuple[FloatArray, IntArray], weight: float
) -> Window:
    x, y, side = middle
    size = int(min(STORED_PX, max(64, round(side))))
    scale = size / side
    change = np.array([[scale, 0, -(x - side / 2) * scale], [0, scale, -(y - side / 2) * scale]])
    if scale < 0.6:  # INTER_AREA does not exist for warps: soften before shrinking
        rgb = _patch(rgb, x, y, side, change)
    cut = cv2.warpAffine(rgb, change, (size, size), flags=cv2.INTER_LINEAR, borderValue=(114, 114, 114))
    xyxy = parts[0] * scale + np.tile(change[:, 2], 2).astype(np.float32)
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    inside = ((centre > 0) & (centre < size)).all(axis=1)
    _, data = cv2.imencode(".jpg", cut[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return Window(jpeg=data.tobytes(), xyxy=xyxy[inside].astype(np.float32), kind=parts[1][inside], weight=weight)


def _patch(rgb: NDArray[np.uint8], x: float, y: float, side: float, change: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Returns the picture softened where the window lies."""
    height, width = rgb.shape[:2]
    x1, y1 = max(0, int(x - side / 2)), max(0, int(y - side / 2))
    x2, y2 = min(width, int(x + side / 2) + 1), min(height, int(y + side / 2) + 1)
    soft = rgb.copy()
    if x2 > x1 and y2 > y1:
        soft[y1:y2, x1:x2] = cv2.GaussianBlur(rgb[y1:y2, x1:x2], (0, 0), 0.45 / change[0, 0])
    return soft


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the network sees once. Shapes: rgb (size, size, 3) uint8, xyxy (N, 4) px, kind (N,)."""

    rgb: NDArray[np.uint8]
    xyxy: FloatArray
    kind: IntArray


def draw_sample(windows: Sequence[Window], shares: FloatArray, plates: Sequence[bytes], pick: Picker) -> Sample:
    """Returns a random sample of 256 px: one window, or four in a square, as seen by some camera at some hour."""
    if pick.random() < 0.2:
        four = [view(windows[i], 128, plates, pick) for i in pick.choice(len(windows), 4, p=shares)]
        rgb = np.vstack([np.hstack([s.rgb for s in four[:2]]), np.hstack([s.rgb for s in four[2:]])])
        shift = [np.array([x, y, x, y], dtype=np.float32) for y in (0, 128) for x in (0, 128)]
        xyxy = np.concatenate([s.xyxy + d for s, d in zip(four, shift, strict=True)])
        sample = Sample(rgb=rgb, xyxy=xyxy, kind=np.concatenate([s.kind for s in four]))
    else:
        sample = view(windows[int(pick.choice(len(windows), p=shares))], 256, plates, pick)
    return Sample(rgb=spoil(sample.rgb, pick), xyxy=sample.xyxy, kind=sample.kind)


def view(window: Window, size: int, plates: Sequence[bytes], pick: Picker) -> Sample:
    """Returns a window moved, zoomed and mirrored at random, in clear light."""
    rgb = _decode(window.jpeg)
    if plates and pick.random() < 0.5:
        _repaint(rgb, window, plates, pick)
    if plates and pick.random() < 0.2:
        window = _stick(rgb, window, plates, pick)
    if pick.random() < UMBRELLAS:
        _umbrella(rgb, window, pick)
    stored = rgb.shape[0]
    side = stored * float(np.exp(pick.uniform(np.log(0.55), np.log(1.15))))
    wide = side * float(pick.uniform(0.88, 1.14))
    slack = (stored - side) / 2
    x = stored / 2 - wide / 2 + float(pick.uniform(-1, 1)) * max(slack, 0.06 * stored)
    y = stored / 2 - side / 2 + float(pick.uniform(-1, 1)) * max(slack, 0.06 * stored)
    fx, fy = size / wide, size / side
    how = cv2.INTER_LINEAR
    if fy < 0.6:
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), 0.4 / fy), dtype=np.uint8)
    change = np.array([[fx, 0, -x * fx], [0, fy, -y * fy]])
    seen = cv2.warpAffine(rgb, change, (size, size), flags=how, borderValue=(114, 114, 114))
    xyxy = window.xyxy * np.array([fx, fy, fx, fy], dtype=np.float32)
    xyxy = (xyxy - np.array([x * fx, y * fy, x * fx, y * fy])).astype(np.float32)
    if pick.random() < 0.5:
        seen = seen[:, ::-1]
        xyxy = np.stack([size - xyxy[:, 2], xyxy[:, 1], size - xyxy[:, 0], xyxy[:, 3]], axis=1)
    clipped = np.clip(xyxy, 0, size)
    whole = (xyxy[:, 2:] - xyxy[:, :2]).prod(axis=1)
    part = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1)
    big = (clipped[:, 2:] - clipped[:, :2]).min(axis=1, initial=9e9) >= 3
    kept = big & (part >= 0.45 * whole)
    return Sample(rgb=np.ascontiguousarray(seen, dtype=np.uint8), xyxy=clipped[kept], kind=window.kind[kept])


def _repaint(rgb: NDArray[np.uint8], window: Window, plates: Sequence[bytes], pick: Picker) -> None:
    """Lays drawn plates of every kind over the plates that are there, keeping how light they are."""
    boxes = np.clip(window.xyxy[window.kind == PLATE].round(), 0, rgb.shape[0]).astype(int)
    for x1, y1, x2, y2 in boxes.tolist():
        if x2 - x1 < 6 or y2 - y1 < 4:
            continue
        plate = _decode(plates[int(pick.integers(len(plates)))])
        drawn = cv2.resize(plate, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA).astype(np.float32)
        light = float(np.clip(rgb[y1:y2, x1:x2].mean() / 110, 0.25, 1.6)) * float(pick.uniform(0.75, 1.2))
        soft = cv2.GaussianBlur(drawn * light, (0, 0), float(pick.uniform(0.3, 1.0)))
        rgb[y1:y2, x1:x2] = np.clip(soft, 0, 255).astype(np.uint8)


def _stick(rgb: NDArray[np.uint8], window: Window, plates: Sequence[bytes], pick: Picker) -> Window:
    """Sticks a drawn plate, turned in space, on the lower part of the picture; returns the window with its box."""
    size = rgb.shape[0]
    plate = _decode(plates[int(pick.integers(len(plates)))])
    high, wide = plate.shape[:2]
    width = float(np.exp(pick.uniform(np.log(0.06), np.log(0.4)))) * size
    angle = np.radians(float(pick.normal(0, 8)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[float(pick.uniform(0.55, 1.05)), 0.0], [float(pick.normal(0, 0.12)), 1.0]])
    edge = float(pick.choice([0.0, 0.06, 0.25]))  # a dark recess around it, or none
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (1, high / wide) * width / 2
    middle = np.array([pick.uniform(0.2, 0.8), pick.uniform(0.4, 0.92)]) * size
    quad = corners @ (turn @ slant).T * (1 + pick.normal(0, 0.03, (4, 2))) + middle
    frame = (quad - middle) * (1 + edge * np.array([1.0, 1.6])) + middle
    soft = cv2.GaussianBlur(plate, (0, 0), max(0.3, 0.35 * wide / width))
    source = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], dtype=np.float32)
    change = cv2.getPerspectiveTransform(source, quad.astype(np.float32))
    laid = cv2.warpPerspective(soft, change, (size, size), flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(np.full((high, wide), 255, np.uint8), change, (size, size))
    light = float(np.clip(rgb[cover > 0].mean() / 100 if (cover > 0).any() else 1, 0.4, 1.4)) * float(
        pick.uniform(0.8, 1.3)
    )
    if edge:
        cv2.fillConvexPoly(rgb, frame.round().astype(np.int32), [int(v) for v in pick.integers(5, 70, 3)])
    share = cover[..., None].astype(np.float32) / 255
    rgb[:] = np.clip(rgb * (1 - share) + laid * light * share, 0, 255).astype(np.uint8)
    box = np.concatenate([quad.min(axis=0), quad.max(axis=0)]).astype(np.float32)[None]
    hidden = (window.kind == PLATE) & (covered_share(window.xyxy, box).max(axis=1, initial=0) > 0.3)
    return replace(
        window,
        xyxy=np.concatenate([window.xyxy[~hidden], box]),
        kind=np.concatenate([window.kind[~hidden], np.array([PLATE])]),
    )


def _umbrella(rgb: NDArray[np.uint8], window: Window, pick: Picker) -> None:
    """Holds an umbrella over heads; what is below its edge stays seen."""
    for x1, y1, x2, y2 in window.xyxy[window.kind == HEAD].tolist():
        wide, high = x2 - x1, y2 - y1
        x = (x1 + x2) / 2 + float(pick.normal(0, 0.4)) * wide
        y = y1 + float(pick.uniform(-0.3, 0.5)) * high
        axes = (wide * float(pick.uniform(1.6, 3.2)), high * float(pick.uniform(0.7, 1.4)))
        colour = [int(v) for v in pick.integers(15, 235, 3)]
        whole = (max(2, round(axes[0])), max(2, round(axes[1])))
        cv2.ellipse(rgb, (round(x), round(y)), whole, 0, 180, 360, colour, -1, cv2.LINE_AA)


def spoil(rgb: NDArray[np.uint8], pick: Picker) -> NDArray[np.uint8]:
    """Returns the picture as a worse camera shows it: few pixels, night, rain, colour cast, blur, noise, JPEG."""
    value: NDArray[np.floating] = _light(_coarse(rgb.astype(np.float32), pick) / 255, pick) * 255
    if pick.random() < 0.1:
        _rain(value, pick)
    if pick.random() < 0.3:
        value = cv2.GaussianBlur(value, (0, 0), float(pick.uniform(0.4, 2.0))).astype(np.float32)
    if pick.random() < 0.4:
        value = value + pick.normal(0, pick.uniform(1, 12), value.shape)
    out: NDArray[np.uint8] = np.clip(value, 0, 255).astype(np.uint8)
    if pick.random() < 0.5:
        _, data = cv2.imencode(".jpg", out[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(pick.integers(25, 95))])
        return _decode(data.tobytes())
    return out


def _decode(data: bytes) -> NDArray[np.uint8]:
    bgr = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError("a stored picture cannot be decoded")
    return np.ascontiguousarray(bgr[:, :, ::-1], dtype=np.uint8)


def _coarse(value: NDArray[np.float32], pick: Picker) -> NDArray[np.float32]:
    """Returns the picture with the pixels of a smaller one, half of the time."""
    if pick.random() < 0.55:
        size = value.shape[0]
        small = int(np.exp(pick.uniform(np.log(48), np.log(size))))
        low = cv2.resize(value, (small, small), interpolation=cv2.INTER_AREA)
        how = cv2.INTER_CUBIC if pick.random() < 0.4 else cv2.INTER_LINEAR
        value = cv2.resize(low, (size, size), interpolation=how).astype(np.float32)
    return np.asarray(np.clip(value, 0, 255), dtype=np.float32)


def _light(value: NDArray[np.floating], pick: Picker) -> NDArray[np.floating]:
    """Returns the picture, 0 to 1, in other light: contrast, night, colour cast, grey, haze."""
    if pick.random() < 0.35:
        value = value ** np.exp(pick.normal(0, 0.35))
    if pick.random() < 0.22:  # night: little light, coloured lamps, glare
        value = value * pick.uniform(0.18, 0.65) * (1 + 0.2 * pick.normal(0, 1, 3)).clip(0.4, 1.6)
        value = _glare(value, pick)
    elif pick.random() < 0.5:
        value = value * np.exp(pick.normal(0, 0.2)) * np.exp(pick.normal(0, 0.1, 3))
    if pick.random() < 0.12:
        value = value.mean(axis=2, keepdims=True).repeat(3, axis=2)
    if pick.random() < 0.15:
        low = pick.uniform(0, 0.4)
        value = low + value * (1 - low)
    return value


def _glare(value: NDArray[np.floating], pick: Picker) -> NDArray[np.floating]:
    size = value.shape[0]
    y, x = np.mgrid[:size, :size].astype(np.float32)
    for _ in range(int(pick.integers(0, 3))):
        at, reach = pick.uniform(0, size, 2), pick.uniform(4, 28)
        spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / reach**2)[..., None]
        value = value + spot * pick.uniform(0.3, 1.2) * np.array([1.0, pick.uniform(0.2, 1), pick.uniform(0.1, 1)])
    return value


def _rain(value: NDArray[np.floating], pick: Picker) -> None:
    size = value.shape[0]
    lean = int(pick.integers(-4, 5))
    for _ in range(int(pick.integers(10, 80))):
        x, y = (int(v) for v in pick.integers(0, size, 2))
        cv2.line(value, (x, y), (x + lean, y + int(pick.integers(5, 16))), (float(pick.uniform(130, 220)),) * 3, 1)
