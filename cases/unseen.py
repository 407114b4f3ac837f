"""What nobody looked at during a run, beside it: a table of its own, so that audited rows of runs stay as they are."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases.audit import Step, audited
from cases.models import Base, JsonText
from cases.records import Unseen
from cases.states import SYSTEM


class UnseenRow(Base):
    """All spans of one run that were not looked at: [from_ns, to_ns, reason] each."""

    __tablename__ = "unseen"

    session_id: Mapped[str] = mapped_column(ForeignKey("runs.session_id"), primary_key=True)
    spans: Mapped[list[list[str | int]]] = mapped_column(JsonText)


def save(session: Session, session_id: str, spans: Sequence[Unseen], *, at_utc: datetime) -> None:
    """Keeps the spans of a run in place of what was known; nothing when there never were any."""
    row = session.get(UnseenRow, session_id)
    if row is None and not spans:
        return
    action = "unseen_added" if row is None else "unseen_updated"
    step = Step(at_utc=at_utc, actor=SYSTEM, action=action, table_name="unseen", row_key=session_id)
    with audited(session, step):
        if row is None:
            row = UnseenRow(session_id=session_id)
            session.add(row)
        row.spans = [[s.from_ns, s.to_ns, s.reason] for s in spans]


def find(session: Session, session_ids: Iterable[str]) -> dict[str, tuple[Unseen, ...]]:
    """Returns the spans of those runs that have some."""
    rows = session.scalars(select(UnseenRow).where(UnseenRow.session_id.in_(list(session_ids))))
    return {
        row.session_id: tuple(
            Unseen(from_ns=int(start), to_ns=int(end), reason=str(reason)) for start, end, reason in row.spans
        )
        for row in rows
    }
