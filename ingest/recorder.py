"""Continuous recording of one camera: its packets as they come, in files of ten minutes, the oldest deleted in time.

Nothing is decoded or encoded. A thread of its own writes; a disk that is slow or refuses costs the recording, counted
and said, never the camera or its evidence. Matroska: a file that was cut short by a crash still plays.
"""

from __future__ import annotations

import queue
import shutil
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from core import log
from core.source import Recording
from core.time import NS_PER_S
from ingest.coded import template

if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from ingest.live_session import LiveSession
    from ingest.ring import LivePacket

SEGMENT_S = 600.0
MOST_WAITING = 500
"""Packets that may wait for the disk: 20 s of 25 pictures."""
FREE_BYTES = 2 << 30
"""Left free for evidence and the database: recordings make way, then stop."""
PAUSE_S = 10.0
"""After the disk refused."""
BASE = Fraction(1, 1000)
MS = NS_PER_S // 1000
POLL_S = 0.2

logger = log.get(__name__)


@dataclass(slots=True, kw_only=True)
class Tape:
    """One file being written; times are its session's."""

    session: LiveSession
    start_ns: int
    until_ns: int
    stack: ExitStack
    output: av.container.OutputContainer
    stream: VideoStream
    count: int = 0

    def write(self, packet: LivePacket) -> None:
        """Appends a packet; Matroska keeps when it is shown, not when it is decoded, which only has to grow."""
        coded = av.Packet(packet.data)
        coded.stream, coded.time_base = self.stream, BASE
        coded.pts, coded.dts = (packet.t_ns - self.start_ns) // MS, self.count - 1
        coded.is_keyframe = packet.is_key
        self.output.mux_one(coded)
        self.count += 1


class Recorder(threading.Thread):
    """Of one camera. ``take`` returns at once; ``segment_s`` is another than the usual in tests."""

    def __init__(self, folder: Path, recording: Recording, *, segment_s: float = SEGMENT_S) -> None:
        super().__init__(name=f"tape-{folder.name}"[:15], daemon=True)
        self._folder, self._recording, self._segment_ns = folder, recording, int(segment_s * NS_PER_S)
        self._waiting: queue.Queue[tuple[LiveSession, LivePacket]] = queue.Queue(MOST_WAITING)
        self._halt = threading.Event()
        self._tape: Tape | None = None
        self._again_s = 0.0
        self.dropped = 0
        """Packets not recorded: the disk was too slow, or refused."""
        self.refusal = ""
        """Why nothing is recorded at present."""

    def take(self, session: LiveSession, packet: LivePacket) -> None:
        """Takes the next packet in decode order; gives it up where the disk cannot follow."""
        try:
            self._waiting.put_nowait((session, packet))
        except queue.Full:
            self.dropped += 1

    def stop(self) -> None:
        """Writes what waits and ends."""
        self._halt.set()
        self.join(timeout=5)

    def run(self) -> None:
        """Writes until stopped."""
        while not (self._halt.is_set() and self._waiting.empty()):
            try:
                session, packet = self._waiting.get(timeout=POLL_S)
            except queue.Empty:
                continue
            try:
                self._record(session, packet)
            except (OSError, FFmpegError, ValueError) as error:
                self._refused(error)
        self._close()

    def files(self) -> list[Path]:
        """Returns the recordings kept, oldest first: their names begin with the time."""
        return sorted(self._folder.glob("*.mkv"))

    def kept(self) -> dict[str, float]:
        """Returns how much is kept, and how many packets are not in it."""
        sizes = []
        for path in self.files():
            with suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        return {"files": len(sizes), "mb": round(sum(sizes) / 1e6, 1), "dropped": self.dropped}

    def _record(self, session: LiveSession, packet: LivePacket) -> None:
        tape = self._tape
        is_over = tape is None or tape.session is not session or packet.t_ns >= tape.until_ns
        if packet.is_key and (is_over or self._is_nearly_full()) and time.monotonic() >= self._again_s:
            self._close()
            tape = self._tape = self._open(session, packet)
        if tape is None or tape.session is not session:
            self.dropped += 1
        elif packet.t_ns >= tape.start_ns:  # what is shown before the first key frame cannot be decoded
            tape.write(packet)

    def _open(self, session: LiveSession, first: LivePacket) -> Tape:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._make_room()
        begins = (session.start_utc + timedelta(microseconds=first.t_ns // 1000)).astimezone(UTC)
        path = self._folder / f"{begins:%Y%m%dT%H%M%S.%f}Z.mkv"
        path.touch(mode=0o600)
        stack = ExitStack()
        try:
            described = stack.enter_context(template(session.coding, first.data))
            output = stack.enter_context(av.open(str(path), "w", format="matroska"))
            stream: VideoStream = output.add_stream_from_template(described.streams.video[0])
        except (OSError, FFmpegError, ValueError):
            stack.close()
            raise
        stream.time_base = BASE
        self.refusal = ""
        return Tape(
            session=session,
            start_ns=first.t_ns,
            until_ns=first.t_ns + self._segment_ns,
            stack=stack,
            output=output,
            stream=stream,
        )

    def _make_room(self) -> None:
        """Deletes what is too old or too much, and more while the disk is nearly full.

        Raises:
            OSError: it is still nearly full.
        """
        kept = self.files()
        sizes = [path.stat().st_size for path in kept]
        oldest_s = time.time() - self._recording.days * 86400
        while kept and (
            sum(sizes) > self._recording.gigabytes * 1e9 or kept[0].stat().st_mtime < oldest_s or self._is_nearly_full()
        ):
            kept.pop(0).unlink(missing_ok=True)
            sizes.pop(0)
        if self._is_nearly_full():
            raise OSError(f"less than {FREE_BYTES >> 30} GB free")

    def _is_nearly_full(self) -> bool:
        return shutil.disk_usage(self._folder).free < FREE_BYTES

    def _close(self) -> None:
        tape, self._tape = self._tape, None
        if tape is not None:
            try:
                tape.stack.close()
            except (OSError, FFmpegError) as error:
                self._refused(error)

    def _refused(self, error: Exception) -> None:
        self.dropped += 1
        self._again_s = time.monotonic() + PAUSE_S
        if not self.refusal:
            logger.warning("not_recorded", folder=self._folder.name, reason=str(error))
        self.refusal = getattr(error, "strerror", None) or str(error)
        self._close()
