"""Events follow from true trajectories by the law's definitions (domain.md section 1)."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import ConfigError
from sim.actors import Kind, Trajectory
from sim.film import _is_proven
from sim.scene import Scene, load_scene
from sim.truth import Event, _events_of, check_truth, find_truth, overlaps
from sim.world import World, build_world

NORTH = math.pi / 2
STEP_S = 0.04


@pytest.fixture(scope="module")
def scene() -> Scene:
    """North-south yellow 6-9 s, red 9-36 s, green from 36 s; south crosswalk green 11-26 s."""
    return load_scene(Path("sim/scenes/demo.yaml"))


def northbound(kind: Kind, front_y: NDArray[np.float64], x: float = 1.7) -> Trajectory:
    """Returns a straight drive north from the y of its front, one row per step from clip time 0."""
    length = {"sedan": 4.65, "ebike": 1.8}[kind]
    t = np.arange(len(front_y), dtype=np.float64) * np.float64(STEP_S)
    return Trajectory(
        actor_id="it",
        kind=kind,
        t_s=t,
        x_m=np.full(len(t), x),
        y_m=front_y - length / 2,
        heading_rad=np.full(len(t), NORTH),
        speed_mps=np.gradient(front_y, STEP_S),
    )


def cruise(cross_s: float, speed: float = 10.0, until_s: float = 47.0) -> NDArray[np.float64]:
    return -19.2 + speed * (np.arange(0, until_s, STEP_S) - cross_s)


def stop_at(y: float, arrive_s: float, go_s: float, until_s: float = 47.0) -> NDArray[np.float64]:
    t = np.arange(0, until_s, STEP_S)
    return np.where(t < arrive_s, y - 6 * (arrive_s - t), np.where(t < go_s, y, y + 6 * (t - go_s)))


def walk(enter_s: float, speed: float = 1.4, depth_m: float = 40.0) -> Trajectory:
    t = np.arange(0, 47.0, STEP_S)
    x = np.clip(-9.1 + speed * (t - enter_s), -12.0, -9.1 + depth_m)
    return Trajectory(
        actor_id="it",
        kind="walker",
        t_s=t,
        x_m=x,
        y_m=np.full(len(t), -16.0),
        heading_rad=np.zeros(len(t)),
        speed_mps=np.gradient(x, STEP_S),
    )


def found(track: Trajectory, scene: Scene) -> set[str]:
    return {e.violation_id or e.kind for e in _events_of(track, scene, is_scripted=False)}


@pytest.mark.parametrize(
    ("kind", "cross_s", "expected"),
    [
        ("sedan", 4.0, set()),
        ("sedan", 7.5, {"entered_on_yellow"}),
        ("sedan", 9.3, set()),  # 0.3 s into red: within the guard of 0.5 s
        ("sedan", 9.7, {"V01"}),
        ("sedan", 20.0, {"V01"}),
        ("sedan", 37.0, set()),
        ("ebike", 9.7, set()),  # guard for two-wheelers is 1 s
        ("ebike", 10.2, {"V03"}),
        ("ebike", 7.5, {"entered_on_yellow"}),
    ],
)
def test_the_lamp_at_the_line_decides(scene: Scene, kind: Kind, cross_s: float, expected: set[str]) -> None:
    assert found(northbound(kind, cruise(cross_s)), scene) == expected


def test_the_crossing_time_is_when_the_front_reaches_the_line(scene: Scene) -> None:
    (event,) = _events_of(northbound("sedan", cruise(15.0)), scene, is_scripted=False)
    assert event.t_start_s == pytest.approx(15.0, abs=0.05)


def test_entering_on_green_and_clearing_on_red_is_a_trap(scene: Scene) -> None:
    track = northbound("sedan", stop_at(-8.0, 5.5, 10.0))
    assert found(track, scene) == {"cleared_on_red"}


@pytest.mark.parametrize(
    ("front_y", "arrive_s", "go_s", "expected"),
    [
        (-13.5, 14.0, 37.0, {"V02"}),  # rear 1 m past the line, stands 22 s of red
        (-13.5, 14.0, 22.0, {"V01"}),  # goes on while red: red light, not overrun
        (-17.0, 14.0, 37.0, set()),  # front past, body not: neither
        (-13.5, 28.0, 37.0, set()),  # stands 8 s of red: too short for V02; goes on by green: not V01
        (-20.0, 14.0, 37.0, {"queued_on_red"}),
    ],
)
def test_standing_past_the_line(scene: Scene, front_y: float, arrive_s: float, go_s: float, expected: set[str]) -> None:
    assert found(northbound("sedan", stop_at(front_y, arrive_s, go_s)), scene) == expected


@pytest.mark.parametrize(
    ("enter_s", "depth_m", "expected"),
    [
        (12.5, 40.0, {"walked_on_green"}),
        (24.0, 40.0, {"finished_on_red"}),
        (26.5, 40.0, set()),  # 0.5 s into red: within the guard of 1 s
        (28.5, 40.0, {"V04"}),
        (28.5, 0.9, set()),  # waits at the kerb with a foot on the stripes
    ],
)
def test_the_lamp_on_stepping_onto_the_crosswalk_decides(
    scene: Scene, enter_s: float, depth_m: float, expected: set[str]
) -> None:
    assert found(walk(enter_s, depth_m=depth_m), scene) == expected


@pytest.mark.parametrize(
    ("x", "start_s", "metres", "expected"),
    [
        (-8.1, 2.0, 15.0, {"V05"}),  # northbound on the southbound cycle lane
        (8.1, 2.0, 15.0, set()),
        (-8.1, 2.0, 6.0, set()),  # less than 8 m
    ],
)
def test_wrong_way_needs_distance_and_time(
    scene: Scene, x: float, start_s: float, metres: float, expected: set[str]
) -> None:
    t = np.arange(0, 20, STEP_S)
    front = -35.0 + np.clip(3.5 * (t - start_s), 0, metres)
    assert found(northbound("ebike", front, x=x), scene) == expected


@pytest.mark.parametrize(("go_s", "expected"), [(5.0 + 25.0, {"V08"}), (5.0 + 8.0, {"stopped_briefly"})])
def test_parking_is_a_matter_of_time_in_the_zone(scene: Scene, go_s: float, expected: set[str]) -> None:
    got = found(northbound("sedan", stop_at(-26.0, 5.0, go_s), x=8.1), scene)
    assert expected <= got


def test_a_scene_that_does_not_keep_its_promise_is_refused(scene: Scene) -> None:
    quiet = scene.model_copy(update={"ambient": [], "cast": [a for a in scene.cast if a.id == "red_light_car"]})
    world = build_world(quiet)
    truth = find_truth(world)
    assert [(e.track, e.violation_id) for e in truth.violations] == [("red_light_car", "V01")]
    check_truth(world, truth)
    promised = quiet.cast[0].model_copy(update={"violation": "V02"})
    other = World(scene=quiet.model_copy(update={"cast": [promised]}), moments=world.moments)
    with pytest.raises(ConfigError, match=r"never did V02.*did V01 unplanned"):
        check_truth(other, find_truth(other))


def test_bodies_in_each_other_are_found(scene: Scene) -> None:
    first = next(a for a in scene.cast if a.id == "queue_car_1")
    twin = first.model_copy(update={"id": "twin"})
    world = build_world(scene.model_copy(update={"ambient": [], "cast": [first, twin], "duration_s": 30.0}))
    assert [(a, b) for a, b, _ in overlaps(world)] == [("queue_car_1", "twin")]


def test_the_cast_alone_keeps_every_promise(scene: Scene) -> None:
    world = build_world(scene.model_copy(update={"ambient": []}))
    check_truth(world, find_truth(world))


@pytest.mark.parametrize(("start_s", "is_proven"), [(0.9, False), (1.1, False), (1.3, True), (20.0, True)])
def test_who_steps_on_with_the_clips_first_second_is_not_proven_to_break_the_law(
    start_s: float, is_proven: bool
) -> None:
    """The lamp must be seen red for a second (the guard of V04), and frames lie up to 0.2 s apart."""
    event = Event(
        kind="pedestrian_red", track="it", subject="person", t_start_s=start_s, t_end_s=30.0, violation_id="V04"
    )
    assert _is_proven(event) is is_proven
