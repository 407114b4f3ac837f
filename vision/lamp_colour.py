"""One frame's opinion of a lamp from colour and place in the housing alone.

Arrangement: vertical, red on top (GB 14887); horizontal, red left (right where traffic keeps left);
crosswalk, red over green.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import SignalState

HUE_RANGES = {
    SignalState.RED: ((0, 8), (164, 180)),
    SignalState.YELLOW: ((9, 35),),
    SignalState.GREEN: ((40, 105),),
}
"""OpenCV hue (0-180). Overexposed signal amber reads 10-30, LED signal green up to cyan."""
ZONES = {
    "vertical": {SignalState.RED: (0.0, 0.42), SignalState.YELLOW: (0.25, 0.75), SignalState.GREEN: (0.58, 1.0)},
    "horizontal": {SignalState.RED: (0.0, 0.42), SignalState.YELLOW: (0.25, 0.75), SignalState.GREEN: (0.58, 1.0)},
    "horizontal_red_right": {
        SignalState.RED: (0.58, 1.0),
        SignalState.YELLOW: (0.25, 0.75),
        SignalState.GREEN: (0.0, 0.42),
    },
    "crosswalk": {SignalState.RED: (0.0, 0.55), SignalState.GREEN: (0.45, 1.0)},
    "single": dict.fromkeys((SignalState.RED, SignalState.YELLOW, SignalState.GREEN), (0.0, 1.0)),
}
"""Where along the housing each lamp sits, as shares of its length."""
MIN_SATURATION = 90
MIN_VALUE = 120
MIN_SCORE = 0.035
"""Least lit share of the region: a lamp of a third of the housing's width still gives 0.04."""
MIN_RATIO = 2.0
"""The best colour must outweigh the next this many times."""


def read_colour(crop_rgb: NDArray[np.uint8], layout: str) -> SignalState:
    """Returns RED, YELLOW, GREEN or, where colour and place do not say one of them, UNKNOWN.

    Shapes: crop_rgb (h, w, 3), the signal's region at full resolution.
    """
    if crop_rgb.size == 0:
        return SignalState.UNKNOWN
    hsv = cv2.cvtColor(crop_rgb, cv2.COLOR_RGB2HSV)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    glow = np.where((saturation > MIN_SATURATION) & (value > MIN_VALUE), saturation * (value / 255.0**2), 0.0)
    scores: dict[SignalState, float] = {}
    for state, (start, end) in ZONES[layout].items():
        window = _window(hue.shape, layout, start, end)
        mask = np.zeros(hue.shape, dtype=bool)
        for low, high in HUE_RANGES[state]:
            mask |= (hue >= low) & (hue <= high)
        scores[state] = float(glow[window][mask[window]].sum()) / glow.size
    ranked = sorted(scores, key=lambda s: scores[s], reverse=True)
    best, second = ranked[0], ranked[1]
    if scores[best] < MIN_SCORE or scores[best] < MIN_RATIO * scores[second]:
        return SignalState.UNKNOWN
    return best


def _window(shape: tuple[int, ...], layout: str, start: float, end: float) -> tuple[slice, slice]:
    axis = 1 if layout.startswith("horizontal") else 0
    span = slice(int(start * shape[axis]), max(int(np.ceil(end * shape[axis])), 1))
    return (slice(None), span) if axis else (span, slice(None))
