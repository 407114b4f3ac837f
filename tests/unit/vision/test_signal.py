"""Timelines of lamps from readings: sequences of GB 14886, what a lamp cannot do, and every frame rate."""

import random

import numpy as np
import pytest

from core.observations import SignalState, SignalTimeline
from vision.signal import SignalReader

R, Y, G, U = SignalState.RED, SignalState.YELLOW, SignalState.GREEN, SignalState.UNKNOWN
OFF, FLASHING, FAULT = SignalState.OFF, SignalState.FLASHING_YELLOW, SignalState.FAULT
CYCLE = ((0.0, R), (30.0, G), (55.0, Y), (58.0, R))
"""One minute of a motor lamp; the next begins with its last state."""


def feed(*spans: tuple[float, SignalState], end_s: float, hz: float = 8.0) -> SignalReader:
    reader = SignalReader("s")
    for t in np.arange(0, end_s, 1 / hz):
        reader.add(round(t * 1e9), next(s for since, s in reversed(spans) if t >= since))
    return reader


def test_change_is_dated_between_its_frames() -> None:
    timeline = feed((0.0, G), (5.0, Y), (8.0, R), end_s=12.0).timeline()
    assert timeline.states[-3:] == (G, Y, R)
    assert timeline.since_ns[-1] / 1e9 == pytest.approx(8.0, abs=0.07)
    assert timeline.is_onset_seen(round(9e9))


def test_flicker_is_not_a_state() -> None:
    timeline = feed((0.0, R), (5.0, G), (5.2, R), end_s=10.0).timeline()
    assert {timeline.state_at(round(t * 1e9)) for t in np.arange(0.5, 9.5, 0.1)} == {R}


def test_passing_bus_is_bridged_and_a_long_cover_is_unknown() -> None:
    short = feed((0.0, R), (5.0, U), (6.2, R), end_s=10.0).timeline()
    assert short.state_at(round(5.6e9)) is R
    long = feed((0.0, R), (5.0, U), (8.0, R), end_s=12.0).timeline()
    assert long.state_at(round(6.5e9)) is U
    assert long.state_at(round(10e9)) is R
    assert not long.is_onset_seen(round(10e9)), "the lamp may have changed under the cover"


def test_nothing_is_known_after_a_cut() -> None:
    reader = feed((0.0, R), end_s=5.0)
    reader.cut(round(9e9))
    assert reader.timeline().state_at(round(9e9)) is U


def cycles(count: int, *, start_s: float = 0.0) -> list[tuple[float, SignalState]]:
    return [(start_s + 58.0 * n + t, s) for n in range(count) for t, s in CYCLE[:3]]


def told(timeline: SignalTimeline) -> list[tuple[float, SignalState]]:
    return [(round(t / 1e9, 2), s) for t, s in zip(timeline.since_ns, timeline.states, strict=True)]


def kinds(reader: SignalReader) -> list[tuple[str, float, float]]:
    return [(f.kind, round(f.start_ns / 1e9, 1), round(f.end_ns / 1e9, 1)) for f in reader.faults()]


@pytest.mark.parametrize("hz", [2.0, 6.0, 8.0, 12.5, 25.0, 60.0])
def test_every_frame_rate_gives_the_same_timeline(hz: float) -> None:
    spans = [*cycles(3), (174.0, R)]
    reader = feed(*spans, end_s=180.0, hz=hz)
    found = told(reader.timeline())
    assert [s for _, s in found] == [s for _, s in spans]
    assert [t for t, _ in found] == pytest.approx([t for t, _ in spans], abs=0.5 / hz + 0.01)
    assert reader.faults() == ()


@pytest.mark.parametrize("hz", [8.0, 25.0, 60.0])
def test_one_misreading_in_twenty_changes_nothing(hz: float) -> None:
    chance, reader, spans = random.Random(4), SignalReader("s"), [*cycles(2), (116.0, R)]
    for t in np.arange(0, 125, 1 / hz):
        true = next(s for since, s in reversed(spans) if t >= since)
        reader.add(round(t * 1e9), chance.choice((R, Y, G)) if chance.random() < 0.05 else true)
    found = told(reader.timeline())
    assert [s for _, s in found] == [s for _, s in spans]
    assert [t for t, _ in found] == pytest.approx([t for t, _ in spans], abs=0.35)
    assert reader.faults() == ()


def test_half_the_readings_missing_keep_the_sequence() -> None:
    chance, reader, spans = random.Random(7), SignalReader("s"), [*cycles(2), (116.0, R)]
    for t in np.arange(0, 125, 1 / 8):
        true = next(s for since, s in reversed(spans) if t >= since)
        reader.add(round(t * 1e9), U if chance.random() < 0.5 else true)
    known = [s for s in reader.timeline().states if s is not U]
    assert [s for s, before in zip(known, [None, *known], strict=False) if s is not before] == [s for _, s in spans]
    assert reader.faults() == ()


def test_arrow_goes_dark_between_red_and_yellow() -> None:
    """GB 14886: an arrow may go red, all off, yellow, red."""
    spans = ((0.0, R), (20.0, OFF), (40.0, Y), (43.0, R))
    reader = feed(*spans, end_s=60.0)
    assert [s for _, s in told(reader.timeline())] == [R, OFF, Y, R]
    assert reader.faults() == ()


def test_crosswalk_lamp_never_shows_yellow() -> None:
    spans = ((0.0, R), (20.0, G), (40.0, R), (60.0, G), (80.0, R))
    reader = feed(*spans, end_s=90.0)
    assert [s for _, s in told(reader.timeline())] == [R, G, R, G, R]
    assert reader.faults() == ()


@pytest.mark.parametrize("hz", [8.0, 25.0])
def test_flashing_green_is_green(hz: float) -> None:
    flash = [(20 + 0.5 * n, OFF if n % 2 else G) for n in range(12)]
    reader = feed((0.0, R), (10.0, G), *flash, (26.0, Y), (29.0, R), end_s=40.0, hz=hz)
    assert [s for _, s in told(reader.timeline())] == [R, G, Y, R]


@pytest.mark.parametrize("hz", [4.0, 8.0, 25.0])
def test_lasting_flashing_yellow_is_no_yellow_phase(hz: float) -> None:
    """Reg 42: a yellow that flashes on and on asks for care; nobody has a red or a yellow to keep."""
    flash = [(0.5 * n, OFF if n % 2 else Y) for n in range(80)]
    reader = feed(*flash, end_s=40.0, hz=hz)
    assert reader.timeline().state_at(round(20e9)) is FLASHING
    assert [k for k, *_ in kinds(reader)] == ["flashing_yellow"]


def test_yellow_that_stays_is_a_fault_after_six_seconds() -> None:
    reader = feed((0.0, G), (10.0, Y), end_s=30.0)
    timeline = reader.timeline()
    assert timeline.state_at(round(15e9)) is Y
    assert timeline.state_at(round(17e9)) is FAULT
    assert kinds(reader) == [("yellow_too_long", 15.9, 29.9)]


def test_red_without_its_yellow_convicts_nobody() -> None:
    """The lamp showed yellow one cycle before; now it went from green straight to red."""
    reader = feed(*cycles(1), (58.0, R), (88.0, G), (113.0, R), (150.0, G), (170.0, Y), (173.0, R), end_s=180.0)
    timeline = reader.timeline()
    assert timeline.state_at(round(100e9)) is G
    assert timeline.state_at(round(130e9)) is FAULT
    assert timeline.state_at(round(176e9)) is R, "the next cycle was whole"
    assert kinds(reader) == [("impossible_sequence", 112.9, 149.9)]


def test_yellow_hidden_by_a_bus_is_no_fault_but_the_onset_was_not_seen() -> None:
    reader = feed(*cycles(1), (58.0, R), (88.0, G), (112.0, U), (117.0, R), end_s=130.0)
    timeline = reader.timeline()
    assert timeline.state_at(round(120e9)) is R
    assert not timeline.is_onset_seen(round(120e9))
    assert reader.faults() == ()


@pytest.mark.parametrize("blip", [Y, G])
def test_red_yellow_red_is_a_misreading_and_red_goes_on(blip: SignalState) -> None:
    reader = feed(*cycles(1), (58.0, R), (70.0, blip), (72.0, R), end_s=86.0)
    timeline = reader.timeline()
    assert timeline.state_at(round(71e9)) is FAULT
    assert timeline.state_at(round(80e9)) is R
    assert [k for k, *_ in kinds(reader)] == ["impossible_sequence"]


def test_red_and_yellow_together_are_not_used_in_china() -> None:
    reader = feed((0.0, R), (20.0, Y), (22.0, G), (40.0, Y), (43.0, R), end_s=50.0)
    timeline = reader.timeline()
    assert [timeline.state_at(round(t * 1e9)) for t in (21, 30, 41, 48)] == [FAULT, G, Y, R]


def test_red_for_more_than_three_minutes_is_a_fault() -> None:
    reader = feed((0.0, G), (10.0, Y), (13.0, R), end_s=300.0, hz=2.0)
    timeline = reader.timeline()
    assert timeline.state_at(round(190e9)) is R
    assert timeline.state_at(round(195e9)) is FAULT
    assert [k for k, *_ in kinds(reader)] == ["red_too_long"]


def test_lamp_that_hangs_for_two_cycles_is_a_fault() -> None:
    reader = feed(*cycles(4), (232.0, R), (262.0, G), end_s=420.0, hz=4.0)
    timeline = reader.timeline()
    assert timeline.state_at(round(370e9)) is G
    assert timeline.state_at(round(385e9)) is FAULT, "two cycles of 58 s after 262 s"
    assert [k for k, *_ in kinds(reader)] == ["stuck"]


def test_dark_lamp_is_told() -> None:
    reader = feed((0.0, R), (10.0, OFF), end_s=300.0, hz=2.0)
    assert reader.timeline().state_at(round(100e9)) is OFF
    assert [k for k, *_ in kinds(reader)] == ["dark"]


def test_what_was_said_about_the_past_stays() -> None:
    """A long session is judged as it goes: no later frame changes a state two changes back."""
    reader, spans, seen = SignalReader("s"), [*cycles(4), (232.0, R)], {}
    for t in np.arange(0, 240, 1 / 8):
        reader.add(round(t * 1e9), next(s for since, s in reversed(spans) if t >= since))
        seen[t] = reader.timeline().state_at(round((t - 5) * 1e9))
    final = reader.timeline()
    assert all(final.state_at(round((t - 5) * 1e9)) is s for t, s in seen.items())


def test_no_reading_at_all_is_an_empty_timeline() -> None:
    reader = SignalReader("s")
    assert reader.timeline().state_at(0) is U
    assert reader.faults() == ()
