"""Plates of cases, read by the machine, then perhaps typed by people.

A table beside the cases, so that audited rows of cases stay as they are.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Select, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases.audit import Step, audited
from cases.models import Base
from cases.states import SYSTEM
from core.plate import UNREADABLE


class PlateRow(Base):
    """The plate of a case's subject; a case without a row has none that could be read."""

    __tablename__ = "plates"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    plate: Mapped[str] = mapped_column(String(16), index=True)


def save(session: Session, case_id: str, plate: str, *, at_utc: datetime) -> None:
    """Adds what was read, in the transaction that queues the case; nothing when nothing was."""
    if plate == UNREADABLE:
        return
    step = Step(at_utc=at_utc, actor=SYSTEM, action="plate_filed", table_name="plates", row_key=case_id)
    with audited(session, step):
        session.add(PlateRow(case_id=case_id, plate=plate))


def confirm(session: Session, case_id: str, plate: str, officer: str, *, at_utc: datetime) -> None:
    """Puts the plate people typed in place of the machine's."""
    row = session.get(PlateRow, case_id)
    step = Step(at_utc=at_utc, actor=officer, action="plate_typed", table_name="plates", row_key=case_id)
    with audited(session, step):
        if row is None:
            session.add(PlateRow(case_id=case_id, plate=plate))
        else:
            row.plate = plate


def find(session: Session, case_ids: Iterable[str]) -> dict[str, str]:
    """Returns the plates of those cases that have one."""
    rows = session.scalars(select(PlateRow).where(PlateRow.case_id.in_(list(case_ids))))
    return {row.case_id: row.plate for row in rows}


def matching(wanted: str) -> Select[str]:
    """Returns the ids of the cases whose plate begins or ends with a text, as a query to be used in another."""
    begins, ends = (
        PlateRow.plate.startswith(wanted, autoescape=True),
        PlateRow.plate.endswith(wanted, autoescape=True),
    )
    return select(PlateRow.case_id).where(or_(begins, ends))
