"""One vehicle under two ids: what stood still when its track was lost is found again by its place.

A tracker loses a parked car behind a bus, or swaps its id in a jam. Where a track ends standing and another begins
standing on the same spot soon enough, both are one stay; the later id carries the rows of both.
Known traps: a vehicle that leaves while hidden and is replaced by one of the same size on the same spot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.geometry import iou
from core.observations import ActorClass, FloatArray, TrackHistory
from core.time import NS_PER_S
from rules.scene import FOUR_WHEELERS, TWO_WHEELERS, Scene
from rules.smoothing import median

LOOK_S = 2.0
"""The end and the beginning of a track are looked at over this long. Source: STAND_S, a halt that is no hesitation."""
STILL_IOU = 0.8
"""Two medians of a standing box overlap this much. Source: 0.5 m (V08 max_shift_m) of a car 4.5 m long."""
SAME_SPOT_IOU = 0.6
"""So does one vehicle under two ids. Source: twice that shift; the next parking place overlaps less than half."""
VEHICLES = frozenset({*FOUR_WHEELERS, *TWO_WHEELERS})
KEEP_S = 60.0
"""Rows older than this are kept one a second. Source: t_candidate_s of V08; parking bears holes of 20 s."""


@dataclass(frozen=True, slots=True)
class Known:
    """A track with the rows of the earlier ids of the same vehicle."""

    history: TrackHistory
    earlier_ids: frozenset[int] = frozenset()

    @property
    def ids(self) -> frozenset[int]:
        """Every id the vehicle had."""
        return self.earlier_ids | {self.history.track_id}


class Rejoiner:
    """Remembers what stood when its track ended, for as long as parking bears not seeing it."""

    def __init__(self) -> None:
        self._before: dict[int, Known] = {}
        self._stood: dict[int, Known] = {}
        self._looked_at: set[int] = set()
        self._ended: set[int] = set()

    def whole(self, scene: Scene) -> dict[int, Known]:
        """Returns the tracks that carry on an earlier one, by their present id."""
        gap_s = float(scene.view.site.parameters("V08")["occlusion_tolerance_s"])
        self._forget(scene, gap_s)
        found: dict[int, Known] = {}
        vehicles = [t for t in scene.tracks if t.class_id in VEHICLES and self._may_say_more(t)]
        for track in sorted(vehicles, key=lambda t: int(t.pts_ns[0]) if len(t) else 0):
            known = self._known(track, gap_s)
            if known.earlier_ids:
                found[track.track_id] = known
            if track.is_finished and track.track_id not in self._ended:
                self._ended.add(track.track_id)
                if _is_still(track.xyxy[_last(track)]):
                    self._stood[track.track_id] = replace(known, history=_thinned(known.history))
        return found

    def _may_say_more(self, track: TrackHistory) -> bool:
        """Tells whether a track carries on another, or its beginning or its end was not looked at yet."""
        name = track.track_id
        is_new = name not in self._looked_at or (track.is_finished and name not in self._ended)
        return is_new or name in self._before

    def _known(self, track: TrackHistory, gap_s: float) -> Known:
        """Returns the track with what came before it; looked for once, when its beginning can be told."""
        name = track.track_id
        if name not in self._looked_at and (track.is_finished or track.duration_s >= LOOK_S):
            self._looked_at.add(name)
            earlier = self._match(track, gap_s)
            if earlier is not None:
                self._before[name] = self._stood.pop(earlier)
        before = self._before.get(name)
        return Known(track) if before is None else Known(_joined(before.history, track), before.ids)

    def _match(self, track: TrackHistory, gap_s: float) -> int | None:
        rows = track.t_s <= track.t_s[0] + LOOK_S
        boxes = track.xyxy[rows]
        if not _is_still(boxes):
            return None
        spot, best, name = np.median(boxes, axis=0), SAME_SPOT_IOU, None
        for earlier, known in self._stood.items():
            old = known.history
            is_alike = (old.class_id in FOUR_WHEELERS) == (track.class_id in FOUR_WHEELERS)
            hole_s = (int(track.pts_ns[0]) - int(old.pts_ns[-1])) / NS_PER_S
            overlap = float(iou(np.median(old.xyxy[_last(old)], axis=0), spot)[0, 0])
            if is_alike and 0 < hole_s <= gap_s and overlap >= best:
                best, name = overlap, earlier
        return name

    def _forget(self, scene: Scene, gap_s: float) -> None:
        begun = (int(t.pts_ns[0]) for t in scene.tracks if len(t) and t.track_id not in self._looked_at)
        oldest_ns = min(begun, default=scene.now_ns) - int((gap_s + KEEP_S) * NS_PER_S)
        self._stood = {name: k for name, k in self._stood.items() if int(k.history.pts_ns[-1]) >= oldest_ns}
        present = {track.track_id for track in scene.tracks}
        self._before = {name: known for name, known in self._before.items() if name in present}
        self._looked_at &= present
        self._ended &= present


def _last(track: TrackHistory) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    rows: np.ndarray[tuple[int], np.dtype[np.bool_]] = track.t_s >= track.t_s[-1] - LOOK_S
    return rows


def _is_still(boxes: FloatArray) -> bool:
    """Tells whether the earlier and the later half of some boxes (N, 4) lie on one spot."""
    if len(boxes) < 2:
        return False
    middle = len(boxes) // 2
    early, late = median(boxes[:middle].T), median(boxes[middle:].T)
    return float(iou(early, late)[0, 0]) >= STILL_IOU


def _joined(earlier: TrackHistory, later: TrackHistory) -> TrackHistory:
    longer: TrackHistory = max(earlier, later, key=len)
    return replace(
        later,
        class_id=ActorClass(longer.class_id),
        class_share=longer.class_share,
        pts_ns=np.r_[earlier.pts_ns, later.pts_ns],
        xyxy=np.concatenate([earlier.xyxy, later.xyxy]),
        confidence=np.r_[earlier.confidence, later.confidence],
    )


def _thinned(track: TrackHistory) -> TrackHistory:
    second = np.floor(track.t_s)
    kept = (track.t_s >= track.t_s[-1] - KEEP_S) | (np.diff(second, prepend=second[0] - 1) > 0)
    return replace(track, pts_ns=track.pts_ns[kept], xyxy=track.xyxy[kept], confidence=track.confidence[kept])
