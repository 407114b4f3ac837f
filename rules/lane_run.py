"""Driving along a lane that is not one's own: shared by V22 (non-motor lane) and V23 (emergency lane).

Along, not across: only rows whose course follows the lane count, so that crossing it to turn, to a
driveway or into a bay does not add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.geometry import contains
from core.observations import Candidate, Outcome
from core.site import Lane
from rules.body import HOLE_S, MOVING_MPS, Body, body_of, even_body, runs
from rules.ground import Array, Path, dots, lengths
from rules.scene import STAND_MPS, STAND_S, Scene, moments, standing_spans

ALONG_DEG = 30.0
"""Further off the lane's axis is across. Source: a third of a right angle; V04 takes 45 degrees for across."""
GAP_S = 0.6
"""A hole this short in a run is jitter. Source: two frames at the slowest useful rate, 4 Hz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRun:
    """One drive along a lane. Times are session seconds, ``share`` the body's median share inside, 0-1."""

    lane: Lane
    start_s: float
    end_s: float
    distance_m: float
    moving_s: float
    share: float
    speed_kmh: float


def lane_runs(path: Path, lanes: list[Lane], *, share_min: float) -> list[LaneRun]:
    """Returns every drive along lanes of one kind, judged together: changing from one to the next is one drive."""
    body = even_body(path) if any(path.comes_near(lane.polygon_px) for lane in lanes) else None
    if body is None or not _comes_near(body, lanes):
        return []
    shares = np.array([body.share_inside(lane.polygon_px) for lane in lanes])
    off_deg = np.array([_off_axis_deg(body, lane) for lane in lanes])
    along = np.take_along_axis(off_deg, shares.argmax(axis=0)[None], 0)[0] <= ALONG_DEG
    inside = (shares.sum(axis=0) >= share_min) & along
    return [_run(body, lanes, shares, span) for span in runs(inside, body.path.t_s, GAP_S)]


def stands_in_bay(path: Path, scene: Scene) -> bool:
    """Tells whether the vehicle was seen standing in a marked bay for its kind: driving in and out is legal."""
    bays = [b for b in scene.view.site.parking_bays if "motor" in b.applies_to]
    body = body_of(path) if bays else None
    if body is None:
        return False
    for first, last in standing_spans(path, speed_max_mps=STAND_MPS, min_s=STAND_S):
        middle = np.median(body.centre_px[first : last + 1], axis=0)
        if any(bool(contains(bay.polygon_px, middle)[0]) for bay in bays):
            return True
    return False


def lane_candidate(run: LaneRun, path: Path, scene: Scene, *, violation_id: str, cues: tuple[str, ...]) -> Outcome:
    """Returns the case of a drive along a lane: pictures at its start, middle and end."""
    times = (run.start_s, (run.start_s + run.end_s) / 2, run.end_s)
    rows = [int(np.abs(path.t_s - t).argmin()) for t in times]
    return Candidate(
        violation_id=violation_id,
        track_id=path.history.track_id,
        subject=path.history.class_id,
        moments=moments(path, rows),
        parameters=scene.view.site.parameters(violation_id),
        facts={
            "distance_m": round(run.distance_m, 1),
            "duration_s": round(run.moving_s, 1),
            "share_inside": round(run.share, 2),
            "speed_kmh": round(run.speed_kmh, 1),
            "scale": scene.view.ground.scale_source,
        },
        cues=cues,
        region_id=run.lane.id,
    )


def is_going_on(run: LaneRun, path: Path) -> bool:
    """Tells whether the drive may still go on: its last row is the newest of a live track."""
    return not path.history.is_finished and float(path.t_s[-1]) - run.end_s < GAP_S


def _comes_near(body: Body, lanes: list[Lane]) -> bool:
    inside = [contains(lane.polygon_px, points).any() for lane in lanes for points in (body.centre_px, body.front_px)]
    return any(inside)


def _run(body: Body, lanes: list[Lane], shares: Array, span: tuple[int, int]) -> LaneRun:
    rows = slice(span[0], span[1] + 1)
    t_s, speed = body.path.t_s[rows], body.path.speed_mps(1.0)[rows]
    steps_s = np.diff(t_s, append=t_s[-1])
    counted = np.where((speed >= MOVING_MPS) & (steps_s <= HOLE_S), steps_s, 0.0)
    return LaneRun(
        lane=lanes[int(shares[:, rows].sum(axis=1).argmax())],
        start_s=float(t_s[0]),
        end_s=float(t_s[-1]),
        distance_m=float((speed * counted).sum()),
        moving_s=float(counted.sum()),
        share=float(np.median(np.minimum(shares[:, rows].sum(axis=0), 1.0))),
        speed_kmh=float(np.median(speed)) * 3.6,
    )


def _off_axis_deg(body: Body, lane: Lane) -> Array:
    """Returns the angle (N,), 0-90 degrees, between the body's course and the lane's axis."""
    if lane.heading_px is not None:
        arrow = body.path.arrow_m(lane.heading_px)
    else:
        corners = [*lane.polygon_px, lane.polygon_px[0]]
        edges = np.array([body.path.arrow_m((a, b)) for a, b in pairwise(corners)])
        longest = np.linalg.norm(edges, axis=2).argmax(axis=0)
        arrow = np.take_along_axis(edges, longest[None, :, None], 0)[0]
    length = np.maximum(lengths(arrow), 1e-9)
    angle: Array = np.degrees(np.arccos(np.clip(np.abs(dots(arrow, body.ahead)) / length, 0, 1)))
    return angle
