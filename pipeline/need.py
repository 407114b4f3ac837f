"""When a camera is worth more looks than usual: a moving vehicle close to a line, or a lamp that just changed.

Where something crosses a line, and on which light, is told from the pictures around that moment; spare time of the
network is best spent there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.geometry import iou
from core.observations import Detections, SignalState
from core.site import PART_LISTS, Site
from core.time import NS_PER_S

FASTER = 1.5
"""Looks a second beside the usual: every second picture of 25 instead of every third."""
NEAR = 0.75
"""A foot this near to a line, in heights of its box, may soon be over it: a car at 10 m/s moves 1.2 m a look."""
SAME = 0.9
"""A box that overlaps one of the look before by this much stands, or crawls: the usual rate does."""
NEAR_NS = NS_PER_S // 2
LAMP_NS = NS_PER_S


class Need:
    """Of one session's site. ``saw`` is called by the judge's thread, the rest by the source's."""

    def __init__(self, site: Site) -> None:
        lines = [part.points_px for name in PART_LISTS for part in getattr(site, name) if hasattr(part, "points_px")]
        starts = [point for line in lines for point in line[:-1]]
        ends = [point for line in lines for point in line[1:]]
        self._starts = np.asarray(starts, np.float64).reshape(-1, 2)
        self._steps = np.asarray(ends, np.float64).reshape(-1, 2) - self._starts
        self._boxes: NDArray[np.float32] = np.zeros((0, 4), np.float32)
        self._near_until_ns = -1
        self._lamp_until_ns = -1
        self._lamps: dict[str, SignalState] | None = None

    def is_urgent(self, now_ns: int) -> bool:
        """Tells whether to look more often at this moment."""
        return now_ns <= max(self._near_until_ns, self._lamp_until_ns)

    def read(self, lamps: Mapping[str, SignalState], now_ns: int) -> None:
        """Takes the lamps of a picture."""
        if self._lamps is not None and self._lamps != lamps:
            self._lamp_until_ns = now_ns + LAMP_NS
        self._lamps = dict(lamps)

    def saw(self, found: Detections) -> None:
        """Takes what the network saw."""
        before, self._boxes = self._boxes, found.xyxy
        if not len(found.xyxy) or not len(self._starts):
            return
        moves = iou(found.xyxy, before).max(axis=1, initial=0.0) < SAME
        if (moves & self._is_near(found.xyxy)).any():
            self._near_until_ns = found.pts_ns + NEAR_NS

    def _is_near(self, xyxy: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Returns for each box (N, 4) whether its foot is close to a line."""
        feet = np.column_stack(((xyxy[:, 0] + xyxy[:, 2]) / 2, xyxy[:, 3])).astype(np.float64)[:, None]
        away = feet - self._starts
        along = np.clip((away * self._steps).sum(axis=2) / np.maximum((self._steps**2).sum(axis=1), 1e-9), 0, 1)
        distance = np.linalg.norm(away - along[..., None] * self._steps, axis=2).min(axis=1)
        near: NDArray[np.bool_] = distance <= NEAR * (xyxy[:, 3] - xyxy[:, 1])
        return near
