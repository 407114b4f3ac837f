"""Pictures made to measure for a network: its own aspect, sides a multiple of the stride."""

import numpy as np
from numpy.typing import NDArray

PAD_VALUE = 114
"""Grey of the padding, as in training."""

MOST_ENLARGED = 2.0
"""Small sources are scaled up, which helps small riders; beyond twice there is nothing more to see."""


def fit(width_px: int, height_px: int, most_width_px: int, most_height_px: int) -> tuple[int, int]:
    """Returns the largest (width, height) of the same aspect inside the given one, at most twice the source.

    >>> fit(1920, 1080, 960, 960), fit(352, 288, 960, 960), fit(720, 1280, 640, 640)
    ((960, 540), (704, 576), (360, 640))
    """
    scale = min(most_width_px / width_px, most_height_px / height_px, MOST_ENLARGED)
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def pad(rgb: NDArray[np.uint8], stride_px: int) -> NDArray[np.uint8]:
    """Returns the picture extended right and down to multiples of the stride.

    >>> pad(np.zeros((360, 640, 3), np.uint8), 32).shape
    (384, 640, 3)
    """
    height, width = rgb.shape[:2]
    to_height, to_width = -(-height // stride_px) * stride_px, -(-width // stride_px) * stride_px
    if (to_height, to_width) == (height, width):
        return np.ascontiguousarray(rgb)
    padded = np.full((to_height, to_width, 3), PAD_VALUE, dtype=np.uint8)
    padded[:height, :width] = rgb
    return padded
