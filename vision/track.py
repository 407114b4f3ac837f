"""One tracker per camera: detections of one frame in, track histories out.

ByteTrack's two-stage association (Zhang et al. 2022: confident boxes first, weak ones only to keep
a track alive), done on whole arrays; then what is left over by distance, with a gate in *seconds* so
that 2 fps and 60 fps footage are joined alike; and a long memory for what stands still (a parked car
behind a passing bus).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core.geometry import iou
from core.observations import ActorClass, Detections, TrackHistory
from core.time import NS_PER_S

Array = NDArray[np.float64]
Index = NDArray[np.int64]
GROUP = np.array([0, 1, 1, 2, 2, 2])
"""Association group by ActorClass value: on foot, two-wheeler, four-wheeler. Boxes never change group."""
FORBIDDEN = 1e6
THIN_EVERY = 512
"""Rows between two thinnings of a track."""
THIN = ((120.0, 1.0), (900.0, 10.0))
"""(older than s, one row each s): what stands for an hour keeps hundreds of rows, not tens of thousands.

Parking tolerates holes of 20 s (V08 occlusion_tolerance_s); nothing that moves is in sight for two minutes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerConfig:
    """Tuning. Confidences 0-1, times in seconds, lengths in box sizes (mean of width and height)."""

    confident: float = 0.35
    """A box this sure may start a track."""
    max_lost_s: float = 1.6
    """A moving actor unseen this long is gone: 1.6 s at 30 km/h is past any pole that hid it."""
    max_lost_standing_s: float = 25.0
    """A standing one may be hidden longer: parking tolerates 20 s of occlusion (violations.yaml V08)."""
    min_hits: int = 2
    """Observations before a track is believed."""
    min_overlap: float = 0.2
    """Least IoU of prediction and box to join them outright."""
    dearest: float = 1.0
    """No pair that overlaps is joined at a cost (1 - IoU + half the distance) above this.

    Without it whoever is missed in a crowd takes the neighbour's box, who takes the next one's
    (`docs/adr/0004-tracker-measured.md`).
    """
    reach: float = 0.45
    reach_per_s: float = 2.2
    """What is left over: without overlap, centres may lie reach + reach_per_s * gap sizes apart."""
    known_hits: int = 3
    known_reach: float = 0.5
    """With more observations than that its course is known, and it reaches only this share as far."""
    double_s: float = 0.6
    double_overlap: float = 0.5
    """A track younger than this, overlapping an older one more than this, is a second box on the same actor."""
    standing_per_s: float = 0.12
    """Slower than this many sizes per second is standing."""


class Tracker:
    """Joins the detections of one camera into tracks. Deterministic: same detections, same ids.

    Shapes: one row a live track in ``_box`` (N, 4), ``_velocity`` (N, 2) px/s, ``_last_ns`` (N,), ``_group`` (N,);
    ``_rows`` keeps what each saw.
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self._config = config or TrackerConfig()
        self._next_id = 1
        self._clear()

    def update(self, detections: Detections) -> list[TrackHistory]:
        """Takes one frame; returns the tracks that ended with it."""
        ended = self._drop_lost(detections.pts_ns)
        boxes = np.asarray(detections.xyxy, float)
        groups = GROUP[detections.class_id]
        confident = detections.confidence >= self._config.confident
        free = np.ones(len(self._ids), dtype=bool)
        is_new = confident.copy()
        for is_asked, min_overlap in (
            (confident, self._config.min_overlap),
            (~confident, 2 * self._config.min_overlap),
            (is_new, None),
        ):
            pick, left = np.flatnonzero(is_asked), np.flatnonzero(free)
            if not len(pick) or not len(left):
                continue
            cost = self._cost(left, boxes[pick], groups[pick], detections.pts_ns, min_overlap)
            rows, columns = linear_sum_assignment(cost)
            is_joined = cost[rows, columns] < (FORBIDDEN if min_overlap is None else self._config.dearest)
            tracks, found = left[rows[is_joined]], pick[columns[is_joined]]
            self._join(tracks, found, detections, boxes)
            free[tracks], is_new[found] = False, False
        self._start(np.flatnonzero(is_new), detections, boxes, groups)
        self._drop_doubles(detections.pts_ns)
        return ended

    def live(self) -> list[TrackHistory]:
        """Returns the believed tracks still in sight."""
        return self._histories(range(len(self._ids)), is_finished=False)

    def finish(self) -> list[TrackHistory]:
        """Ends every track (end of footage, hard cut) and returns them."""
        ended = self._histories(range(len(self._ids)), is_finished=True)
        self._clear()
        return ended

    def _clear(self) -> None:
        self._ids: list[int] = []
        self._rows: list[_Rows] = []
        self._box: Array = np.zeros((0, 4))
        self._velocity: Array = np.zeros((0, 2))
        self._last_ns = np.zeros(0, np.int64)
        self._group = np.zeros(0, np.int64)

    def _cost(self, tracks: Index, boxes: Array, groups: Index, pts_ns: int, min_overlap: float | None) -> Array:
        """Returns the cost (T, D) of joining tracks and boxes, by overlap or, with None, by distance.

        FORBIDDEN where they cannot be one actor; where they overlap no cost is above ``dearest``, which is as good as
        staying alone.
        """
        gap_s = (pts_ns - self._last_ns[tracks]) / NS_PER_S
        shift = self._velocity[tracks] * np.minimum(gap_s, 1.0)[:, None]
        predicted = self._box[tracks] + np.tile(shift, 2)
        size_t = np.maximum(_sizes(self._box[tracks]), 1.0)
        overlap = iou(predicted, boxes)
        middle_t, middle_d = _centres(predicted), _centres(boxes)
        apart_x, apart_y = (middle_t[:, None, k] - middle_d[None, :, k] for k in (0, 1))
        apart = np.sqrt(apart_x**2 + apart_y**2) / size_t[:, None]
        cost: Array = 1.0 - overlap + 0.5 * np.minimum(apart, 2.0)
        is_same_group = self._group[tracks][:, None] == groups[None]
        if min_overlap is not None:
            return np.where(is_same_group & (overlap >= min_overlap), cost, FORBIDDEN).clip(max=self._config.dearest)
        ratio = _sizes(boxes)[None] / size_t[:, None]
        is_known = np.array([len(self._rows[t]) > self._config.known_hits for t in tracks], dtype=bool)
        reach = self._config.reach + self._config.reach_per_s * np.minimum(gap_s, 0.5)
        reach *= np.where(is_known, self._config.known_reach, 1.0)
        is_near = (apart < reach[:, None]) & (ratio > 0.5) & (ratio < 2.0)
        return np.where(is_same_group & is_near, cost, FORBIDDEN)

    def _join(self, tracks: Index, found: Index, detections: Detections, boxes: Array) -> None:
        gap_s = np.maximum((detections.pts_ns - self._last_ns[tracks]) / NS_PER_S, 1e-6)
        moved = (_centres(boxes[found]) - _centres(self._box[tracks])) / gap_s[:, None]
        is_second = np.array([len(self._rows[t]) == 1 for t in tracks], dtype=bool)
        weight = np.where(is_second, 0.7, np.minimum(1.0, 0.35 + gap_s))[:, None]
        self._velocity[tracks] = (1 - weight) * self._velocity[tracks] + weight * moved
        self._box[tracks] = boxes[found]
        self._last_ns[tracks] = detections.pts_ns
        for track, row in zip(tracks.tolist(), _seen(detections, boxes, found), strict=True):
            self._rows[track].append(detections.pts_ns, row)

    def _start(self, found: Index, detections: Detections, boxes: Array, groups: Index) -> None:
        count = len(found)
        self._ids += range(self._next_id, self._next_id + count)
        self._next_id += count
        self._rows += [_Rows(detections.pts_ns, row) for row in _seen(detections, boxes, found)]
        self._box = np.r_[self._box, boxes[found]]
        self._velocity = np.r_[self._velocity, np.zeros((count, 2))]
        self._last_ns = np.r_[self._last_ns, np.full(count, detections.pts_ns, np.int64)]
        self._group = np.r_[self._group, groups[found]]

    def _drop_doubles(self, pts_ns: int) -> None:
        """Drops a track just begun on top of an older one: a second box on the same actor, not a second actor."""
        seen = np.flatnonzero(self._last_ns == pts_ns)
        young = [t for t in seen if pts_ns - self._rows[t].first_ns < self._config.double_s * NS_PER_S]
        if not young or len(seen) == len(young):
            return
        overlap = iou(self._box[young], self._box[seen])
        is_older = np.array([[self._ids[s] < self._ids[y] for s in seen] for y in young])
        is_same = (
            (overlap > self._config.double_overlap) & is_older & (self._group[young][:, None] == self._group[seen])
        )
        doubles = {young[k] for k in np.flatnonzero(is_same.any(axis=1))}
        if doubles:
            self._keep([t for t in range(len(self._ids)) if t not in doubles])

    def _keep(self, kept: list[int]) -> None:
        self._ids, self._rows = [self._ids[k] for k in kept], [self._rows[k] for k in kept]
        self._box, self._velocity = self._box[kept], self._velocity[kept]
        self._last_ns, self._group = self._last_ns[kept], self._group[kept]

    def _drop_lost(self, pts_ns: int) -> list[TrackHistory]:
        speed = np.linalg.norm(self._velocity, axis=1) / np.maximum(_sizes(self._box), 1.0)
        is_old = np.array([len(rows) > self._config.min_hits for rows in self._rows], dtype=bool)
        is_standing = (speed < self._config.standing_per_s) & is_old
        limit_s = np.where(is_standing, self._config.max_lost_standing_s, self._config.max_lost_s)
        is_lost = (pts_ns - self._last_ns) / NS_PER_S > limit_s
        if not is_lost.any():
            return []
        ended = self._histories(np.flatnonzero(is_lost).tolist(), is_finished=True)
        self._keep(np.flatnonzero(~is_lost).tolist())
        return ended

    def _histories(self, tracks: Iterable[int], *, is_finished: bool) -> list[TrackHistory]:
        return [
            self._rows[t].history(self._ids[t], is_finished=is_finished)
            for t in tracks
            if len(self._rows[t]) >= self._config.min_hits
        ]


class _Rows:
    """What one track saw: (x1, y1, x2, y2, confidence, class) at pts_ns, in arrays that grow.

    What was handed out stays as it is: rows are only added behind it, and thinning begins new arrays.
    """

    def __init__(self, pts_ns: int, seen: Array) -> None:
        self._pts_ns, self._table = np.empty(16, np.int64), np.empty((16, 6))
        self._count = 0
        self.first_ns = pts_ns
        self.append(pts_ns, seen)

    def __len__(self) -> int:
        return self._count

    def append(self, pts_ns: int, seen: Array) -> None:
        """Adds one row; old ones are thinned now and then."""
        if self._count == len(self._pts_ns):
            self._pts_ns = np.concatenate((self._pts_ns, np.empty_like(self._pts_ns)))
            self._table = np.concatenate((self._table, np.empty_like(self._table)))
        self._pts_ns[self._count], self._table[self._count] = pts_ns, seen
        self._count += 1
        if self._count % THIN_EVERY == 0:
            kept = _thinned(self._pts_ns[: self._count])
            self._pts_ns, self._table, self._count = self._pts_ns[kept], self._table[kept], len(kept)

    def history(self, track_id: int, *, is_finished: bool) -> TrackHistory:
        """Returns all of it."""
        table = self._table[: self._count]
        votes = np.bincount(table[:, 5].astype(np.int64), weights=table[:, 4], minlength=len(GROUP))
        best = int(votes.argmax())
        return TrackHistory(
            track_id=track_id,
            class_id=ActorClass(best),
            class_share=float(votes[best] / max(votes.sum(), 1e-9)),
            pts_ns=self._pts_ns[: self._count],
            xyxy=table[:, :4].astype(np.float32),
            confidence=table[:, 4].astype(np.float32),
            is_finished=is_finished,
        )


def _thinned(pts_ns: Index) -> list[int]:
    """Returns which rows stay: fewer of the old ones; the first and all recent ones."""
    times = pts_ns.tolist()
    kept, last_ns = [0], times[0]
    for row, time_ns in enumerate(times[1:], 1):
        age_s = (times[-1] - time_ns) / NS_PER_S
        apart_s = max((each_s for older_s, each_s in THIN if age_s > older_s), default=0.0)
        if (time_ns - last_ns) / NS_PER_S >= apart_s:
            kept.append(row)
            last_ns = time_ns
    return kept


def _seen(detections: Detections, boxes: Array, found: Index) -> Array:
    """Returns rows (N, 6) of some detections: box, confidence, class."""
    seen: Array = np.c_[boxes[found], detections.confidence[found], detections.class_id[found]]
    return seen


def _centres(boxes: Array) -> Array:
    centres: Array = (boxes[:, :2] + boxes[:, 2:]) / 2
    return centres


def _sizes(boxes: Array) -> Array:
    sizes: Array = (boxes[:, 2:] - boxes[:, :2]).mean(axis=1)
    return sizes
