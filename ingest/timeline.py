"""Time of every picture of one file, worked out from its packets' stamps: pure array functions.

All arrays are in decode order, one row per packet. ``NEVER`` marks a stamp that is missing or a
packet that shows no picture. Times are integer nanoseconds since the file's first shown picture.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.time import NS_PER_S

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEVER: int = int(np.iinfo(np.int64).min)
GAP_NS = 2 * NS_PER_S
"""A hole longer than this breaks what can be followed."""
CLOCK_RESET_NS = NS_PER_S
"""Stamps that run back further than this are a restarted clock, not disorder."""
HOLE_FACTOR = 2.5
"""A step above this many usual intervals counts as missing pictures."""
USUAL_NS = 40_000_000


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """Raw packet stamps of one file in stream units.

    Shapes: pts, dts (N,) int64 with NEVER where missing; is_key, is_hidden (N,).
    """

    pts: IntArray
    dts: IntArray
    is_key: BoolArray
    is_hidden: BoolArray
    time_base: Fraction
    is_timed: bool = True
    """False where the container stores no pts of its own, so that seeking may change what is reported."""

    def __len__(self) -> int:
        return len(self.pts)

    @cached_property
    def is_regular(self) -> bool:
        """Tells whether every packet has its own pts: then pictures can be found by it and seeking is exact."""
        if not self.is_timed or bool(np.any(self.pts == NEVER)) or len(np.unique(self.pts)) != len(self.pts):
            return False
        known = self.dts[self.dts != NEVER]
        return not bool(np.any(np.diff(known) < 0))

    @cached_property
    def _by_pts(self) -> IntArray:
        return np.argsort(self.pts, kind="stable")

    def is_pts_at(self, row: int, pts: int | None) -> bool:
        """Tells whether packet ``row`` carries this pts."""
        return row < len(self.pts) and pts == self.pts[row]

    def pts_or_none(self, row: int) -> int | None:
        """Returns the pts a packet carries, None if it has none."""
        pts = int(self.pts[row])
        return None if pts == NEVER else pts

    def row_of(self, pts: int | None) -> int | None:
        """Returns the packet with this pts; None if there is none. Meant for regular files."""
        if pts is None:
            return None
        place = int(np.searchsorted(self.pts, pts, sorter=self._by_pts))
        row = int(self._by_pts[place]) if place < len(self.pts) else -1
        return row if row >= 0 and int(self.pts[row]) == pts else None


def to_ns(units: IntArray, time_base: Fraction) -> IntArray:
    """Returns stream units as nanoseconds, rounded to the nearest, without overflow.

    >>> to_ns(np.array([0, 1, 90000]), Fraction(1, 90000)).tolist()
    [0, 11111, 1000000000]
    """
    whole, rest = np.divmod(units * time_base.numerator, time_base.denominator)
    nearest = (rest * NS_PER_S + time_base.denominator // 2) // time_base.denominator
    result: IntArray = whole * NS_PER_S + nearest
    return result


def usual_interval_ns(times: IntArray) -> int:
    """Returns the usual step between pictures shown at ``times`` (sorted), holes left out.

    >>> usual_interval_ns(np.array([0, 40, 80, 120, 5120, 5160]))
    40
    """
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return USUAL_NS
    median = float(np.median(steps))
    return max(1, round(float(np.mean(steps[steps <= HOLE_FACTOR * median]))))


def repaired(times: IntArray) -> tuple[IntArray, BoolArray]:
    """Returns times in showing order made strictly increasing, and which of them had to be moved.

    A time that does not increase is put just after its predecessor; a clock that runs back by more
    than a second has restarted, and everything after it is shifted to follow on.
    """
    if bool(np.all(np.diff(times) > 0)):
        return times, np.zeros(len(times), dtype=np.bool_)
    forward = np.diff(times)
    step = int(np.median(forward[forward > 0])) if bool(np.any(forward > 0)) else USUAL_NS
    nudge = max(1, step // 8)
    result = times.copy()
    moved = np.zeros(len(times), dtype=np.bool_)
    shift = 0
    for row in range(1, len(times)):
        value, last = int(times[row]) + shift, int(result[row - 1])
        if value <= last - CLOCK_RESET_NS:
            shift += last + step - value
            value = last + step
            moved[row] = True
        elif value <= last:
            value = last + nudge
            moved[row] = True
        result[row] = value
    return result, moved


def shown_order(stamps: Stamps, *, is_reordering: bool) -> IntArray:
    """Returns packet rows in the order their pictures are shown, judged from the stamps alone.

    Sorting happens between clock restarts only. Streams that never reorder are shown as decoded.
    """
    rows = np.flatnonzero(~stamps.is_hidden)
    if not is_reordering:
        return rows
    clock = np.where(stamps.dts == NEVER, stamps.pts, stamps.dts)[rows]
    limit = -round(CLOCK_RESET_NS / NS_PER_S / float(stamps.time_base))
    starts = np.flatnonzero(np.diff(clock) < limit) + 1
    parts = [part[np.argsort(stamps.pts[part], kind="stable")] for part in np.split(rows, starts)]
    return np.concatenate(parts) if parts else rows


def filled(values: IntArray) -> IntArray:
    """Returns stamps with the missing ones put evenly between their neighbours; all missing counts 0, 1, 2 ..."""
    rows = np.arange(len(values))
    known = np.flatnonzero(values != NEVER)
    if len(known) == len(values):
        return values
    if len(known) < 2:
        return rows - (int(known[0]) if len(known) else 0) + (int(values[known[0]]) if len(known) else 0)
    step = max(1, round(float(np.median(np.diff(values[known]) / np.diff(known)))))
    result: IntArray = np.rint(np.interp(rows, known, values[known])).astype(np.int64)
    first, last = int(known[0]), int(known[-1])
    result[:first] = values[first] - step * np.arange(first, 0, -1)
    result[last + 1 :] = values[last] + step * np.arange(1, len(values) - last)
    return result


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When each packet's picture is shown.

    Shapes: t_ns (N,) by packet, NEVER where nothing is shown, negative before the first picture that
    can be decoded; order (M,) packet rows as shown, from the first decodable picture on; is_repaired (N,).
    """

    t_ns: IntArray
    order: IntArray
    is_repaired: BoolArray
    interval_ns: int

    @cached_property
    def shown_ns(self) -> IntArray:
        """Times in showing order, strictly increasing, first is 0."""
        shown: IntArray = self.t_ns[self.order]
        return shown

    @property
    def end_ns(self) -> int:
        """End of the last picture."""
        return int(self.shown_ns[-1]) + self.interval_ns

    def row_at(self, t_ns: int) -> int:
        """Returns the packet row of the picture on show at ``t_ns`` (the first before the start)."""
        position = int(np.searchsorted(self.shown_ns, t_ns, side="right")) - 1
        return int(self.order[max(position, 0)])

    def slots(self, detect_hz: float) -> IntArray:
        """Returns for each packet the time slot it falls in; one picture of each slot is analysed.

        Slots are a whole number of usual intervals long and start half an interval early, so a steady
        stream is thinned evenly and jitter does not move pictures across. Below twice the wanted rate
        every picture has a slot of its own. 23.976 counts as 24: a rate may fall short by 0.3 %.
        """
        stride = int(NS_PER_S / self.interval_ns / detect_hz + 0.01)
        if stride <= 1:
            return self.t_ns
        result: IntArray = (self.t_ns + self.interval_ns // 2) // (self.interval_ns * stride)
        return result

    def holes(self) -> list[tuple[int, int]]:
        """Returns (time of the picture after the hole, pictures missing in it), estimated."""
        shown = self.shown_ns
        steps = np.diff(shown)
        rows = np.flatnonzero(steps > HOLE_FACTOR * self.interval_ns)
        return [(int(shown[r + 1]), round(int(steps[r]) / self.interval_ns) - 1) for r in rows]


def build_timeline(stamps: Stamps, *, order: IntArray, first_row: int, is_by_dts: bool = False) -> Timeline:
    """Returns the timeline of pictures shown in ``order``, starting at the picture of ``first_row``.

    ``is_by_dts``: the stream has no pts, or false ones; the k-th picture shown gets the k-th decode time.
    """
    source = filled(stamps.dts if is_by_dts else stamps.pts)
    values = np.sort(source[order]) if is_by_dts and bool(np.any(np.diff(order) < 0)) else source[order]
    times, moved = repaired(to_ns(values - values[0], stamps.time_base))
    begin = int(np.flatnonzero(order == first_row)[0])
    t_ns = np.full(len(stamps), NEVER, dtype=np.int64)
    t_ns[order] = times - times[begin]
    is_repaired = np.zeros(len(stamps), dtype=np.bool_)
    is_repaired[order] = moved
    if is_by_dts:
        is_repaired[order[1:][np.diff(order) < 0]] = True
    shown = order[begin:]
    return Timeline(t_ns=t_ns, order=shown, is_repaired=is_repaired, interval_ns=usual_interval_ns(t_ns[shown]))
