"""Boxes that jump, are cut off or hidden for a moment, made smooth before anything is measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SLACK_S = 1e-3
"""Times this near to each other are the same. Source: the step of time stamps in Matroska and FLV."""
DIP_S = 1.2
"""Boxes may be cut too low up to this long. Source: a two-wheeler passing in front of a wheel at 5 km/h."""
SMOOTH_S = 0.5
"""Boxes are medians over this long, against jumping edges. Source: five rows at 8 fps, the rate of analysis."""
EDGE_PX = 3
"""A box this near the picture's lower edge is cut off by it. Source: rounding of a network picture a third the size."""
EDGE_JITTERS = 2.0
"""So is one that ends this many standard deviations of its lower edge above it. Source: 95 % of normal errors."""
WHOLE_ROWS = 3
"""Rows that tell how large a cut actor is. Source: the fewest of which one may be wrong."""
AMONG_ROWS = 5
"""A row in the middle of as many is cut if most of them are. Source: half a second at 8 fps."""


def completed(boxes: Array, t_s: Array, picture_height_px: int) -> Array:
    """Returns boxes whose lower edge the picture cut off, drawn on to the height the actor had when it was whole.

    Without this a vehicle driving in from below would stand further ahead than it is.
    """
    foot_px = boxes[:, 3].copy()
    is_cut = foot_px >= picture_height_px - EDGE_PX
    if not is_cut.any():
        return boxes
    sizes = boxes[:, 2:] - boxes[:, :2]
    high_px = sizes[:, 1].copy()
    reach_px = EDGE_PX + EDGE_JITTERS * _jitter(foot_px, high_px, t_s, ~is_cut) * high_px
    is_cut = _among(foot_px >= picture_height_px - reach_px)
    if is_cut.all():
        return boxes
    rows, whole = np.flatnonzero(is_cut), np.flatnonzero(~is_cut)
    beside = whole.searchsorted(rows)[:, None] + np.arange(-WHOLE_ROWS, WHOLE_ROWS)
    beside = whole[np.minimum(np.maximum(beside, 0), len(whole) - 1)]
    order = np.abs(rows[:, None] - beside).argsort(axis=1, kind="stable")[:, :WHOLE_ROWS]
    known = beside[np.arange(len(rows))[:, None], order]
    wider = np.minimum(np.maximum(sizes[rows, :1] / np.maximum(sizes[known, 0], 1.0), 1.0), 1.5)
    likely_px = median(high_px[known] * wider)
    drawn_on = boxes.copy()
    drawn_on[rows, 3] = boxes[rows, 1] + np.maximum(high_px[rows], likely_px)
    return drawn_on


def _jitter(edge_px: Array, size_px: Array, t_s: Array, usable: NDArray[np.bool_]) -> float:
    """Returns by which share of its size an edge jumps: the spread of its distance from between its neighbours."""
    rows = np.flatnonzero(usable)
    if len(rows) < 3:
        return 0.0
    before, here, after = rows[:-2], rows[1:-1], rows[2:]
    late = (t_s[here] - t_s[before]) / (t_s[after] - t_s[before])
    off = edge_px[here] - (1 - late) * edge_px[before] - late * edge_px[after]
    spread = np.abs(off) / np.maximum(size_px[here], 1.0) / np.sqrt(1 + late**2 + (1 - late) ** 2)
    return 1.4826 * float(median(spread))


def _among(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the rows of a mask and those that stand among them."""
    half = AMONG_ROWS // 2
    counted = np.cumsum(np.concatenate(([0], mask[:1].repeat(half), mask, mask[-1:].repeat(half))))
    among: NDArray[np.bool_] = mask | (counted[AMONG_ROWS:] - counted[:-AMONG_ROWS] > half)
    return among


def grown(height_px: Array, pace_s: float) -> Array:
    """Returns heights with short dips (hidden wheels, a passing pole) filled from the time around them."""
    return rolling(height_px[:, None], pace_s, DIP_S, 0.7)[:, 0]


def smoothed(tracks: Sequence[Array], paces_s: Sequence[float]) -> tuple[Array, list[slice]]:
    """Returns the boxes of many tracks as running medians, in one long array, and the rows each track has there."""
    halves = [_half(len(boxes), pace_s, SMOOTH_S, 2) for boxes, pace_s in zip(tracks, paces_s, strict=True)]
    pairs = list(zip(tracks, halves, strict=True))
    padded = np.concatenate([part for boxes, half in pairs for part in _mirrored(boxes, half)])
    smooth, inner = padded.copy(), max(len(padded) - 4, 0)
    smooth[2 : 2 + inner] = _middle_of_five([padded[shift : shift + inner] for shift in range(5)])
    ends = np.cumsum([len(boxes) + 2 * half for boxes, half in pairs]).tolist()
    rows = [slice(end - half - len(boxes), end - half) for (boxes, half), end in zip(pairs, ends, strict=True)]
    for (boxes, half), here, pace_s in zip(pairs, rows, paces_s, strict=True):
        if half != 2:
            smooth[here] = rolling(boxes, pace_s, SMOOTH_S, 0.5, most_rows=2)
    return smooth, rows


def _half(count: int, pace_s: float, window_s: float, most_rows: int) -> int:
    """Returns how many rows on each side of one a window reaches to."""
    return 0 if count < 3 else min(max(round(window_s / 2 / pace_s), 0), most_rows, count - 1)


def _mirrored(values: Array, half: int) -> tuple[Array, Array, Array]:
    """Returns what lies inside mirrored at the beginning, the rows themselves, and the same at the end."""
    return values[half:0:-1], values, values[-2 : -half - 2 : -1]


def rolling(values: Array, pace_s: float, window_s: float, share: float, most_rows: int = 25) -> Array:
    """Returns the running quantile of rows over a time window; the ends mirror what lies inside.

    Rows further apart than the window stay as they are: at 2 fps three of them span 15 m of a car's way.
    """
    half = _half(len(values), pace_s, window_s, most_rows)
    if half == 0:
        return values
    padded = np.concatenate(_mirrored(values, half))
    windows = np.stack([padded[shift : shift + len(values)] for shift in range(2 * half + 1)], axis=-1)
    windows.sort(axis=-1)
    return _quantile(windows, share)


def _middle_of_five(parts: Sequence[Array]) -> Array:
    """Returns the median of five arrays, element by element, by comparing pairs: faster than sorting."""
    a, b, c, d, e = parts
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    middle: Array = np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e))
    return middle


def step_s(t_s: Array) -> float:
    """Returns the median time between two rows."""
    if len(t_s) < 2:
        return 1.0
    steps = np.sort(t_s[1:] - t_s[:-1])
    return max(float(steps[(len(steps) - 1) // 2] + steps[len(steps) // 2]) / 2, 1e-3)


def _quantile(ordered: Array, share: float) -> Array:
    """Returns the quantile of sorted values along the last axis, interpolated as ``numpy.quantile`` does."""
    place = share * (ordered.shape[-1] - 1)
    below = int(place)
    low, high = ordered[..., below], ordered[..., min(below + 1, ordered.shape[-1] - 1)]
    weight = place - below
    value: Array = low + (high - low) * weight if weight < 0.5 else high - (high - low) * (1 - weight)
    return value


def median(values: NDArray[np.floating[Any]]) -> Array:
    """Returns the median along the last axis, as ``numpy.median`` does, several times as fast.

    >>> median(np.array([[3.0, 1.0, 2.0], [4.0, 4.0, 9.0]])).tolist(), float(median(np.array([1.0, 2.0])))
    ([2.0, 4.0], 1.5)
    """
    ordered, half = np.sort(values, axis=-1), values.shape[-1] // 2
    middle: Array = ordered[..., half]
    return middle if values.shape[-1] % 2 else (ordered[..., half - 1] + middle) / 2
