"""A watcher of live pictures that keeps what it was told."""

from __future__ import annotations

from ingest.frame import Frame
from ingest.live_session import LiveSession
from ingest.ring import LivePacket


class Notes:
    """Keeps times, sizes and events; ``wants`` is its answer to undecoded packets, by index since the start."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.gaps: list[int] = []
        self.scouts: list[int] = []
        self.sessions: list[LiveSession] = []
        self.lost_for: list[str] = []
        self.packet_count = 0
        self.wakes_at: int | None = None
        self.wakes_on_scout = False
        self.fault: Exception | None = None

    def opened(self, session: LiveSession) -> None:
        self.sessions.append(session)

    def frame(self, frame: Frame) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.times.append(frame.pts_ns)
        if frame.is_after_gap:
            self.gaps.append(frame.pts_ns)

    def packet(self, packet: LivePacket) -> bool:
        self.packet_count += 1
        return self.packet_count == self.wakes_at

    def scouted(self, frame: Frame) -> bool:
        self.scouts.append(frame.pts_ns)
        return self.wakes_on_scout

    def lost(self, reason: str) -> None:
        self.lost_for.append(reason)
