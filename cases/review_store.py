"""The reviewers' side of the store beside the decisions themselves: one transaction per call."""

from collections.abc import Sequence
from datetime import datetime

from cases import assignment, cancellation, economics, review, suspension
from cases.database import Database
from cases.economics import Economics
from cases.records import Hold, Review, Suspension
from cases.states import CaseState, Decision
from core import log
from core.errors import ConfigError, WrongState
from core.time import Clock

DUPLICATE = "R12"
MOST_DUPLICATES = 100
"""Cases thrown out in one step. Source: none in law; two pages of the queue."""
_log = log.get(__name__)


class ReviewStore:
    """Who has which case open, reviews taken back, cancelled cases, duplicates, suspended rules."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, case_id: str, officer: str) -> Hold:
        """Opens a case for somebody: until they leave it nobody else decides it.

        Raises:
            CaseNotFound: no case with this id.
            WrongState, NotAllowed, ConflictOfInterest: they could not decide it, or somebody else has it open.
        """
        with self._database.writing() as session:
            case = review.load(session, case_id)
            review.check_person(session, case, officer)
            return assignment.claim(session, case, officer, at_utc=self._clock.now_utc())

    def leave(self, case_id: str, officer: str) -> None:
        """Closes a case somebody has open; nothing when they have not."""
        with self._database.writing() as session:
            assignment.leave(session, case_id, officer)

    def leave_all(self, officer: str) -> None:
        """Closes every case somebody has open."""
        with self._database.writing() as session:
            assignment.leave_all(session, officer)

    def take_back(self, case_id: str, officer: str) -> CaseState:
        """Removes somebody's own first review; the case is queued again.

        Raises:
            CaseNotFound: no case with this id.
            WrongState, ConflictOfInterest: see ``cases.review.take_back``.
        """
        with self._database.writing() as session:
            review.take_back(session, review.load(session, case_id), officer, at_utc=self._clock.now_utc())
        _log.info("review_taken_back", case_id=case_id)
        return CaseState.QUEUED

    def reject_duplicates(self, kept: str, case_ids: Sequence[str], officer: str) -> int:
        """Rejects queued cases as duplicates of another, all or none; returns how many.

        Raises:
            CaseNotFound: no case with one of the ids.
            ConfigError: none or too many are named, or the kept one is among them.
            WrongState, NotAllowed: one of them waits for no first review, is open at somebody else's, or the role may
                not review.
        """
        if not 0 < len(set(case_ids)) <= MOST_DUPLICATES or kept in case_ids:
            raise ConfigError(f"name 1 to {MOST_DUPLICATES} duplicates, and another case they are duplicates of")
        given = Review(decision=Decision.REJECT, reason=DUPLICATE, note=f"duplicate of {kept}")
        with self._database.writing() as session:
            review.load(session, kept)
            for case_id in sorted(set(case_ids)):
                case = review.load(session, case_id)
                if case.state != CaseState.QUEUED.value:
                    raise WrongState("only cases that wait for their first review can be skipped", case_id=case_id)
                review.decide(session, case, officer, given, at_utc=self._clock.now_utc())
        _log.info("duplicates_rejected", case_id=kept, number=len(set(case_ids)))
        return len(set(case_ids))

    def cancel(self, case_id: str, officer: str, ground: str, note: str) -> CaseState:
        """Withdraws a case that stands, on a statutory ground; returns its new state.

        Raises:
            CaseNotFound, NotAllowed, WrongState, ConfigError: see ``cases.cancellation.cancel``.
        """
        with self._database.writing() as session:
            now = self._clock.now_utc()
            after = cancellation.cancel(session, review.load(session, case_id), officer, ground, note, at_utc=now)
        _log.info("case_cancelled", case_id=case_id, ground=ground)
        return after

    def economics(self, from_utc: datetime, to_utc: datetime) -> Economics:
        """Returns what the reviews of a period cost and found."""
        with self._database.reading() as session:
            return economics.build(session, from_utc, to_utc)

    def suspensions(self, *, is_open: bool = True) -> list[Suspension]:
        """Returns the rules that are suspended on a camera, or all that ever were; latest first."""
        with self._database.reading() as session:
            return suspension.listed(session, is_open=is_open)

    def lift(self, suspension_id: str, officer: str, note: str) -> int:
        """Ends a suspension; returns how many cases are queued again.

        Raises:
            NotAllowed, ConfigError: see ``cases.suspension.lift``.
        """
        with self._database.writing() as session:
            queued = suspension.lift(session, suspension_id, officer, note, at_utc=self._clock.now_utc())
        _log.info("suspension_lifted", suspension_id=suspension_id, cases=queued)
        return queued
