"""The written site file and the camera agree to the pixel."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from shapely.geometry import LineString, Point, Polygon

from core.site import Site, load_site
from sim.camera import Camera, build_camera
from sim.scene import Scene, load_scene
from sim.sites import build_site, dump_site


@pytest.fixture(scope="module")
def scene() -> Scene:
    return load_scene(Path("sim/scenes/demo.yaml"))


@pytest.fixture(scope="module")
def camera(scene: Scene) -> Camera:
    return build_camera(scene.camera)


@pytest.fixture(scope="module")
def site(scene: Scene) -> Site:
    return build_site(scene)


def by_hand(scene: Scene, point: tuple[float, float, float]) -> tuple[float, float]:
    """Projects with plain trigonometry: bearing and depression seen from the camera, no matrices."""
    eye, target = np.array(scene.camera.eye_m), np.array(scene.camera.target_m)
    ahead = (target - eye) / math.dist(eye, target)
    right = np.array([ahead[1], -ahead[0], 0.0]) / math.hypot(ahead[0], ahead[1])
    down = np.cross(ahead, right)
    ray = np.array(point) - eye
    width, height = scene.camera.picture_size_px
    focal_px = width / 2 / math.tan(math.radians(scene.camera.field_deg / 2))
    depth = float(ray @ ahead)
    return width / 2 + focal_px * float(ray @ right) / depth, height / 2 + focal_px * float(ray @ down) / depth


@pytest.mark.parametrize("point", [(0.1, -19.2, 0.0), (9.3, -19.2, 0.0), (-8.1, -30.0, 0.0), (10.6, -18.9, 3.7)])
def test_projection_equals_plain_trigonometry(scene: Scene, camera: Camera, point: tuple[float, float, float]) -> None:
    assert camera.project(np.array([point]))[0] == pytest.approx(by_hand(scene, point), abs=0.01)


def test_points_behind_the_camera_have_no_pixel(camera: Camera) -> None:
    assert np.isnan(camera.project(np.array([[0.0, -80.0, 1.0]]))).all()


def test_a_world_point_on_the_stop_line_lies_on_the_sites_line(scene: Scene, site: Site) -> None:
    line = LineString(next(s for s in site.stop_lines if s.id == "motor").points_px)
    assert line.distance(Point(by_hand(scene, (3.4, -19.2, 0.0)))) < 0.2
    assert line.distance(Point(by_hand(scene, (3.4, -20.2, 0.0)))) > 5


def test_crosswalk_and_zones_hold_what_is_on_them(scene: Scene, site: Site) -> None:
    crosswalk = Polygon(site.crosswalks[0].polygon_px)
    assert crosswalk.contains(Point(by_hand(scene, (0.0, -16.0, 0.0))))
    assert not crosswalk.contains(Point(by_hand(scene, (0.0, -19.0, 0.0))))
    lane = next(z for z in site.direction_zones if z.id == "cycle-out")
    assert Polygon(lane.polygon_px).contains(Point(by_hand(scene, (-8.1, -30.0, 0.0))))
    start, end = lane.heading_px
    assert end[1] > start[1], "the west cycle lane leads south, towards the camera: down in the picture"


def test_lamp_regions_frame_every_lens(scene: Scene, site: Site) -> None:
    for signal in site.signals:
        assert signal.region_px is not None
        x1, y1, x2, y2 = signal.region_px
        for _, centre in scene.junction.housing(signal.id).lamp_centres():
            x, y = by_hand(scene, (float(centre[0]), float(centre[1]), float(centre[2])))
            assert x1 < x < x2
            assert y1 < y < y2


def test_calibration_gives_metres_back(site: Site) -> None:
    assert site.calibration is not None
    image = np.array([p.image_px for p in site.calibration.points])
    ground = np.array([p.ground_m for p in site.calibration.points])
    homography, _ = cv2.findHomography(image, ground)
    back = cv2.perspectiveTransform(image[None].astype(np.float64), homography)[0]
    assert np.abs(back - ground).max() < 0.05


def test_the_written_file_is_the_same_site(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(dump_site(site, "a comment"), encoding="utf-8")
    assert load_site(path) == site
