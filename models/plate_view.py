"""What a plate reader is shown of a crop: the whole of it, or the two rows of a plate side by side.

Training and reading prepare crops here, so that they cannot differ.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import FloatArray

UPPER, LOWER = (0.0, 0.47, 0.13, 0.87), (0.35, 1.0, 0.0, 1.0)
"""Parts of a crop that hold its rows, with room for a slant: top, base, left, right as shares.

Source: GA 36-2018 and GA 36-2014: characters of the upper row stand in 0.07 to 0.41 of the height and 0.24 to 0.76 of
the width, those of the lower row in 0.41 to 0.93 of the height.
"""

UPPER_SHARE = 0.34
"""Share of the folded picture's width for the upper row; two of its characters are about as wide as the lower ones."""


NUDGES_PX = (-2, 2)
"""A view is read again this much lower or higher and the logits are averaged: places along the plate stay the same."""

Outputs = tuple[FloatArray, FloatArray, FloatArray]
"""Logits of characters, colour and rows."""


def look(run: Callable[[FloatArray], Outputs], crops: Sequence[NDArray[np.uint8]], size_px: tuple[int, int]) -> Outputs:
    """Returns what the network says to crops; plates in two rows are looked at again with their rows side by side.

    Shapes: crops (h, w, 3) RGB; ``run`` takes (n, 3, height, width) 0 to 1.
    """
    views = np.stack([stretched(crop, *size_px) for crop in crops])
    characters, colour, rows = run(_planes(views))
    double = [index for index, (one, two) in enumerate(rows) if two > one]
    characters = characters.copy()
    if double:
        views[double] = [folded(crops[index], *size_px) for index in double]
        characters[double] = run(_planes(views[double]))[0]
    for down in NUDGES_PX:
        lines = np.clip(np.arange(size_px[1]) - down, 0, size_px[1] - 1)
        characters += run(_planes(views[:, lines]))[0]
    return characters / np.float32(1 + len(NUDGES_PX)), colour, rows


def _planes(views: NDArray[np.uint8]) -> FloatArray:
    return views.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


def stretched(crop: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Returns a crop in the reader's size.

    Shapes: crop (h, w, 3), result (height, width, 3).
    """
    is_larger = crop.shape[1] > width or crop.shape[0] > height
    how = cv2.INTER_AREA if is_larger else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(crop), (width, height), interpolation=how), np.uint8)


def folded(crop: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Returns a crop's upper and lower row beside each other, as if they were one.

    Shapes: crop (h, w, 3), result (height, width, 3).
    """
    upper = round(width * UPPER_SHARE)
    return np.hstack(
        [stretched(_part(crop, UPPER), upper, height), stretched(_part(crop, LOWER), width - upper, height)]
    )


def folded_x(x: NDArray[np.float64], *, is_upper: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns where something goes when its crop is folded; all as shares of the width.

    >>> folded_x(np.array([0.5, 0.5]), is_upper=np.array([True, False])).round(2).tolist()
    [0.17, 0.67]
    """
    upper = (x - UPPER[2]) / (UPPER[3] - UPPER[2]) * UPPER_SHARE
    return np.where(is_upper, upper, UPPER_SHARE + x * (1 - UPPER_SHARE))


def _part(crop: NDArray[np.uint8], part: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    height, width = crop.shape[:2]
    top, base, left, right = part
    rows = slice(int(top * height), max(int(top * height) + 1, round(base * height)))
    return crop[rows, int(left * width) : max(int(left * width) + 1, round(right * width))]
