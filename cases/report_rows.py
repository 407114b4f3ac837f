"""Rows of reports as values and back; the state of an accepted report is read from its case."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from ulid import ULID

from cases.cancellation import CancellationRow
from cases.models import CaseRow, ObjectionRow, ReviewRow
from cases.office import BORDER_M, Office
from cases.report import (
    OF_CASE,
    WINDOW,
    Medium,
    NewReport,
    ReportRecord,
    ReportState,
    code_of_reason,
    reportable,
)
from cases.report_tables import ReportRow
from cases.states import CaseState, Decision
from core.errors import CaseNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """State and code of a report that ends when it is handed in; ``detail`` is the fact that decided."""

    state: ReportState
    code: str
    detail: str = ""


def new_row(reporter: str, token: str, claim: NewReport, media: Sequence[Medium], now: datetime) -> ReportRow:
    """Returns the row of a report that is handed in now."""
    return ReportRow(
        report_id=str(ULID.from_datetime(now)),
        reporter=reporter,
        token=token,
        violation_id=claim.violation_id,
        plate=claim.plate,
        occurred_utc=claim.occurred_utc,
        place=claim.place.strip(),
        lat_udeg=_micro(claim.lat_deg),
        lon_udeg=_micro(claim.lon_deg),
        note=claim.note.strip(),
        state=ReportState.SUBMITTED.value,
        code=None,
        detail="",
        duplicate_of=None,
        case_id=None,
        media=[to_plain(medium) for medium in media],
        submitted_utc=now,
        changed_utc=now,
    )


def refusal(claim: NewReport, now: datetime, office: Office, *, has_name: bool) -> Refusal | None:
    """Returns why nobody will look at a claim; None where somebody will."""
    if claim.violation_id not in {violation.id for violation in reportable()}:
        return Refusal(state=ReportState.OUT_OF_SCOPE, code="J10")
    if now - claim.occurred_utc > WINDOW:
        return Refusal(state=ReportState.LATE, code="J06")
    if office.needs_name and not has_name:
        return Refusal(state=ReportState.OUT_OF_SCOPE, code="J13")
    outside_m = office.outside_m(claim.lat_deg, claim.lon_deg)
    if outside_m > BORDER_M:
        return Refusal(state=ReportState.OUT_OF_SCOPE, code="J09", detail=f"outside_km:{outside_m / 1000:.1f}")
    return None


def to_record(session: Session, row: ReportRow) -> ReportRecord:
    """Returns a report as it stands now."""
    record = ReportRecord(
        report_id=row.report_id,
        reporter=row.reporter,
        claim=NewReport(
            violation_id=row.violation_id,
            plate=row.plate,
            occurred_utc=row.occurred_utc,
            place=row.place,
            lat_deg=_degrees(row.lat_udeg),
            lon_deg=_degrees(row.lon_udeg),
            note=row.note,
        ),
        state=ReportState(row.state),
        code=row.code,
        detail=row.detail,
        duplicate_of=row.duplicate_of,
        case_id=row.case_id,
        media=tuple(to_medium(entry) for entry in row.media),
        submitted_utc=row.submitted_utc,
        changed_utc=row.changed_utc,
    )
    return record if row.case_id is None else _as_case(session, record, row.case_id)


def _as_case(session: Session, record: ReportRecord, case_id: str) -> ReportRecord:
    case = session.get(CaseRow, case_id)
    if case is None:
        raise CaseNotFound(f"case of report {record.report_id} is missing; run: lukou verify", case_id=case_id)
    state = OF_CASE[CaseState(case.state)]
    code = None
    withdrawn = _withdrawn(session, case_id) if case.state == CaseState.CANCELLED.value else None
    if withdrawn is not None:
        code, record = code_of_reason(withdrawn), replace(record, detail=f"withdrawn:{withdrawn}")
    elif state is ReportState.REJECTED:
        last = select(ReviewRow.reason).where(ReviewRow.case_id == case_id, ReviewRow.decision == Decision.REJECT.value)
        code = code_of_reason(session.scalars(last).first())
    return replace(record, state=state, code=code, changed_utc=max(record.changed_utc, case.changed_utc))


def _withdrawn(session: Session, case_id: str) -> str | None:
    """Returns the ground on which a case was cancelled, by the office or after an objection."""
    own = session.scalar(select(CancellationRow.ground).where(CancellationRow.case_id == case_id))
    return own or session.scalar(select(ObjectionRow.ground).where(ObjectionRow.case_id == case_id))


def to_plain(medium: Medium) -> dict[str, object]:
    """Returns a file's entry in ``reports.media``."""
    return {**asdict(medium), "signs": [list(sign) for sign in medium.signs]}


def to_medium(entry: dict[str, object]) -> Medium:
    """Returns the file of an entry in ``reports.media``."""
    signs = entry["signs"]
    pairs = tuple((str(key), str(detail)) for key, detail in signs) if isinstance(signs, list) else ()
    return Medium(
        sha256=str(entry["sha256"]),
        ending=str(entry["ending"]),
        size_bytes=int(str(entry["size_bytes"])),
        phash=str(entry["phash"]),
        signs=pairs,
    )


def _micro(degrees: float | None) -> int | None:
    return None if degrees is None else round(degrees * 1e6)


def _degrees(micro: int | None) -> float | None:
    return None if micro is None else micro / 1e6
