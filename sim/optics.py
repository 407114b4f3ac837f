"""What lens and sensor make of a picture: bloom, softness, rain streaks, dirt on the glass, noise."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from sim.weather import Weather

_LAYERS = 4
_STREAK_M = 0.045
"""Length of a rain streak as a share of the picture's height."""


class Lens:
    """A lens with its dirt and a sensor with its noise, for one picture size; everything follows from the seed."""

    def __init__(self, weather: Weather, size_px: tuple[int, int], seed: int, *, dirt: float = 0.0) -> None:
        random = np.random.RandomState(abs(seed) % 2**31)
        wide, high = size_px
        self._size = size_px
        self._noise = [random.normal(0, weather.grain, (high, wide, 3)).astype("i1") for _ in range(_LAYERS)]
        self._streaks = [_streaks(random, size_px) for _ in range(_LAYERS)] if weather.has_streaks else []
        self._dirt = _dirt(random, size_px, dirt) if dirt else None

    def expose(self, picture: Any, step: int) -> Any:
        """Returns the picture (H, W, 3) uint8 as the camera gives it at one step of the world."""
        wide, high = self._size
        bright = np.clip(picture.astype("i2") - 205, 0, 50).astype("u1")
        small = cv2.resize(bright, (wide // 4, high // 4), interpolation=cv2.INTER_AREA)
        picture = cv2.add(picture, cv2.resize(cv2.GaussianBlur(small, (0, 0), 3.0), self._size))
        if self._streaks:
            picture = cv2.add(picture, self._streaks[step % _LAYERS])
        picture = cv2.GaussianBlur(picture, (0, 0), 0.55)
        if self._dirt is not None:
            share, veil = self._dirt
            blurred = cv2.GaussianBlur(cv2.resize(picture, (wide // 4, high // 4)), (0, 0), 4.0)
            picture = cv2.blendLinear(picture, cv2.add(cv2.resize(blurred, self._size), veil), 1 - share, share)
        return cv2.add(picture, self._noise[step % _LAYERS], dtype=cv2.CV_8U)


def _streaks(random: Any, size_px: tuple[int, int]) -> Any:
    """Returns one layer of falling drops, near ones long and bright, shape (H, W, 3) uint8."""
    wide, high = size_px
    layer = np.zeros((high, wide), np.uint8)
    for _ in range(wide * high // 2600):
        x, y, near = random.uniform(-30, wide), random.uniform(-60, high), random.uniform(0.25, 1.0)
        length = near * _STREAK_M * high
        end = (int(x + 0.12 * length), int(y + length))
        cv2.line(layer, (int(x), int(y)), end, int(18 + 42 * near**2), 1, cv2.LINE_AA)
    return np.repeat(cv2.GaussianBlur(layer, (0, 0), 0.8)[..., None], 3, 2)


def _dirt(random: Any, size_px: tuple[int, int], amount: float) -> tuple[Any, Any]:
    """Returns where dirt sits on the glass, shape (H, W) float32 0-1, and the grey it scatters into the picture."""
    wide, high = size_px
    mask = np.zeros((high // 2, wide // 2), np.float32)
    for _ in range(int(4 + 14 * amount)):
        at = (int(random.uniform(0, wide / 2)), int(random.uniform(0, high / 2)))
        size = random.uniform(0.006, 0.05) * wide / 2
        axes = (int(size) + 1, int(size * random.uniform(0.4, 1.0)) + 1)
        cv2.ellipse(mask, at, axes, random.uniform(0, 180), 0, 360, float(random.uniform(0.3, 1.0)), -1)
    share = cv2.resize(cv2.GaussianBlur(mask, (0, 0), 0.008 * wide), size_px) * (0.35 + 0.5 * amount)
    return np.clip(share, 0, 0.9), np.full((high, wide, 3), 14, np.uint8)
