"""Many tracks smoothed together: each as if it were alone, and every row the median of the rows around it."""

import numpy as np
import pytest

from rules.smoothing import SMOOTH_S, median, smoothed

PACES_S = (0.04, 0.08, 0.125, 0.5, 1.0)


def reference(boxes: np.ndarray, pace_s: float) -> np.ndarray:
    """Returns running medians the slow way: the rows before the first and after the last mirror those inside."""
    count = len(boxes)
    half = 0 if count < 3 else min(round(SMOOTH_S / 2 / pace_s), 2, count - 1)
    windows = [[abs(row + shift) for shift in range(-half, half + 1)] for row in range(count)]
    inside = [[min(at, 2 * (count - 1) - at) for at in window] for window in windows]
    return np.array([np.median(boxes[rows], axis=0) for rows in inside])


@pytest.mark.parametrize("seed", range(5))
def test_together_as_alone(seed: int) -> None:
    dice = np.random.default_rng(seed)
    tracks = [dice.normal(size=(count, 4)) for count in dice.permutation(np.r_[1:9, 30, 60])]
    paces_s = dice.choice(PACES_S, len(tracks)).tolist()
    smooth, rows = smoothed(tracks, paces_s)
    for boxes, pace_s, here in zip(tracks, paces_s, rows, strict=True):
        alone, (whole,) = smoothed([boxes], [pace_s])
        np.testing.assert_array_equal(smooth[here], reference(boxes, pace_s))
        np.testing.assert_array_equal(alone[whole], smooth[here])


@pytest.mark.parametrize("count", [1, 2, 5, 8])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_median_is_that_of_numpy(count: int, kind: type[np.floating]) -> None:
    values = np.random.default_rng(count).normal(size=(40, count)).astype(kind)
    np.testing.assert_array_equal(median(values), np.median(values, axis=-1))
