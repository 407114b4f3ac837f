"""What other programs are told: every step of a case, in the order of the audit chain, each at least once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, String, select
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import Database
from cases.models import AuditRow, Base

TOLD_TABLES = ("cases", "publications", "reports")
"""Rows other programs may know of; who decided stays here."""


class WebhookRow(Base):
    """How far an address has been told: the number of the last audit entry it acknowledged."""

    __tablename__ = "webhooks"

    url_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One step; ids only, so that a message that goes astray tells nothing about anybody."""

    seq: int
    at_utc: datetime
    action: str
    about: str
    key: str


class WebhookStore:
    """Knows what an address has not been told yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, url: str, limit: int) -> list[Message]:
        """Returns the next steps for an address; one that was never told anything begins at the present end."""
        with self._database.reading() as session:
            row = session.get(WebhookRow, _digest(url))
            head = session.scalars(select(AuditRow.seq).order_by(AuditRow.seq.desc()).limit(1)).first() or 0
            rows = session.scalars(
                select(AuditRow)
                .where(AuditRow.seq > (head if row is None else row.seq), AuditRow.table_name.in_(TOLD_TABLES))
                .order_by(AuditRow.seq)
                .limit(limit)
            ).all()
        if row is None:
            self.told(url, head)
        return [Message(seq=r.seq, at_utc=r.at_utc, action=r.action, about=r.table_name, key=r.row_key) for r in rows]

    def told(self, url: str, seq: int) -> None:
        """Notes that an address has acknowledged everything up to a step."""
        with self._database.writing() as session:
            row = session.get(WebhookRow, _digest(url))
            if row is None:
                session.add(WebhookRow(url_sha256=_digest(url), seq=seq))
            else:
                row.seq = seq


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
