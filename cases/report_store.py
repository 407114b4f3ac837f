"""The report store: citizens' accounts and reports in the case database, every change in the audit chain."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from cases import accounts, rewards
from cases.audit import Step, audited
from cases.database import Database
from cases.models import CaseRow, ReviewRow
from cases.office import Office
from cases.plates import PlateRow
from cases.report import (
    CITIZEN,
    DAILY_LIMIT,
    FRAUD_REASON,
    PHOTOS_MIN,
    STRIKES_ALLOWED,
    Medium,
    NewReport,
    ReportRecord,
    ReportState,
    ReportTotals,
    RewardState,
    check_claim,
    check_media,
    is_complete,
)
from cases.report_rows import new_row, refusal, to_plain, to_record
from cases.report_tables import IdentityRow, PhotoMarkRow, ReporterRow, ReportRow
from cases.states import STANDING, SYSTEM, CaseState
from core import log
from core.errors import CaseNotFound, ConfigError, NotAllowed, WrongState
from core.time import Clock

_log = log.get(__name__)
HANDLE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class ReportStore:
    """Reports and their pseudonymous senders."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.office = Office()
        """What this office asks beyond the law; whoever starts the server sets it."""

    # -- accounts -----------------------------------------------------------------------------

    def register(self, password: str) -> str:
        """Returns the handle of a new account.

        Raises:
            ConfigError: the password is too short.
        """
        hashed = accounts.hash_password(password)
        handle = "C" + "".join(secrets.choice(HANDLE_ALPHABET) for _ in range(9))
        now = self._clock.now_utc()
        step = _step(now, handle, "reporter_registered", "reporters", handle)
        with self._database.writing() as session, audited(session, step):
            session.add(ReporterRow(handle=handle, password_hash=hashed, is_active=1, created_utc=now))
        return handle

    def try_authenticate(self, handle: str, password: str) -> bool:
        """Tells whether handle and password belong together; an unknown handle takes as long as a wrong password."""
        with self._database.reading() as session:
            row = session.get(ReporterRow, handle)
            is_right = accounts.is_password(None if row is None else row.password_hash, password)
            return is_right and row is not None and bool(row.is_active)

    def is_reporter(self, handle: str) -> bool:
        """Tells whether an account exists and is open."""
        with self._database.reading() as session:
            row = session.get(ReporterRow, handle)
            return row is not None and bool(row.is_active)

    def lacks_name(self, handle: str) -> bool:
        """Tells whether this office takes no report of an account because it has no name."""
        with self._database.reading() as session:
            return self.office.needs_name and session.get(IdentityRow, handle) is None

    # -- the citizen's side -------------------------------------------------------------------

    def admit(self, reporter: str, token: str) -> ReportRecord | None:
        """Returns the report this token stands for already; None when the sender may hand in a new one.

        Raises:
            NotAllowed: the account is suspended, or today's limit is reached.
        """
        with self._database.reading() as session:
            known = _known(session, f"{reporter}/{token}")
            if known is None:
                self._check_sender(session, reporter, self._clock.now_utc())
            return None if known is None else to_record(session, known)

    def submit(
        self, reporter: str, token: str, claim: NewReport, media: Sequence[Medium], *, is_draft: bool = False
    ) -> ReportRecord:
        """Records a report; the same token gives the same report again, however often it is sent.

        A draft waits for more photos, as long as it is not too late.

        Raises:
            ConfigError: the claim or the number of files is not usable.
            NotAllowed: the account is suspended, or today's limit is reached.
        """
        check_claim(claim)
        check_media(media, least=0 if is_draft else PHOTOS_MIN)
        now = self._clock.now_utc()
        if claim.occurred_utc > now + timedelta(minutes=5):
            raise ConfigError("the time lies in the future; correct date and time")
        key = f"{reporter}/{token}"
        with self._database.writing() as session:
            known = _known(session, key)
            if known is not None:
                return to_record(session, known)
            self._check_sender(session, reporter, now)
            row = new_row(reporter, key, claim, media, now)
            has_name = session.get(IdentityRow, reporter) is not None
            refused = refusal(claim, now, self.office, has_name=has_name)
            if refused is not None:
                row.state, row.code, row.detail = refused.state.value, refused.code, refused.detail
            elif not is_complete(media):
                row.state = ReportState.DRAFT.value
            with audited(session, _step(now, reporter, "report_submitted", "reports", row.report_id)):
                session.add(row)
            record = to_record(session, row)
        _log.info("report_submitted", report_id=record.report_id, state=record.state.value)
        return record

    def supplement(self, report_id: str, reporter: str, media: Sequence[Medium]) -> ReportRecord:
        """Adds files to a draft, which is submitted once they are enough; replaces those that were not good enough.

        Raises:
            CaseNotFound: no such report of this sender.
            ConfigError: the files make no report.
            WrongState: nothing is awaited, or no longer.
        """
        now = self._clock.now_utc()
        with self._database.writing() as session:
            row = _load(session, report_id, reporter)
            report = to_record(session, row)
            if report.until_utc is None or report.until_utc < now:
                raise WrongState("no further pictures are awaited for this report", report_id=report_id)
            is_draft = report.state is ReportState.DRAFT
            files = [*(report.media if is_draft else ()), *media]
            check_media(files, least=1 if is_draft else PHOTOS_MIN)
            with audited(session, _step(now, reporter, "report_supplemented", "reports", report_id)):
                row.media = [to_plain(medium) for medium in files]
                row.detail, row.changed_utc = "", now
                if is_complete(files):
                    row.state, row.submitted_utc = ReportState.SUBMITTED.value, now
            return to_record(session, row)

    def expire(self) -> int:
        """Returns how many reports ended because the files they waited for did not come in time."""
        now = self._clock.now_utc()
        waiting = [ReportState.DRAFT.value, ReportState.SUPPLEMENT_REQUESTED.value]
        with self._database.reading() as session:
            reports = [to_record(session, row) for row in session.scalars(_in(waiting))]
        late = [report for report in reports if report.until_utc is not None and report.until_utc < now]
        for report in late:
            with self._database.writing() as session:
                row = _load(session, report.report_id)
                if row.state == report.state.value and row.changed_utc == report.changed_utc:
                    with audited(session, _step(now, SYSTEM, "report_late", "reports", report.report_id)):
                        row.code = "J06" if report.state is ReportState.DRAFT else None
                        row.state, row.changed_utc = ReportState.LATE.value, now
        return len(late)

    def of_reporter(self, reporter: str, *, before: str | None = None, limit: int = 50) -> list[ReportRecord]:
        """Returns a sender's reports, newest first, those before ``before`` only."""
        query = select(ReportRow).where(ReportRow.reporter == reporter)
        if before is not None:
            query = query.where(ReportRow.report_id < before)
        query = query.order_by(ReportRow.report_id.desc()).limit(limit)
        with self._database.reading() as session:
            return [self._whole(session, row) for row in session.scalars(query)]

    def get(self, report_id: str, reporter: str | None = None) -> ReportRecord:
        """Returns a report, only if it is this sender's when one is given.

        Raises:
            CaseNotFound: no such report.
        """
        with self._database.reading() as session:
            return self._whole(session, _load(session, report_id, reporter))

    def _whole(self, session: Session, row: ReportRow) -> ReportRecord:
        """Returns a report with its reward."""
        report = to_record(session, row)
        return replace(report, reward=rewards.state_of(session, report, self.office, self._clock.now_utc()))

    # -- the office's side --------------------------------------------------------------------

    def of_case(self, case_id: str) -> ReportRecord | None:
        """Returns the report a case came from."""
        with self._database.reading() as session:
            row = session.scalars(select(ReportRow).where(ReportRow.case_id == case_id)).one_or_none()
            return None if row is None else self._whole(session, row)

    def settle_reward(self, report_id: str, officer: str, state: RewardState, note: str) -> None:
        """Notes that a reward was paid or declined.

        Raises:
            CaseNotFound: no such report.
            NotAllowed, WrongState, ConfigError: see ``cases.rewards.settle``.
        """
        with self._database.writing() as session:
            report = self._whole(session, _load(session, report_id))
            rewards.settle(session, report, officer, state, note, at_utc=self._clock.now_utc())
        _log.info("reward_settled", report_id=report_id, state=state.value)

    def waiting(self) -> list[ReportRecord]:
        """Returns the reports nobody has inspected yet, oldest first."""
        query = _in([ReportState.SUBMITTED.value]).order_by(ReportRow.submitted_utc)
        with self._database.reading() as session:
            return [to_record(session, row) for row in session.scalars(query)]

    def earlier(self, report: ReportRecord, within: timedelta) -> list[ReportRecord]:
        """Returns accepted or waiting earlier reports about the same plate and violation, close in time."""
        claim = report.claim
        query = select(ReportRow).where(
            _before(report),
            ReportRow.plate == claim.plate,
            ReportRow.violation_id == claim.violation_id,
            ReportRow.occurred_utc >= claim.occurred_utc - within,
            ReportRow.occurred_utc <= claim.occurred_utc + within,
            ReportRow.state.in_([ReportState.SUBMITTED.value, ReportState.ACCEPTED.value]),
        )
        with self._database.reading() as session:
            return [to_record(session, row) for row in session.scalars(query)]

    def seen_by_camera(self, report: ReportRecord, within: timedelta) -> str | None:
        """Returns a camera's case about the same plate and violation, close in time, that was not rejected.

        One record per plate, violation and moment: the place is not compared, a vehicle is at one place at a time.
        """
        claim = report.claim
        query = select(CaseRow.case_id).where(
            CaseRow.camera_id != CITIZEN,
            CaseRow.case_id.in_(select(PlateRow.case_id).where(PlateRow.plate == claim.plate)),
            CaseRow.violation_id == claim.violation_id,
            CaseRow.occurred_utc >= claim.occurred_utc - within,
            CaseRow.occurred_utc <= claim.occurred_utc + within,
            CaseRow.state.not_in([CaseState.REJECTED.value, CaseState.CANCELLED.value]),
        )
        with self._database.reading() as session:
            return session.scalars(query).first() if claim.plate else None

    def marks(self, *, before: ReportRecord) -> list[tuple[str, str]]:
        """Returns (report id, perceptual hash) of every picture of reports submitted before one."""
        query = select(PhotoMarkRow.report_id, PhotoMarkRow.phash).join(
            ReportRow, ReportRow.report_id == PhotoMarkRow.report_id
        )
        query = query.where(_before(before))
        with self._database.reading() as session:
            return [(row.report_id, row.phash) for row in session.execute(query)]

    def accept(self, report_id: str, case_id: str, media: Sequence[Medium]) -> None:
        """Ties a report to its case and keeps what the inspection found."""
        self._end(report_id, ReportState.ACCEPTED, media=media, case_id=case_id)

    def refuse(self, report_id: str, code: str, media: Sequence[Medium], *, duplicate_of: str | None = None) -> None:
        """Ends a report with a code of J01 to J15."""
        state = ReportState.DUPLICATE if duplicate_of else ReportState.OUT_OF_SCOPE
        self._end(report_id, state, media=media, code=code, duplicate_of=duplicate_of)

    def ask_again(self, report_id: str, detail: str) -> None:
        """Asks the citizen for better files; ``detail`` names file and fault of each, "2:unreadable 3:too_long"."""
        self._end(report_id, ReportState.SUPPLEMENT_REQUESTED, detail=detail)

    def totals(self) -> ReportTotals:
        """Returns the campaign's three numbers."""
        stands = exists().where(
            CaseRow.case_id == ReportRow.case_id, CaseRow.state.in_([state.value for state in STANDING])
        )
        confirmed = select(func.count()).select_from(ReportRow).where(stands)
        with self._database.reading() as session:
            return ReportTotals(
                registered=session.scalar(select(func.count()).select_from(ReporterRow)) or 0,
                received=session.scalar(select(func.count()).select_from(ReportRow)) or 0,
                confirmed=session.scalar(confirmed) or 0,
            )

    def _end(
        self,
        report_id: str,
        state: ReportState,
        *,
        media: Sequence[Medium] = (),
        code: str | None = None,
        detail: str = "",
        duplicate_of: str | None = None,
        case_id: str | None = None,
    ) -> None:
        now = self._clock.now_utc()
        with self._database.writing() as session:
            row = _load(session, report_id)
            if row.state != ReportState.SUBMITTED.value:
                raise WrongState(f"report is {row.state} already", report_id=report_id)
            action = f"report_{state.value.lower()}"
            with audited(session, _step(now, SYSTEM, action, "reports", report_id)):
                row.state, row.code, row.detail, row.changed_utc = state.value, code, detail, now
                row.duplicate_of, row.case_id = duplicate_of, case_id
                if media:
                    row.media = [to_plain(medium) for medium in media]
            for position, medium in enumerate(media):
                if medium.phash:
                    session.add(PhotoMarkRow(report_id=report_id, position=position, phash=medium.phash))
        _log.info("report_inspected", report_id=report_id, state=state.value)

    def _check_sender(self, session: Session, reporter: str, now: datetime) -> None:
        account = session.get(ReporterRow, reporter)
        if account is None or not account.is_active:
            raise NotAllowed("this account does not exist or is closed; register again")
        mine = select(func.count()).select_from(ReportRow).where(ReportRow.reporter == reporter)
        if (session.scalar(mine.where(ReportRow.submitted_utc > now - timedelta(days=1))) or 0) >= DAILY_LIMIT:
            raise NotAllowed(f"{DAILY_LIMIT} reports in 24 hours are the limit; send this one tomorrow")
        forged = mine.join(ReviewRow, ReviewRow.case_id == ReportRow.case_id).where(ReviewRow.reason == FRAUD_REASON)
        if (session.scalar(forged) or 0) >= STRIKES_ALLOWED:
            raise NotAllowed(f"this account is suspended: {STRIKES_ALLOWED} of its reports were found forged")


def _known(session: Session, key: str) -> ReportRow | None:
    return session.scalars(select(ReportRow).where(ReportRow.token == key)).one_or_none()


def _before(report: ReportRecord) -> ColumnElement[bool]:
    at, report_id = report.submitted_utc, report.report_id
    return or_(ReportRow.submitted_utc < at, and_(ReportRow.submitted_utc == at, ReportRow.report_id < report_id))


def _in(states: Sequence[str]) -> Select[ReportRow]:
    return select(ReportRow).where(ReportRow.state.in_(states))


def _load(session: Session, report_id: str, reporter: str | None = None) -> ReportRow:
    row = session.get(ReportRow, report_id)
    if row is None or (reporter is not None and row.reporter != reporter):
        raise CaseNotFound("no such report of yours; your reports are listed under /report/mine", report_id=report_id)
    return row


def _step(now: datetime, actor: str, action: str, table: str, key: str) -> Step:
    return Step(at_utc=now, actor=actor, action=action, table_name=table, row_key=key)
