"""A camera's two streams: a small one that is decoded and looked at, and the main one evidence is cut from.

Pictures of the small stream are handed on as if they were the main stream's: with its time and in its pixels. Both
streams lie on this machine's clock; where each also tells the camera's own time, that corrects their different delays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.clock import SLEW
from ingest.frame import Frame
from ingest.live_session import LiveSession, Watcher
from ingest.ring import LivePacket

if TYPE_CHECKING:
    from ingest.live import LiveSource

WAITING = "no main stream"
LARGEST_DELAY_NS = 5_000_000_000
"""Streams of one camera whose own times are further apart do not tell the same clock: they are matched by arrival."""


class MainStream:
    """Keeps the main stream: its session, while it is being received."""

    def __init__(self) -> None:
        self.session: LiveSession | None = None

    def opened(self, session: LiveSession) -> None:
        """Takes a session up."""
        self.session = session

    def lost(self, _reason: str) -> None:
        """Notes that nothing is received: what is seen now could not be proved."""
        self.session = None

    def frame(self, _frame: Frame) -> None:
        """Not called: nothing is decoded."""

    def packet(self, _packet: LivePacket) -> bool:
        """Wants nothing decoded."""
        return False

    def scouted(self, _frame: Frame) -> bool:
        """Not called: nothing is decoded."""
        return False


class SubStream:
    """Watches the small stream for ``watcher``, who is told of the main stream's sessions, time and pixels."""

    def __init__(self, watcher: Watcher, main: MainStream) -> None:
        self._watcher, self._main = watcher, main
        self._sub: LiveSession | None = None
        self._told: LiveSession | None = None
        self._shift_ns = 0
        self._moved_ns = 0
        self.main_source: LiveSource | None = None
        self.sub_source: LiveSource | None = None

    def opened(self, session: LiveSession) -> None:
        """Takes the small stream up; the watcher hears of it with the first picture both streams have."""
        self._sub, self._told = session, None

    def lost(self, reason: str) -> None:
        """Hands on why there are no pictures."""
        self._sub = self._told = None
        self._watcher.lost(reason)

    def frame(self, frame: Frame) -> None:
        """Hands on a picture; without a main stream to prove it from, ``watcher`` was told that all is lost."""
        session = self._meet(frame.pts_ns)
        self._watcher.frame(frame if session is None else self._seen_in(session, frame))

    def packet(self, packet: LivePacket) -> bool:
        """Hands on a packet."""
        return self._told is not None and self._watcher.packet(replace(packet, t_ns=packet.t_ns + self._shift_ns))

    def scouted(self, frame: Frame) -> bool:
        """Hands on a key frame."""
        session = self._meet(frame.pts_ns)
        return session is None or self._watcher.scouted(self._seen_in(session, frame))

    def _meet(self, t_ns: int) -> LiveSession | None:
        """Returns the main stream's session; tells the watcher when it begins, ends, or is another."""
        session, sub = self._main.session, self._sub
        if session is None or sub is None:
            if self._told is not None:
                self._told = None
                self._watcher.lost(WAITING)
            return None
        wanted = sub.mono_ns - session.mono_ns + self._delay_ns()
        if session is self._told:
            most = int(max(0, t_ns - self._moved_ns) * SLEW)
            self._shift_ns += max(-most, min(most, wanted - self._shift_ns))
        else:
            self._shift_ns = wanted
            self._watcher.opened(session)
            self._told = session
        self._moved_ns = t_ns
        return session

    def _delay_ns(self) -> int:
        """Returns how much later than the small stream the main one arrives; 0 where the camera's time is unknown."""
        main = None if self.main_source is None else self.main_source.ahead_ns
        sub = None if self.sub_source is None else self.sub_source.ahead_ns
        delay = 0 if main is None or sub is None else sub - main
        return delay if abs(delay) < LARGEST_DELAY_NS else 0

    def _seen_in(self, session: LiveSession, frame: Frame) -> Frame:
        size_px = (session.coding.width_px, session.coding.height_px)
        return frame.seen_as(pts_ns=frame.pts_ns + self._shift_ns, size_px=size_px)
