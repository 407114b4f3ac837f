from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.observations import ActorClass
from models.boxes import overlap
from models.train import overhead
from models.train.overhead import SCALES, SIZE_PX, Sprite, compose, load_sprites, painted

CAR_PX = (180, 72)
"""A car of 4.6 m by 1.8 m at the sprites' scale."""


def sprite(class_id: ActorClass, shade: int = 250) -> Sprite:
    """Returns a plain rectangle without a shadow, along x."""
    rgba = np.zeros((160, 260, 4), dtype=np.uint8)
    rgba[44 : 44 + CAR_PX[1], 40 : 40 + CAR_PX[0]] = (shade, 0, 0, 255)
    return Sprite(class_id=class_id, rgba=rgba, axis_rad=0.0)


@pytest.fixture(scope="module")
def grounds() -> list[NDArray[np.uint8]]:
    return [painted(np.random.default_rng(1))]


def sprites() -> dict[str, list[Sprite]]:
    return {actor.name.lower(): [sprite(actor)] for actor in ActorClass}


@pytest.mark.parametrize("seed", range(6))
def test_actors_never_stand_on_each_other_and_boxes_hold_what_is_seen(
    seed: int, grounds: list[NDArray[np.uint8]]
) -> None:
    picture = compose(sprites(), grounds, np.random.default_rng(seed), "drawn")
    assert picture.rgb.shape == (SIZE_PX, SIZE_PX, 3)
    assert len(picture.xyxy) == len(picture.class_id) > 0
    assert picture.xyxy.min() >= 0
    assert picture.xyxy.max() <= SIZE_PX
    longest = np.hypot(*CAR_PX) * 26 / 1024 / SCALES[0] * 1.15
    assert (picture.xyxy[:, 2:] - picture.xyxy[:, :2]).max() <= longest


def test_the_same_lot_draws_the_same_picture(grounds: list[NDArray[np.uint8]]) -> None:
    first, second = (compose(sprites(), grounds, np.random.default_rng(4), "drawn") for _ in range(2))
    np.testing.assert_array_equal(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.xyxy, second.xyxy)


@pytest.mark.parametrize("seed", range(5))
def test_a_box_lies_where_the_paint_is(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a black ground the only light is the actor's: bounding boxes of light and of label agree."""
    monkeypatch.setattr(overhead, "_places", lambda rng, _scale: [((rng.uniform(200, 440), 320.0), rng.uniform(0, 3))])
    black = [np.zeros((700, 700, 3), dtype=np.uint8)]
    picture = compose(
        {k: [sprite(v[0].class_id)] for k, v in sprites().items()}, black, np.random.default_rng(seed), "x"
    )
    glow = picture.rgb[:, :, 0].astype(int) - picture.rgb[:, :, 1]
    bright = (glow > glow.max() * 0.4).astype(np.uint8)
    y, x = np.nonzero(cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    seen = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], dtype=np.float32)
    assert overlap(seen, picture.xyxy)[0, 0] > 0.8


def test_sprites_are_read_with_class_and_direction(tmp_path: Path) -> None:
    upright = np.ascontiguousarray(sprite(ActorClass.BUS).rgba.transpose(1, 0, 2))
    cv2.imwrite(str(tmp_path / "bus_001_000.png"), upright[..., [2, 1, 0, 3]])
    found = load_sprites(tmp_path)["bus"][0]
    assert found.class_id == ActorClass.BUS
    assert found.rgba[100, 60].tolist() == [250, 0, 0, 255]
    assert found.axis_rad == pytest.approx(np.pi / 2, abs=0.01)
