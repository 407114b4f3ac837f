"""Session time of live pictures, and when a clock may not be believed."""

import numpy as np
import pytest

from ingest.clock import StreamClock, check_clock

S = 10**9


def test_jitter_in_arrival_does_not_move_pictures() -> None:
    rng = np.random.default_rng(3)
    clock = StreamClock(-1000 * S)
    times = [clock.time_of(1000 * S + n * S // 25, n * S // 25 + int(rng.uniform(0, 0.2) * S))[0] for n in range(2500)]
    steps = np.diff(times) / 1e6
    assert steps.min() > 35
    assert steps.max() < 45
    assert abs(times[-1] - 2499 * S // 25) < 0.05 * S


def test_a_clock_that_runs_fast_is_followed() -> None:
    """100 ppm is 0.36 s an hour: the pictures stay on this machine's clock."""
    clock = StreamClock(0)
    last = 0
    for n in range(25 * 3600):
        stamp = n * S // 25
        last, jumped = clock.time_of(round(stamp * 1.0001), stamp)
        assert not jumped
    assert abs(last - (25 * 3600 - 1) * S // 25) < 0.02 * S
    assert clock.drift_s == pytest.approx(-0.36, abs=0.02)


@pytest.mark.parametrize("by_s", [100, -100, 3, -3])
def test_a_jump_of_the_cameras_clock_is_told_and_time_goes_on(by_s: int) -> None:
    clock = StreamClock(0)
    for n in range(50):
        assert clock.time_of(n * S // 25, n * S // 25) == (n * S // 25, False)
    time, jumped = clock.time_of(2 * S + by_s * S, 2 * S)
    assert (time, jumped) == (2 * S, True)
    assert clock.time_of(2 * S + by_s * S + S // 25, 2 * S + S // 25) == (2 * S + S // 25, False)


def test_a_burst_after_a_stall_keeps_its_own_times() -> None:
    clock = StreamClock(0)
    clock.time_of(0, 0)
    late = [clock.time_of(n * S // 25, 3 * S + n * 1000) for n in range(1, 70)]
    assert [t for t, _ in late] == [n * S // 25 for n in range(1, 70)]
    assert not any(jumped for _, jumped in late)


def test_without_stamps_the_time_of_arrival_counts() -> None:
    assert StreamClock(0).time_of(None, 7 * S) == (7 * S, False)


@pytest.mark.parametrize(
    ("machine_s", "camera_s", "is_trusted"),
    [
        (0.01, None, True),
        (0.01, 0.9, True),
        (None, 0.0, False),
        (1.5, 0.0, False),
        (0.01, 1.1, False),
        (0.01, -1.1, False),
    ],
)
def test_a_second_is_the_limit(machine_s: float | None, camera_s: float | None, is_trusted: bool) -> None:
    health = check_clock(machine_s, camera_s)
    assert health.is_trusted is is_trusted
    assert bool(health.why) is not is_trusted
