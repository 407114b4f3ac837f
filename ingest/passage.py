"""One reading of one file: which pictures are chosen, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from ingest.counts import FrameCounts
from ingest.decode import Reader
from ingest.footage import Reel
from ingest.frame import Converter, Frame
from ingest.timeline import GAP_NS, NEVER

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Passage:
    """Reads a file from a session time on, choosing one picture of each time slot."""

    def __init__(
        self, reel: Reel, counts: FrameCounts, *, offset_ns: int, detect_hz: float, from_ns: int, is_after_break: bool
    ) -> None:
        self._reel = reel
        self._counts = counts
        self._offset_ns = offset_ns
        self._slots = reel.timeline.slots(detect_hz)
        self._from_ns = max(0, from_ns - offset_ns)
        self._holes = [hole for hole in reel.timeline.holes() if hole[0] >= self._from_ns]
        self._is_gap_pending = is_after_break and self._from_ns == 0

    def frames(self, converter: Converter, threads: int) -> Generator[Frame, None, None]:
        """Yields the chosen pictures."""
        reel = self._reel
        with Reader(reel.path, threads=threads) as reader:
            for t_ns, frame in self._chosen(reader):
                is_after_gap, self._is_gap_pending = self._is_gap_pending, False
                yield Frame(
                    frame,
                    converter,
                    pts_ns=self._offset_ns + t_ns,
                    is_after_gap=is_after_gap,
                    counts=self._counts.as_dict(),
                )
            self._counts.damaged += reader.read_failures
        self._counts.lost += sum(count for _, count in self._holes) + reel.tail_lost

    def _chosen(self, reader: Reader) -> Iterator[tuple[int, VideoFrame]]:
        """Yields (time in the file, picture), keeping the counters."""
        reel, counts, slots, times = self._reel, self._counts, self._slots, self._reel.timeline.t_ns
        size = (reel.width_px, reel.height_px)
        last_t, last_slot = self._before(), None
        for row, frame in reader.pictures(reel.stamps, self._start_row(), self._on_damage):
            t_ns = int(times[row])
            if t_ns == NEVER or t_ns < 0:
                continue
            is_counted = t_ns >= self._from_ns
            if (last_t is not None and t_ns <= last_t) or (frame.width, frame.height) != size:
                counts.damaged += is_counted
                continue
            is_hole = last_t is not None and t_ns - last_t > GAP_NS
            slot, last_t = int(slots[row]), t_ns
            is_new, last_slot = slot != last_slot, slot
            if is_counted:
                self._is_gap_pending |= is_hole
                self._count(row, t_ns, is_corrupt=frame.is_corrupt, is_chosen=is_new)
                if is_new:
                    yield t_ns, frame

    def _count(self, row: int, t_ns: int, *, is_corrupt: bool, is_chosen: bool) -> None:
        counts = self._counts
        counts.decoded += 1
        counts.damaged += is_corrupt
        counts.analysed += is_chosen
        counts.skipped += not is_chosen
        counts.reordered_pts += bool(self._reel.timeline.is_repaired[row])
        while self._holes and self._holes[0][0] <= t_ns:
            counts.lost += self._holes.pop(0)[1]

    def _on_damage(self, row: int) -> None:
        if self._reel.timeline.t_ns[row] >= self._from_ns or self._from_ns == 0:
            self._counts.damaged += 1

    def _start_row(self) -> int:
        """Returns the key frame from which every picture of the first slot wanted is decoded."""
        timeline = self._reel.timeline
        shown = timeline.shown_ns
        place = int(shown.searchsorted(self._from_ns))
        if self._from_ns == 0 or place >= len(shown):
            return 0 if self._from_ns == 0 else self._reel.key_row_at(int(timeline.order[-1]))
        wanted = self._slots[timeline.order[place]]
        while place > 0 and self._slots[timeline.order[place - 1]] == wanted:
            place -= 1
        return self._reel.key_row_at(int(timeline.order[place]))

    def _before(self) -> int | None:
        """Returns the time of the picture before the first one decoded, so that a hole there is seen."""
        shown = self._reel.timeline.shown_ns
        start_t = int(self._reel.timeline.t_ns[self._start_row()])
        place = int(shown.searchsorted(start_t))
        return int(shown[place - 1]) if start_t > 0 and place > 0 else None
