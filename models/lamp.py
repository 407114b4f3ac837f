"""What the lamp classifier looks at: one signal's region, turned so that red would be on top, 32 x 64 px."""

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 32, 64
CLASSES = ("red", "yellow", "green", "off", "unreadable")
"""The network's answers, in the order of its outputs."""
HUES = {"red": ((0, 22), (215, 255)), "yellow": ((8, 55),), "green": ((55, 155),)}
"""Hue of 256 a lit lamp or its halo may have, generously."""
LEAST_CHROMA, LEAST_VALUE, LEAST_SHARE = 60, 90, 0.006
"""Less coloured light than this share of the region is none a person would see."""


def upright(crop_rgb: NDArray[np.uint8], layout: str) -> NDArray[np.uint8]:
    """Returns a region as if its housing stood upright with red on top.

    Shapes: crop_rgb (h, w, 3).

    >>> upright(np.zeros((20, 60, 3), np.uint8), "horizontal").shape
    (60, 20, 3)
    """
    if layout == "horizontal":
        return np.rot90(crop_rgb, -1)
    return np.rot90(crop_rgb) if layout == "horizontal_red_right" else crop_rgb


def lamp_view(crop_rgb: NDArray[np.uint8], layout: str) -> NDArray[np.uint8]:
    """Returns the network's input, (64, 32, 3) uint8; the region is stretched to fit.

    Shapes: crop_rgb (h, w, 3), not empty.
    """
    turned = np.ascontiguousarray(upright(crop_rgb, layout))
    is_larger = turned.shape[0] > HEIGHT_PX or turned.shape[1] > WIDTH_PX
    how = cv2.INTER_AREA if is_larger else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(turned, (WIDTH_PX, HEIGHT_PX), interpolation=how), dtype=np.uint8)


def shows_light(view: NDArray[np.uint8], state: str) -> bool:
    """Tells whether any light of the state's colour is in the picture: neither a network nor a label lights a lamp.

    Shapes: view (64, 32, 3).
    """
    hue, saturation, value = cv2.split(cv2.cvtColor(np.ascontiguousarray(view), cv2.COLOR_RGB2HSV_FULL))
    near = np.zeros(hue.shape, dtype=bool)
    for low, high in HUES[state]:
        near |= (hue >= low) & (hue <= high)
    chroma = saturation.astype(np.int32) * value // 255
    return float(np.mean(near & (chroma >= LEAST_CHROMA) & (value >= LEAST_VALUE))) >= LEAST_SHARE
