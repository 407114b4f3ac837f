from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from core.time import NS_PER_S
from ingest.timeline import (
    NEVER,
    Stamps,
    Timeline,
    build_timeline,
    filled,
    repaired,
    shown_order,
    to_ns,
    usual_interval_ns,
)

MS = 1_000_000
MILLISECONDS = Fraction(1, 1000)


def stamps(pts: Any, dts: Any = None, *, time_base: Fraction = MILLISECONDS, is_timed: bool = True) -> Stamps:
    values = np.array([NEVER if p is None else p for p in pts], dtype=np.int64)
    return Stamps(
        pts=values,
        dts=values if dts is None else np.array(dts, dtype=np.int64),
        is_key=np.zeros(len(values), dtype=np.bool_),
        is_hidden=np.zeros(len(values), dtype=np.bool_),
        time_base=time_base,
        is_timed=is_timed,
    )


def even(fps: float, seconds: float) -> Stamps:
    count = round(fps * seconds)
    return stamps([round(n * 90_000 / fps) for n in range(count)], time_base=Fraction(1, 90_000))


def timeline(given: Any) -> Timeline:
    return build_timeline(given, order=np.arange(len(given)), first_row=0)


@pytest.mark.parametrize(
    ("units", "time_base", "expected"),
    [
        ([0, 1, 25], Fraction(1, 25), [0, 40_000_000, NS_PER_S]),
        ([0, 1001, 30_030], Fraction(1, 30_000), [0, 33_366_667, 1_001_000_000]),
        ([90_000 * 86_400 * 7], Fraction(1, 90_000), [86_400 * 7 * NS_PER_S]),  # a week: no overflow
    ],
)
def test_stream_units_become_nanoseconds_exactly(units: list[int], time_base: Fraction, expected: Any) -> None:
    assert to_ns(np.array(units, dtype=np.int64), time_base).tolist() == expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 40, 80, 120], [0, 40, 80, 120]),
        ([0, 40, 40, 80], [0, 40, 45, 80]),  # repeated: an eighth of the usual step later
        ([0, 40, 30, 80, 120, 160], [0, 40, 45, 80, 120, 160]),  # ran backwards a little
        ([40, 80, 120, 0, 40], None),  # restarted clock: everything after it follows on
    ],
)
def test_times_are_repaired_to_strictly_increasing(times: Any, expected: Any) -> None:
    result, moved = repaired(np.array(times, dtype=np.int64) * MS)
    assert np.all(np.diff(result) > 0)
    if expected is not None:
        assert result.tolist() == [t * MS for t in expected]
        assert moved.tolist() == [a != b for a, b in zip(times, expected, strict=True)]


def test_a_restarted_clock_is_followed_on() -> None:
    times = np.array([9000, 9040, 9080, 0, 40, 80], dtype=np.int64) * MS
    result, moved = repaired(times)
    assert (result // MS).tolist() == [9000, 9040, 9080, 9120, 9160, 9200]
    assert moved.tolist() == [False, False, False, True, False, False]


def test_usual_interval_leaves_holes_out() -> None:
    times = np.cumsum([0] + [33] * 50 + [5000] + [34] * 50)
    assert usual_interval_ns(times) == pytest.approx(33.5, abs=0.6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0, 40, 80, NEVER, 160], [0, 40, 80, 120, 160]),
        ([NEVER, 40, NEVER, 120], [0, 40, 80, 120]),
        ([0, 40, NEVER, NEVER], [0, 40, 80, 120]),
        ([NEVER, 70, NEVER], [69, 70, 71]),
        ([NEVER, NEVER], [0, 1]),
    ],
)
def test_missing_stamps_are_filled_evenly(given: Any, expected: Any) -> None:
    assert filled(np.array(given, dtype=np.int64)).tolist() == expected


def test_shown_order_sorts_b_pictures_but_not_across_a_restart() -> None:
    given = stamps([0, 120, 40, 80, 0, 120, 40], dts=[-40, 0, 40, 80, -3000, -2960, -2920])
    assert shown_order(given, is_reordering=True).tolist() == [0, 2, 3, 1, 4, 6, 5]
    assert shown_order(given, is_reordering=False).tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("fps", [2, 5, 6, 7.5, 8, 10, 12, 12.5, 15, 16, 20, 23.976, 25, 29.97, 30, 50, 59.94, 60])
def test_slots_give_the_wanted_rate_evenly(fps: float) -> None:
    line = timeline(even(fps, 20))
    slots = line.slots(8.0)[line.order]
    chosen = line.shown_ns[np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))]
    steps = np.diff(chosen)
    rate = NS_PER_S / steps.mean()
    assert rate >= min(8.0, fps) * 0.997
    assert rate <= 16.0
    assert steps.max() - steps.min() <= 0.001 * NS_PER_S


def test_jitter_does_not_make_slots_uneven() -> None:
    rng = np.random.default_rng(3)
    pts = np.arange(0, 60_000, 40) + rng.integers(-12, 13, 1500)
    pts[0] = 0
    line = timeline(stamps(pts.tolist()))
    slots = line.slots(8.0)[line.order]
    chosen = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    assert np.mean(np.diff(chosen) == 3) > 0.97
    assert len(chosen) / 60 >= 8.0


def test_holes_are_counted_in_usual_pictures() -> None:
    pts = [*range(0, 400, 40), *range(1000, 1400, 40)]
    assert timeline(stamps(pts)).holes() == [(1000 * MS, 15)]  # 360 -> 1000: pictures at 400 ... 960 are missing


def test_without_pts_the_order_of_the_decoder_takes_the_decode_times() -> None:
    given = stamps([0, 2, 4, 6, 8], is_timed=False, time_base=Fraction(1, 100))
    line = build_timeline(given, order=np.array([0, 2, 1, 3, 4]), first_row=0, is_by_dts=True)
    assert (line.t_ns // MS).tolist() == [0, 40, 20, 60, 80]
    assert line.is_repaired.tolist() == [False, True, False, False, False]


def test_the_first_decodable_picture_is_zero() -> None:
    line = build_timeline(stamps([0, 40, 80, 120]), order=np.arange(4), first_row=2)
    assert line.shown_ns.tolist() == [0, 40 * MS]
    assert line.t_ns.tolist()[0] == -80 * MS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (stamps([0, 40, 80]), True),
        (stamps([0, 40, None]), False),
        (stamps([0, 40, 40]), False),
        (stamps([0, 40, 80], dts=[0, 40, 20]), False),
        (stamps([0, 40, 80], is_timed=False), False),
    ],
)
def test_only_trustworthy_stamps_are_sought_by(given: Any, expected: Any) -> None:
    assert given.is_regular is expected
