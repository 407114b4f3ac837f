"""All rules over one camera's footage, each offence said once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.catalogue import catalogue
from core.geometry import iou, pair_iou
from core.observations import Candidate, Outcome, TrackHistory, Undecided
from core.time import NS_PER_S
from rules.barrier import barrier
from rules.box_junction import box_junction
from rules.emergency_lane import emergency_lane
from rules.jaywalking import jaywalking
from rules.lane_arrow import lane_arrow
from rules.motor_lane import motor_lane
from rules.nonmotor_lane import nonmotor_lane
from rules.nonmotor_parking import nonmotor_parking
from rules.nonmotor_stop_line import nonmotor_stop_line
from rules.parking import parking
from rules.pedestrian_red import pedestrian_red
from rules.queue_jump import queue_jump
from rules.red_light import red_light
from rules.rejoin import Known, Rejoiner
from rules.ride_across import ride_across
from rules.scene import Scene
from rules.solid_line import solid_line
from rules.stop_line import stop_line
from rules.u_turn import u_turn
from rules.wrong_way import wrong_way
from rules.yielding import yielding

Rule = Callable[[TrackHistory, Scene], list[Outcome]]
RULES: tuple[Rule, ...] = (
    red_light,
    stop_line,
    pedestrian_red,
    wrong_way,
    parking,
    motor_lane,
    yielding,
    nonmotor_stop_line,
    jaywalking,
    box_junction,
    ride_across,
    nonmotor_lane,
    emergency_lane,
    barrier,
    nonmotor_parking,
    lane_arrow,
    u_turn,
    solid_line,
    queue_jump,
)
STANDING: tuple[Rule, ...] = (stop_line, parking, nonmotor_stop_line, box_junction, nonmotor_parking)
"""Rules of standing: judged while an actor stands. The others judge its way, while it moves. All judge what ended."""
MOVING = tuple(rule for rule in RULES if rule not in STANDING)
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

    def evaluate(
        self,
        histories: Sequence[TrackHistory],
        scene: Scene,
        *,
        standing: Sequence[TrackHistory] = (),
        moving: Sequence[TrackHistory] = (),
    ) -> list[Outcome]:
        """Returns what is new: candidates never given before, and undecided cases of ended tracks.

        ``histories`` are judged by every rule, live tracks ``standing`` or ``moving`` by the rules of that alone.
        """
        self._forget(scene)
        whole = self._rejoiner.whole(scene)
        gone = {name for known in whole.values() for name in known.earlier_ids}
        if whole:
            scene = _joined(scene, whole, gone)
        fresh: list[Outcome] = []
        for asked, rules in ((histories, RULES), (standing, STANDING), (moving, MOVING)):
            for track in asked:
                if track.track_id in gone:
                    continue
                history = whole[track.track_id].history if track.track_id in whole else track
                for rule in rules:
                    fresh += [o for o in rule(history, scene) if self._is_new(o, history)]
        return fresh

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


def _joined(scene: Scene, whole: dict[int, Known], gone: set[int]) -> Scene:
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
    shared, at_first, at_second = np.intersect1d(first.pts_ns, second.pts_ns, assume_unique=True, return_indices=True)
    if len(shared):
        return float(np.median(pair_iou(first.xyxy[at_first], second.xyxy[at_second]))) > SAME_PLACE_IOU
    if hole_s < 0:
        return False
    is_overlapping_run = earlier.end_ns >= later.onset_ns - int(HANDOVER_S * NS_PER_S)
    return is_overlapping_run and float(iou(one.xyxy[-1], two.xyxy[0])[0, 0]) > SAME_PLACE_IOU
