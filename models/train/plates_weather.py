"""What becomes of a clean plate before a reader sees it: angle, a bad crop, light, dirt, blur, few pixels, JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.plates_drawing import Picker

SEEN_PX, SEEN_DOUBLE_PX = (128, 40), (128, 72)
"""Width and height of the finest crop of a plate in one row, and in two."""

_CUT_SHARE = (0.09, 0.2)
"""Share of a plate's length a crop that is no longer whole leaves out: most of a character."""

Picture = NDArray[np.float32]
Size = tuple[int, int]


def photograph(
    plate: Picture, pick: Picker, marks: NDArray[np.float64] | None = None, *, cut: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Returns a crop of a plate as a detector might cut it out of a street picture, and where its marks went.

    One number, how harsh the day is, governs all that goes wrong: a clear crop is clear in every way.

    Shapes: (h, w, 3) uint8 RGB, at most ``SEEN_PX``, or ``SEEN_DOUBLE_PX`` for a plate half as high as wide or higher;
    marks (n, 2), and what became of them as shares of the crop's width and height.
    """
    harsh = float(pick.uniform(0, 1)) ** 2
    size = SEEN_DOUBLE_PX if 2.5 * plate.shape[0] > plate.shape[1] else SEEN_PX
    change = _change(plate.shape[1], plate.shape[0], size, pick, cut=cut)
    seen = _cut_out(_soil(plate, pick, harsh), change, size, pick)
    seen = _expose(_light(seen, pick, harsh), pick, harsh)
    moved = np.zeros((0, 2))
    if marks is not None and len(marks):
        moved = cv2.perspectiveTransform(marks[None].astype(np.float64), change)[0] / size
    return _record(seen, pick, harsh), moved


def backdrop(size: tuple[int, int], pick: Picker) -> Picture:
    """Returns something that is no plate: paint, shadow, edges.

    Shapes: (height, width, 3) float32 for ``size`` = (width, height).
    """
    width, height = size
    small = pick.uniform(0, 255, (int(pick.integers(1, 5)), int(pick.integers(1, 6)), 1)) + pick.normal(0, 25, 3)
    picture = cv2.resize(np.clip(small, 0, 255).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    for _ in range(int(pick.integers(0, 4))):
        ends = pick.uniform(-0.2, 1.2, 4) * (width, height, width, height)
        shade = [float(v) for v in np.clip(pick.uniform(0, 255) + pick.normal(0, 20, 3), 0, 255)]
        points = tuple(round(v) for v in ends)
        cv2.line(picture, points[:2], points[2:], shade, int(pick.integers(1, 14)), cv2.LINE_AA)
    return np.clip(picture, 0, 255).astype(np.float32)


def _soil(plate: Picture, pick: Picker, harsh: float) -> Picture:
    """Dirt, worn paint, drops: never so much that a character is gone."""
    height, width = plate.shape[:2]
    if pick.random() < 0.6 * harsh:
        small = pick.uniform(0, 1, (5, 16)).astype(np.float32)
        grain = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        share = np.clip(grain - pick.uniform(0.4, 0.9), 0, 0.55)[..., None]
        plate = plate * (1 - share) + np.array(pick.uniform(40, 150, 3) * 0.5 + 40, np.float32) * share
    if pick.random() < 0.3 * harsh:
        for _ in range(int(pick.integers(1, 25))):
            at = (int(pick.integers(width)), int(pick.integers(height)))
            shade = [float(v) for v in pick.uniform(20, 230, 3)]
            cv2.circle(plate, at, int(pick.integers(1, 5)), shade, -1, cv2.LINE_AA)
    return plate.astype(np.float32)


def _change(width: int, height: int, size_px: Size, pick: Picker, *, cut: bool) -> NDArray[np.float64]:
    """Returns the map that turns the plate in space and crops it by its upright box, with a detector's errors."""
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    turned = (corners - corners.mean(0)) @ _turn(pick).T + pick.normal(0, 0.02, (4, 2)) * (width, height)
    low, high = turned.min(0), turned.max(0)
    size = high - low
    margin = pick.uniform(-0.035, 0.075, 4) * (1.0 if pick.random() < 0.85 else 2.0)
    margin = np.maximum(margin, -0.045)
    if cut:
        margin[2 * int(pick.integers(2))] = -pick.uniform(*_CUT_SHARE)
    low, high = low - margin[:2] * size, high + margin[2:] * size
    target = ((turned - low) * np.array(size_px) / (high - low)).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target), np.float64)


def _cut_out(plate: Picture, change: NDArray[np.float64], size_px: Size, pick: Picker) -> Picture:
    fine = np.diag([2.0, 2.0, 1.0]) @ change  # drawn twice as large, so that thin strokes are averaged, not skipped
    seen = cv2.resize(
        cv2.warpPerspective(plate, fine, (2 * size_px[0], 2 * size_px[1])), size_px, interpolation=cv2.INTER_AREA
    )
    share = cv2.warpPerspective(np.ones(plate.shape[:2], np.float32), change, size_px)[..., None]
    return np.asarray(backdrop(size_px, pick) * (1 - share) + seen * share, np.float32)


def _turn(pick: Picker) -> NDArray[np.float64]:
    """Returns rotation, slant and the narrowing of a plate seen from aside."""
    angle = np.radians(np.clip(pick.normal(0, 5 if pick.random() < 0.8 else 11), -25, 25))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1, pick.normal(0, 0.14)], [pick.normal(0, 0.04), 1]])
    return np.asarray(turn @ slant @ np.diag([pick.uniform(0.6, 1.1), 1.0]))


def _light(seen: Picture, pick: Picker, harsh: float) -> Picture:
    """Shadows, a lamp's glare, rain."""
    height, width = seen.shape[:2]
    if pick.random() < 0.5:
        shades = pick.uniform(0.6, 1.35, (2, 3)).astype(np.float32)
        ramp = cv2.resize(shades, (width, height), interpolation=cv2.INTER_LINEAR)
        seen = seen * ramp[..., None]
    if pick.random() < 0.2 * harsh:
        y, x = np.mgrid[:height, :width].astype(np.float32)
        at, reach = pick.uniform((0, 0), (width, height)), pick.uniform(8, 40)
        seen = seen + pick.uniform(40, 200) * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / reach**2)[..., None]
    if pick.random() < 0.15 * harsh:
        for _ in range(int(pick.integers(3, 25))):
            x0, y0 = int(pick.integers(width)), int(pick.integers(height))
            end = (x0 + int(pick.integers(-3, 4)), y0 + int(pick.integers(4, 14)))
            cv2.line(seen, (x0, y0), end, (float(pick.uniform(140, 230)),) * 3, 1, cv2.LINE_AA)
    return seen.astype(np.float32)


def _expose(seen: Picture, pick: Picker, harsh: float) -> Picture:
    """The camera's view: infra-red, white balance, exposure, contrast."""
    value = np.clip(seen / 255, 0, 1)
    if pick.random() < 0.1:  # infra-red or nearly: only brightness is left
        grey = (value @ pick.dirichlet((2, 2, 2)))[..., None]
        value = grey * 0.95 + value * 0.05
    if pick.random() < 0.6:
        wild = pick.random() < 0.25
        warm = pick.normal(0, 0.45 if wild else 0.15)
        gains = np.exp(np.array([warm, pick.normal(0, 0.15), -warm]) + pick.normal(0, 0.05, 3))
        value = value * gains
    value = np.clip(value, 0, 1) ** np.exp(pick.normal(0, 0.3))
    gain = pick.uniform(0.65, 1.6)
    if pick.random() < 0.25 + 0.3 * harsh:  # haze, flat light
        low = pick.uniform(0, 0.35)
        value = low + value * pick.uniform(0.6 - 0.3 * harsh, 1 - low)
    elif pick.random() < 0.1 + 0.15 * harsh:
        gain = pick.uniform(0.2, 0.65)
    return np.asarray(value * gain * 255, np.float32)


def _record(seen: Picture, pick: Picker, harsh: float) -> NDArray[np.uint8]:
    """Lens, motion, pixels, noise and the codec."""
    if pick.random() < 0.3 + 0.4 * harsh:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), float(pick.uniform(0.3, 0.7 + 1.1 * harsh))), np.float32)
    elif pick.random() < 0.4 * harsh:
        seen = np.asarray(cv2.filter2D(seen, -1, _motion(pick)), np.float32)
    full_height, full_width = seen.shape[:2]
    height = int(full_height * np.exp(pick.uniform(np.log(0.52 - 0.2 * harsh), 0)))
    width = min(full_width, round(height * 40 / full_height * pick.uniform(2.6, 4.2)))
    small = cv2.resize(seen, (width, height), interpolation=cv2.INTER_AREA)
    small = small + pick.normal(0, pick.uniform(0, 10 * harsh), small.shape)
    if pick.random() < 0.15:  # sharpening of the camera
        small = small + 0.8 * (small - cv2.GaussianBlur(small, (0, 0), 1.0))
    picture = np.clip(small, 0, 255).astype(np.uint8)
    if pick.random() < 0.75:
        quality = int(pick.integers(round(70 - 45 * harsh), 96))
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if done else picture
    return np.asarray(picture, np.uint8)


def _motion(pick: Picker) -> NDArray[np.float32]:
    size = 2 * int(pick.integers(1, 4)) + 1
    kernel = np.zeros((size, size), np.float32)
    angle = pick.uniform(0, np.pi)
    reach = np.array((np.cos(angle), np.sin(angle))) * size / 2
    ends = [tuple(int(v) for v in np.round(size // 2 + sign * reach).clip(0, size - 1)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)
