"""Random scenes: reproducible, readable as files, true to their promise, and different from each other."""

import random
from pathlib import Path

import pytest

from sim.generator import draw_scene, dump_scene, times_of
from sim.junction import Junction
from sim.roles import LOOK_ALIKES, OFFENCES, Stage
from sim.scene import Scene, load_scene
from sim.sites import JUDGED, build_site
from sim.truth import check_truth, find_truth, overlaps
from sim.world import build_world


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(1), draw_scene(2, camera="gantry"), draw_scene(5, camera="drone")]


def test_a_scene_follows_from_its_seed_alone(scenes: list[Scene]) -> None:
    assert draw_scene(1) == scenes[0]
    assert scenes[0].cast != scenes[1].cast


def test_the_weather_changes_the_light_and_nothing_else(scenes: list[Scene]) -> None:
    night = draw_scene(1, weather="night")
    assert night.weather == "night"
    assert (night.cast, night.junction, night.camera, night.signals) == (
        scenes[0].cast,
        scenes[0].junction,
        scenes[0].camera,
        scenes[0].signals,
    )


def test_a_scene_written_and_read_is_the_same(scenes: list[Scene], tmp_path: Path) -> None:
    path = tmp_path / "scene.yaml"
    for scene in scenes:
        path.write_text(dump_scene(scene), encoding="utf-8")
        assert load_scene(path) == scene


def test_scenes_hold_offences_and_look_alikes_and_nobody_stands_in_another(scenes: list[Scene]) -> None:
    for scene in scenes:
        world = build_world(scene)
        truth = find_truth(world)
        check_truth(world, truth)
        assert len(truth.violations) >= 3
        assert truth.traps
        assert not overlaps(world)
        assert {e.violation_id for e in truth.violations} <= JUDGED


def test_what_a_lamp_decides_is_not_asked_of_a_drone(scenes: list[Scene]) -> None:
    drone = find_truth(build_world(scenes[2]))
    assert not {e.violation_id for e in drone.violations} & {"V01", "V02", "V03", "V04"}


def test_the_site_enables_exactly_the_offences_whose_truth_is_known(scenes: list[Scene]) -> None:
    site = build_site(scenes[0])
    assert {name for name, switch in site.rules.items() if not switch.enabled}.isdisjoint(JUDGED)
    assert len(site.rules) + len(JUDGED) == 26
    assert [s.id for s in site.signals] == ["S-near", "S-ped-left"]


def test_each_part_can_be_played() -> None:
    """On the fullest junction every maker gives an actor; without bays or a west arm two of them cannot."""
    full = Junction(has_bays=True)
    times = times_of(draw_scene(1).signals, 20.0)
    stage = Stage(junction=full, times=times, chance=random.Random(3))
    assert all(maker(stage) is not None for maker in (*OFFENCES.values(), *LOOK_ALIKES))
    bare = Stage(junction=Junction(arms=("S", "E", "N"), cycle_lane_m=0), times=times, chance=random.Random(3))
    missing = {maker.__name__ for maker in (*OFFENCES.values(), *LOOK_ALIKES) if maker(bare) is None}
    assert missing == {"wrong_way_rider", "late_left_car", "bay_car"}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"arms": ("S", "E")}, "arms must be"),
        ({"arms": ("S", "N", "N", "E")}, "arms must be"),
        ({"has_island": True}, "needs a median"),
    ],
)
def test_impossible_junctions_are_refused(parts: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Junction.model_validate(parts)


def test_ambient_traffic_knows_the_standard_junction_only() -> None:
    scene = draw_scene(1).model_dump() | {
        "junction": {"lanes": 3},
        "ambient": [{"kind": "motor", "arrive_from": "E", "leave_to": ["W"], "mean_gap_s": 8}],
    }
    with pytest.raises(ValueError, match="ambient traffic knows the standard junction only"):
        Scene.model_validate(scene)
