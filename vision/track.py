"""One tracker per camera: detections of one frame in, track histories out.

ByteTrack's two-stage association (Zhang et al. 2022: confident boxes first, weak ones only to keep
a track alive), done on whole arrays, with a gate in *seconds* so that 2 fps and 60 fps footage are
joined alike, and a long memory for what stands still (a parked car behind a passing bus).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core.geometry import iou
from core.observations import ActorClass, Detections, TrackHistory
from core.time import NS_PER_S

Array = NDArray[np.float64]
GROUP = np.array([0, 1, 1, 2, 2, 2])
"""Association group by ActorClass value: on foot, two-wheeler, four-wheeler. Boxes never change group."""
FORBIDDEN = 1e6


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
    reach: float = 0.45
    reach_per_s: float = 2.2
    """Without overlap, centres may lie reach + reach_per_s * gap sizes apart."""
    standing_per_s: float = 0.12
    """Slower than this many sizes per second is standing."""


@dataclass(slots=True)
class _Track:
    track_id: int
    group: int
    box: Array
    pts_ns: list[int]
    boxes: list[Array]
    confidences: list[float]
    classes: list[int]
    velocity: Array = field(default_factory=lambda: np.zeros(2))

    @property
    def size(self) -> float:
        return float((self.box[2] - self.box[0] + self.box[3] - self.box[1]) / 2)

    def predicted(self, pts_ns: int) -> Array:
        gap_s = min((pts_ns - self.pts_ns[-1]) / NS_PER_S, 1.0)
        box: Array = self.box + np.tile(self.velocity * gap_s, 2)
        return box

    def add(self, pts_ns: int, box: Array, confidence: float, class_id: int) -> None:
        gap_s = (pts_ns - self.pts_ns[-1]) / NS_PER_S
        moved = (box[:2] + box[2:] - self.box[:2] - self.box[2:]) / 2 / max(gap_s, 1e-6)
        weight = 0.7 if len(self.pts_ns) == 1 else min(1.0, 0.35 + gap_s)
        self.velocity = (1 - weight) * self.velocity + weight * moved
        self.box = box
        self.pts_ns.append(pts_ns)
        self.boxes.append(box)
        self.confidences.append(confidence)
        self.classes.append(class_id)

    def history(self, *, is_finished: bool) -> TrackHistory:
        votes = np.bincount(self.classes, weights=self.confidences, minlength=len(GROUP))
        best = int(votes.argmax())
        return TrackHistory(
            track_id=self.track_id,
            class_id=ActorClass(best),
            class_share=float(votes[best] / max(votes.sum(), 1e-9)),
            pts_ns=np.asarray(self.pts_ns, np.int64),
            xyxy=np.asarray(self.boxes, np.float32),
            confidence=np.asarray(self.confidences, np.float32),
            is_finished=is_finished,
        )


class Tracker:
    """Joins the detections of one camera into tracks. Deterministic: same detections, same ids."""

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self._config = config or TrackerConfig()
        self._tracks: list[_Track] = []
        self._next_id = 1

    def update(self, detections: Detections) -> list[TrackHistory]:
        """Takes one frame; returns the tracks that ended with it."""
        boxes = np.asarray(detections.xyxy, float)
        groups = GROUP[detections.class_id]
        confident = detections.confidence >= self._config.confident
        free_tracks = list(range(len(self._tracks)))
        free_boxes = set(range(len(detections)))
        for pick, min_overlap, may_reach in (
            (np.flatnonzero(confident), self._config.min_overlap, True),
            (np.flatnonzero(~confident), 2 * self._config.min_overlap, False),
        ):
            pairs = self._match(free_tracks, pick, detections, min_overlap=min_overlap, may_reach=may_reach)
            for t, d in pairs:
                self._tracks[t].add(
                    detections.pts_ns, boxes[d], float(detections.confidence[d]), int(detections.class_id[d])
                )
                free_boxes.discard(d)
            taken = {t for t, _ in pairs}
            free_tracks = [t for t in free_tracks if t not in taken]
        ended = self._drop_lost(detections.pts_ns)
        for d in sorted(free_boxes):
            if confident[d]:
                self._start(detections, d, boxes[d], int(groups[d]))
        return ended

    def live(self) -> list[TrackHistory]:
        """Returns the believed tracks still in sight."""
        return [t.history(is_finished=False) for t in self._tracks if len(t.boxes) >= self._config.min_hits]

    def finish(self) -> list[TrackHistory]:
        """Ends every track (end of footage, hard cut) and returns them."""
        ended = [t.history(is_finished=True) for t in self._tracks if len(t.boxes) >= self._config.min_hits]
        self._tracks = []
        return ended

    def _start(self, detections: Detections, index: int, box: Array, group: int) -> None:
        self._tracks.append(
            _Track(
                track_id=self._next_id,
                group=group,
                box=box,
                pts_ns=[detections.pts_ns],
                boxes=[box],
                confidences=[float(detections.confidence[index])],
                classes=[int(detections.class_id[index])],
            )
        )
        self._next_id += 1

    def _match(
        self,
        tracks: Sequence[int],
        pick: NDArray[np.intp],
        detections: Detections,
        *,
        min_overlap: float,
        may_reach: bool,
    ) -> list[tuple[int, int]]:
        if not tracks or not len(pick):
            return []
        pts_ns, boxes = detections.pts_ns, np.asarray(detections.xyxy, float)
        groups = GROUP[detections.class_id]
        chosen = [self._tracks[t] for t in tracks]
        predicted = np.stack([t.predicted(pts_ns) for t in chosen])
        overlap = iou(predicted, boxes[pick])
        centre_t, centre_d = (predicted[:, :2] + predicted[:, 2:]) / 2, (boxes[pick, :2] + boxes[pick, 2:]) / 2
        sizes = np.array([t.size for t in chosen])
        sizes_d = (boxes[pick, 2:] - boxes[pick, :2]).mean(axis=1)
        apart = np.linalg.norm(centre_t[:, None] - centre_d[None], axis=2) / np.maximum(sizes[:, None], 1.0)
        gaps_s = np.array([(pts_ns - t.pts_ns[-1]) / NS_PER_S for t in chosen])
        reach = self._config.reach + self._config.reach_per_s * np.minimum(gaps_s, 0.5)
        ratio = sizes_d[None] / np.maximum(sizes[:, None], 1.0)
        is_near = (apart < reach[:, None]) & (ratio > 0.5) & (ratio < 2.0) & may_reach
        is_possible = (np.array([t.group for t in chosen])[:, None] == groups[pick][None]) & (
            (overlap >= min_overlap) | is_near
        )
        cost = np.where(is_possible, 1.0 - overlap + 0.5 * np.minimum(apart, 2.0), FORBIDDEN)
        rows, columns = linear_sum_assignment(cost)
        return [(tracks[r], int(pick[c])) for r, c in zip(rows, columns, strict=True) if cost[r, c] < FORBIDDEN]

    def _drop_lost(self, pts_ns: int) -> list[TrackHistory]:
        kept, ended = [], []
        for track in self._tracks:
            speed = float(np.linalg.norm(track.velocity)) / max(track.size, 1.0)
            is_standing = speed < self._config.standing_per_s and len(track.boxes) > self._config.min_hits
            limit_s = self._config.max_lost_standing_s if is_standing else self._config.max_lost_s
            if (pts_ns - track.pts_ns[-1]) / NS_PER_S <= limit_s:
                kept.append(track)
            elif len(track.boxes) >= self._config.min_hits:
                ended.append(track.history(is_finished=True))
        self._tracks = kept
        return ended
