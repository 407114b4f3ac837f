"""All rules over one camera's footage, each offence said once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.catalogue import catalogue
from core.geometry import iou, pair_iou
from core.observations import ActorClass, Candidate, Outcome, TrackHistory, Undecided
from core.site import Site
from core.time import NS_PER_S
from rules.barrier import barrier
from rules.box_junction import box_junction
from rules.emergency_lane import emergency_lane
from rules.interest import Interest, Interests, Mask
from rules.jaywalking import jaywalking
from rules.lane_arrow import lane_arrow
from rules.motor_lane import motor_lane
from rules.nonmotor_lane import nonmotor_lane
from rules.nonmotor_parking import least_left_s, nonmotor_parking
from rules.nonmotor_stop_line import APART_S, nonmotor_stop_line
from rules.parking import least_parked_s, parking
from rules.pedestrian_red import pedestrian_red
from rules.queue_jump import queue_jump
from rules.red_light import SETTLE_S, red_light
from rules.rejoin import Known, Rejoiner
from rules.ride_across import ride_across
from rules.scene import FOUR_WHEELERS, TWO_WHEELERS, Scene, SiteView
from rules.smoothing import median
from rules.solid_line import solid_line
from rules.stop_line import stop_line
from rules.u_turn import u_turn
from rules.wrong_way import wrong_way
from rules.yielding import yielding

PASSED_S = SETTLE_S - 2.0
"""A vehicle whose front crossed a line is looked at then. Source: its rear follows; then it has 2 s to settle."""
Extent = tuple[float, float, float, float]
VEHICLES = (*TWO_WHEELERS, *FOUR_WHEELERS)
WALKERS = (ActorClass.PERSON,)


def _lanes(*kinds: str) -> Callable[[Site], Sequence[Any]]:
    return lambda site: [lane for lane in site.lanes if lane.kind in kinds]


def _boxes(site: Site) -> Sequence[Any]:
    return [*site.boxes, *site.crosswalks]


def _least_s(rule: str) -> Callable[[Site], float]:
    return lambda site: max(float(site.parameters(rule)["stationary_min_s"]), APART_S)


INTERESTS: tuple[Interest, ...] = (
    Interest(rule=red_light, classes=VEHICLES, parts=lambda site: site.stop_lines, echo_s=PASSED_S),
    Interest(rule=stop_line, classes=FOUR_WHEELERS, parts=lambda site: site.stop_lines, stand_s=_least_s("V02")),
    Interest(rule=pedestrian_red, classes=WALKERS, parts=lambda site: site.crosswalks),
    Interest(rule=wrong_way, classes=VEHICLES, parts=lambda site: site.direction_zones),
    Interest(rule=parking, classes=FOUR_WHEELERS, parts=lambda site: site.no_stop_zones, stand_s=least_parked_s),
    Interest(rule=motor_lane, classes=TWO_WHEELERS, parts=_lanes("motor")),
    Interest(rule=yielding, classes=VEHICLES, parts=lambda site: site.crosswalks),
    Interest(
        rule=nonmotor_stop_line, classes=TWO_WHEELERS, parts=lambda site: site.stop_lines, stand_s=_least_s("V20")
    ),
    Interest(rule=jaywalking, classes=WALKERS, parts=_lanes("motor", "bus", "emergency")),
    Interest(rule=box_junction, classes=FOUR_WHEELERS, parts=_boxes, stand_s=_least_s("V16")),
    Interest(rule=ride_across, classes=TWO_WHEELERS, parts=_lanes("motor", "bus", "emergency")),
    Interest(rule=nonmotor_lane, classes=FOUR_WHEELERS, parts=_lanes("nonmotor")),
    Interest(rule=emergency_lane, classes=FOUR_WHEELERS, parts=_lanes("emergency")),
    Interest(rule=barrier, classes=WALKERS, parts=lambda site: site.barriers),
    Interest(rule=nonmotor_parking, classes=TWO_WHEELERS, parts=lambda site: site.nonmotor_zones, stand_s=least_left_s),
    Interest(rule=lane_arrow, classes=FOUR_WHEELERS, parts=lambda site: site.stop_lines, echo_s=PASSED_S),
    Interest(rule=u_turn, classes=FOUR_WHEELERS, parts=lambda site: site.no_u_turn_zones),
    Interest(rule=solid_line, classes=FOUR_WHEELERS, parts=lambda site: site.solid_lines),
    Interest(rule=queue_jump, classes=FOUR_WHEELERS, parts=_lanes("motor", "bus", "mixed")),
)
"""Live tracks are judged by the rules that something happened for (``pipeline.attention``), ended ones by all."""
EVERY = np.ones(len(INTERESTS), np.bool_)
VERSION = "1"
"""Raised whenever a rule's meaning changes; pinned in every package."""
SAME_PLACE_IOU = 0.3
"""Boxes of one actor under two ids overlap at least this much. Source: above the tracker's joining threshold."""
HANDOVER_S = 1.5
"""An id switch leaves at most this hole. Source: the tracker's memory for moving actors."""


class RuleBook:
    """Runs every rule over the tracks and remembers what was already said."""

    def __init__(self) -> None:
        self._candidates: dict[str, list[tuple[Candidate, TrackHistory]]] = defaultdict(list)
        self._said: set[tuple[Any, ...]] = set()
        self._rejoiner = Rejoiner()
        self._view: SiteView | None = None

    def evaluate(
        self,
        histories: Sequence[TrackHistory],
        scene: Scene,
        *,
        live: Sequence[tuple[TrackHistory, Mask]] = (),
    ) -> list[Outcome]:
        """Returns what is new: candidates never given before, and undecided cases of ended tracks.

        ``histories`` are judged by every rule, ``live`` tracks by those of ``INTERESTS`` that are marked, (R,).
        """
        self._forget(scene)
        whole = self._rejoiner.whole(scene)
        carried = {name: known for known in whole.values() for name in known.earlier_ids}
        apart, ended = scene, {track.track_id for track in histories}
        if whole:
            scene = _joined(scene, whole, carried)
        asked: list[tuple[TrackHistory, Scene, list[int]]] = []
        for track, rules in (*((track, EVERY) for track in histories), *live):
            if track.track_id in carried and carried[track.track_id].history.track_id in ended:
                continue
            seen = apart if track.track_id in carried else scene  # what carries it on may stand for hours
            history = whole[track.track_id].history if track.track_id in whole else track
            rows = np.flatnonzero(rules & self._interests(scene.view).of(history)).tolist()
            asked += [(history, seen, rows)] if rows else []
        scene.paths_of([history for history, _, _ in asked])
        fresh: list[Outcome] = []
        for history, seen, rows in asked:
            for row in rows:
                seen.asks = row
                fresh += [o for o in INTERESTS[row].rule(history, seen) if self._is_new(o, history)]
        return fresh

    def _interests(self, view: SiteView) -> Interests:
        """Returns who concerns whom under a site, worked out once."""
        if self._view is not view:
            self._view, self._known = view, Interests(view.site, INTERESTS)
        return self._known

    def _forget(self, scene: Scene) -> None:
        """Drops what nobody can repeat any more: candidates of actors long gone, with their tracks."""
        present = {track.track_id for track in scene.tracks}
        oldest_ns = scene.now_ns - int(float(catalogue().defaults["dedup_window_s"]) * NS_PER_S)
        for name, said in self._candidates.items():
            self._candidates[name] = [
                (c, track) for c, track in said if c.track_id in present or int(track.pts_ns[-1]) >= oldest_ns
            ]
        self._said = {key for key in self._said if key[1] in present}

    def _is_new(self, outcome: Outcome, history: TrackHistory) -> bool:
        if isinstance(outcome, Undecided):
            key: tuple[Any, ...] = (outcome.violation_id, outcome.track_id, outcome.reason)
            if not history.is_finished or key in self._said:
                return False
            if any(c.track_id == outcome.track_id for c, _ in self._candidates[outcome.violation_id]):
                return False
            self._said.add(key)
            return True
        window_ns = int(float(catalogue().defaults["dedup_window_s"]) * NS_PER_S)
        for earlier, earlier_history in self._candidates[outcome.violation_id]:
            if earlier.region_id != outcome.region_id:
                continue
            is_same_actor = earlier.track_id == outcome.track_id
            if is_same_actor and outcome.onset_ns - earlier.end_ns < window_ns:
                return False
            if not is_same_actor and _is_same_body(earlier_history, history, earlier, outcome):
                return False
        self._candidates[outcome.violation_id].append((outcome, history))
        return True


def _joined(scene: Scene, whole: dict[int, Known], gone: Collection[int]) -> Scene:
    """Returns the scene with one track for every vehicle that had several ids."""
    present = [t for t in scene.tracks if t.track_id not in gone]
    tracks = [whole[t.track_id].history if t.track_id in whole else t for t in present]
    return replace(scene, tracks=tracks, _made={})


def _is_same_body(first: TrackHistory, second: TrackHistory, earlier: Candidate, later: Candidate) -> bool:
    """Tells whether two tracks are one actor: boxes on each other while both live, or one handed over to the other."""
    one, two = (first, second) if first.pts_ns[0] < second.pts_ns[0] else (second, first)
    hole_s = (two.pts_ns[0] - one.pts_ns[-1]) / NS_PER_S
    if hole_s > HANDOVER_S:
        return False
    if not _touch(first.extent_px, second.extent_px):
        return False
    at = np.minimum(first.pts_ns.searchsorted(second.pts_ns), len(first) - 1)
    shared = first.pts_ns[at] == second.pts_ns
    if shared.any():
        return float(median(pair_iou(first.xyxy[at[shared]], second.xyxy[shared]))) > SAME_PLACE_IOU
    if hole_s < 0:
        return False
    is_overlapping_run = earlier.end_ns >= later.onset_ns - int(HANDOVER_S * NS_PER_S)
    return is_overlapping_run and float(iou(one.xyxy[-1], two.xyxy[0])[0, 0]) > SAME_PLACE_IOU


def _touch(one: Extent, other: Extent) -> bool:
    """Tells whether two upright rectangles touch: where none of two tracks' boxes can, none overlap."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
