"""Standing still under boxes that jump: places are medians over a while, never single boxes."""

from __future__ import annotations

import numpy as np

from rules.ground import Array, Path

HALF_S = 1.0
"""A place is the median over this long. Source: half of STAND_S, so that the shortest halt still shows."""
PICKS = 9
"""Rows a median is taken over at most. Source: every frame of a second at 8 fps, the rate footage is analysed at."""
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
    way = path.vectors_m(np.repeat(places[0][None], len(path.t_s), 0), np.repeat(places[1][None], len(path.t_s), 0))
    return float(np.linalg.norm(way[earlier[1]])) <= SAME_PLACE_M


def _steady_mps(path: Path) -> Array:
    t_s, here = path.t_s, np.arange(len(path.t_s))
    early = np.searchsorted(t_s, t_s - HALF_S, side="left")
    late = np.searchsorted(t_s, t_s + HALF_S, side="right") - 1
    share = np.linspace(0.0, 1.0, PICKS)
    before = np.rint(early[:, None] + (here - early)[:, None] * share).astype(np.int64)
    after = np.rint(here[:, None] + (late - here)[:, None] * share).astype(np.int64)
    places = [np.median(path.foot_px[rows], axis=1) for rows in (before, after)]
    span_s = np.maximum(np.median(t_s[after], axis=1) - np.median(t_s[before], axis=1), 1e-3)
    speed: Array = np.linalg.norm(path.vectors_m(places[0], places[1]), axis=1) / span_s
    return speed
