"""All cameras of one machine: one batcher, one sealer, a thread pair each, watched over once a second."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core import log
from core.errors import ConfigError
from core.memory import give_back, read_memory, stay_small
from core.site import Site
from core.source import shown
from core.status import write_status
from ingest.clock import WARN_ERROR_S, ClockHealth, check_clock, kernel_error_s
from ingest.controller import SignalFeed
from pipeline.batcher import Batcher
from pipeline.camera import Camera, Post
from pipeline.economy import Switches
from pipeline.live_journal import forget_old
from pipeline.sealer import Job, Sealer
from pipeline.shedding import Shedding

if TYPE_CHECKING:
    from pipeline.process import Workbench

TICK_S = 1.0
CLOCK_EVERY_S = 10.0
TRIM_EVERY_S = 10.0

logger = log.get(__name__)


class Cameras:
    """Runs the cameras of these sites; ``start``, then ``wait``, then ``stop``.

    ``is_paced`` False reads files as fast as their pictures can be looked at, waiting instead of leaving any out.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        bench: Workbench,
        *,
        switches: Switches | None = None,
        is_paced: bool = True,
        on_case: Callable[[Job, str], None] | None = None,
        feed: SignalFeed | None = None,
    ) -> None:
        check_sites(sites)
        self._bench = bench
        self.batcher = Batcher(bench.detector)
        self.sealer = Sealer(bench, self._found)
        self._on_case = on_case
        post = Post(
            batcher=self.batcher,
            sealer=self.sealer,
            switches=switches or Switches(),
            is_paced=is_paced,
            feed=feed,
        )
        self._is_paced, self._feed = is_paced, feed
        self.cameras = [Camera(site, site.source, bench, post) for site in sites if site.source is not None]
        self._by_id = {camera.camera_id: camera for camera in self.cameras}
        self._shedding = Shedding()
        self._halt = threading.Event()
        self._watchman = threading.Thread(target=self._watch_over, name="watchman", daemon=True)
        self._busy = (0.0, 0.0)
        self._began = time.monotonic()

    def start(self) -> None:
        """Begins: recovers the evidence store, then watches."""
        stay_small()
        shutil.rmtree(self._bench.settings.home / "spool", ignore_errors=True)
        forget_old(self._bench.settings.checkpoint_dir)
        self._bench.vault.recover()
        self._check_clocks()
        self.sealer.start()
        self.batcher.start()
        for camera in self.cameras:
            camera.start()
        self._watchman.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Returns True once every source has ended (only files do), False after ``timeout_s``."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while not all(camera.is_finished for camera in self.cameras):
            if end is not None and time.monotonic() > end:
                return False
            if self._halt.wait(0.1):
                return False
        return True

    def stop(self) -> int:
        """Stops, judges and seals what is in hand; returns how many cases could not be sealed in time."""
        for camera in self.cameras:
            camera.halt()
        for camera in self.cameras:
            camera.stop()
        self._halt.set()
        if self._watchman.is_alive():
            self._watchman.join(timeout=5)
        self.batcher.stop()
        left = self.sealer.stop()
        self._write()
        return left

    def status(self) -> dict[str, Any]:
        """Returns everything ``lukou top`` and the metrics show."""
        waited = sorted(self.sealer.latencies_s)
        return {
            "up_s": round(time.monotonic() - self._began, 1),
            "cameras": [_camera_status(camera) for camera in self.cameras],
            "network": {
                "looks": self.batcher.looks,
                "failures": self.batcher.failures,
                "busy_share": round(self._busy[1], 3),
            },
            "sealing": {
                "waiting": self.sealer.waiting,
                "sealed": self.sealer.sealed,
                "retries": self.sealer.retries,
                "given_up": self.sealer.given_up,
                "refusal": self.sealer.refusal,
                "p95_s": round(waited[int(0.95 * (len(waited) - 1))], 2) if waited else None,
            },
            "memory": read_memory(),
            "signal_feed": dict(self._feed.counts) if self._feed else {},
            "alerts": self._alerts(),
        }

    def _alerts(self) -> list[str]:
        alerts = [f"{c.camera_id}: left out, the machine is overloaded" for c in self.cameras if c.is_shed]
        alerts += [f"{c.camera_id}: {c.reason}" for c in self.cameras if c.state == "lost"]
        alerts += [f"{c.camera_id}: no penalty cases, {c.health.why}" for c in self.cameras if not c.health.is_trusted]
        alerts += [f"{c.camera_id}: not recorded, {r.refusal}" for c in self.cameras if (r := c.recorder) and r.refusal]
        if self.sealer.refusal:
            alerts.append(f"cases wait: {self.sealer.refusal}")
        if self.sealer.given_up:
            alerts.append(f"{self.sealer.given_up} cases could not be sealed, see the log")
        return alerts

    def _watch_over(self) -> None:
        clock_s = trim_s = time.monotonic()
        while not self._halt.wait(TICK_S):
            now = time.monotonic()
            try:
                self.tick(now)
                if now - clock_s > CLOCK_EVERY_S:
                    clock_s = now
                    self._check_clocks()
                if now - trim_s > TRIM_EVERY_S:
                    trim_s = now
                    give_back()
                self._write()
            except Exception:
                logger.exception("watchman_failed")

    def tick(self, now: float) -> None:
        """Notes this second's counters and leaves cameras out, or takes them back, as the load demands."""
        busy = self.batcher.busy_s
        self._busy = (busy, (busy - self._busy[0]) / TICK_S)
        for camera in self.cameras:
            camera.account.note(now)
        if self._is_paced:
            self._shedding.check(self.cameras, now)

    def _write(self) -> None:
        try:
            write_status(self._bench.settings.home, self.status(), self._bench.clock)
        except OSError as error:
            logger.warning("status_not_written", reason=error.strerror)

    def _check_clocks(self) -> None:
        is_vouched = self._bench.settings.clock == "operator"
        machine_s = 0.0 if is_vouched else kernel_error_s()
        for camera in self.cameras:
            health = check_clock(machine_s, camera.live.camera_offset_s)
            if health.is_trusted != camera.health.is_trusted:
                event = "clock_trusted" if health.is_trusted else "clock_untrusted"
                logger.warning(event, camera_id=camera.camera_id, reason=health.why)
            elif health.error_s is not None and health.error_s > WARN_ERROR_S:
                logger.warning("clock_off", camera_id=camera.camera_id, error_s=round(health.error_s, 2))
            camera.health = replace(health)

    def _found(self, job: Job, case_id: str) -> None:
        self._by_id[job.site.camera.camera_id].account.cases += 1
        if self._on_case is not None:
            self._on_case(job, case_id)


def check_sites(sites: Sequence[Site]) -> None:
    """Refuses cameras that cannot be told apart or have no address.

    Raises:
        ConfigError: naming the first.
    """
    known: set[str] = set()
    for site in sites:
        camera_id = site.camera.camera_id
        if site.source is None:
            raise ConfigError(f"site '{site.site_id}' has no source; add source: {{url: rtsp://...}}")
        if camera_id in known:
            raise ConfigError(f"two sites name camera '{camera_id}'; give each its own camera_id")
        known.add(camera_id)


def _camera_status(camera: Camera) -> dict[str, Any]:
    tally, account, watch, live = camera.live.tally, camera.account, camera.watch, camera.live
    session = None if watch is None else watch.session
    clock = live.stream_clock
    return {
        "id": camera.camera_id,
        "url": shown(camera.source.url),
        "substream": shown(camera.source.substream) if camera.source.substream else None,
        "priority": camera.source.priority,
        "state": "left out" if camera.is_shed else camera.state,
        "reason": camera.reason,
        "decoding": live.mode.value,
        "session_id": session.session_id if session else None,
        "picture": [session.coding.width_px, session.coding.height_px] if session else None,
        "received": tally.received,
        "decoded": tally.decoded,
        "passed": tally.passed,
        "damaged": tally.damaged,
        "lost": tally.lost,
        "connects": tally.connects,
        "jumps": tally.jumps,
        **account.as_dict(),
        "waiting": account.waiting,
        "faults": account.faults,
        "cases": account.cases,
        "undecided": sum(sum(r.values()) for r in watch.undecided.values()) if watch else 0,
        "age_s": round(watch.age_s(), 2) if watch else None,
        "unseen_s": round(account.unseen_s, 1),
        "delay_s": round(clock.delay_ns / 1e9, 3) if clock else None,
        "drift_s": round(clock.drift_s, 3) if clock else None,
        "clock": _health(camera.health),
        "ring_bytes": session.ring.memory_bytes if session else 0,
        "ring_dropped": session.ring.dropped if session else 0,
        "recording": camera.recorder.kept() if camera.recorder else None,
    }


def _health(health: ClockHealth) -> Mapping[str, Any]:
    return {"is_trusted": health.is_trusted, "error_s": health.error_s, "why": health.why}
