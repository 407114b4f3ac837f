"""Time of live pictures: the camera's stamps on this machine's clock, and whether that clock may be believed.

A camera's stamps are even but count from anywhere; packets arrive late but never early. So a picture's time is its
stamp plus the smallest delay seen lately, moved slowly (2 %) as the two clocks drift apart.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from core.time import NS_PER_S

LARGEST_ERROR_S = 1.0
"""Beyond this no penalty may rest on a picture's time. Source: domain.md 2.6 (GA/T 832: error against Beijing time)."""
WARN_ERROR_S = 0.5
EARLY_NS = NS_PER_S
"""Stamps that run further ahead of their arrival are another clock."""
BACK_NS = NS_PER_S
"""Stamps that run back further are a restarted clock; less is the reordering of B pictures."""
WINDOW_NS = 10 * NS_PER_S
SLEW = 0.02
NEVER_LATE = 1 << 62


class StreamClock:
    """Turns stamps of one connection into session time; all values are nanoseconds."""

    def __init__(self, offset_ns: int) -> None:
        self._offset = offset_ns
        self._first_offset = offset_ns
        self._last: int | None = None
        self._newest = -(1 << 62)
        self._window_end: int | None = None
        self._low = NEVER_LATE
        self._wanted = 0
        self.delay_ns = 0

    @property
    def drift_s(self) -> float:
        """How far the camera's clock has run away from this machine's since the connection began."""
        return (self._offset - self._first_offset) / NS_PER_S

    def time_of(self, stamp_ns: int | None, received_ns: int) -> tuple[int, bool]:
        """Returns (session time, whether the camera's clock jumped); without a stamp the time of arrival counts."""
        if stamp_ns is None:
            return received_ns, False
        time = stamp_ns + self._offset
        late = received_ns - time
        if late < -EARLY_NS or time < self._newest - BACK_NS:
            self._offset = self._first_offset = received_ns - stamp_ns
            self._wanted, self._window_end, self._low = 0, None, NEVER_LATE
            self._last = self._newest = received_ns
            return received_ns, True
        self._follow(late, received_ns)
        self.delay_ns = max(0, late)
        self._newest = max(self._newest, time)
        return time, False

    def _follow(self, late: int, now: int) -> None:
        if self._last is not None and self._wanted:
            most = int((now - self._last) * SLEW)
            step = max(-most, min(most, self._wanted))
            self._offset += step
            self._wanted -= step
        self._last = now
        self._low = min(self._low, late)
        if self._window_end is None:
            self._window_end = now + WINDOW_NS
        elif now >= self._window_end:
            self._wanted, self._low, self._window_end = self._low, NEVER_LATE, now + WINDOW_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockHealth:
    """Whether penalties may rest on the time of pictures; ``error_s`` None where nobody knows."""

    is_trusted: bool
    error_s: float | None
    why: str


def check_clock(machine_error_s: float | None, camera_offset_s: float | None) -> ClockHealth:
    """Returns the verdict on this machine's clock and the camera's own, which is burnt into its pictures.

    Args:
        machine_error_s: Largest error of this machine's clock; None where it is not synchronised.
        camera_offset_s: What the camera reports minus this machine's time; None where it reports nothing.

    >>> check_clock(0.02, 0.1).is_trusted
    True
    >>> check_clock(None, 0.1).why
    'this machine has no synchronised time (NTP)'
    """
    if machine_error_s is None:
        return ClockHealth(is_trusted=False, error_s=None, why="this machine has no synchronised time (NTP)")
    if machine_error_s > LARGEST_ERROR_S:
        return ClockHealth(is_trusted=False, error_s=machine_error_s, why="this machine's time may be over 1 s off")
    error_s = machine_error_s + abs(camera_offset_s or 0.0)
    if camera_offset_s is not None and abs(camera_offset_s) > LARGEST_ERROR_S:
        return ClockHealth(is_trusted=False, error_s=error_s, why="the camera's clock is over 1 s off")
    return ClockHealth(is_trusted=True, error_s=error_s, why="")


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux (adjtimex(2))."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


TIME_ERROR = 5
"""What the kernel answers while no time service disciplines its clock."""


def kernel_error_s() -> float | None:
    """Returns the largest error of this machine's clock as the kernel knows it; None while it is not synchronised."""
    state = _Timex()
    try:
        answer = ctypes.CDLL(None).ntp_adjtime(ctypes.byref(state))
    except (OSError, AttributeError):
        return None
    return None if answer in {-1, TIME_ERROR} else float(state.maxerror) / 1e6
