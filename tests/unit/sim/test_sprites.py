"""Cutting out: the matte against pictures blended by hand."""

import numpy as np

from core.observations import ActorClass
from sim.actors import Pose
from sim.labels import Label
from sim.sprites import SIZE_PX, _cut, matte

HAZE, LIGHT = 12.0, 180.0


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Returns a scene on black and on white: haze over all, a body of shade 90, a shadow that halves the light."""
    dark = np.full((60, 80, 3), HAZE, dtype=np.float32)
    light = np.full((60, 80, 3), HAZE + LIGHT, dtype=np.float32)
    light[10:30, 40:70] = HAZE + LIGHT / 2
    for picture in (dark, light):
        picture[10:30, 20:40] = 90
    return dark, light


def test_the_matte_gives_back_any_ground() -> None:
    bgra = matte(*pictures()).astype(float)
    alpha = bgra[..., 3:] / 255
    ground = 100.0
    pasted = bgra[..., :3] + (1 - alpha) * ground
    np.testing.assert_allclose(pasted[20, 30], 90, atol=1)
    np.testing.assert_allclose(pasted[50, 10], ground, atol=1)
    np.testing.assert_allclose(pasted[20, 60], ground / 2, atol=10)  # the haze before it stays


def test_haze_and_noise_leave_no_halo() -> None:
    dark, light = pictures()
    noise = np.random.default_rng(0).normal(0, 1.5, dark.shape)
    bgra = matte(dark + noise, light + noise)
    assert bgra[40:, :].max() == 0


def label(x1: float, y1: float, x2: float, y2: float) -> Label:
    pose = Pose(actor_id="sedan_1", kind="sedan", x_m=0, y_m=0, heading_rad=0, speed_mps=0)
    return Label(pose=pose, class_id=ActorClass.CAR, xyxy=(x1, y1, x2, y2), visibility=1.0, is_truncated=False)


def test_a_neighbour_is_not_cut_out_with_it() -> None:
    bgra = np.zeros((SIZE_PX, SIZE_PX, 4), dtype=np.uint8)
    bgra[300:340, 300:400] = (50, 60, 70, 255)
    bgra[355:395, 300:400] = (200, 0, 0, 255)
    sprite = _cut(label(300, 300, 400, 340), bgra)
    assert sprite is not None
    solid = sprite.bgra[sprite.bgra[..., 3] == 255]
    assert len(solid) == 40 * 100
    assert (solid[:, :3] == (50, 60, 70)).all()


def test_what_the_edge_cuts_is_left_out() -> None:
    bgra = np.full((SIZE_PX, SIZE_PX, 4), 255, dtype=np.uint8)
    assert _cut(label(0, 300, 100, 340), bgra) is None
