"""Standing still under boxes that jump: places are medians over a while, never single boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rules.ground import Array, Path, dots
from rules.scene import STAND_MPS
from rules.smoothing import median

HALF_S = 1.0
"""A place is the median over this long at least. Source: half of STAND_S, so that the shortest halt still shows."""
LONGEST_S = 10.0
"""And this long at most. Source: the time two pictures of a standing vehicle lie apart, GA/T 832."""
MEDIAN_DOUBT = 1.25
"""A median of normal errors spreads this much more than their mean does. Source: the root of half pi."""
MEDIAN_TO_SPREAD = 1.4826
"""Standard deviation of normal errors whose absolute values have a median of 1. Source: 1 / quantile of 0.75."""
SURE = 3.5
"""A stand is told from a creep by this many standard deviations. Source: one normal error in 2,000 is larger; a stay of
minutes holds hundreds of places."""
PICKS = 9
"""Rows a second that a median is taken over at most. Source: every frame of a second at 8 fps, the rate of analysis."""
MOST_PICKS = 40
"""And at all. Source: past it a median gains less than a sixth of its doubt, 1 / sqrt(40)."""
BLIP_S = 1.0
"""A stand goes on over a blip this short if its place stays. Source: half of STAND_S."""
SAME_PLACE_M = 0.5
"""Two medians this near are one place. Source: V08 max_shift_m, violations.yaml."""


def steady_mps(path: Path) -> Array:
    """Returns the speed (N,) between the median place of the second before and of the second after each row."""
    return path.once("steady speed", lambda: _steady_mps(path))


def steady_spans(path: Path, *, speed_max_mps: float, min_s: float) -> list[tuple[int, int]]:
    """Returns (first, last) row of every stand of at least ``min_s``, in order.

    Costs more than ``scene.standing_spans``, which reads single boxes: for what decides a case, not for every vehicle.
    """
    return path.once(("standing", speed_max_mps, min_s), lambda: _spans(path, speed_max_mps, min_s))


def _spans(path: Path, speed_max_mps: float, min_s: float) -> list[tuple[int, int]]:
    slow = steady_mps(path) <= speed_max_mps
    edges = np.flatnonzero(np.diff(np.r_[False, slow, False]))
    found: list[tuple[int, int]] = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        span = (first, end - 1)
        if found and _goes_on(path, found[-1], span):
            found[-1] = (found[-1][0], span[1])
        else:
            found.append(span)
    return [(a, b) for a, b in found if path.t_s[b] - path.t_s[a] >= min_s]


def _goes_on(path: Path, earlier: tuple[int, int], later: tuple[int, int]) -> bool:
    """Tells whether the later stand is the earlier one, after boxes that jumped for a moment."""
    if path.t_s[later[0]] - path.t_s[earlier[1]] > BLIP_S:
        return False
    places = [np.median(path.foot_px[a : b + 1], axis=0) for a, b in (earlier, later)]
    way = path.vectors_m(*(np.broadcast_to(place, path.foot_px.shape) for place in places))[earlier[1]]
    counted = sum(1 / (b - a + 1) for a, b in (earlier, later))
    doubt_m = SURE * MEDIAN_DOUBT * float(wobble_m(path)[earlier[1]]) * np.sqrt(counted)
    return bool(np.linalg.norm(way) <= max(SAME_PLACE_M, doubt_m))


def steady_px(path: Path) -> Array:
    """Returns the median place (N, 2) in the picture of the time around each row."""
    return path.once("steady place", lambda: _places(path, _around(path, -1, 1)))


def wobble_m(path: Path) -> Array:
    """Returns the standard deviation (N,) of single places: how far boxes lie from between their neighbours."""
    return path.once("wobble", lambda: _wobble_m(path))


def _wobble_m(path: Path) -> Array:
    boxes, t_s = np.asarray(path.history.xyxy, float), path.t_s
    if len(t_s) < 3:
        return np.zeros(len(t_s))
    size_px = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    foot_px = np.column_stack(((boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]))
    late = ((t_s[1:-1] - t_s[:-2]) / (t_s[2:] - t_s[:-2]))[:, None]
    off_px = foot_px[1:-1] - (1 - late) * foot_px[:-2] - late * foot_px[2:]
    off = np.abs(off_px) / size_px[1:-1] / np.sqrt(1 + late**2 + (1 - late) ** 2)
    spread_px = MEDIAN_TO_SPREAD * median(off.T) * size_px
    ways = [path.vectors_m(path.foot_px, path.foot_px + spread_px * axis) for axis in np.eye(2)]
    spread: Array = np.linalg.norm(np.hstack(ways), axis=1)
    return spread


def half_s(path: Path) -> Array:
    """Returns over how long (N,) medians are taken, so that what lies between two of them is sure."""
    return path.once("half span", lambda: _half_s(path))


def _half_s(path: Path) -> Array:
    t_s = path.t_s
    early, late = np.searchsorted(t_s, t_s - LONGEST_S), np.searchsorted(t_s, t_s + LONGEST_S)
    rate = np.clip((late - early) / (2 * LONGEST_S), 1 / LONGEST_S, PICKS)  # what stands long is kept thinly
    doubt_m = SURE * MEDIAN_DOUBT * np.sqrt(2) * wobble_m(path)
    for_speed_s = (doubt_m**2 / rate / STAND_MPS**2) ** (1 / 3)
    for_place_s = doubt_m**2 / rate / (2 * SAME_PLACE_M) ** 2 / 2
    long_s: Array = np.clip(np.maximum(for_speed_s, for_place_s), HALF_S, LONGEST_S)
    return long_s


def _around(path: Path, before: float, after: float) -> NDArray[np.int64]:
    """Returns the rows (N, K) seen from so many half spans before each row to so many after it."""
    t_s, span_s, here = path.t_s, half_s(path), np.arange(len(path.t_s))
    early = np.searchsorted(t_s, t_s + before * span_s, side="left") if before else here
    late = np.searchsorted(t_s, t_s + after * span_s, side="right") - 1 if after else here
    picks = min(round(PICKS * (after - before) * float(span_s.max(initial=HALF_S))), MOST_PICKS)
    share = np.linspace(0.0, 1.0, picks)
    rows: NDArray[np.int64] = np.rint(early[:, None] + (late - early)[:, None] * share).astype(np.int64)
    return rows


def _steady_mps(path: Path) -> Array:
    before, after = _around(path, -1, 0), _around(path, 0, 1)
    span_s = np.maximum(median(path.t_s[after]) - median(path.t_s[before]), 1e-3)
    way = path.vectors_m(_places(path, before), _places(path, after))
    speed: Array = np.sqrt(dots(way, way)) / span_s
    return speed


def _places(path: Path, rows: NDArray[np.int64]) -> Array:
    """Returns the median place (N, 2) in the picture of each row of rows (N, K)."""
    return np.column_stack([median(column[rows]) for column in path.foot_px.T])
