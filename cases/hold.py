"""Legal hold: while one stands, a case's evidence is not deleted, whatever its retention period says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from ulid import ULID

from cases import accounts
from cases.audit import Step, audited
from cases.custody_tables import ErasureRow, LegalHoldRow
from cases.models import CaseRow
from cases.states import Permission
from core.errors import ConfigError, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """One order to keep a case's evidence."""

    hold_id: str
    case_id: str
    reason: str
    placed_by: str
    placed_utc: datetime
    lifted_by: str | None = None
    lifted_utc: datetime | None = None
    lift_reason: str = ""


def place(session: Session, case: CaseRow, officer: str, reason: str, *, at_utc: datetime) -> LegalHold:
    """Orders a case's evidence to be kept; returns the order.

    Raises:
        NotAllowed: the role may not order it.
        WrongState: the case is on hold already, or its evidence is gone.
        ConfigError: no reason is given.
    """
    accounts.require(session, officer, Permission.HOLD_EVIDENCE)
    if not reason.strip():
        raise ConfigError("write down why the evidence must be kept", case_id=case.case_id)
    if _standing(session, case.case_id) is not None:
        raise WrongState("this case's evidence is on hold already", case_id=case.case_id)
    if session.get(ErasureRow, case.case_id) is not None:
        raise WrongState("this case's evidence was deleted; there is nothing to hold", case_id=case.case_id)
    row = LegalHoldRow(
        hold_id=str(ULID.from_datetime(at_utc)),
        case_id=case.case_id,
        reason=reason.strip(),
        placed_by=officer,
        placed_utc=at_utc,
        lifted_by=None,
        lifted_utc=None,
        lift_reason="",
    )
    with audited(session, _step("legal_hold_placed", officer, at_utc, row.hold_id)):
        session.add(row)
    return _hold(row)


def lift(session: Session, case: CaseRow, officer: str, reason: str, *, at_utc: datetime) -> LegalHold:
    """Ends a case's legal hold; returns it.

    Raises:
        NotAllowed: the role may not end it.
        WrongState: the case is not on hold.
        ConfigError: no reason is given.
    """
    accounts.require(session, officer, Permission.HOLD_EVIDENCE)
    if not reason.strip():
        raise ConfigError("write down why the hold ends", case_id=case.case_id)
    row = _standing(session, case.case_id)
    if row is None:
        raise WrongState("this case's evidence is not on hold", case_id=case.case_id)
    with audited(session, _step("legal_hold_lifted", officer, at_utc, row.hold_id)):
        row.lifted_by, row.lifted_utc, row.lift_reason = officer, at_utc, reason.strip()
    return _hold(row)


def listed(session: Session, case_id: str) -> list[LegalHold]:
    """Returns every hold a case ever had, oldest first."""
    query = select(LegalHoldRow).where(LegalHoldRow.case_id == case_id).order_by(LegalHoldRow.hold_id)
    return [_hold(row) for row in session.scalars(query)]


def held() -> Select[Any]:
    """Returns the query of the cases on hold."""
    return select(LegalHoldRow.case_id).where(LegalHoldRow.lifted_utc.is_(None))


def _standing(session: Session, case_id: str) -> LegalHoldRow | None:
    query = select(LegalHoldRow).where(LegalHoldRow.case_id == case_id, LegalHoldRow.lifted_utc.is_(None))
    return session.scalars(query).one_or_none()


def _step(action: str, officer: str, at_utc: datetime, hold_id: str) -> Step:
    return Step(at_utc=at_utc, actor=officer, action=action, table_name="legal_holds", row_key=hold_id)


def _hold(row: LegalHoldRow) -> LegalHold:
    return LegalHold(
        hold_id=row.hold_id,
        case_id=row.case_id,
        reason=row.reason,
        placed_by=row.placed_by,
        placed_utc=row.placed_utc,
        lifted_by=row.lifted_by,
        lifted_utc=row.lifted_utc,
        lift_reason=row.lift_reason,
    )
