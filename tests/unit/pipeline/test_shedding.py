"""Overload leaves out the camera of lowest priority, whole, and takes it back when there is room again."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.shedding import GRACE_S, HOLD_S, OVER_S, Shedding


class Line:
    """A camera as far as shedding sees it; late while ``overloaded`` says so."""

    def __init__(self, name: str, priority: int, line: list[Line]) -> None:
        self.name, self.source, self.state, self.is_shed = name, SimpleNamespace(priority=priority), "live", False
        self.live = SimpleNamespace(last_packet_ns=time.monotonic_ns())
        self.watch = SimpleNamespace(age_s=lambda: 0.1)
        self.account = SimpleNamespace(
            late_share=lambda _over_s: self.late(), has_failed=lambda _over_s: self.is_failing
        )
        self.carries, self.is_failing = 3, False
        self._line = line
        line.append(self)

    def late(self) -> float:
        return 0.5 if sum(not c.is_shed for c in self._line) > self.carries else 0.0

    def shed(self, *, is_shed: bool) -> None:
        self.is_shed = is_shed


@pytest.fixture
def line() -> list[Line]:
    line: list[Line] = []
    for name, priority in (("a", 5), ("b", 9), ("c", 1), ("d", 5)):
        Line(name, priority, line)
    return line


def run(shedding: Shedding, line: list[Line], start: float, seconds: float) -> None:
    for second in range(int(seconds)):
        shedding.check(cast("Any", line), start + second)


def left_out(line: list[Line]) -> list[str]:
    return [c.name for c in line if c.is_shed]


def test_the_lowest_priority_goes_first_and_only_as_many_as_needed(line: list[Line]) -> None:
    shedding, now = Shedding(grace_s=0), time.monotonic()
    run(shedding, line, now, OVER_S)
    assert left_out(line) == []
    run(shedding, line, now + OVER_S, 20)
    assert left_out(line) == ["c"]
    for camera in line:
        camera.carries = 1
    run(shedding, line, now + 30, 20)
    assert left_out(line) == ["a", "c", "d"]


def test_the_last_camera_is_never_left_out(line: list[Line]) -> None:
    for camera in line:
        camera.carries = 0
    run(Shedding(grace_s=0), line, time.monotonic() + OVER_S, 60)
    assert left_out(line) == ["a", "c", "d"]


def test_it_is_taken_back_after_a_calm_while_and_later_when_that_was_too_much(line: list[Line]) -> None:
    shedding, now = Shedding(grace_s=0), time.monotonic()
    run(shedding, line, now + OVER_S, 1)
    assert left_out(line) == ["c"]
    run(shedding, line, now + OVER_S + 1, HOLD_S + 1)  # the last second may be rounded to just before the limit
    assert left_out(line) == []
    again = now + 2 * OVER_S + HOLD_S + 1
    run(shedding, line, again, 2)
    assert left_out(line) == ["c"]
    run(shedding, line, again + 2, HOLD_S + 5)
    assert left_out(line) == ["c"]
    for camera in line:
        camera.carries = 4
    run(shedding, line, again + HOLD_S + 7, HOLD_S)
    assert left_out(line) == []


def test_a_camera_that_sends_nothing_is_not_overloaded(line: list[Line]) -> None:
    for camera in line:
        camera.carries = 9
        camera.watch = SimpleNamespace(age_s=lambda: 60.0)
        camera.live = SimpleNamespace(last_packet_ns=time.monotonic_ns() - 60 * 10**9)
    run(Shedding(grace_s=0), line, time.monotonic() + OVER_S, 20)
    assert left_out(line) == []


def test_nobody_is_left_out_while_the_machine_starts(line: list[Line]) -> None:
    shedding, now = Shedding(), time.monotonic()
    run(shedding, line, now, GRACE_S)
    assert left_out(line) == []
    run(shedding, line, now + GRACE_S, OVER_S + 2)
    assert left_out(line) == ["c"]


def test_a_failing_network_leaves_nobody_out(line: list[Line]) -> None:
    for camera in line:
        camera.is_failing = True
    run(Shedding(grace_s=0), line, time.monotonic() + OVER_S, 20)
    assert left_out(line) == []
