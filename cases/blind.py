"""Blind second reviews: one case in ten, drawn so that nobody can foresee and everybody can check which.

A drawn case gets its second review whatever the first one says, the second officer is not told what that was, and a
difference goes to a supervisor. The draw is a keyed hash of the case id: the same on every machine, unknown to whoever
does not hold the database's key. Source: domain §3.3 (second sees the first's result only after giving his own, 10 %).
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases.audit import Step, audited
from cases.models import Base, CaseRow, UtcText
from cases.records import CaseRecord, User
from cases.states import PERMISSIONS, SYSTEM, CaseState, Permission

SHARE = 0.10
"""Source: domain §3.3."""


class DrawKeyRow(Base):
    """The key of the draw, made with the table."""

    __tablename__ = "draw_keys"

    key_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(64))


class BlindDrawRow(Base):
    """A case that was drawn, when its first review was given."""

    __tablename__ = "blind_draws"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    drawn_utc: Mapped[datetime] = mapped_column(UtcText)


def is_drawn(key: str, case_id: str) -> bool:
    """Tells whether a key draws a case: one in ten, and nobody without the key can say which."""
    drawn = hmac.new(bytes.fromhex(key), case_id.encode(), hashlib.sha256).digest()
    return int.from_bytes(drawn[:8], "big") < SHARE * 2**64


def draw(session: Session, case: CaseRow, *, at_utc: datetime) -> bool:
    """Tells whether a case is reviewed blind; its first review draws, and keeps what was drawn."""
    case_id = case.case_id
    if session.get(BlindDrawRow, case_id) is not None:
        return True
    if case.state != CaseState.QUEUED.value or not is_drawn(session.scalars(select(DrawKeyRow.key)).one(), case_id):
        return False
    step = Step(at_utc=at_utc, actor=SYSTEM, action="blind_drawn", table_name="blind_draws", row_key=case_id)
    with audited(session, step):
        session.add(BlindDrawRow(case_id=case_id, drawn_utc=at_utc))
    return True


def find(session: Session, case_ids: Iterable[str]) -> set[str]:
    """Returns those of the cases that are reviewed blind."""
    return set(session.scalars(select(BlindDrawRow.case_id).where(BlindDrawRow.case_id.in_(list(case_ids)))))


def veiled(case: CaseRecord, user: User) -> CaseRecord:
    """Returns a case as somebody may see it: until the second review nobody but its author reads a blind first one.

    A plate typed in the first review is veiled in every case: the second officer types it again.
    """
    if case.state is not CaseState.SECOND_REVIEW or case.first_reviewer == user.name:
        return case
    if Permission.FIRST_REVIEW not in PERMISSIONS[user.role]:
        return case
    reviews = () if case.is_blind else tuple(replace(review, plate="") for review in case.reviews)
    return replace(case, reviews=reviews)
