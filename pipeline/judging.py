"""What the network saw, judged in time order, session after session, and what was found on its way to the sealer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from core import log
from core.catalogue import catalogue
from core.observations import Detections, Undecided
from core.time import NS_PER_S
from ingest.clock import ClockHealth
from pipeline.account import Account, Watch
from pipeline.batcher import Look
from pipeline.judge import Days, Finding, Judge
from pipeline.live_journal import LiveJournal
from pipeline.observation import Observation
from pipeline.sealer import Job, Sealer

POST_NS = 3 * NS_PER_S
"""Footage waited for after an offence's last moment; where judging took longer, the clip holds up to clip_post_s."""
LONGEST_WAIT_NS = 10 * NS_PER_S
CLOCK_UNTRUSTED = "clock_untrusted"

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    finding: Finding
    watch: Watch
    until_ns: int


class Judging:
    """For one thread. ``health`` tells whether the clock may be believed now."""

    def __init__(
        self,
        account: Account,
        sealer: Sealer,
        health: Callable[[], ClockHealth],
        journal_of: Callable[[Watch], LiveJournal],
        days_of: Callable[[Watch], Days | None],
    ) -> None:
        self._account, self._sealer, self._health, self._journal_of = account, sealer, health, journal_of
        self._days_of = days_of
        self._journal: LiveJournal | None = None
        self._watch: Watch | None = None
        self._judge: Judge | None = None
        self._pending: list[_Pending] = []
        self.is_resting = True
        """Tells whether everything seen was judged: true before the first picture and after ``rest``."""

    def take(self, look: Look, found: Future[Detections]) -> None:
        """Judges one picture; waits for the network if need be."""
        try:
            detections = found.result()
        except Exception:  # noqa: BLE001 - the batcher logged it; here it is a picture nobody saw
            self._account.failed += 1
            look.watch.blame("network failed")
            return
        self._account.detected += 1
        look.watch.seen(detections.pts_ns, still_until_ns=look.still_until_ns)
        if look.watch is not self._watch:
            self.finish()
            self._watch = look.watch
            self._judge = self._new_judge(look.watch)
            self._journal = self._journal_of(look.watch)
        self.is_resting = False
        raw = Observation(
            detections=detections,
            lamps=look.lamps,
            is_after_gap=look.is_after_gap,
            feed=look.watch.lamps.told(detections.pts_ns),
        )
        observation = Observation.from_row(raw.as_row())
        if self._journal is not None:
            self._journal.append(observation)
        self._add(observation)

    def hand_over(self, *, is_over: bool = False) -> None:
        """Gives findings to the sealer as soon as the footage after them is there, or will not come."""
        waiting = []
        for pending in self._pending:
            session = pending.watch.session
            is_gone = is_over or session.now_ns() > pending.until_ns + LONGEST_WAIT_NS
            if session.end_ns >= pending.until_ns or is_gone or pending.watch is not self._watch:
                self._sealer.add(_job(pending))
            else:
                waiting.append(pending)
        self._pending = waiting

    def rest(self) -> None:
        """Judges all that is in sight: the camera sends nothing, or the session is over."""
        if self._judge is not None and self._watch is not None and not self.is_resting:
            try:
                self._sort(self._judge.finish(), self._watch)
            except Exception:
                self._account.faults += 1
                logger.exception("judging_failed", session_id=self._watch.session.session_id)
        self.hand_over(is_over=True)
        self.is_resting = True

    def finish(self) -> None:
        """Ends the session in hand."""
        self.rest()
        if self._journal is not None:
            self._journal.close()
        self._judge = self._watch = self._journal = None

    def _add(self, observation: Observation) -> None:
        if self._judge is None or self._watch is None:
            return
        try:
            self._sort(self._judge.add(observation), self._watch)
        except Exception:
            self._account.faults += 1
            logger.exception("judging_failed", session_id=self._watch.session.session_id)
            self._judge = self._new_judge(self._watch)

    def _new_judge(self, watch: Watch) -> Judge:
        return Judge(watch.site, watch.session.start_utc, days=self._days_of(watch))

    def _sort(self, outcomes: list[Finding | Undecided], watch: Watch) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Undecided):
                watch.undecided[outcome.violation_id][outcome.reason] += 1
            elif not self._health().is_trusted:
                watch.undecided[outcome.candidate.violation_id][CLOCK_UNTRUSTED] += 1
            else:
                until_ns = outcome.candidate.end_ns + POST_NS
                self._pending.append(_Pending(finding=outcome, watch=watch, until_ns=until_ns))


def _job(pending: _Pending) -> Job:
    candidate, session = pending.finding.candidate, pending.watch.session
    defaults = catalogue().defaults
    start_ns = max(0, pending.finding.from_ns - int(float(defaults["clip_pre_s"]) * NS_PER_S))
    end_ns = candidate.end_ns + int(float(defaults["clip_post_s"]) * NS_PER_S)
    return Job(
        finding=pending.finding,
        excerpt=session.excerpt(start_ns, end_ns),
        site=pending.watch.site,
        ended_s=(session.mono_ns + candidate.end_ns) / NS_PER_S,
    )
