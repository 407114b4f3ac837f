"""Trajectory scenes: cameras project as pinholes do, motions keep their marks, files say what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from core.geometry import homography, project
from core.observations import ActorClass, SignalState
from sim.trajectories import TrajectoryScene, film, load_family
from sim.trajectories.camera import CAMERAS, Pinhole
from sim.trajectories.motion import Drive, PassThrough, StopAndGo, Walk

STRAIGHT_DOWN = Pinhole(eye_m=(0.0, -0.001, 10.0), target_m=(0.0, 0.0, 0.0), focal_px=500.0, size_px=(1000, 800))


def scene(**more: object) -> TrajectoryScene:
    base = {
        "title_en": "t",
        "title_zh": "t",
        "law": "RTSL 38",
        "until_s": 6,
        "lamps": {"lamp": [[0, "green"], [2, "red"]]},
        "site": {
            "stop_lines": [{"id": "s", "points_m": [[-7, 0], [7, 0]], "towards_m": [0, 6], "signal": "lamp"}],
            "signals": [{"id": "lamp"}],
        },
        "actors": [{"kind": "car", "drive": {"speed_mps": 5, "at_s": 2}}],
    }
    return TrajectoryScene.model_validate({**base, **more})


def test_a_camera_looking_down_scales_by_focal_length_over_height() -> None:
    xy, depth_m = STRAIGHT_DOWN.project([(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 0, 5)])
    assert depth_m[:3] == pytest.approx([10, 10, 10], abs=0.01)
    assert xy[0] == pytest.approx([500, 400], abs=0.1)
    assert xy[1] - xy[0] == pytest.approx([50, 0], abs=0.1)  # 500 px focal length / 10 m
    assert xy[2] - xy[0] == pytest.approx([0, -50], abs=0.1)
    assert xy[3] - xy[0] == pytest.approx([100, 0], abs=0.2)


@pytest.mark.parametrize("name", sorted(CAMERAS))
def test_the_road_is_a_plane_in_every_camera(name: str) -> None:
    """Four points fix the homography; a fifth must land where they say."""
    four = [(-6.0, -6.0), (6.0, -6.0), (6.0, 16.0), (-6.0, 16.0)]
    matrix = homography([CAMERAS[name].point(p) for p in four], four)
    assert project(matrix, [CAMERAS[name].point((1.0, 3.0))])[0] == pytest.approx([1.0, 3.0], abs=1e-6)


def test_a_polygon_is_cut_at_the_picture_and_behind_the_camera_is_an_error() -> None:
    camera = CAMERAS["pole"]
    corners = camera.area([(-100, -100), (100, -100), (100, 30), (-100, 30)])
    assert all(-1e-6 <= x <= 1920 + 1e-6 and -1e-6 <= y <= 1080 + 1e-6 for x, y in corners)
    with pytest.raises(ConfigError, match="not in the picture"):
        camera.area([(-1, -60), (1, -60), (1, -50), (-1, -50)])
    with pytest.raises(ConfigError, match="behind the camera"):
        camera.point((0.0, -60.0))


def test_drive_passes_its_mark_with_the_front() -> None:
    middle, ahead = Drive(speed_mps=8, at_s=3, at_m=(1.5, 0)).places(np.array([3.0, 4.0]), 4.5)
    assert middle == pytest.approx(np.array([[1.5, -2.25], [1.5, 5.75]]))
    assert ahead == pytest.approx(np.array([[0, 1], [0, 1]]))


def test_stop_and_go_stands_between_its_times() -> None:
    motion = StopAndGo(at_m=(0, 1.2), stop_s=10, go_s=20, speed_mps=8)
    t_s = np.linspace(0, 30, 3001)
    front = motion.front_m(t_s)
    speed = np.gradient(front, t_s)
    assert front[(t_s >= 10) & (t_s <= 20)] == pytest.approx(0)
    assert speed[t_s < 5.9] == pytest.approx(8, abs=1e-6)
    assert speed[-1] == pytest.approx(8, abs=1e-6)
    assert np.abs(np.gradient(speed, t_s)).max() <= 2.2


@pytest.mark.parametrize(
    ("side", "heading", "end"), [("R", (1, 0), (6, 11)), ("L", (-1, 0), (-6, 11)), ("U", (0, -1), (-12, 5))]
)
def test_turns_end_on_their_side(side: str, heading: tuple[float, float], end: tuple[float, float]) -> None:
    """Straight 5 m, then an arc of 6 m: its end is known from the circle."""
    motion = Drive.model_validate({"speed_mps": 1, "at_s": 0, "at_m": (0, 0), "side": side})
    arc_m = 6 * np.pi / (1 if side == "U" else 2)
    middle, ahead = motion.places(np.array([5 + arc_m]), 0.0)
    assert middle[0] == pytest.approx(end, abs=0.05)
    later, _ = motion.places(np.array([5 + arc_m + 3]), 0.0)
    assert ahead[0] == pytest.approx(heading, abs=0.07)
    assert later[0] - middle[0] == pytest.approx(3 * np.asarray(heading, float), abs=0.1)


def test_walk_stops_and_goes_on() -> None:
    motion = Walk(at_m=(0, 0), at_s=1, speed_mps=1, stop_after_m=2, pause_s=5)
    assert motion.front_m(np.array([1.0, 3.0, 7.0, 8.0, 9.0])).tolist() == [0, 2, 2, 2, 3]


def test_pass_through_keeps_speeds_and_pauses() -> None:
    motion = PassThrough(points_m=[(0, 0), (0, 10), (5, 10)], at_s=2, speeds_mps=[5, 1], pauses_s=[0, 3, 0])
    assert motion.front_m(np.array([1.0, 2.0, 4.0, 7.0, 8.0])).tolist() == [-5, 0, 10, 10, 11]


def test_film_gives_tracks_lamps_and_a_site_that_agree() -> None:
    seen = film(scene(), 10)
    (track,) = seen.tracks
    assert track.class_id is ActorClass.CAR
    at_line = int(np.searchsorted(track.t_s, 2.9))  # 5 m/s: the rear, 4.5 m behind the front, passes 0.9 s later
    line_y = seen.site.stop_lines[0].points_px[0][1]
    assert track.xyxy[at_line, 3] == pytest.approx(line_y, abs=2)
    assert seen.signals["lamp"].state_at(int(2.5e9)) is SignalState.RED


def test_what_is_hidden_is_a_gap() -> None:
    actors = [{"kind": "car", "hidden_s": [[1, 2]], "wait": {"at_m": [1.5, 4]}}]
    (track,) = film(scene(actors=actors), 10).tracks
    assert not ((track.t_s > 1) & (track.t_s < 2)).any()
    assert len(track) == 51


HEAD = "title_en: t\ntitle_zh: t\nlaw: RTSL 38\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title_en: x", "Field required"),
        (HEAD, "actors"),
        (HEAD + "actors: [{kind: horse, wait: {}}]", "kind 'horse' is unknown"),
        (HEAD + "actors: [{kind: car}]", "exactly one of"),
        (HEAD + "actors: [{kind: car, wait: {at_m: [0, '= depth']}}]", "cannot work out 'depth'"),
        (HEAD + "actors: [{kind: car, wait: {at_m: [0, '= __import__(1)']}}]", "cannot work out"),
        (HEAD + "actors: [{kind: car, wait: {}}]\nexpected: [{rule: V01, who: bus}]", "'bus' is not an actor"),
        ("[", "not valid YAML"),
        ("- 1", "not a mapping"),
    ],
)
def test_a_bad_scene_file_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "v01_bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_family(path)
    assert "\n" not in caught.value.message


def test_vary_makes_every_combination(tmp_path: Path) -> None:
    (tmp_path / "v01_x.yaml").write_text(
        "title_en: t\ntitle_zh: t\nlaw: RTSL 38\nvary: {speed: [2, 4], late_s: [1, 2, 3]}\n"
        "actors: [{kind: car, drive: {speed_mps: '= speed', at_s: '= 10 + late_s * 2 - 1'}}]\n"
    )
    cases = load_family(tmp_path / "v01_x.yaml")
    drives = [case.scene.actors[0].drive for case in cases]
    assert len(cases) == 6
    assert cases[-1].case_id == "v01_x[speed=4 late_s=3]"
    assert [(d.speed_mps, d.at_s) for d in drives if d is not None][-1] == (4, 15)
