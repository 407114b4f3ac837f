"""The last minutes of one camera as it sent them, so that evidence can be cut from what is already past.

Packets lie in groups, each beginning with a key frame. The newest groups are in memory, up to a byte budget; older
ones go to a spool file in one write each and are read back when evidence needs them. A disk that refuses costs the
oldest groups, counted, never the running camera.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core import log
from core.time import NS_PER_S

MEMORY_BYTES = 16 << 20
"""Packets kept in memory per camera: half a minute at 4 Mbit/s."""
SEGMENT_BYTES = 64 << 20
LONGEST_GROUP_NS = 12 * NS_PER_S
"""A camera that sends no key frame has its packets grouped all the same."""

logger = log.get(__name__)


@dataclass(slots=True, kw_only=True)
class LivePacket:
    """One coded picture, Annex B where the codec has that form; ``t_ns`` is session time."""

    t_ns: int
    data: bytes
    is_key: bool


class Segment:
    """One spool file; it disappears when nobody refers to it any more."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.size = 0

    def write(self, data: bytes) -> int:
        """Appends and returns where it begins.

        Raises:
            OSError: the disk refuses; what was written of it is overwritten by the next.
        """
        start, view = self.size, memoryview(data)
        while view:
            written = os.pwrite(self._handle, view, self.size)
            view = view[written:]
            self.size += written
        return start

    def rewind(self, size: int) -> None:
        """Forgets what was written after ``size``."""
        self.size = size

    def read(self, start: int, length: int) -> bytes:
        """Returns bytes written before.

        Raises:
            OSError: they cannot be read.
        """
        return os.pread(self._handle, length, start)

    def __del__(self) -> None:
        os.close(self._handle)
        self._path.unlink(missing_ok=True)


class Group:
    """Packets from one key frame up to the next."""

    def __init__(self, first: LivePacket) -> None:
        self.start_ns = first.t_ns
        self.end_ns = first.t_ns
        self.size = 0
        self._packets: list[LivePacket] | None = []
        self._marks: tuple[tuple[int, int, bool], ...] = ()
        self._segment: Segment | None = None
        self._at = 0
        self.add(first)

    def add(self, packet: LivePacket) -> None:
        """Takes the next packet."""
        if self._packets is not None:
            self._packets.append(packet)
        self.end_ns = max(self.end_ns, packet.t_ns)
        self.size += len(packet.data)

    @property
    def is_in_memory(self) -> bool:
        """Tells whether its bytes are here and not on the disk."""
        return self._packets is not None

    def packets(self) -> Iterator[LivePacket]:
        """Yields its packets in decode order.

        Raises:
            OSError: they cannot be read back from the spool.
        """
        packets = self._packets
        if packets is not None:
            yield from tuple(packets)
            return
        if self._segment is not None:
            data, at = self._segment.read(self._at, self.size), 0
            for t_ns, length, is_key in self._marks:
                yield LivePacket(t_ns=t_ns, data=data[at : at + length], is_key=is_key)
                at += length

    def move_to(self, segment: Segment) -> None:
        """Writes its bytes to the spool and lets go of them here.

        Raises:
            OSError: the disk refuses; the group is as before.
        """
        packets = self._packets or []
        before = segment.size
        try:
            self._at = segment.write(b"".join(p.data for p in packets))
        except OSError:
            segment.rewind(before)
            raise
        self._marks = tuple((p.t_ns, len(p.data), p.is_key) for p in packets)
        self._segment = segment
        self._packets = None


class PacketRing:
    """Groups of one session. ``append`` from one thread, ``groups`` from any."""

    def __init__(self, *, span_s: float, spool: Path | None = None, memory_bytes: int = MEMORY_BYTES) -> None:
        self._span_ns = int(span_s * NS_PER_S)
        self._spool = spool
        self._budget = memory_bytes
        self._groups: deque[Group] = deque()
        self._lock = threading.Lock()
        self._segment: Segment | None = None
        self._number = 0
        self._in_memory = 0
        self.dropped = 0
        """Groups given up because the spool could not be written."""

    @property
    def memory_bytes(self) -> int:
        """Bytes of packets in memory."""
        return self._in_memory

    @property
    def start_ns(self) -> int | None:
        """Session time of the oldest packet still kept."""
        with self._lock:
            return self._groups[0].start_ns if self._groups else None

    def append(self, packet: LivePacket) -> None:
        """Takes the next packet in decode order."""
        with self._lock:
            last = self._groups[-1] if self._groups else None
            if last is None or packet.is_key or packet.t_ns - last.start_ns > LONGEST_GROUP_NS:
                self._groups.append(Group(packet))
            else:
                last.add(packet)
            self._in_memory += len(packet.data)
            while self._groups[0].end_ns < packet.t_ns - self._span_ns and len(self._groups) > 1:
                self._forget()
        if self._in_memory > self._budget:
            self._relieve()

    def groups(self, start_ns: int, end_ns: int) -> tuple[Group, ...]:
        """Returns the groups that show [start_ns, end_ns], as far as they are kept.

        One group more at the front: with B pictures the first pictures of a span may lie before its key frame.
        """
        with self._lock:
            kept = list(self._groups)
        inside = [i for i, g in enumerate(kept) if g.end_ns >= start_ns and g.start_ns <= end_ns]
        return tuple(kept[max(0, inside[0] - 1) : inside[-1] + 1]) if inside else ()

    def _forget(self) -> None:
        gone = self._groups.popleft()
        if gone.is_in_memory:
            self._in_memory -= gone.size

    def _relieve(self) -> None:
        """Moves the oldest closed groups to the disk until the budget holds."""
        with self._lock:
            here = [g for g in list(self._groups)[:-1] if g.is_in_memory]
        for group in here:
            if self._in_memory <= self._budget:
                return
            try:
                group.move_to(self._open_segment())
            except OSError as error:
                self._refused(group, error)
                return
            self._in_memory -= group.size

    def _open_segment(self) -> Segment:
        if self._spool is None:
            raise OSError("no spool")
        if self._segment is None or self._segment.size > SEGMENT_BYTES:
            self._segment = Segment(self._spool / f"{self._number:06d}.bin")
            self._number += 1
        return self._segment

    def _refused(self, oldest: Group, error: OSError) -> None:
        """Without a spool memory may grow to twice the budget; then the oldest pictures are given up."""
        if self._spool is not None and self._in_memory <= 2 * self._budget:
            return
        if self._spool is not None:
            logger.warning("ring_shortened", reason=error.strerror)
            self.dropped += 1
        with self._lock:
            while self._groups and self._groups[0].start_ns <= oldest.start_ns and len(self._groups) > 1:
                self._forget()
