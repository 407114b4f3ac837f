"""One live camera: its pictures to the batcher, what the network saw to tracker and rules, findings to the sealer.

Two threads: the source's (reading, decoding, choosing, scaling) and the judge's (in time order, after the network).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import log
from core.observations import SignalState
from core.site import Site
from core.source import Source, shown
from core.time import NS_PER_S
from ingest.clock import ClockHealth
from ingest.controller import SignalFeed
from ingest.frame import Frame
from ingest.live import LiveSource
from ingest.live_session import LiveSession, Mode
from ingest.pair import MainStream, SubStream
from ingest.recorder import Recorder
from ingest.ring import LivePacket
from pipeline.account import OVERLOAD, Account, Watch
from pipeline.batcher import Batcher, Look
from pipeline.economy import Economy, Switches
from pipeline.judging import Judging
from pipeline.lamps import Lamps
from pipeline.live_journal import LiveJournal
from pipeline.long_watch import LongWatch, watch_days
from pipeline.need import FASTER, Need
from pipeline.sealer import Sealer

if TYPE_CHECKING:
    from pipeline.process import Workbench

CATCHING_UP_NS = NS_PER_S
"""Pictures older than this come from a catch-up: they wait for the network instead of displacing each other."""
PATIENCE_S = 2.0
ENDLESS_S = 3600.0
POLL_S = 0.2
SUB_EVIDENCE_S = 5.0
"""Of a small stream nothing is cut: it is kept only as long as a group of pictures may be."""
RECORD_S = 60.0
STOP_S = 10.0
SILENT_S = 2.5
"""A camera lost or left out for this long has no tracks to go on with: they are judged as they are."""

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Where cameras put their pictures and findings."""

    batcher: Batcher
    sealer: Sealer
    switches: Switches
    is_paced: bool = True
    feed: SignalFeed | None = None


class Camera:
    """Watches one source; ``health`` is set from outside."""

    def __init__(self, site: Site, source: Source, bench: Workbench, post: Post) -> None:
        self.site, self.source = site, source
        self.camera_id = site.camera.camera_id
        self.account = Account()
        self.health = ClockHealth(is_trusted=True, error_s=None, why="not checked yet")
        self.state, self.reason = "connecting", ""
        self.watch: Watch | None = None
        self.is_shed = False
        self._bench, self._post = bench, post
        self._seat = post.batcher.seat(self.camera_id, self._late)
        self._economy = Economy(post.switches, source.clocks_px)
        self._halt = threading.Event()
        self._need: Need | None = None
        self._next_ns = 0
        self._still_ns = 0
        self._is_gap_pending = False
        self._is_at_rest = True
        self._was_lost = False
        self.main: LiveSource | None = None
        """The stream evidence is cut from where another is looked at."""
        self.live = self._connected(source)
        self.recorder: Recorder | None = None
        if source.record is not None:
            self.recorder = Recorder(bench.settings.home / "recordings" / self.camera_id, source.record)
            self.streams[0].recorder = self.recorder
        self._thread = threading.Thread(target=self._judge_all, name=f"judge-{self.camera_id}"[:15], daemon=True)

    def _connected(self, source: Source) -> LiveSource:
        """Returns the stream that is looked at: the camera's only one, or the small one beside ``main``."""
        bench, post = self._bench, self._post
        spool = bench.settings.home / "spool" / self.camera_id
        if source.substream is None:
            return LiveSource(self.camera_id, source, self, spool=spool, clock=bench.clock, is_paced=post.is_paced)
        kept = MainStream()
        pair = SubStream(self, kept)
        small = source.model_copy(update={"url": source.substream, "evidence_s": SUB_EVIDENCE_S})
        self.main = LiveSource(self.camera_id, source, kept, spool=spool, clock=bench.clock, is_paced=post.is_paced)
        self.main.mode = Mode.NONE
        live = LiveSource(self.camera_id, small, pair, clock=bench.clock, is_paced=post.is_paced)
        pair.main_source, pair.sub_source = self.main, live
        return live

    @property
    def streams(self) -> tuple[LiveSource, ...]:
        """The connections of this camera."""
        return (self.live,) if self.main is None else (self.main, self.live)

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()
        if self.recorder is not None:
            self.recorder.start()
        for stream in self.streams:
            stream.start()

    def halt(self) -> None:
        """Asks the connections to end; they do within ``stall_s``."""
        for stream in self.streams:
            stream.stop()

    def stop(self) -> None:
        """Stops reading, judges what is still in hand and hands over the findings."""
        self.halt()
        for stream in self.streams:
            stream.join(timeout=self.source.stall_s + STOP_S)
        if self.recorder is not None:
            self.recorder.stop()
        self._halt.set()
        self._thread.join(timeout=STOP_S)

    @property
    def is_finished(self) -> bool:
        """Tells whether the source ended and everything seen was judged: only files end."""
        return self.live.is_finished and self._is_at_rest and not self._seat.results and not self._seat.waiting

    def shed(self, *, is_shed: bool) -> None:
        """Leaves the camera out, or takes it back; its packets are kept for evidence all the time."""
        self.is_shed = is_shed
        if is_shed:
            self._blame(OVERLOAD)
            self.account.shed += self._post.batcher.clear(self._seat)
        self.live.mode = Mode.NONE if is_shed else Mode.ALL
        logger.error("camera_shed" if is_shed else "camera_restored", camera_id=self.camera_id)

    # --- the source's thread ----------------------------------------------------------------------------------

    def opened(self, session: LiveSession) -> None:
        """Takes a session up, or goes on with it.

        Raises:
            ConfigError: the site was drawn on another shape of picture.
        """
        self._is_gap_pending = True
        if self.watch is None or session is not self.watch.session:
            site = self.site.scaled_to(session.coding.width_px, session.coding.height_px)
            self._report(is_finished=True)
            lamps = Lamps(site, self._bench.lamps, feed=self._post.feed, start_utc=session.start_utc)
            self.watch = Watch(session, site, lamps, self.account, self.live.tally)
            self._need = Need(site)
            self._next_ns = self._still_ns = 0
        self.state, self.reason = "live", ""

    def packet(self, packet: LivePacket) -> bool:
        """Learns from every packet; asks for decoding when one is too large for a still picture."""
        self._economy.note(packet)
        if self.live.mode is not Mode.KEYS:
            return False
        self._passed_by(packet.t_ns)
        return self._economy.is_stirred(packet)

    def scouted(self, frame: Frame) -> bool:
        """Looks at a key frame while resting; asks for everything up to it, and for it again, when it changed."""
        watch = self.watch
        if watch is None:
            return True
        lamps = watch.lamps.seen(frame)
        is_wanted = self._economy.wants(frame, lamps)
        if self._economy.is_moving(frame.pts_ns):
            return True
        self.account.handed += 1
        self._send(frame, lamps, watch, is_wanted=is_wanted)
        return False

    def frame(self, frame: Frame) -> None:
        """Chooses among the decoded pictures."""
        self.account.handed += 1
        self._is_gap_pending |= frame.is_after_gap
        if self.is_shed:
            self.account.shed += 1
        elif self.state != "live" or not self._is_due(frame.pts_ns):
            self.account.skipped += 1
        else:
            self._look(frame)
            if self._economy.may_rest(frame.pts_ns):
                self.live.mode = Mode.KEYS

    def lost(self, reason: str) -> None:
        """Notes why there are no pictures."""
        self._was_lost = self.state == "lost"
        self.state, self.reason = "stopped" if reason == "stopped" else "lost", reason
        self._blame(reason)

    def _is_due(self, now: int) -> bool:
        """Tells whether a picture begins a new slot at the wanted rate; jitter of half a picture does not matter."""
        step = self.live.step_ns
        if now < self._next_ns - step // 2:
            return False
        hz = self._bench.settings.detect_hz * (FASTER if self._is_rush(now) else 1.0)
        stride = max(1, int(NS_PER_S / step / hz + 0.01))
        self._next_ns = max(self._next_ns, now - step) + stride * step
        return True

    def _is_rush(self, now: int) -> bool:
        post, need = self._post, self._need
        return (
            post.switches.rush and post.is_paced and need is not None and need.is_urgent(now) and post.batcher.has_room
        )

    def _look(self, frame: Frame) -> None:
        watch = self.watch
        if watch is None:
            self.account.skipped += 1
            return
        lamps = watch.lamps.seen(frame)
        if self._need is not None:
            self._need.read(lamps, frame.pts_ns)
        self._send(frame, lamps, watch, is_wanted=self._economy.wants(frame, lamps))

    def _send(self, frame: Frame, lamps: Mapping[str, SignalState], watch: Watch, *, is_wanted: bool) -> None:
        if not is_wanted:
            self.account.gated += 1
            self._passed_by(frame.pts_ns)
            return
        picture = frame.picture(self._picture_px(frame))
        look = Look(
            picture=picture, lamps=lamps, is_after_gap=self._is_gap_pending, watch=watch, still_until_ns=self._still_ns
        )
        self._is_gap_pending = False
        self._post.batcher.offer(self._seat, look, may_wait_s=self._patience_s(watch, frame.pts_ns))

    def _picture_px(self, frame: Frame) -> tuple[int, int]:
        """Returns the size the network gets; a small stream was chosen to save, so it is not enlarged."""
        size = self._bench.detector.picture_size(*frame.size_px)
        return size if self.main is None else min(size, frame.own_px)

    def _patience_s(self, watch: Watch, now: int) -> float:
        if not self._post.is_paced:
            return ENDLESS_S
        return PATIENCE_S if watch.session.now_ns() - now > CATCHING_UP_NS else 0.0

    def _passed_by(self, t_ns: int) -> None:
        """Notes a picture in which nothing moved; while looks are on their way, those tell what was seen."""
        self._still_ns = t_ns
        if self.watch is not None and not self._seat.waiting and not self._seat.results:
            self.watch.seen(t_ns)

    def _late(self, count: int) -> None:
        self.account.late += count
        self._blame(OVERLOAD)

    def _blame(self, reason: str) -> None:
        if self.watch is not None:
            self.watch.blame(reason)

    # --- the judge's thread -----------------------------------------------------------------------------------

    def _silence_s(self) -> float:
        return (time.monotonic_ns() - min(stream.last_packet_ns for stream in self.streams)) / NS_PER_S

    def _is_out_of_sight(self) -> bool:
        """Tells whether nothing was seen for so long that what was in sight is gone: lost, or left out."""
        watch = self.watch
        if self.is_shed:
            return watch is not None and watch.age_s() > SILENT_S
        return self.state != "live" and self._silence_s() > SILENT_S

    def _judge_all(self) -> None:
        judging = Judging(self.account, self._post.sealer, lambda: self.health, self._journal, self._days)
        seat, recorded = self._seat, time.monotonic()
        while not (self._halt.is_set() and not seat.results and not seat.waiting):
            seat.has_results.wait(timeout=POLL_S)
            seat.has_results.clear()
            try:
                self._judge_some(judging)
            except Exception:
                self.account.faults += 1
                logger.exception("judge_failed", camera_id=self.camera_id)
            self._is_at_rest = judging.is_resting
            if time.monotonic() - recorded > RECORD_S:
                recorded = time.monotonic()
                self._report(is_finished=False)
        judging.finish()
        if self.watch is not None:
            self.watch.close(is_lost=self._was_lost)
        self._report(is_finished=True)

    def _days(self, watch: Watch) -> LongWatch | None:
        session = watch.session
        return watch_days(watch.site, session.start_utc, lambda pts: session.excerpt(pts, pts), self._bench)

    def _journal(self, watch: Watch) -> LiveJournal:
        return LiveJournal(watch, self.account, self._bench.settings, self._bench.detector.model.weights.sha256)

    def _judge_some(self, judging: Judging) -> None:
        """Judges what the network has seen since."""
        while self._seat.results:
            look, found = self._seat.results[0]
            try:
                judging.take(look, found)
                if look.watch is self.watch and self._need is not None and not found.exception():
                    self._need.saw(found.result())
            finally:
                self._seat.results.popleft()
                self._post.batcher.took()
        judging.hand_over()
        if self._is_out_of_sight():
            judging.rest()

    def _report(self, *, is_finished: bool) -> None:
        watch = self.watch
        if watch is not None:
            finished = self._bench.clock.now_utc() if is_finished else None
            self._post.sealer.note(watch.record(files=(shown(self.source.url),), finished_utc=finished))
