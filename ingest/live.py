"""One live camera: connects, reads, keeps packets, decodes what is wanted, and connects again whatever happens.

RTSP, HTTP, or a file played at its own speed. Everything runs in the camera's own thread with one decoder thread.
What is seen goes to a ``Watcher``. Nothing a camera does ends the thread; only ``stop`` does, or a file's end.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import ExitError, FFmpegError

from core import log
from core.errors import LukouError
from core.source import Source, address, shown
from core.time import NS_PER_S, Clock, SystemClock
from ingest.clock import StreamClock
from ingest.coded import Coding
from ingest.connection import NEW_SESSION, SIZE_CHANGED, Connection, Reopen
from ingest.frame import Converter
from ingest.live_session import LiveSession, Mode, Tally, Watcher
from ingest.recorder import Recorder
from ingest.ring import PacketRing

if TYPE_CHECKING:
    from av.container import InputContainer

OPEN_S = 10.0
BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STEADY_S = 10.0
"""A connection that held this long starts the back-off anew."""
ENDED = "ended"
AT_ONCE = frozenset({SIZE_CHANGED, NEW_SESSION})
"""Reasons that need no waiting before the next connection."""

logger = log.get(__name__)


class LiveSource(threading.Thread):
    """The thread of one address. ``mode`` may be set by anybody at any time."""

    def __init__(
        self,
        camera_id: str,
        source: Source,
        watcher: Watcher,
        *,
        spool: Path | None = None,
        clock: Clock | None = None,
        is_paced: bool = True,
    ) -> None:
        super().__init__(name=f"live-{camera_id}"[:15], daemon=True)
        self.mode = Mode.ALL
        self.tally = Tally()
        self.last_packet_ns = 0
        """Monotonic time of the last packet."""
        self.camera_offset_s: float | None = None
        """What the camera's RTCP reports say of its clock, minus this machine's."""
        self.ahead_ns: int | None = None
        """The camera's own time of a picture minus the time given to it here: its delay, but for a constant."""
        self.stream_clock: StreamClock | None = None
        self.step_ns = NS_PER_S // 25
        """Usual time between two pictures."""
        self.is_finished = False
        self.camera_id, self.watcher, self._source = camera_id, watcher, source
        self.is_paced = is_paced
        """False: a file is read as fast as its pictures are taken, on its own time."""
        self._spool, self._clock = spool, clock or SystemClock()
        self.recorder: Recorder | None = None
        self.halt = threading.Event()
        self._session: LiveSession | None = None
        self.converter = Converter()

    def stop(self) -> None:
        """Asks the thread to end; it does within ``stall_s``."""
        self.halt.set()

    def run(self) -> None:
        """Connects and reads until stopped."""
        failures = 0
        while not self.halt.is_set():
            began = time.monotonic()
            reason = self._connect_and_read()
            if self.halt.is_set() or (reason == ENDED and self._ends()):
                break
            self.watcher.lost(reason)
            logger.warning("source_lost", camera_id=self.camera_id, url=shown(self._source.url), reason=reason)
            if reason in AT_ONCE:
                continue
            failures = 0 if time.monotonic() - began > STEADY_S else min(failures + 1, len(BACK_OFF_S) - 1)
            self.halt.wait(0.0 if self.is_file and reason == ENDED else BACK_OFF_S[failures])
        self.watcher.lost("stopped")
        self.is_finished = True

    @property
    def is_file(self) -> bool:
        """Tells whether pictures come from a file, to be held back to its own pace."""
        return "://" not in self._source.url

    def _ends(self) -> bool:
        return self.is_file and not self._source.is_looped

    def _connect_and_read(self) -> str:
        """Returns why the connection ended; a fault here costs this connection, never the camera."""
        try:
            with self._open() as container:
                Connection(self, container).read()
        except Reopen as why:
            return str(why)
        except ExitError:
            return f"no picture for {self._source.stall_s:g} s"
        except (FFmpegError, LukouError, OSError) as error:
            return getattr(error, "message", None) or getattr(error, "strerror", None) or type(error).__name__
        except Exception as error:
            logger.exception("source_failed", camera_id=self.camera_id)
            return f"fault: {type(error).__name__}"
        return ENDED

    def _open(self) -> InputContainer:
        url = address(self._source.url)
        options: dict[str, str] = {"rtsp_transport": self._source.transport} if url.startswith("rtsp") else {}
        return av.open(url, "r", options=options, timeout=(OPEN_S, self._source.stall_s))

    def session_for(self, coding: Coding) -> LiveSession:
        """Returns the session pictures of this coding belong to."""
        if self._session is None or not self._session.fits(coding):
            spool = None if self._spool is None else self._spool / str(time.time_ns())
            ring = PacketRing(span_s=self._source.evidence_s, spool=spool)
            self._session = LiveSession(self.camera_id, coding, ring, self._clock)
        return self._session
