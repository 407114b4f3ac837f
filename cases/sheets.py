"""What goes with a review, beside it: when the case was opened, and the plate as the reviewer typed it.

A table of its own, so that audited rows of reviews stay as they are. A plate counts when two people typed the same,
each without seeing the other's; where they differ the supervisor types it.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases.audit import Step, audited
from cases.models import Base, UtcText
from cases.states import ReviewStage
from core.errors import ConfigError
from core.plate import layout_of, normalise


class SheetRow(Base):
    """What goes with one review; a review without a row was given without opening the case in the console."""

    __tablename__ = "review_sheets"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20), primary_key=True)
    opened_utc: Mapped[datetime | None] = mapped_column(UtcText)
    plate: Mapped[str] = mapped_column(String(16))


def checked(typed: str) -> str:
    """Returns a typed plate as plates are stored; nothing for nothing.

    Raises:
        ConfigError: no plate can read like this.
    """
    plate = normalise(typed)
    if plate and layout_of(plate) is None:
        raise ConfigError(f"no plate reads '{plate}'; look again, or leave it empty", got=plate)
    return plate


def save(session: Session, row: SheetRow, officer: str, *, at_utc: datetime) -> None:
    """Adds what goes with a review; nothing when there is nothing."""
    if row.opened_utc is None and not row.plate:
        return
    with audited(session, _step(row, officer, "sheet_added", at_utc)):
        session.add(row)


def remove(session: Session, case_id: str, stage: ReviewStage, officer: str, *, at_utc: datetime) -> None:
    """Removes what goes with a review that is taken back."""
    row = session.get(SheetRow, (case_id, stage.value))
    if row is None:
        return
    with audited(session, _step(row, officer, "sheet_removed", at_utc, is_removal=True)):
        session.delete(row)


def find(session: Session, case_ids: Iterable[str]) -> dict[tuple[str, str], SheetRow]:
    """Returns what goes with the reviews of cases, by case id and stage."""
    rows = session.scalars(select(SheetRow).where(SheetRow.case_id.in_(list(case_ids))))
    return {(row.case_id, row.stage): row for row in rows}


def plate_of(session: Session, case_id: str, stage: ReviewStage) -> str:
    """Returns the plate typed in a review; nothing when none was."""
    row = session.get(SheetRow, (case_id, stage.value))
    return "" if row is None else row.plate


def _step(row: SheetRow, actor: str, action: str, at_utc: datetime, *, is_removal: bool = False) -> Step:
    key = f"{row.case_id}/{row.stage}"
    return Step(
        at_utc=at_utc, actor=actor, action=action, table_name="review_sheets", row_key=key, is_removal=is_removal
    )
