"""Lamps of vehicles: lit when the law and the light ask for it, where they sit, and brakes that follow the speed."""

from pathlib import Path

import numpy as np
import pytest

from sim.actors import Pose
from sim.lights import lights_of
from sim.optics import Lens
from sim.scene import Actor, load_scene
from sim.weather import WEATHERS
from sim.world import build_world


def pose(kind: str = "sedan", **more: object) -> Pose:
    base = {"actor_id": "it", "kind": kind, "x_m": 0.0, "y_m": 0.0, "heading_rad": 0.0, "speed_mps": 5.0}
    return Pose(**{**base, **more})  # type: ignore[arg-type]


def test_by_day_only_who_brakes_or_turns_shows_a_lamp() -> None:
    assert list(lights_of(pose(), 0.0, is_lit=False)) == []
    brakes = list(lights_of(pose(is_braking=True), 0.0, is_lit=False))
    assert [light.ahead for light in brakes] == [-1, -1]
    assert all(light.at[0] < -2.2 for light in brakes)


def test_at_night_two_white_ahead_and_two_red_behind() -> None:
    lights = list(lights_of(pose(), 0.0, is_lit=True))
    ahead, behind = ([light for light in lights if light.ahead == side] for side in (1, -1))
    assert (len(ahead), len(behind)) == (2, 2)
    assert min(min(light.colour) for light in ahead) > 0.7
    assert max(light.colour[1] for light in behind) < 0.1


def test_a_turn_light_blinks_on_its_own_side() -> None:
    shown = [list(lights_of(pose(turning=1), t, is_lit=False)) for t in (0.1, 0.5, 0.8)]
    assert [len(lights) for lights in shown] == [2, 0, 2]
    assert all(light.at[1] > 0 for light in shown[0])


@pytest.mark.parametrize("kind", ["walker", "bicycle", "bike_pusher"])
def test_who_has_no_lamp_shows_none(kind: str) -> None:
    assert list(lights_of(pose(kind, is_braking=True), 0.0, is_lit=True)) == []


def test_brakes_light_while_slowing_and_standing_and_go_out_when_driving_off() -> None:
    scene = load_scene(Path("sim/scenes/demo.yaml"))
    actor = Actor.model_validate(
        {
            "id": "it",
            "kind": "sedan",
            "path": [[1.7, -130], [1.7, 0], [1.7, 130]],
            "motion": {"type": "stop_go", "speed_mps": 8, "brake_mps2": 2, "at": [1.7, -20], "stop_s": 8, "go_s": 14},
        }
    )
    world = build_world(scene.model_copy(update={"cast": [actor], "ambient": [], "duration_s": 18.0}))
    lit = {m.t_s: m.poses[0].is_braking for m in world.moments if m.poses}
    assert not lit[3.0]  # braking from 8 m/s at 2 m/s2 begins 4 s before the stop
    assert lit[5.0]
    assert lit[11.0]
    assert not lit[15.0]


def test_night_is_noisier_than_day_and_dirt_hides() -> None:
    flat = np.full((90, 160, 3), 60, np.uint8)
    spread = {name: float(Lens(WEATHERS[name], (160, 90), 1).expose(flat, 0).std()) for name in ("day", "night")}
    assert spread["night"] > 2 * spread["day"]
    board = np.kron(np.indices((9, 16)).sum(0) % 2, np.ones((10, 10)))[..., None].repeat(3, 2).astype(np.uint8) * 200
    clean, dirty = (Lens(WEATHERS["day"], (160, 90), 1, dirt=d).expose(board, 0) for d in (0.0, 1.0))
    assert float(dirty.std()) < 0.97 * float(clean.std())
    again = Lens(WEATHERS["day"], (160, 90), 1, dirt=1.0).expose(board, 0)
    assert np.array_equal(dirty, again)
