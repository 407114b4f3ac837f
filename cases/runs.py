"""Processing runs: what was seen, skipped and left undecided, shown beside the cases they gave."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import signal_faults, unseen
from cases.audit import Step, audited
from cases.models import RunRow
from cases.records import RunRecord, Unseen
from cases.states import SYSTEM
from core.observations import SignalFault


def save(session: Session, run: RunRecord, *, at_utc: datetime) -> None:
    """Adds a run, or replaces what is known about the same session."""
    row = session.get(RunRow, run.session_id)
    action = "run_added" if row is None else "run_updated"
    step = Step(at_utc=at_utc, actor=SYSTEM, action=action, table_name="runs", row_key=run.session_id)
    with audited(session, step):
        if row is None:
            row = RunRow(session_id=run.session_id)
            session.add(row)
        _fill(row, run)
    signal_faults.save(session, run.session_id, run.signal_faults, at_utc=at_utc)
    unseen.save(session, run.session_id, run.unseen, at_utc=at_utc)


def find(session: Session, session_id: str) -> RunRecord | None:
    """Returns a run."""
    row = session.get(RunRow, session_id)
    return None if row is None else _to_runs(session, [row])[0]


def listed(session: Session, limit: int) -> list[RunRecord]:
    """Returns the latest runs."""
    return _to_runs(session, session.scalars(select(RunRow).order_by(RunRow.started_utc.desc()).limit(limit)).all())


def _to_runs(session: Session, rows: Sequence[RunRow]) -> list[RunRecord]:
    ids = [row.session_id for row in rows]
    faults, spans = signal_faults.find(session, ids), unseen.find(session, ids)
    return [_to_run(row, faults.get(row.session_id, ()), spans.get(row.session_id, ())) for row in rows]


def _fill(row: RunRow, run: RunRecord) -> None:
    row.camera_id = run.camera_id
    row.site_id = run.site_id
    row.files = list(run.files)
    row.started_utc = run.started_utc
    row.finished_utc = run.finished_utc
    row.footage_ms = round(run.footage_s * 1000)
    row.decoded = run.decoded
    row.analysed = run.analysed
    row.skipped = run.skipped
    row.damaged = run.damaged
    row.lost = run.lost
    row.undecided = {violation: dict(by_reason) for violation, by_reason in run.undecided.items()}


def _to_run(row: RunRow, faults: tuple[SignalFault, ...], spans: tuple[Unseen, ...]) -> RunRecord:
    return RunRecord(
        session_id=row.session_id,
        camera_id=row.camera_id,
        site_id=row.site_id,
        files=tuple(row.files),
        started_utc=row.started_utc,
        finished_utc=row.finished_utc,
        footage_s=row.footage_ms / 1000,
        decoded=row.decoded,
        analysed=row.analysed,
        skipped=row.skipped,
        damaged=row.damaged,
        lost=row.lost,
        undecided=row.undecided,
        signal_faults=faults,
        unseen=spans,
    )
