"""What a live camera gives: sessions on one time axis, and the words in which it is watched."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from hashlib import sha256
from typing import Protocol

from core.time import NS_PER_S, Clock
from ingest.coded import Coding
from ingest.excerpt import Excerpt
from ingest.frame import Frame
from ingest.ring import LivePacket, PacketRing

SESSION_S = 24 * 3600.0
CLOCK_STEP_S = 0.5
"""This machine's clock was set by more than this: times before and after do not belong together."""


class Mode(Enum):
    """What is decoded. Packets are always kept for evidence."""

    ALL = "all"
    KEYS = "keys"
    """Key frames, shown to ``Watcher.scouted``; when it wants more, everything since the last one is caught up."""
    NONE = "none"


class Watcher(Protocol):
    """Told what a camera shows, in the camera's thread."""

    def opened(self, session: LiveSession) -> None:
        """Pictures of ``session`` follow: a new one, or the one before after a break."""
        ...

    def frame(self, frame: Frame) -> None:
        """The next picture, in time order."""
        ...

    def packet(self, packet: LivePacket) -> bool:
        """Any packet, before it is decoded or passed over; True asks for it and everything since the last key frame."""
        ...

    def scouted(self, frame: Frame) -> bool:
        """A key frame while only those are decoded; True as for ``packet``."""
        ...

    def lost(self, reason: str) -> None:
        """No pictures until ``opened`` is called again."""
        ...


@dataclass(slots=True, kw_only=True)
class Tally:
    """Packets of one camera since the start: received = decoded + passed + damaged + what is in the decoder."""

    received: int = 0
    decoded: int = 0
    passed: int = 0
    damaged: int = 0
    lost: int = 0
    """Pictures that never arrived, from holes in the stamps (estimated)."""
    connects: int = 0
    jumps: int = 0
    """Times the camera's clock jumped."""


class LiveSession:
    """Pictures of one camera, one size and codec, on one time axis; outlives reconnections."""

    def __init__(self, camera_id: str, coding: Coding, ring: PacketRing, clock: Clock) -> None:
        now = clock.now_utc()
        self.camera_id = camera_id
        self.coding = coding
        self.ring = ring
        self.start_utc = now
        self.mono_ns = time.monotonic_ns()
        name = f"{camera_id}|{now.isoformat()}|{coding.width_px}x{coding.height_px}"
        self.session_id = "S" + sha256(name.encode()).hexdigest()[:16]
        self.end_ns = 0
        self._clock = clock

    def now_ns(self) -> int:
        """Returns the present as session time."""
        return time.monotonic_ns() - self.mono_ns

    def begin_earlier(self, by_ns: int) -> None:
        """Moves the start back: the first pictures were taken before the connection settled."""
        self.mono_ns -= by_ns
        self.start_utc -= timedelta(microseconds=by_ns // 1000)

    def clock_step_s(self) -> float:
        """Returns by how much this machine's clock was set since the session began."""
        expected = self.start_utc + timedelta(microseconds=self.now_ns() // 1000)
        return (self._clock.now_utc() - expected).total_seconds()

    def fits(self, coding: Coding) -> bool:
        """Tells whether pictures of this coding may go on in this session."""
        is_same = (coding.codec, coding.width_px, coding.height_px) == (
            self.coding.codec,
            self.coding.width_px,
            self.coding.height_px,
        )
        return is_same and self.now_ns() < SESSION_S * NS_PER_S and abs(self.clock_step_s()) < CLOCK_STEP_S

    def excerpt(self, start_ns: int, end_ns: int) -> Excerpt:
        """Returns what is kept of [start_ns, end_ns], to be used in any thread at any time."""
        return Excerpt(
            session_id=self.session_id,
            camera_id=self.camera_id,
            start_utc=self.start_utc,
            coding=self.coding,
            groups=self.ring.groups(start_ns, end_ns),
            end_ns=self.end_ns,
        )
