"""Impossible drawings, broken boxes, clocks that run backwards, long gaps, crowds: an error or a gap, never a case."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from cli.scoring import all_cases, detections, observations_of
from core.errors import ConfigError, SourceError
from core.observations import ActorClass, Detections, SignalState, TrackHistory
from core.site import load_site
from core.time import NS_PER_S
from pipeline.judge import Finding, Judge
from pipeline.observation import Observation
from rules import RuleBook, Scene, SiteView
from sim.trajectories import Film, film
from sim.trajectories.film import site_of

FPS = 8.0
LANE = [(500, 500), (900, 500), (900, 900), (500, 900)]
LINE = {"id": "south", "points_px": [(500, 480), (900, 480)], "towards_px": (700, 300)}


def filmed(name: str) -> Film:
    """Returns the first scene of a situation as seen."""
    return film(all_cases([name])[0].scene, FPS)


def lane(name: str, shift_px: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "motor", "polygon_px": [(x + shift_px, y) for x, y in LANE], **more}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"lanes": [lane("a"), lane("b", 250)]}, "lanes 'a' and 'b' overlap"),
        (
            {"lanes": [lane("a")], "stop_lines": [{**LINE, "points_px": [(1400, 100), (1700, 100)]}]},
            "outside every lane",
        ),
        ({"stop_lines": [{**LINE, "towards_px": (700, 480)}]}, "towards_px lies on it"),
        ({"stop_lines": [{**LINE, "movements": ["S", "X"]}]}, "movements"),
        ({"lanes": [lane("a", heading_px=[(100, 900), (100, 500)])]}, "heading_px lies outside"),
        ({"lanes": [{"id": "a", "kind": "motor", "polygon_px": [(0, 0), (9, 9), (9, 0), (0, 9)]}]}, "crosses itself"),
        ({"crosswalks": [{"id": "w", "polygon_px": LANE, "refuge_islands_px": [[(0, 0), (9, 0), (9, 9)]]}]}, "island"),
        ({"stop_lines": [{**LINE, "points_px": [(500, 480), (float("nan"), 480)]}]}, "nan"),
    ],
)
def test_impossible_sites_are_refused_in_one_line(parts: dict[str, Any], said: str, tmp_path: Any) -> None:
    path = tmp_path / "bad.site.yaml"
    head = {"site_id": "s", "place": "p", "camera": {"camera_id": "c", "picture_size_px": [1920, 1080]}}
    with path.open("w", encoding="utf-8") as target:
        YAML(typ="safe").dump({**head, **_plain(parts)}, target)
    with pytest.raises(ConfigError) as error:
        load_site(path)
    assert said in error.value.message
    assert "\n" not in error.value.message


def _plain(value: Any) -> Any:
    """Returns the value with lists in place of tuples."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def test_lanes_drawn_by_an_unsteady_hand_are_fine() -> None:
    scene = all_cases(["v07_rides_in_the_cycle_lane"])[0].scene
    assert len(site_of(scene).lanes) == 3


def test_boxes_that_are_not_numbers_leave_a_gap() -> None:
    """Every third box is broken: the rest convicts as before, the broken ones do no harm."""
    seen = filmed("v01_straight_on_in_red")
    judge = Judge(seen.site)
    found: list[Any] = []
    for number, observation in enumerate(observations_of(seen)):
        broken = _broken(observation.detections) if number % 3 == 0 else observation.detections
        found += judge.add(replace(observation, detections=broken))
    found += judge.finish()
    assert [f.candidate.violation_id for f in found if isinstance(f, Finding)] == ["V01"]


def _broken(found: Detections) -> Detections:
    boxes = np.array(found.xyxy)
    boxes[:, 1] = np.nan
    return replace(found, xyxy=boxes)


def test_a_track_with_boxes_that_are_not_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="track 7: a box is not a number"):
        TrackHistory(
            track_id=7,
            class_id=ActorClass.CAR,
            class_share=1.0,
            pts_ns=np.array([0, 1]),
            xyxy=np.array([[0, 0, 1, 1], [0, np.nan, 1, 1]], np.float32),
            confidence=np.ones(2, np.float32),
            is_finished=True,
        )


@pytest.mark.parametrize("back_s", [0.0, 0.125, 40.0])
def test_time_that_does_not_go_on_is_an_error(back_s: float) -> None:
    seen = filmed("v01_straight_on_in_red")
    judge = Judge(seen.site)
    observations = observations_of(seen)
    for observation in observations[:320]:
        judge.add(observation)
    late = observations[319]
    with pytest.raises(SourceError, match="came after"):
        judge.add(replace(late, detections=replace(late.detections, pts_ns=late.pts_ns - int(back_s * NS_PER_S))))


@pytest.mark.parametrize("is_after_gap", [True, False])
@pytest.mark.parametrize(
    "name", ["v01_straight_on_in_red", "v02_stands_past_the_line", "v08_strict_zone_longer", "v13_turns_round"]
)
def test_ten_hours_in_the_middle_convict_nobody(name: str, is_after_gap: bool) -> None:
    """The vehicle is seen before the line and ten hours later beyond it: nothing says that it is the same drive."""
    seen = filmed(name)
    observations = observations_of(seen)
    onset_s = {"v01": 15.5, "v02": 14.5, "v08": 60.0, "v13": 8.3}[name[:3]]
    judge = Judge(seen.site)
    found: list[Any] = []
    for observation in observations:
        is_late = observation.pts_ns > onset_s * NS_PER_S
        pts_ns = observation.pts_ns + is_late * 36_000 * NS_PER_S
        if name.startswith("v08") and observation.pts_ns > 150 * NS_PER_S:
            break
        is_first_late = is_late and observation.pts_ns <= (onset_s + 1 / FPS) * NS_PER_S
        found += judge.add(
            Observation(
                detections=replace(observation.detections, pts_ns=pts_ns),
                lamps=observation.lamps,
                is_after_gap=is_after_gap and is_first_late,
            )
        )
    found += judge.finish()
    assert [f.candidate.violation_id for f in found if isinstance(f, Finding)] == []


def test_a_track_with_a_hole_of_ten_hours_convicts_nobody() -> None:
    seen = filmed("v01_straight_on_in_red")
    track = seen.tracks[0]
    late = track.pts_ns > 15.5 * NS_PER_S
    holed = replace(track, pts_ns=track.pts_ns + late * 36_000 * NS_PER_S)
    lamp = replace(seen.signals["lamp"], until_ns=40_000 * NS_PER_S)
    scene = Scene(view=SiteView.of(seen.site), tracks=[holed], signals={"lamp": lamp}, now_ns=40_000 * NS_PER_S)
    assert [o for o in RuleBook().evaluate([holed], scene) if hasattr(o, "moments")] == []


@pytest.mark.timeout(60)
def test_five_hundred_at_once_convict_nobody() -> None:
    """A packed square under a red lamp: everybody trembles on the spot, all over the picture."""
    seen = filmed("v01_waits_behind_and_leaves_on_green")
    random = np.random.default_rng(5)
    left_top = random.uniform([0, 60], [1860, 1000], (500, 2))
    size = random.uniform(12, 60, (500, 2))
    kinds = random.integers(0, 6, 500).tolist()
    judge = Judge(seen.site)
    found: list[Any] = []
    for number in range(48):
        boxes = np.c_[left_top, left_top + size] + random.normal(0, 1.0, (500, 4))
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 4)
        rows = [(*box, 0.9, kind) for box, kind in zip(boxes.tolist(), kinds, strict=True)]
        observation = Observation(
            detections=detections(int(number / FPS * NS_PER_S), rows),
            lamps=dict.fromkeys(seen.signals, SignalState.RED),
            is_after_gap=False,
        )
        found += judge.add(observation)
    found += judge.finish()
    assert [f for f in found if isinstance(f, Finding)] == []
