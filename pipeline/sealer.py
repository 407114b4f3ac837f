"""Sealing in the background: evidence and run records wait here while the disk or the database refuses.

One thread, so packages enter the chain one after another. What a store refuses is tried again until it is taken;
only what can never be made (pictures that were not received) is given up, counted and logged.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.records import RunRecord
from core import log
from core.errors import LukouError, StoreError
from core.site import Site
from ingest.excerpt import Excerpt
from pipeline.filing import file_finding
from pipeline.judge import Finding
from pipeline.package import case_id

if TYPE_CHECKING:
    from pipeline.process import Workbench

MOST_WAITING = 1000
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
WAIT_S = 0.5

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One finding with the pictures it rests on; ``ended_s`` is the monotonic time of its last moment."""

    finding: Finding
    excerpt: Excerpt
    site: Site
    ended_s: float


class Sealer(threading.Thread):
    """Takes jobs from any thread."""

    def __init__(self, bench: Workbench, on_case: Callable[[Job, str], None] | None = None) -> None:
        super().__init__(name="seal", daemon=True)
        self._bench, self._on_case = bench, on_case
        self._jobs: queue.Queue[Job] = queue.Queue(maxsize=MOST_WAITING)
        self._records: dict[str, RunRecord] = {}
        self._lock = threading.Lock()
        self._halt = threading.Event()
        self._in_hand = 0
        self._refusals = 0
        self.sealed = 0
        self.retries = 0
        self.given_up = 0
        self.refusal = ""
        """Why the store refuses at present."""
        self.latencies_s: deque[float] = deque(maxlen=1000)
        """Seconds from an offence's last moment to its case in the queue."""

    @property
    def waiting(self) -> int:
        """Cases not in the queue of the console yet."""
        return self._jobs.qsize() + self._in_hand

    def add(self, job: Job) -> None:
        """Takes a finding; a full queue gives it up, counted: a thousand cases nobody can seal are an emergency."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self.given_up += 1
            logger.error("case_lost", rule=job.finding.candidate.violation_id, reason="queue is full")  # noqa: TRY400

    def note(self, record: RunRecord) -> None:
        """Takes what is known of a run; of one session only the newest is kept."""
        with self._lock:
            self._records[record.session_id] = record

    def stop(self, timeout_s: float = 30.0) -> int:
        """Seals what waits, for at most ``timeout_s``; returns how many cases are left."""
        end = time.monotonic() + timeout_s
        while (self.waiting or self._records) and time.monotonic() < end and self.is_alive():
            time.sleep(0.02)
        self._halt.set()
        self.join(timeout=5)
        if self.waiting:
            logger.error("cases_left", count=self.waiting, reason=self.refusal)
        return self.waiting

    def run(self) -> None:
        """Works until stopped."""
        while not self._halt.is_set():
            try:
                self._save_records()
            except Exception:
                logger.exception("records_not_saved")
            try:
                job = self._jobs.get(timeout=WAIT_S)
            except queue.Empty:
                continue
            self._in_hand = 1
            try:
                self._file(job)
            except Exception:
                logger.exception("sealer_failed")
            if not self._halt.is_set():
                self._in_hand = 0

    def _file(self, job: Job) -> None:
        candidate = job.finding.candidate
        while not self._halt.is_set():
            try:
                is_new = file_finding(job.finding, job.excerpt, job.site, self._bench)
            except (StoreError, OSError) as error:
                self._wait_out(error)
            except LukouError as error:
                self.given_up += 1
                logger.exception("case_lost", rule=candidate.violation_id, reason=error.message)
                return
            except Exception as error:
                self.given_up += 1
                logger.exception("case_lost", rule=candidate.violation_id, reason=type(error).__name__)
                return
            else:
                self._refusals, self.refusal = 0, ""
                self.sealed += is_new
                self.latencies_s.append(time.monotonic() - job.ended_s)
                if is_new and self._on_case is not None:
                    self._on_case(job, case_id(job.excerpt, candidate))
                return

    def _save_records(self) -> None:
        with self._lock:
            records, self._records = self._records, {}
        for session_id, record in records.items():
            try:
                self._bench.cases.save_run(record)
            except (StoreError, OSError) as error:
                with self._lock:
                    self._records.setdefault(session_id, record)
                self._wait_out(error)
                return

    def _wait_out(self, error: Exception) -> None:
        self.refusal = getattr(error, "message", None) or getattr(error, "strerror", None) or type(error).__name__
        wait_s = BACK_OFF_S[min(self._refusals, len(BACK_OFF_S) - 1)]
        if self._refusals == 0:
            logger.error("store_refused", reason=self.refusal)
        self._refusals += 1
        self.retries += 1
        self._halt.wait(wait_s)
