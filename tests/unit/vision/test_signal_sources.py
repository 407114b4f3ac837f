"""Picture and controller about the same lamp."""

from collections.abc import Callable

import numpy as np
import pytest

from core.observations import SignalState
from vision.signal_sources import SignalWatch

R, Y, G, U, OFF, FAULT = (SignalState(s) for s in ("red", "yellow", "green", "unknown", "off", "fault"))
Program = Callable[[float], SignalState | None]


def program(t_s: float) -> SignalState:
    place = t_s % 60
    return R if place < 30 else G if place < 55 else Y if place < 58 else R


def silent(_: float) -> None:
    return None


def watch(seen: Program, told: Program, *, until_s: float = 120.0, hz: float = 8.0) -> SignalWatch:
    found = SignalWatch("s")
    for t in np.arange(0, until_s, 1 / hz):
        found.add(round(t * 1e9), seen(float(t)), told(float(t)))
    return found


def test_each_source_alone_says_who_it_is() -> None:
    assert watch(program, silent).timeline().source == "video"
    feed = watch(silent, program).timeline()
    assert feed.source == "controller"
    assert [feed.state_at(round(t * 1e9)) for t in (20, 40, 56, 59)] == [R, G, Y, R]


def test_agreement_is_the_state() -> None:
    found = watch(program, program)
    assert found.timeline().source == "both"
    assert [found.timeline().state_at(round(t * 1e9)) for t in (20, 40, 56, 59)] == [R, G, Y, R]
    assert found.faults() == ()


@pytest.mark.parametrize("late_s", [-0.4, -0.2, 0.2, 0.4])
def test_feed_up_to_half_a_second_off_is_no_fault(late_s: float) -> None:
    found = watch(program, lambda t: program(t - late_s), hz=25.0)
    timeline = found.timeline()
    assert found.faults() == ()
    assert timeline.since_at(round(59e9)) == pytest.approx(58e9, abs=0.05e9), "the picture dates the change"


def test_controller_green_while_the_picture_shows_red_convicts_nobody() -> None:
    """Golden scenario 8: controller says green, video says red for a second."""
    found = watch(program, lambda t: G if 70 <= t < 71 else program(t), hz=12.5)
    timeline = found.timeline()
    assert timeline.state_at(round(70.5e9)) is FAULT
    assert [timeline.state_at(round(t * 1e9)) for t in (69, 72)] == [R, R]
    assert [(round(f.start_ns / 1e9, 1), round(f.end_ns / 1e9, 1)) for f in found.faults()] == [(70.0, 71.0)]


@pytest.mark.parametrize("hz", [2.0, 8.0, 25.0])
def test_sources_that_disagree_for_seconds_are_a_fault_for_that_long(hz: float) -> None:
    """The controller turned green at 80 s, the lamp seen at 90 s."""
    found = watch(program, lambda t: G if 80 <= t < 90 else program(t), hz=hz)
    timeline = found.timeline()
    assert [timeline.state_at(round(t * 1e9)) for t in (78, 85, 92)] == [R, FAULT, G]
    (fault,) = found.faults()
    assert fault.kind == "sources_disagree"
    assert (fault.start_ns / 1e9, fault.end_ns / 1e9) == pytest.approx((80.0, 90.0), abs=0.5 / hz)


def test_burnt_out_lamp_is_a_conflict() -> None:
    found = watch(lambda t: OFF if program(t) is G else program(t), program)
    assert found.timeline().state_at(round(45e9)) is FAULT


def test_what_one_source_does_not_know_the_other_tells() -> None:
    """violations.yaml V01: controller and video, or one of them in good health."""
    found = watch(lambda t: U if 10 <= t < 20 else program(t), lambda t: U if 65 <= t < 75 else program(t))
    assert [found.timeline().state_at(round(t * 1e9)) for t in (15, 70)] == [R, R]
    assert found.faults() == ()


def test_gap_in_the_footage_forgets_both() -> None:
    found = watch(program, program, until_s=20.0)
    found.cut(round(100e9))
    found.add(round(100e9), R, R)
    timeline = found.timeline()
    assert timeline.state_at(round(100e9)) is U
    assert timeline.state_at(round(10e9)) is R
