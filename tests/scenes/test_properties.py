"""What must not matter to a verdict: time of day, axes, picture size, side, order and how often it is seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.scoring import all_cases, offence_of
from core.observations import ActorClass, Candidate, SignalTimeline, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from rules import RuleBook, Scene, SiteView
from sim.trajectories import Case, Film, film

FPS = 8.0
LONGEST_S = 60.0
Verdicts = Counter[tuple[str, str, int]]

CASES = {case.family: case for case in all_cases() if case.scene.until_s <= LONGEST_S}
"""One scene of every situation that is over within a minute."""
FAMILIES = st.sampled_from(sorted(CASES))
CALIBRATED = st.sampled_from(sorted(name for name, case in CASES.items() if case.scene.calibrated))
SYMMETRIC = st.sampled_from(
    sorted(n for n, c in CASES.items() if all(getattr(a.motion, "side", "S") in {"S", "U"} for a in c.scene.actors))
)
"""Right turns on red are free and left turns are not: scenes with one have no mirror image in this law."""
PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)


def verdicts(seen: Film) -> Verdicts:
    """Returns what the rules say to a film, by actor; who stands for a group is left open."""
    scene = Scene(
        view=SiteView.of(seen.site),
        tracks=seen.tracks,
        signals=seen.signals,
        now_ns=max([int(t.pts_ns[-1]) for t in seen.tracks if len(t)] + [s.until_ns for s in seen.signals.values()]),
    )
    outcomes = RuleBook().evaluate(list(seen.tracks), scene)
    names = ["group" if o.violation_id == "V10" else str(o.track_id) for o in outcomes]
    return Counter((o.violation_id, name, isinstance(o, Candidate)) for o, name in zip(outcomes, names, strict=True))


def seen_at(family: str, fps: float = FPS) -> Film:
    """Returns a situation as filmed."""
    return film(CASES[family].scene, fps)


def with_boxes(track: TrackHistory, boxes: Any) -> TrackHistory:
    """Returns a track with other boxes."""
    return replace(track, xyxy=np.asarray(boxes, np.float32))


@PROPERTY
@given(family=FAMILIES, later_s=st.floats(0.001, 90_000))
def test_time_of_day(family: str, later_s: float) -> None:
    """The same scene later in a session."""
    seen, later_ns = seen_at(family), round(later_s * NS_PER_S)
    moved = replace(
        seen,
        tracks=tuple(replace(t, pts_ns=t.pts_ns + later_ns) for t in seen.tracks),
        signals={name: shifted(lamp, later_ns) for name, lamp in seen.signals.items()},
    )
    assert verdicts(moved) == verdicts(seen)


def shifted(lamp: SignalTimeline, later_ns: int) -> SignalTimeline:
    """Returns a lamp's timeline so much later."""
    return replace(lamp, since_ns=tuple(t + later_ns for t in lamp.since_ns), until_ns=lamp.until_ns + later_ns)


@PROPERTY
@given(
    family=CALIBRATED,
    turn_deg=st.floats(-180, 180),
    east_m=st.floats(-5e3, 5e3),
    north_m=st.floats(-5e3, 5e3),
)
def test_axes_of_the_survey(family: str, turn_deg: float, east_m: float, north_m: float) -> None:
    """The same road surveyed in axes that are turned and moved."""
    seen = seen_at(family)
    data = seen.site.model_dump()
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    for point in data["calibration"]["points"]:
        x, y = point["ground_m"]
        point["ground_m"] = (cos * x - sin * y + east_m, sin * x + cos * y + north_m)
    assert verdicts(replace(seen, site=Site.model_validate(data))) == verdicts(seen)


@PROPERTY
@given(family=FAMILIES, size=st.floats(0.4, 2.5))
def test_size_of_the_picture(family: str, size: float) -> None:
    """The same scene in more or fewer pixels."""
    seen = seen_at(family)
    width, height = seen.site.camera.picture_size_px
    wide, high = round(width * size), round(height * size)
    factor = np.array([wide / width, high / height] * 2)
    scaled = replace(
        seen,
        site=seen.site.scaled_to(wide, high),
        tracks=tuple(with_boxes(t, t.xyxy * factor) for t in seen.tracks),
    )
    assert verdicts(scaled) == verdicts(seen)


@PROPERTY
@given(family=SYMMETRIC)
def test_mirror_image(family: str) -> None:
    """The same scene mirrored, with left and right changed over in the site file."""
    seen = seen_at(family)
    width = seen.site.camera.picture_size_px[0]
    mirrored = replace(
        seen,
        site=Site.model_validate(flipped(seen.site.model_dump(), width)),
        tracks=tuple(
            with_boxes(t, np.c_[width - t.xyxy[:, [2]], t.xyxy[:, [1]], width - t.xyxy[:, [0]], t.xyxy[:, [3]]])
            for t in seen.tracks
        ),
    )
    assert verdicts(mirrored) == verdicts(seen)


def flipped(value: Any, width: int, key: str = "") -> Any:
    """Returns a piece of a site file mirrored left to right."""
    if isinstance(value, dict):
        return {k: flipped(v, width, k) for k, v in value.items()}
    if key == "region_px" and value is not None:
        return (width - value[2], value[1], width - value[0], value[3])
    if key in {"movements", "movement"} and value is not None:
        changed = {"L": "R", "R": "L"}
        return changed.get(value, value) if key == "movement" else [changed.get(m, m) for m in value]
    if key.endswith("_px") and key != "picture_size_px" and value is not None:
        return points_flipped(value, width)
    if isinstance(value, list | tuple) and key not in {"picture_size_px", "ground_m"}:
        return [flipped(v, width) for v in value]
    return value


def points_flipped(value: Any, width: int) -> Any:
    """Returns nested points mirrored left to right."""
    if len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return (width - value[0], value[1])
    return [points_flipped(v, width) for v in value]


@PROPERTY
@given(family=FAMILIES, random=st.randoms(use_true_random=False))
def test_order_of_the_tracks(family: str, random: Any) -> None:
    """The same tracks in another order; ids stay, since they name the actors."""
    seen = seen_at(family)
    tracks = list(seen.tracks)
    random.shuffle(tracks)
    assert verdicts(replace(seen, tracks=tuple(tracks))) == verdicts(seen)


@PROPERTY
@given(family=FAMILIES, fps=st.floats(6, 60))
def test_frame_rate(family: str, fps: float) -> None:
    """The same scene seen more or less often, from 6 frames a second on."""
    assert verdicts(seen_at(family, fps)) == verdicts(seen_at(family))


@PROPERTY
@given(family=FAMILIES, x_px=st.floats(0, 1800), size_px=st.floats(9, 14))
def test_an_unrelated_vehicle_far_off(family: str, x_px: float, size_px: float) -> None:
    """A car that stands hundreds of metres away changes nothing for anybody."""
    seen = seen_at(family)
    start_ns, end_ns = int(seen.times_ns[0]), int(seen.times_ns[-1])
    pts_ns = np.arange(start_ns, end_ns, int(NS_PER_S / FPS))
    box = [x_px, 2.0, x_px + 1.4 * size_px, 2.0 + size_px]
    far = TrackHistory(
        track_id=999,
        class_id=ActorClass.CAR,
        class_share=1.0,
        pts_ns=pts_ns,
        xyxy=np.tile(np.asarray(box, np.float32), (len(pts_ns), 1)),
        confidence=np.full(len(pts_ns), 0.9, np.float32),
        is_finished=True,
    )
    assert verdicts(replace(seen, tracks=(*seen.tracks, far))) == verdicts(seen)


def test_the_situations_cover_every_offence() -> None:
    covered = {offence_of(case) for case in CASES.values()}
    assert len(covered) >= 18
    assert isinstance(next(iter(CASES.values())), Case)
