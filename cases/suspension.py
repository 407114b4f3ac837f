"""Rules that were wrong too often on a camera: their new candidates wait until a supervisor has looked.

Source: domain §3.4 (R01 to R08 above 10 % in a day for a camera: rule suspended and engineer told).
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from ulid import ULID

from cases import accounts
from cases.audit import Step, audited
from cases.models import Base, CaseRow, ReviewRow, UtcText
from cases.records import Suspension
from cases.report import CITIZEN
from cases.states import SYSTEM, CaseState, Permission
from core.errors import ConfigError
from core.workdays import BEIJING

WRONG = tuple(f"R{number:02d}" for number in range(1, 9))
"""Reasons that say the rule was wrong. Source: domain §3.4."""
WRONG_SHARE = 0.10
"""Source: domain §3.4."""
FEWEST = 20
"""Cases reviewed in the day before a share says anything: three wrong ones are then the fewest that suspend. Source:
none in law."""


class SuspensionRow(Base):
    """One suspension of one rule on one camera."""

    __tablename__ = "suspensions"
    __table_args__ = (Index("ix_suspensions_rule", "camera_id", "violation_id"),)

    suspension_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(100))
    violation_id: Mapped[str] = mapped_column(String(8))
    since_utc: Mapped[datetime] = mapped_column(UtcText)
    wrong: Mapped[int] = mapped_column(Integer)
    reviewed: Mapped[int] = mapped_column(Integer)
    lifted_by: Mapped[str | None] = mapped_column(ForeignKey("users.name"))
    lifted_utc: Mapped[datetime | None] = mapped_column(UtcText)
    note: Mapped[str] = mapped_column(Text)


def is_suspended(session: Session, camera_id: str, violation_id: str) -> bool:
    """Tells whether a rule's candidates wait on this camera."""
    return any(row.lifted_utc is None for row in _of(session, camera_id, violation_id))


def check(session: Session, case: CaseRow, *, at_utc: datetime) -> bool:
    """Suspends a case's rule on its camera when it was wrong too often today; returns whether it did.

    To be asked whenever a case was found wrong.
    """
    earlier = _of(session, case.camera_id, case.violation_id)
    if case.camera_id == CITIZEN or any(row.lifted_utc is None for row in earlier):
        return False
    midnight = datetime.combine(at_utc.astimezone(BEIJING), datetime.min.time(), BEIJING)
    since = max([midnight, *(row.lifted_utc for row in earlier if row.lifted_utc is not None)])
    wrong, reviewed = _counted(session, case, since)
    if reviewed < FEWEST or wrong <= WRONG_SHARE * reviewed:
        return False
    row = SuspensionRow(
        suspension_id=str(ULID.from_datetime(at_utc)),
        camera_id=case.camera_id,
        violation_id=case.violation_id,
        since_utc=at_utc,
        wrong=wrong,
        reviewed=reviewed,
        lifted_by=None,
        lifted_utc=None,
        note="",
    )
    with audited(session, _step(row, SYSTEM, "rule_suspended", at_utc)):
        session.add(row)
    return True


def lift(session: Session, suspension_id: str, officer: str, note: str, *, at_utc: datetime) -> int:
    """Ends a suspension and queues what waited; returns how many cases that were.

    Raises:
        NotAllowed: only a supervisor lifts.
        ConfigError: no such suspension is open, or no note.
    """
    accounts.require(session, officer, Permission.LIFT_SUSPENSION)
    row = session.get(SuspensionRow, suspension_id)
    if row is None or row.lifted_utc is not None:
        raise ConfigError("no such suspension is open; reload the page", got=suspension_id)
    if not note.strip():
        raise ConfigError("write down what was found or changed before the rule goes on")
    with audited(session, _step(row, officer, "suspension_lifted", at_utc)):
        row.lifted_by, row.lifted_utc, row.note = officer, at_utc, note.strip()
    waiting = select(CaseRow).where(
        CaseRow.state == CaseState.SUSPENDED.value,
        CaseRow.camera_id == row.camera_id,
        CaseRow.violation_id == row.violation_id,
    )
    cases = session.scalars(waiting).all()
    for case in cases:
        step = Step(at_utc=at_utc, actor=officer, action="case_queued", table_name="cases", row_key=case.case_id)
        with audited(session, step):
            case.state, case.changed_utc = CaseState.QUEUED.value, at_utc
    return len(cases)


def listed(session: Session, *, is_open: bool) -> list[Suspension]:
    """Returns suspensions, latest first: those in force, or all."""
    query = select(SuspensionRow).order_by(SuspensionRow.since_utc.desc())
    if is_open:
        query = query.where(SuspensionRow.lifted_utc.is_(None))
    return [_suspension(row) for row in session.scalars(query)]


def _counted(session: Session, case: CaseRow, since: datetime) -> tuple[int, int]:
    of_rule = (
        select(func.count(ReviewRow.case_id.distinct()))
        .join(CaseRow, CaseRow.case_id == ReviewRow.case_id)
        .where(
            ReviewRow.decided_utc > since,
            CaseRow.camera_id == case.camera_id,
            CaseRow.violation_id == case.violation_id,
        )
    )
    return session.scalar(of_rule.where(ReviewRow.reason.in_(WRONG))) or 0, session.scalar(of_rule) or 0


def _of(session: Session, camera_id: str, violation_id: str) -> list[SuspensionRow]:
    query = select(SuspensionRow).where(
        SuspensionRow.camera_id == camera_id, SuspensionRow.violation_id == violation_id
    )
    return list(session.scalars(query))


def _step(row: SuspensionRow, actor: str, action: str, at_utc: datetime) -> Step:
    return Step(at_utc=at_utc, actor=actor, action=action, table_name="suspensions", row_key=row.suspension_id)


def _suspension(row: SuspensionRow) -> Suspension:
    return Suspension(
        suspension_id=row.suspension_id,
        camera_id=row.camera_id,
        violation_id=row.violation_id,
        since_utc=row.since_utc,
        wrong=row.wrong,
        reviewed=row.reviewed,
        lifted_by=row.lifted_by,
        lifted_utc=row.lifted_utc,
        note=row.note,
    )
