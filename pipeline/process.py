"""Footage of one camera through the whole way: decode, detect, track, judge, seal, file as a case.

Resumable: what was seen is in the journal, what was sealed is in the vault, what was filed is in the
database, and each step is asked before it is done again, so that nothing is lost and nothing double.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from cases.devices import Register
from cases.records import RunRecord
from cases.store import CaseStore
from core.observations import Candidate, Detections, SignalFault, SignalState, TrackHistory, Undecided
from core.settings import Settings
from core.site import Site
from core.time import NS_PER_S, Clock, SystemClock
from evidence.seal import Vault
from ingest.controller import SignalFeed
from ingest.frame import Frame
from ingest.session import Session
from pipeline.filing import file_finding
from pipeline.journal import Journal
from pipeline.judge import Finding, Judge
from pipeline.kept import Kept, write_kept
from pipeline.lamps import Lamps
from pipeline.long_watch import watch_days
from pipeline.observation import Observation
from pipeline.package import case_id
from pipeline.plates import PlateSight
from vision.detect import Detector
from vision.lamp import LampReader

BATCH = 4
"""Pictures detected together: keeps both inference streams of a two-core machine busy."""


class Listener(Protocol):
    """Told how a run goes on: the progress bar."""

    def progressed(self, footage_s: float, total_s: float | None) -> None:
        """Footage up to ``footage_s`` has been judged."""
        ...

    def found(self, case_id: str, candidate: Candidate, *, is_new: bool) -> None:
        """A case stands in the queue; ``is_new`` is False when it stood there before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """What a run works with."""

    settings: Settings
    detector: Detector
    vault: Vault
    cases: CaseStore
    plates: PlateSight | None = None
    devices: Register | None = None
    lamps: LampReader = field(default_factory=LampReader)
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run did. ``found`` pairs each case with its candidate, in order of time; ``feed`` counts its messages."""

    session_id: str
    found: tuple[tuple[str, Candidate], ...]
    new_cases: int
    undecided: dict[str, dict[str, int]]
    counts: dict[str, int]
    footage_s: float
    wall_s: float
    was_complete: bool
    faults: tuple[SignalFault, ...] = ()
    feed: dict[str, int] = field(default_factory=dict)

    @property
    def realtime_factor(self) -> float:
        """Seconds of footage per second of work."""
        return self.footage_s / max(self.wall_s, 1e-9)


def process(
    session: Session, site: Site, *, workbench: Workbench, listener: Listener, feed: SignalFeed | None = None
) -> RunReport:
    """Returns what the footage held; every case found is sealed and filed when this returns.

    Raises:
        ConfigError: the site was drawn on another shape of picture, or asks for a signal feed there is not.
        StoreError: the disk or database refuses; run again to go on.
    """
    began = time.perf_counter()
    scaled = site.scaled_to(session.width_px, session.height_px)
    lamps = Lamps(scaled, workbench.lamps, feed=feed, start_utc=session.start_utc)
    run = _Run(session, scaled, workbench, listener, lamps)
    run.go()
    return run.report(time.perf_counter() - began)


class _Run:
    def __init__(self, session: Session, site: Site, workbench: Workbench, listener: Listener, lamps: Lamps) -> None:
        self._session, self._site, self._bench, self._listener, self._lamps = session, site, workbench, listener, lamps
        self._tracks: list[TrackHistory] = []
        days = watch_days(site, session.start_utc, lambda _: session, workbench)
        self._judge = Judge(site, session.start_utc, keep=self._tracks.extend, days=days)
        self._found: list[tuple[str, Candidate]] = []
        self._new = 0
        self._undecided: dict[str, Counter[str]] = defaultdict(Counter)
        self._started_utc = workbench.clock.now_utc()
        self._was_complete = False
        self._last_ns = 0
        self._counts: dict[str, int] = {}

    def go(self) -> None:
        self._bench.vault.recover()
        path = self._bench.settings.checkpoint_dir / f"{self._session.session_id}.jsonl"
        journal = Journal(
            path,
            {
                "session_id": self._session.session_id,
                "site_sha256": self._site.sha256(),
                "model_sha256": self._bench.detector.model.weights.sha256,
                "lamps": self._lamps.pins,
                "detect_hz": self._bench.settings.detect_hz,
                "counts": list(self._session.counts.as_dict()),
            },
        )
        try:
            self._replay(journal)
            if not journal.is_complete:
                self._read_on(journal)
            for outcome in self._judge.finish():
                self._take(outcome)
            if not journal.is_complete:
                journal.complete(self._counts)
        finally:
            journal.close()
        self._keep_tracks(path)
        self._save_run(is_finished=True)

    def report(self, wall_s: float) -> RunReport:
        return RunReport(
            session_id=self._session.session_id,
            found=tuple(sorted(self._found, key=lambda pair: pair[1].onset_ns)),
            new_cases=self._new,
            undecided={rule: dict(reasons) for rule, reasons in self._undecided.items()},
            counts=self._counts,
            footage_s=self._session.end_ns / NS_PER_S,
            wall_s=wall_s,
            was_complete=self._was_complete,
            faults=self._judge.faults(),
            feed=self._lamps.counts,
        )

    def _keep_tracks(self, journal: Path) -> None:
        """Writes the tracks beside the journal, so that no replay has to work them out."""
        lamps, end_ns = self._judge.timelines(), self._last_ns
        write_kept(
            journal,
            Kept(session_id=self._session.session_id, tracks=tuple(self._tracks), lamps=lamps, end_ns=end_ns),
        )

    def _replay(self, journal: Journal) -> None:
        self._was_complete = journal.is_complete
        self._counts = journal.counts or self._session.counts.as_dict()
        for observation in journal.observations:
            self._add(observation)

    def _read_on(self, journal: Journal) -> None:
        before = dict(self._counts)
        start_ns = 0 if journal.last_ns is None else journal.last_ns + 1
        frames = self._session.frames(detect_hz=self._bench.settings.detect_hz, from_ns=start_ns)
        try:
            for observation, now in self._observe(frames):
                self._counts = _added(before, now)
                journal.append(observation, self._counts)
                self._add(observation)
        finally:
            journal.sync()
            self._save_run(is_finished=False)
        self._counts = _added(before, self._session.counts.as_dict())

    def _observe(self, frames: Iterable[Frame]) -> Iterator[tuple[Observation, Mapping[str, int]]]:
        """Yields what each frame shows; the next frames are being detected while these are judged."""
        queue = iter(frames)
        with ThreadPoolExecutor(1, thread_name_prefix="detect") as pool:
            pending: _Batch | None = None
            while batch := list(islice(queue, BATCH)):
                ahead = self._submit(batch, pool)
                if pending is not None:
                    yield from pending.observations()
                pending = ahead
            if pending is not None:
                yield from pending.observations()

    def _submit(self, batch: list[Frame], pool: ThreadPoolExecutor) -> _Batch:
        size = self._bench.detector.picture_size(self._session.width_px, self._session.height_px)
        return _Batch(
            marks=[(frame.is_after_gap, frame.counts) for frame in batch],
            lamps=[self._lamps.seen(frame) for frame in batch],
            feed=[self._lamps.told(frame.pts_ns) for frame in batch],
            found=pool.submit(self._bench.detector.detect, [frame.picture(size) for frame in batch]),
        )

    def _add(self, observation: Observation) -> None:
        self._last_ns = observation.pts_ns
        for outcome in self._judge.add(observation):
            self._take(outcome)
        self._listener.progressed(observation.pts_ns / NS_PER_S, self._session.duration_s)

    def _take(self, outcome: Finding | Undecided) -> None:
        if isinstance(outcome, Undecided):
            self._undecided[outcome.violation_id][outcome.reason] += 1
            return
        is_new = file_finding(outcome, self._session, self._site, self._bench)
        name = case_id(self._session, outcome.candidate)
        self._new += is_new
        self._found.append((name, outcome.candidate))
        self._listener.found(name, outcome.candidate, is_new=is_new)

    def _save_run(self, *, is_finished: bool) -> None:
        self._bench.cases.save_run(
            RunRecord(
                session_id=self._session.session_id,
                camera_id=self._site.camera.camera_id,
                site_id=self._site.site_id,
                files=tuple(f.path.name for f in self._session.files),
                started_utc=self._started_utc,
                finished_utc=self._bench.clock.now_utc() if is_finished else None,
                footage_s=self._session.end_ns / NS_PER_S,
                decoded=self._counts.get("decoded", 0),
                analysed=self._counts.get("analysed", 0),
                skipped=self._counts.get("skipped", 0),
                damaged=self._counts.get("damaged", 0),
                lost=self._counts.get("lost", 0),
                undecided={rule: dict(reasons) for rule, reasons in self._undecided.items()},
                signal_faults=self._judge.faults(),
            )
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """Frames on their way through the detector."""

    marks: list[tuple[bool, Mapping[str, int]]]
    lamps: list[dict[str, SignalState]]
    feed: list[dict[str, SignalState]]
    found: Future[list[Detections]]

    def observations(self) -> Iterator[tuple[Observation, Mapping[str, int]]]:
        for (is_after_gap, counts), lamps, feed, detections in zip(
            self.marks, self.lamps, self.feed, self.found.result(), strict=True
        ):
            raw = Observation(detections=detections, lamps=lamps, is_after_gap=is_after_gap, feed=feed)
            yield Observation.from_row(raw.as_row()), counts


def _added(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {name: before.get(name, 0) + value for name, value in now.items()}
