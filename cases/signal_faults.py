"""Lamps at fault during a run, beside it: a table of its own, so that audited rows of runs stay as they are."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cases.audit import Step, audited
from cases.models import Base, JsonText
from cases.states import SYSTEM
from core.observations import SignalFault


class SignalFaultsRow(Base):
    """All spans of one run in which a lamp or its feed could not be right: [signal, kind, start_ns, end_ns] each."""

    __tablename__ = "signal_faults"

    session_id: Mapped[str] = mapped_column(ForeignKey("runs.session_id"), primary_key=True)
    faults: Mapped[list[list[str | int]]] = mapped_column(JsonText)


def save(session: Session, session_id: str, faults: Sequence[SignalFault], *, at_utc: datetime) -> None:
    """Keeps the faults of a run in place of what was known; nothing when there never were any."""
    row = session.get(SignalFaultsRow, session_id)
    if row is None and not faults:
        return
    action = "signal_faults_added" if row is None else "signal_faults_updated"
    step = Step(at_utc=at_utc, actor=SYSTEM, action=action, table_name="signal_faults", row_key=session_id)
    with audited(session, step):
        if row is None:
            row = SignalFaultsRow(session_id=session_id)
            session.add(row)
        row.faults = [[f.signal_id, f.kind, f.start_ns, f.end_ns] for f in faults]


def find(session: Session, session_ids: Iterable[str]) -> dict[str, tuple[SignalFault, ...]]:
    """Returns the faults of those runs that have some."""
    rows = session.scalars(select(SignalFaultsRow).where(SignalFaultsRow.session_id.in_(list(session_ids))))
    return {
        row.session_id: tuple(
            SignalFault(signal_id=str(signal), kind=str(kind), start_ns=int(start_ns), end_ns=int(end_ns))
            for signal, kind, start_ns, end_ns in row.faults
        )
        for row in rows
    }
