"""Ex officio cancellation (依职权消除): the office withdraws a case that stands, of its own, on a statutory ground.

Only a supervisor does; whoever was reported is told nothing wrong any longer, and no objection is needed.
Source: Order 157 art. 22 (C1 to C8, cancelled once verified); domain §3.4.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases import accounts, publication
from cases.audit import Step, audited
from cases.models import Base, CaseRow, UtcText
from cases.reasons import check_ground
from cases.records import Cancellation
from cases.states import STANDING, CaseState, Permission
from core.errors import ConfigError, WrongState


class CancellationRow(Base):
    """Who withdrew a case, on which ground and why; at most once a case."""

    __tablename__ = "cancellations"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    ground: Mapped[str] = mapped_column(String(4))
    note: Mapped[str] = mapped_column(Text)
    officer: Mapped[str] = mapped_column(ForeignKey("users.name"))
    cancelled_utc: Mapped[datetime] = mapped_column(UtcText)


def cancel(session: Session, case: CaseRow, officer: str, ground: str, note: str, *, at_utc: datetime) -> CaseState:
    """Withdraws a case that stands, and whatever of it is on a screen.

    Raises:
        NotAllowed: the role may not.
        WrongState: the case does not stand; one under objection is answered instead.
        ConfigError: no statutory ground, or no note.
    """
    accounts.require(session, officer, Permission.CANCEL_CASE)
    if CaseState(case.state) not in STANDING:
        raise WrongState(f"case is {case.state}; only an accepted or upheld one can be cancelled", case_id=case.case_id)
    check_ground(ground)
    if not note.strip():
        raise ConfigError("write down what was verified; it is kept with the case", case_id=case.case_id)
    publication.end_all(session, case.case_id, officer, note="cancelled", at_utc=at_utc)
    row = CancellationRow(case_id=case.case_id, ground=ground, note=note.strip(), officer=officer, cancelled_utc=at_utc)
    with audited(session, _step("cancellation_recorded", officer, at_utc, "cancellations", case.case_id)):
        session.add(row)
    with audited(session, _step("case_cancelled", officer, at_utc, "cases", case.case_id)):
        case.state, case.changed_utc = CaseState.CANCELLED.value, at_utc
    return CaseState.CANCELLED


def listed(session: Session, case_ids: Iterable[str]) -> dict[str, Cancellation]:
    """Returns the cancellations of cases by case id."""
    rows = session.scalars(select(CancellationRow).where(CancellationRow.case_id.in_(list(case_ids))))
    return {
        row.case_id: Cancellation(
            ground=row.ground, note=row.note, officer=row.officer, cancelled_utc=row.cancelled_utc
        )
        for row in rows
    }


def _step(action: str, actor: str, at_utc: datetime, table: str, key: str) -> Step:
    return Step(at_utc=at_utc, actor=actor, action=action, table_name=table, row_key=key)
