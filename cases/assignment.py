"""Who has a case open: one person at a time, for a few minutes after their last touch.

A hold is no decision and changes no case; it is not in the audit chain, and no rule of law rests on it: two decisions
of one stage are impossible without it too. It saves two officers from doing the same work.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, String, delete, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases.models import Base, CaseRow, UtcText
from cases.records import Hold
from core.errors import WrongState

HOLD_S = 300
"""How long a case stays with somebody who does not touch it. Source: none in law; a clip is seconds long."""


class AssignmentRow(Base):
    """The case somebody has open, since when, until when."""

    __tablename__ = "assignments"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    officer: Mapped[str] = mapped_column(ForeignKey("users.name"))
    state: Mapped[str] = mapped_column(String(20))
    opened_utc: Mapped[datetime] = mapped_column(UtcText)
    until_utc: Mapped[datetime] = mapped_column(UtcText)


def claim(session: Session, case: CaseRow, officer: str, *, at_utc: datetime) -> Hold:
    """Holds a case for somebody, or longer for who holds it already.

    Raises:
        WrongState: somebody else holds it.
    """
    check_free(session, case.case_id, officer, at_utc=at_utc)
    row = session.get(AssignmentRow, case.case_id)
    if row is None:
        row = AssignmentRow(case_id=case.case_id)
        session.add(row)
    if (row.officer, row.state) != (officer, case.state) or row.until_utc <= at_utc:
        row.officer, row.state, row.opened_utc = officer, case.state, at_utc
    row.until_utc = at_utc + timedelta(seconds=HOLD_S)
    return _hold(row)


def leave(session: Session, case_id: str, officer: str) -> Hold | None:
    """Ends somebody's hold on a case, and returns it; None when they have none."""
    row = session.get(AssignmentRow, case_id)
    if row is None or row.officer != officer:
        return None
    session.delete(row)
    return _hold(row)


def leave_all(session: Session, officer: str) -> None:
    """Ends every hold somebody has."""
    session.execute(delete(AssignmentRow).where(AssignmentRow.officer == officer))


def check_free(session: Session, case_id: str, officer: str, *, at_utc: datetime) -> None:
    """Checks that nobody else has a case open.

    Raises:
        WrongState: somebody has.
    """
    holder = session.get(AssignmentRow, case_id)
    if holder is not None and holder.officer != officer and holder.until_utc > at_utc:
        raise WrongState(f"{holder.officer} has this case open; take the next one", case_id=case_id)


def find(session: Session, case_ids: Iterable[str]) -> dict[str, Hold]:
    """Returns the holds on cases, ended ones included."""
    rows = session.scalars(select(AssignmentRow).where(AssignmentRow.case_id.in_(list(case_ids))))
    return {row.case_id: _hold(row) for row in rows}


def is_held_by_another(officer: str, at_utc: datetime) -> ColumnElement[bool]:
    """Returns the condition on cases that somebody else has open."""
    return exists().where(
        AssignmentRow.case_id == CaseRow.case_id, AssignmentRow.officer != officer, AssignmentRow.until_utc > at_utc
    )


def _hold(row: AssignmentRow) -> Hold:
    return Hold(officer=row.officer, opened_utc=row.opened_utc, until_utc=row.until_utc)
