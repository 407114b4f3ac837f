"""Rewards of confirmed reports, where the office pays any: due, paid, declined or expired.

How, and to which account, is not kept: who pays opens the identity (``cases.identity``) and notes a receipt.

Source: domain §4.3 (ENTERED -> REWARDED -> CLOSED); off unless ``Office.reward_days`` says how long it can be fetched.
"""

import re
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases import accounts
from cases.audit import Step, audited
from cases.models import Base, UtcText
from cases.office import Office
from cases.report import ReportRecord, ReportState, RewardState
from cases.states import Permission
from core.errors import ConfigError, WrongState

ACCOUNT_NUMBER = re.compile(r"\d(?:[ -]?\d){11,}")
"""Twelve digits and more: a card, an account, an identity card. Source: ISO/IEC 7812 (cards have 12 to 19)."""


SETTLED = (RewardState.PAID, RewardState.DECLINED)


class RewardRow(Base):
    """What became of a report's reward, and who said so."""

    __tablename__ = "rewards"

    report_id: Mapped[str] = mapped_column(ForeignKey("reports.report_id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text)
    officer: Mapped[str] = mapped_column(ForeignKey("users.name"))
    settled_utc: Mapped[datetime] = mapped_column(UtcText)


def state_of(session: Session, report: ReportRecord, office: Office, now_utc: datetime) -> RewardState | None:
    """Returns where a report's reward is; None where there is none."""
    row = session.get(RewardRow, report.report_id)
    if row is not None:
        return RewardState(row.state)
    if not office.reward_days or report.state is not ReportState.CONFIRMED:
        return None
    is_over = now_utc > report.changed_utc + timedelta(days=office.reward_days)
    return RewardState.EXPIRED if is_over else RewardState.DUE


def settle(
    session: Session, report: ReportRecord, officer: str, state: RewardState, note: str, *, at_utc: datetime
) -> None:
    """Notes that a reward that is due was paid or declined.

    Raises:
        NotAllowed: the role may not.
        WrongState: none is due.
        ConfigError: no note, or one with a number that could be an account.
    """
    accounts.require(session, officer, Permission.SETTLE_REWARD)
    if report.reward is not RewardState.DUE or state not in SETTLED:
        raise WrongState("no reward is due for this report", report_id=report.report_id)
    if not note.strip():
        raise ConfigError("note the receipt, or why it is declined; the note is kept")
    if ACCOUNT_NUMBER.search(note):
        raise ConfigError("leave card, account and identity numbers out of the note; they are not kept here")
    step = Step(
        at_utc=at_utc,
        actor=officer,
        action=f"reward_{state.value.lower()}",
        table_name="rewards",
        row_key=report.report_id,
    )
    with audited(session, step):
        session.add(
            RewardRow(
                report_id=report.report_id, state=state.value, note=note.strip(), officer=officer, settled_utc=at_utc
            )
        )
