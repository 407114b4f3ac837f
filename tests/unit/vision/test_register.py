"""The same viewpoint registers however the camera is turned, zoomed or shaken; another one never does."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.citizens import street, texture
from tests.support.clips import footage
from vision.register import Registrar

Rgb = NDArray[np.uint8]
CLIP = Path(__file__).parents[3] / "sim/demo/junction.mp4"
STREETS = sorted((Path(__file__).parent / "street").glob("*.jpg"))
SIZE_PX = (1280, 720)


@pytest.fixture(scope="module")
def junction() -> tuple[Rgb, Rgb]:
    """The demo's junction, and the same ten seconds later: all that moves has moved."""
    first = next(rgb for _, rgb in footage(CLIP, 2.0, 2.2))
    return first, next(rgb for _, rgb in footage(CLIP, 12.0, 12.2))


@pytest.fixture(scope="module")
def registrar(junction: tuple[Rgb, Rgb]) -> Registrar:
    return Registrar(junction[0])


@pytest.mark.parametrize(("turn_deg", "zoom"), [(0, 1.0), (3, 1.1), (-4, 1.2), (5, 0.9), (90, 0.8)])
def test_turned_zoomed_and_re_encoded_it_lands_within_a_pixel(
    junction: tuple[Rgb, Rgb], registrar: Registrar, turn_deg: float, zoom: float
) -> None:
    later = junction[1]
    height, width = later.shape[:2]
    moved = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, zoom), [0, 0, 1]])
    _, coded = cv2.imencode(".jpg", cv2.warpPerspective(later, moved, (width, height)), [cv2.IMWRITE_JPEG_QUALITY, 40])
    found = registrar.homography(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8))
    assert found is not None
    points = np.array([(x, y, 1.0) for x in (300, 960, 1600) for y in (250, 540, 900)])
    there = points @ (found @ moved).T
    assert np.abs(there[:, :2] / there[:, 2:] - points[:, :2]).max() < 1.0


@pytest.mark.parametrize("path", STREETS[:4], ids=lambda path: path.stem)
def test_another_street_does_not(registrar: Registrar, path: Path) -> None:
    picture = cv2.imread(str(path))
    assert picture is not None
    assert registrar.homography(np.asarray(picture, np.uint8)) is None
    assert registrar.homography(np.asarray(street(3, size_px=(1920, 1080)), np.uint8)) is None


@pytest.mark.parametrize("grey", [0, 128])
def test_too_little_texture_does_not(registrar: Registrar, grey: int) -> None:
    night = np.full((720, 1280, 3), grey, np.uint8) + np.random.default_rng(1).integers(0, 4, (720, 1280, 3), np.uint8)
    assert registrar.homography(night) is None
    assert Registrar(night).homography(night) is None


def from_beside(apart_px: float) -> Rgb:
    """A wall far off and the road before it, seen from a place to the side: near things move more than far ones."""
    wall = np.asarray(texture(11, side_px=1400), np.uint8)[:400, :1280]
    road = np.asarray(texture(12, side_px=2000), np.uint8)[:1600, :2000]
    shift = np.float32([[apart_px * 0.1, 0], [apart_px * 0.1, 0], [apart_px, 0], [apart_px, 0]])
    onto = np.float32([[340, 360], [940, 360], [1900, 720], [-620, 720]]) + shift
    matrix = cv2.getPerspectiveTransform(np.float32([[0, 0], [2000, 0], [2000, 1600], [0, 1600]]), onto)
    picture = np.asarray(cv2.warpPerspective(road, matrix, SIZE_PX), np.uint8)
    picture[:360] = np.roll(wall, round(apart_px * 0.1), axis=1)[:360]
    return picture


def test_the_road_alone_is_no_view() -> None:
    """From beside, the road still fits a homography of its own, and the wall another: neither is enough."""
    registrar = Registrar(from_beside(0))
    assert registrar.homography(from_beside(0)) is not None
    for apart_px in (20, 60, 150):
        assert registrar.homography(from_beside(apart_px)) is None
    road_alone = from_beside(0)
    road_alone[:360] = 0
    assert registrar.homography(road_alone) is None


def test_mirror_image_is_another_place(junction: tuple[Rgb, Rgb], registrar: Registrar) -> None:
    assert registrar.homography(np.ascontiguousarray(junction[0][:, ::-1])) is None
