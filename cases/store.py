"""The case store: every way in and out of the case database, one transaction per call."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import accounts, audit, figures, objection, plates, publication, queue, review, runs, suspension
from cases.audit import Step, audited
from cases.custody import CustodyStore
from cases.database import Database
from cases.figures import Figures
from cases.identity import IdentityStore
from cases.logins import LoginStore
from cases.models import AuditRow, CaseRow, ObjectionRow, PublicationRow, ReviewRow
from cases.records import (
    Answer,
    AuditEntry,
    CaseRecord,
    Derivative,
    NewCase,
    NewObjection,
    PublicationRecord,
    QueueFilter,
    QueueRow,
    Review,
    RunRecord,
    User,
)
from cases.report_store import ReportStore
from cases.review_store import ReviewStore
from cases.states import STANDING, SYSTEM, CaseState, PublicationState, ReviewStage, UserRole
from cases.webhooks import WebhookStore
from core import log
from core.errors import WrongState
from core.time import Clock, SystemClock

_log = log.get(__name__)


class CaseStore:
    """Cases, reviews, publications, runs and logins, with their audit chain."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.reports = ReportStore(database, clock)
        self.logins = LoginStore(database, clock)
        self.webhooks = WebhookStore(database)
        self.reviews = ReviewStore(database, clock)
        self.custody = CustodyStore(database, clock)

    def identities(self, key_path: Path) -> IdentityStore:
        """Returns who citizens are, sealed with the key in a file."""
        return IdentityStore(self._database, self._clock, key_path)

    @classmethod
    def open(cls, url: str, *, clock: Clock | None = None, busy_timeout_s: float = 5.0) -> "CaseStore":
        """Returns the store at an SQLAlchemy URL, created and migrated as needed.

        Raises:
            ConfigError: the URL is not one.
            StoreError: the database cannot be opened or is locked.
        """
        return cls(Database.open(url, busy_timeout_s=busy_timeout_s), clock or SystemClock())

    def close(self) -> None:
        """Closes every connection."""
        self._database.close()

    # -- the pipeline's side ------------------------------------------------------------------

    def add_case(self, new: NewCase) -> bool:
        """Queues a sealed case, or sets it aside: its device fails a legality gate, or its rule is suspended there.

        Returns False, and changes nothing, when its candidate key is known already.
        """
        now = self._clock.now_utc()
        with self._database.writing() as session:
            if _knows(session, new.candidate_key):
                return False
            is_suspended = suspension.is_suspended(session, new.camera_id, new.violation_id)
            state = CaseState.SUSPENDED if is_suspended else CaseState.QUEUED
            state = state if new.is_admissible else CaseState.INADMISSIBLE
            action = f"case_{state.value.lower()}"
            step = Step(at_utc=now, actor=SYSTEM, action=action, table_name="cases", row_key=new.case_id)
            with audited(session, step):
                session.add(_new_row(new, state, now))
            plates.save(session, new.case_id, new.plate, at_utc=now)
        _log.info(action, case_id=new.case_id, camera_id=new.camera_id)
        return True

    def knows(self, candidate_key: str) -> bool:
        """Tells whether this candidate has a case already."""
        with self._database.reading() as session:
            return _knows(session, candidate_key)

    def has_case(self, case_id: str) -> bool:
        """Tells whether a sealed package is known here."""
        with self._database.reading() as session:
            return session.get(CaseRow, case_id) is not None

    def save_run(self, run: RunRecord) -> None:
        """Adds a run, or replaces what is known about the same session."""
        with self._database.writing() as session:
            runs.save(session, run, at_utc=self._clock.now_utc())

    def run(self, session_id: str) -> RunRecord | None:
        """Returns the run of a session."""
        with self._database.reading() as session:
            return runs.find(session, session_id)

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """Returns the latest runs."""
        with self._database.reading() as session:
            return runs.listed(session, limit)

    # -- the people's side --------------------------------------------------------------------

    def queue(self, wanted: QueueFilter | None = None) -> list[CaseRecord]:
        """Returns cases; all states when no filter is given."""
        with self._database.reading() as session:
            return queue.listed(session, wanted or QueueFilter())

    def rows(self, wanted: QueueFilter) -> list[QueueRow]:
        """Returns cases as a list shows them."""
        with self._database.reading() as session:
            return queue.rows(session, wanted)

    def cameras(self) -> list[str]:
        """Returns the cameras that have cases."""
        with self._database.reading() as session:
            return queue.cameras(session)

    def count(self, wanted: QueueFilter | None = None) -> int:
        """Returns how many cases a filter finds."""
        with self._database.reading() as session:
            return queue.count(session, wanted or QueueFilter())

    def counts_by_state(self) -> dict[CaseState, int]:
        """Returns how many cases are in each state."""
        with self._database.reading() as session:
            return queue.counts_by_state(session)

    def counts_by_violation(self, state: CaseState | None = None) -> dict[str, int]:
        """Returns how many cases there are per violation."""
        with self._database.reading() as session:
            return queue.counts_by_violation(session, state)

    def figures(self, days: int) -> Figures:
        """Returns how many cases were filed in the last days, by offence, place, hour and day."""
        with self._database.reading() as session:
            return figures.count(session, days=days, now_utc=self._clock.now_utc())

    def get(self, case_id: str) -> CaseRecord:
        """Returns a case with its reviews and publications.

        Raises:
            CaseNotFound: no case with this id.
        """
        with self._database.reading() as session:
            return queue.to_records(session, [review.load(session, case_id)])[0]

    def next_for(self, officer: str, *, after: str | None = None) -> str | None:
        """Returns the id of the oldest case this person may review; None when there is none."""
        with self._database.reading() as session:
            user = accounts.find(session, officer)
            now = self._clock.now_utc()
            return None if user is None else queue.next_for(session, user, at_utc=now, after=after)

    def decide(self, case_id: str, officer: str, decision: Review) -> CaseState:
        """Records the first or second review of a case; returns its new state.

        Raises:
            CaseNotFound: no case with this id.
            WrongState, NotAllowed, ConflictOfInterest, ConfigError: see ``cases.review.decide``.
        """
        with self._database.writing() as session:
            return self._decide(session, review.load(session, case_id), officer, decision)

    def approve(self, case_id: str, officer: str, decision: Review) -> CaseState:
        """Records the second review: like ``decide``, but refuses a case still waiting for its first.

        Raises:
            WrongState: no first review yet, or decided already.
        """
        with self._database.writing() as session:
            case = review.load(session, case_id)
            if session.get(ReviewRow, (case_id, ReviewStage.FIRST_REVIEW.value)) is None:
                raise WrongState("case has no first review yet; review it first", case_id=case_id)
            return self._decide(session, case, officer, decision)

    def _decide(self, session: Session, case: CaseRow, officer: str, decision: Review) -> CaseState:
        now = self._clock.now_utc()
        after = review.decide(session, case, officer, decision, at_utc=now)
        if decision.reason in suspension.WRONG and suspension.check(session, case, at_utc=now):
            _log.warning("rule_suspended", camera_id=case.camera_id, violation_id=case.violation_id)
        _log.info("case_reviewed", case_id=case.case_id, state=after.value)
        return after

    # -- objections ---------------------------------------------------------------------------

    def file_objection(self, case_id: str, officer: str, new: NewObjection) -> CaseState:
        """Records an objection against an accepted case; returns the case's new state.

        Raises:
            CaseNotFound, NotAllowed, WrongState, ConfigError: see ``cases.objection.file``.
        """
        with self._database.writing() as session:
            after = objection.file(session, review.load(session, case_id), officer, new, at_utc=self._clock.now_utc())
        _log.info("objection_filed", case_id=case_id)
        return after

    def answer_objection(self, case_id: str, officer: str, given: Answer) -> CaseState:
        """Records the answer to a case's objection; returns the case's new state.

        Raises:
            CaseNotFound, NotAllowed, ConflictOfInterest, WrongState, ConfigError: see ``cases.objection.answer``.
        """
        with self._database.writing() as session:
            after = objection.answer(
                session, review.load(session, case_id), officer, given, at_utc=self._clock.now_utc()
            )
        _log.info("objection_answered", case_id=case_id, state=after.value)
        return after

    # -- screens ------------------------------------------------------------------------------

    def publish(
        self, case_id: str, officer: str, *, screen_id: str, expires_utc: datetime, derivatives: Sequence[Derivative]
    ) -> PublicationRecord:
        """Puts an accepted case on a screen; display.board is the only caller that has masked pictures.

        Raises:
            CaseNotFound, NotAllowed, WrongState, ConfigError: see ``cases.publication.publish``.
        """
        with self._database.writing() as session:
            row = publication.publish(
                session,
                review.load(session, case_id),
                officer,
                screen_id=screen_id,
                expires_utc=expires_utc,
                derivatives=derivatives,
                at_utc=self._clock.now_utc(),
            )
            record = queue.to_publication(row)
        _log.info("case_published", case_id=case_id, publication_id=record.publication_id)
        return record

    def withdraw(self, publication_id: str, officer: str, note: str = "") -> PublicationRecord:
        """Takes an item off its screen.

        Raises:
            CaseNotFound, NotAllowed, WrongState: see ``cases.publication.withdraw``.
        """
        with self._database.writing() as session:
            row = publication.withdraw(session, publication_id, officer, note=note, at_utc=self._clock.now_utc())
            record = queue.to_publication(row)
        _log.info("publication_withdrawn", publication_id=publication_id)
        return record

    def expire_publications(self) -> list[PublicationRecord]:
        """Ends every item whose time is over; returns those. Takes no write lock when there is none."""
        with self._database.reading() as session:
            if not publication.overdue(session, at_utc=self._clock.now_utc()):
                return []
        with self._database.writing() as session:
            return [queue.to_publication(row) for row in publication.expire(session, at_utc=self._clock.now_utc())]

    def showing(self, screen_id: str | None = None) -> list[PublicationRecord]:
        """Returns what may be on a screen (or on any) at this moment: published, accepted, not expired."""
        query = (
            select(PublicationRow)
            .join(CaseRow, CaseRow.case_id == PublicationRow.case_id)
            .where(
                PublicationRow.state == PublicationState.PUBLISHED.value,
                PublicationRow.expires_utc > self._clock.now_utc(),
                CaseRow.state.in_([state.value for state in STANDING]),
            )
            .order_by(PublicationRow.approved_utc.desc())
        )
        if screen_id is not None:
            query = query.where(PublicationRow.screen_id == screen_id)
        with self._database.reading() as session:
            return [queue.to_publication(row) for row in session.scalars(query)]

    def publications(self, limit: int = 200) -> list[PublicationRecord]:
        """Returns the latest publications, ended ones included."""
        query = select(PublicationRow).order_by(PublicationRow.approved_utc.desc()).limit(limit)
        with self._database.reading() as session:
            return [queue.to_publication(row) for row in session.scalars(query)]

    # -- logins -------------------------------------------------------------------------------

    def add_user(self, name: str, password: str, role: UserRole | str, *, by: str = SYSTEM) -> User:
        """Adds a login and returns it.

        Raises:
            ConfigError: name, password or role is not usable, or the name is taken.
        """
        user = User(name=name, role=accounts.parse_role(role), is_active=True, created_utc=self._clock.now_utc())
        with self._database.writing() as session:
            accounts.add(session, user, password, by=by)
        return user

    def set_user_active(self, name: str, *, is_active: bool, by: str = SYSTEM) -> None:
        """Opens or closes a login.

        Raises:
            ConfigError: no such login.
        """
        with self._database.writing() as session:
            accounts.set_active(session, name, is_active=is_active, by=by, at_utc=self._clock.now_utc())

    def try_authenticate(self, name: str, password: str) -> User | None:
        """Returns the user if name and password are right and the login is open."""
        with self._database.reading() as session:
            return accounts.try_authenticate(session, name, password)

    def user(self, name: str) -> User | None:
        """Returns an active user."""
        with self._database.reading() as session:
            return accounts.find(session, name)

    def users(self) -> list[User]:
        """Returns every user."""
        with self._database.reading() as session:
            return accounts.listed(session)

    # -- audit --------------------------------------------------------------------------------

    def verify_audit(self) -> list[str]:
        """Returns what is wrong with any audited row, by table, row and column; empty when all is well."""
        with self._database.reading() as session:
            return audit.problems(session)

    def audit_head(self) -> tuple[int, str]:
        """Returns number and hash of the last audit entry, to be noted down outside this database."""
        with self._database.reading() as session:
            return audit.head(session)

    def audit_entries(self, limit: int, *, before: int | None = None) -> list[AuditEntry]:
        """Returns audit entries, latest first, those before a number only."""
        query = select(AuditRow).order_by(AuditRow.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditRow.seq < before)
        with self._database.reading() as session:
            return [_entry(row) for row in session.scalars(query)]

    def history(self, case_id: str) -> list[AuditEntry]:
        """Returns the audit entries of a case, its reviews and its publications, oldest first."""
        with self._database.reading() as session:
            items = session.scalars(select(PublicationRow.publication_id).where(PublicationRow.case_id == case_id))
            objections = session.scalars(select(ObjectionRow.objection_id).where(ObjectionRow.case_id == case_id))
            keys = [case_id, *items, *objections, *(f"{case_id}/{stage.value}" for stage in ReviewStage)]
            rows = session.scalars(select(AuditRow).where(AuditRow.row_key.in_(keys)).order_by(AuditRow.seq))
            return [_entry(row) for row in rows]


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        seq=row.seq,
        at_utc=row.at_utc,
        actor=row.actor,
        action=row.action,
        table_name=row.table_name,
        row_key=row.row_key,
        entry_sha256=row.entry_sha256,
    )


def _knows(session: Session, candidate_key: str) -> bool:
    found = session.scalars(select(CaseRow.case_id).where(CaseRow.candidate_key == candidate_key))
    return found.first() is not None


def _new_row(new: NewCase, state: CaseState, now: datetime) -> CaseRow:
    return CaseRow(
        case_id=new.case_id,
        candidate_key=new.candidate_key,
        session_id=new.session_id,
        violation_id=new.violation_id,
        site_id=new.site_id,
        camera_id=new.camera_id,
        place=new.place,
        direction=new.direction,
        occurred_utc=new.occurred_utc,
        onset_ns=new.onset_ns,
        subject=new.subject,
        manifest_sha256=new.manifest_sha256,
        entry_sha256=new.entry_sha256,
        cues=list(new.cues),
        state=state.value,
        created_utc=now,
        changed_utc=now,
    )
