"""One connection to a live camera, from its opening to its end: packets in, pictures out, time put on one axis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from av.error import FFmpegError

from core.errors import SourceUndecodable
from core.time import NS_PER_S
from ingest.clock import StreamClock
from ingest.coded import AnnexB, PacketDecoder, read_coding
from ingest.frame import Frame
from ingest.live_session import Mode
from ingest.ring import LONGEST_GROUP_NS, LivePacket
from ingest.timeline import GAP_NS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from ingest.live import LiveSource

    Arrival = tuple[Packet[VideoStream], int]
    """A packet and the monotonic time it came, ns."""

SIZE_CHANGED, NEW_SESSION = "picture size changed", "new session"
SETTLE_PACKETS = 250
SETTLE_S = 3.0
NUDGE = 8
"""A repeated stamp moves on by this part of the usual step, as in files (``timeline.repaired``)."""
HOLE_STEPS = 1.75
"""A step longer than this many usual ones lacks pictures."""
TIMELESS = frozenset({"mpjpeg", "mjpeg"})
"""Formats without time stamps: the time of arrival counts."""


class Reopen(Exception):
    """The connection must be opened again at once."""


class Connection:
    """From one connect to its end."""

    def __init__(self, source: LiveSource, container: InputContainer) -> None:
        self._source, self._container = source, container
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context is None:
            raise SourceUndecodable(f"camera {source.camera_id} sends no pictures; check its address")
        self._stream = stream
        coding = read_coding(stream)
        self._session = source.session_for(coding)
        self._watcher = source.watcher
        self._size = (coding.width_px, coding.height_px)
        self._annex_b = AnnexB(self._stream)
        self._decoder, self._scout = PacketDecoder(coding), PacketDecoder(coding)
        self._pending: list[LivePacket] = []
        self._was_keys = False
        self._last_ns: int | None = None
        self._taken_ns: int | None = None
        self._is_after_gap = self._session.end_ns > 0
        self._clock = StreamClock(0)

    def read(self) -> None:
        """Reads to the end of the stream or until stopped."""
        packets = self._arriving()
        early = self._settle(packets)
        self._source.tally.connects += 1
        self._watcher.opened(self._session)
        for stamp, (packet, received) in zip(self._early_stamps(early), early, strict=True):
            self._take(packet, stamp, received)
        for packet, received in packets:
            if not self._session.fits(self._session.coding):
                raise Reopen(NEW_SESSION)
            self._take(packet, self._stamp_ns(packet), received)

    def _arriving(self) -> Iterator[Arrival]:
        """Yields packets with their monotonic time of arrival; a file's are held back to its own pace."""
        source, start = self._source, None
        for whole in self._container.demux(self._stream):
            if source.halt.is_set():
                return
            if not whole.size:
                continue
            for packet in self._plain(whole):
                source.last_packet_ns = time.monotonic_ns()
                if source.is_file:
                    due = self._stamp_ns(packet) or 0
                    start = time.monotonic_ns() - due if start is None else start
                    due += start
                    if not source.is_paced:
                        yield packet, due
                        continue
                    source.halt.wait(max(0, due - time.monotonic_ns()) / NS_PER_S)
                    source.last_packet_ns = time.monotonic_ns()
                yield packet, source.last_packet_ns

    def _plain(self, whole: Packet[VideoStream]) -> list[Packet[VideoStream]]:
        """Returns a packet in its self-contained form; nothing of one too damaged for it, which is counted."""
        try:
            return list(self._annex_b.packets(whole))
        except FFmpegError:
            self._annex_b.flush()
            self._source.tally.received += 1
            self._source.tally.damaged += 1
            return []

    def _settle(self, packets: Iterator[Arrival]) -> list[Arrival]:
        """Returns the packets that were waiting when the connection began, once one had to be waited for.

        Without this the pictures of a camera that first sends what it has kept would be squeezed into a moment.
        """
        early: list[Arrival] = []
        for packet, received in packets:
            early.append((packet, received))
            since = received - early[-2][1] if len(early) > 1 else 0
            is_waited_for = len(early) > 2 and since > self._usual_step() // 2
            if is_waited_for or len(early) >= SETTLE_PACKETS or received - early[0][1] > SETTLE_S * NS_PER_S:
                break
        stamps = self._early_stamps(early)
        offset = min((r - s for s, (_, r) in zip(stamps, early, strict=True) if s is not None), default=0)
        known = [s for s in stamps if s is not None]
        if self._session.end_ns == 0 and known:
            self._session.begin_earlier(max(0, self._session.mono_ns - min(known) - offset))
        self._clock = StreamClock(offset - self._session.mono_ns)
        self._source.stream_clock = self._clock
        return early

    def _early_stamps(self, early: list[Arrival]) -> list[int | None]:
        """Returns the stamps of the first packets; FFmpeg leaves them out before the first RTCP report."""
        stamps = [self._stamp_ns(p) for p, _ in early]
        for place in range(len(stamps) - 2, -1, -1):
            following = stamps[place + 1]
            if stamps[place] is None and following is not None:
                stamps[place] = following - self._source.step_ns
        return stamps

    def _usual_step(self) -> int:
        rate = self._stream.average_rate or self._stream.guessed_rate
        if rate:
            self._source.step_ns = max(NS_PER_S // 120, min(NS_PER_S, round(NS_PER_S / rate)))
        return self._source.step_ns

    def _stamp_ns(self, packet: Packet[VideoStream]) -> int | None:
        if packet.pts is None or self._container.format.name in TIMELESS:
            return None
        base = self._stream.time_base
        return None if base is None else packet.pts * base.numerator * NS_PER_S // base.denominator

    def _take(self, packet: Packet[VideoStream], stamp_ns: int | None, received: int) -> None:
        session, tally = self._session, self._source.tally
        t_ns, has_jumped = self._clock.time_of(stamp_ns, received - session.mono_ns)
        tally.received += 1
        tally.jumps += has_jumped
        self._is_after_gap |= has_jumped
        self._read_camera_clock(packet, stamp_ns, t_ns)
        if t_ns == self._taken_ns:  # FFmpeg stamps the picture before an RTSP key frame like the key frame itself
            t_ns += self._source.step_ns // NUDGE
        self._taken_ns = t_ns
        kept = LivePacket(t_ns=max(0, t_ns), data=bytes(packet), is_key=packet.is_keyframe)
        session.ring.append(kept)
        if self._source.recorder is not None:
            self._source.recorder.take(session, kept)
        session.end_ns = max(session.end_ns, kept.t_ns)
        is_wanted, mode = self._watcher.packet(kept), self._source.mode
        if mode is Mode.ALL:
            if self._was_keys:
                self._catch_up()
            self._decode(kept)
        else:
            self._pass_over(kept, mode, is_wanted=is_wanted and mode is Mode.KEYS)

    def _pass_over(self, kept: LivePacket, mode: Mode, *, is_wanted: bool) -> None:
        """Keeps a packet undecoded; the watcher may ask for it after all."""
        self._was_keys = True
        if kept.is_key:
            frame = self._scouted(kept) if mode is Mode.KEYS and not is_wanted else None
            is_wanted |= frame is not None and self._watcher.scouted(frame)
            if not is_wanted:
                self._forget()
                self._last_ns = kept.t_ns if frame is not None else self._last_ns
        elif self._pending and kept.t_ns - self._pending[0].t_ns > LONGEST_GROUP_NS:
            self._forget()
        self._pending.append(kept)
        if is_wanted:
            self._source.mode = Mode.ALL
            self._catch_up()

    def _forget(self) -> None:
        self._source.tally.passed += len(self._pending)
        self._pending.clear()

    def _catch_up(self) -> None:
        """Decodes everything since the last key frame passed over, so that nothing in between is missed."""
        waiting, self._pending = self._pending, []
        self._was_keys = False
        keys = [i for i, p in enumerate(waiting) if p.is_key]
        self._source.tally.passed += keys[0] if keys else len(waiting)
        if keys:
            self._decoder.flush()
            for packet in waiting[keys[0] :]:
                self._decode(packet)

    def _scouted(self, kept: LivePacket) -> Frame | None:
        self._scout.flush()
        with suppress(FFmpegError):
            pairs = self._scout.decode(kept) + self._scout.drain()
            if pairs:
                return self._frame(kept.t_ns, pairs[0][1], is_after_gap=False)
        return None

    def _decode(self, kept: LivePacket) -> None:
        tally = self._source.tally
        try:
            pairs = self._decoder.decode(kept)
        except FFmpegError:
            tally.damaged += 1
            return
        tally.damaged += self._decoder.silent()
        for packet, frame in pairs:
            packet.is_key &= bool(frame.key_frame)
            self._show(packet.t_ns, frame)

    def _show(self, t_ns: int, frame: VideoFrame) -> None:
        if (frame.width, frame.height) != self._size:
            raise Reopen(SIZE_CHANGED)
        tally, last = self._source.tally, self._last_ns
        if last is not None and t_ns < last:
            tally.damaged += 1
            return
        tally.decoded += 1
        if t_ns == last:  # the key frame scouted before a catch-up
            return
        if last is not None and t_ns - last > HOLE_STEPS * self._source.step_ns and not self._was_keys:
            tally.lost += round((t_ns - last) / self._source.step_ns) - 1
        is_after_gap = self._is_after_gap or (last is not None and t_ns - last > GAP_NS)
        self._last_ns, self._is_after_gap = t_ns, False
        self._watcher.frame(self._frame(t_ns, frame, is_after_gap=is_after_gap))

    def _frame(self, t_ns: int, frame: VideoFrame, *, is_after_gap: bool) -> Frame:
        converter = self._source.converter
        return Frame(frame, converter, pts_ns=t_ns, is_after_gap=is_after_gap)

    def _read_camera_clock(self, packet: Packet[VideoStream], stamp_ns: int | None, t_ns: int) -> None:
        """Compares the camera's own time of a picture with ours: the world's, or that since a file's start."""
        source, session = self._source, self._session
        here_ns = session.mono_ns + t_ns
        if source.is_file:
            source.ahead_ns = None if stamp_ns is None else stamp_ns - here_ns
        elif packet.is_keyframe and packet.has_sidedata("prft"):
            camera_us = int.from_bytes(bytes(packet.get_sidedata("prft"))[:8], "little", signed=True)
            source.ahead_ns = camera_us * 1000 - here_ns
            source.camera_offset_s = camera_us / 1e6 - session.start_utc.timestamp() - t_ns / NS_PER_S
