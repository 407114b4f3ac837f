"""Stands are found under jumping boxes; rolling on slowly is none."""

from collections.abc import Callable

import numpy as np
import pytest

from core.observations import ActorClass, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from rules.ground import Ground, Path
from rules.scene import STAND_MPS
from rules.standing import steady_spans, wobble_m

PX_PER_M = 50.0
CORNERS = [(0, 0), (1920, 0), (1920, 1080), (0, 1080)]
SITE = Site.model_validate(
    {
        "site_id": "plan",
        "place": "p",
        "camera": {"camera_id": "c", "picture_size_px": (1920, 1080)},
        "calibration": {
            "points": [{"image_px": c, "ground_m": (c[0] / PX_PER_M, c[1] / PX_PER_M)} for c in CORNERS],
        },
    }
)


def path(x_m: Callable[[float], float], *, fps: float = 8.0, jitter: float = 0.0, seed: int = 1) -> Path:
    """A car 100 px wide and high seen from straight above; ``jitter`` shakes its boxes by that share of their size."""
    t_s = np.arange(0.0, 30.0, 1 / fps)
    left = 200 + PX_PER_M * np.array([x_m(t) for t in t_s])
    boxes = np.c_[left, np.full(len(t_s), 400.0), left + 100, np.full(len(t_s), 500.0)]
    boxes += np.random.default_rng(seed).normal(0, 100 * jitter, boxes.shape)
    return Ground(SITE).path(
        TrackHistory(
            track_id=1,
            class_id=ActorClass.CAR,
            class_share=1.0,
            pts_ns=(t_s * NS_PER_S).astype(np.int64),
            xyxy=boxes.astype(np.float32),
            confidence=np.full(len(t_s), 0.9, np.float32),
            is_finished=True,
        )
    )


def stop(t: float) -> float:
    """Drives at 5 m/s, stands from second 6 to second 20, drives on."""
    return 5 * min(t, 6.0) + 5 * max(t - 20.0, 0.0)


@pytest.mark.parametrize("jitter", [0.0, 0.04, 0.08])
@pytest.mark.parametrize("fps", [4.0, 8.0, 25.0])
@pytest.mark.parametrize("seed", range(4))
def test_one_stand_under_jumping_boxes(fps: float, jitter: float, seed: int) -> None:
    seen = path(stop, fps=fps, jitter=jitter, seed=seed)
    ((first, last),) = steady_spans(seen, speed_max_mps=STAND_MPS, min_s=5.0)
    assert seen.t_s[first] == pytest.approx(6, abs=1.1)
    assert seen.t_s[last] == pytest.approx(20, abs=1.1)


@pytest.mark.parametrize("jitter", [0.0, 0.04])
def test_rolling_on_at_walking_pace_is_no_stand(jitter: float) -> None:
    assert steady_spans(path(lambda t: 0.9 * t, jitter=jitter), speed_max_mps=STAND_MPS, min_s=2.0) == []


def test_moving_up_parts_two_stands() -> None:
    spans = steady_spans(path(lambda t: 3.0 * min(max(t - 12, 0), 1.5)), speed_max_mps=STAND_MPS, min_s=5.0)
    assert len(spans) == 2


def test_at_two_frames_a_second() -> None:
    assert len(steady_spans(path(stop, fps=2.0), speed_max_mps=STAND_MPS, min_s=10.0)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_boxes_that_jump_by_a_third_still_show_the_stand(seed: int) -> None:
    """Boxes that jump by 0.6 m: a second is too short to tell a stand, several are not."""
    spans = steady_spans(path(stop, jitter=0.3, seed=seed), speed_max_mps=STAND_MPS, min_s=10.0)
    assert len(spans) == 1


@pytest.mark.parametrize("seed", range(4))
def test_rolling_on_is_no_stand_however_the_boxes_jump(seed: int) -> None:
    rolling = path(lambda t: 0.9 * t, jitter=0.3, seed=seed)
    assert steady_spans(rolling, speed_max_mps=STAND_MPS, min_s=10.0) == []


def test_the_jumping_of_boxes_is_measured_whatever_the_way() -> None:
    """The foot's spread by the middle and by the lower edge: 2 m times 0.1 times the root of a half and of one."""
    for way in (stop, lambda t: 0.9 * t):
        spread_m = np.median(np.concatenate([wobble_m(path(way, jitter=0.1, seed=seed)) for seed in range(4)]))
        assert spread_m == pytest.approx(0.2 * np.sqrt(1.5), rel=0.15)


@pytest.mark.parametrize("jitter", [0.0, 0.04])
def test_a_body_cut_off_by_the_picture_is_drawn_on(jitter: float) -> None:
    """Drives away from below at 20 px a row, 200 px high when whole; half of its jumping edges end above the border."""
    rows = np.arange(40)
    bottom = 1240.0 - 20 * rows
    boxes = np.c_[np.full(40, 900.0), bottom - 200, np.full(40, 1100.0), np.minimum(bottom, 1080)]
    boxes[:, 3] = np.minimum(boxes[:, 3] + np.random.default_rng(3).normal(0, 200 * jitter, 40), 1080)
    history = TrackHistory(
        track_id=1,
        class_id=ActorClass.CAR,
        class_share=1.0,
        pts_ns=(rows * NS_PER_S / 8).astype(np.int64),
        xyxy=boxes.astype(np.float32),
        confidence=np.full(40, 0.9, np.float32),
        is_finished=True,
    )
    foot_y = Ground(SITE).path(history).foot_px[:, 1]
    assert np.abs(foot_y - bottom).max() < 21 + 800 * jitter
