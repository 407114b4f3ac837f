"""Labelled pictures: reproducible views, correct YOLO lines."""

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from core.observations import ActorClass
from sim.actors import Pose
from sim.camera import build_camera
from sim.labels import Detail, Label, build_details, build_label
from sim.pictures import parse_seeds, parts_text, random_camera, random_drone, render_pictures, yolo_text
from sim.plates import plate_of
from sim.scene import Scene, load_scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return load_scene(Path("sim/scenes/demo.yaml"))


def pose(kind: str = "sedan") -> Pose:
    return Pose(actor_id="it", kind=kind, x_m=1.7, y_m=-22.0, heading_rad=1.57, speed_mps=0.0)  # type: ignore[arg-type]


def test_seeds() -> None:
    assert parse_seeds("4, 20-22") == [4, 20, 21, 22]
    with pytest.raises(ConfigError, match="not a list of seeds"):
        parse_seeds("four")


def test_a_view_follows_from_its_seed_alone(scene: Scene) -> None:
    assert random_camera(random.Random(5), scene) == random_camera(random.Random(5), scene)
    assert random_camera(random.Random(5), scene) != random_camera(random.Random(6), scene)


def test_yolo_lines_are_centre_and_size_and_leave_out_the_hidden() -> None:
    seen = Label(
        pose=pose(), class_id=ActorClass.CAR, xyxy=(480.0, 270.0, 960.0, 540.0), visibility=0.9, is_truncated=False
    )
    hidden = Label(
        pose=pose(), class_id=ActorClass.CAR, xyxy=(0.0, 0.0, 90.0, 90.0), visibility=0.1, is_truncated=False
    )
    assert yolo_text((seen, hidden), (1920, 1080)) == "3 0.375000 0.375000 0.250000 0.250000\n"


def test_a_label_frames_its_body_and_is_clipped_to_the_picture(scene: Scene) -> None:
    camera = build_camera(scene.camera)
    cube = np.array([(x, y, z) for x in (1.0, 2.4) for y in (-24.0, -20.0) for z in (0.0, 1.5)])
    label = build_label(pose(), ActorClass.CAR, cube, camera, seen_px=None)
    assert label is not None
    pixels = camera.project(cube)
    assert label.xyxy == pytest.approx([*pixels.min(0), *pixels.max(0)], abs=0.1)
    assert not label.is_truncated
    near = build_label(pose(), ActorClass.CAR, cube - np.array([0, 15.0, 0]), camera, seen_px=None)
    assert near is not None
    assert near.is_truncated
    assert near.xyxy[3] == 1080
    assert build_label(pose(), ActorClass.CAR, cube - np.array([0, 60.0, 0]), camera, seen_px=None) is None


@pytest.mark.skipif(importlib.util.find_spec("moderngl") is None, reason="moderngl (extra 'sim') is not installed")
def test_pictures_come_with_labels(scene: Scene, tmp_path: Path) -> None:
    small = scene.model_copy(
        update={
            "ambient": [],
            "camera": scene.camera.model_copy(update={"picture_size_px": (640, 360)}),
        }
    )
    paths = render_pictures(small, [1], 1, tmp_path)
    assert paths
    assert any(path.with_suffix(".txt").read_text() for path in paths)


def test_a_plate_is_labelled_only_from_the_side_it_faces(scene: Scene) -> None:
    """The pole camera looks north: it sees rear plates of northbound cars and front plates of southbound ones."""
    camera = build_camera(scene.camera)
    away = np.array([(1.92, -24.3, 0.6), (1.48, -24.3, 0.6), (1.48, -24.3, 0.74), (1.92, -24.3, 0.74)])
    towards_it, turned_away = away[[1, 0, 3, 2]], away
    (seen,) = build_details(pose(), [("plate", towards_it)], camera, None)
    assert build_details(pose(), [("plate", turned_away)], camera, None) == ()
    pixels = camera.project(towards_it)
    assert seen.xyxy == pytest.approx([*pixels.min(0), *pixels.max(0)], abs=0.1)
    plate = plate_of("it", "sedan")
    assert plate is not None
    assert seen.text == plate.text


def test_heads_and_plates_that_are_hidden_have_no_line() -> None:
    details = (
        Detail(kind="head", xyxy=(960.0, 540.0, 980.0, 560.0), visibility=0.9),
        Detail(kind="plate", xyxy=(0.0, 0.0, 96.0, 54.0), visibility=1.0, text="苏C12345"),
        Detail(kind="plate", xyxy=(0.0, 0.0, 96.0, 54.0), visibility=0.3, text="苏C12345"),
    )
    label = Label(
        pose=pose(), class_id=ActorClass.CAR, xyxy=(0, 0, 9, 9), visibility=1.0, is_truncated=False, details=details
    )
    assert parts_text((label,), (1920, 1080)).splitlines() == [
        "0 0.505208 0.509259 0.010417 0.018519",
        "1 0.025000 0.025000 0.050000 0.050000 苏C12345",
    ]


def test_a_drone_looks_at_the_junction_from_its_height(scene: Scene) -> None:
    for seed in range(50):
        spec = random_drone(random.Random(seed), scene)
        assert 40 <= spec.eye_m[2] <= 120
        camera = build_camera(spec)
        assert camera.project(np.array([spec.target_m]))[0] == pytest.approx([960, 540], abs=0.5)
