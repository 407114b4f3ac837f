"""How long each kind of evidence is kept, and what is over its time.

decided        3 years from the last decision: 行政处罚法 art. 36 (two years from the act), and appeal; domain §2.8
cancelled      3 years from the cancellation, as decided: it is what protects the person
rejected       30 days from the rejection; domain §2.8
inadmissible   30 days from filing, as rejected: no penalty can follow
report         30 days from the refusal of a citizen's report, as rejected
working file   30 days from last use: 公共安全视频图像信息系统管理条例 art. 17 (at least 30 days, then deleted)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import hold
from cases.custody_tables import ErasureRow
from cases.models import CaseRow
from cases.report import ReportState
from cases.report_tables import ReportRow
from cases.states import CaseState


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How long one kind is kept, and the words a tombstone says it with."""

    kind: str
    days: int
    basis: str


THREE_YEARS = 3 * 366
MONTH = 30
DECIDED = Period(kind="decided", days=THREE_YEARS, basis="案件办结满三年（行政处罚法第36条追诉期二年，另加救济期限）")
CANCELLED = Period(kind="cancelled", days=THREE_YEARS, basis="违法记录消除满三年")
REJECTED = Period(kind="rejected", days=MONTH, basis="审核不予采用满三十日")
INADMISSIBLE = Period(kind="inadmissible", days=MONTH, basis="设备不符合法定条件，不得作为处罚依据，满三十日")
REPORT = Period(kind="report", days=MONTH, basis="群众举报不予采用满三十日")
WORKING_FILE = Period(kind="working_file", days=MONTH, basis="公共安全视频图像信息系统管理条例第17条（不少于三十日）")

OF_STATE: dict[CaseState, Period] = {
    CaseState.ACCEPTED: DECIDED,
    CaseState.UPHELD: DECIDED,
    CaseState.CANCELLED: CANCELLED,
    CaseState.REJECTED: REJECTED,
    CaseState.INADMISSIBLE: INADMISSIBLE,
}
"""What is queued, suspended, disputed or under objection has no period: somebody must decide it first."""
REFUSED = (ReportState.LATE, ReportState.OUT_OF_SCOPE, ReportState.DUPLICATE, ReportState.SUPPLEMENT_REQUESTED)
_ERASED = select(ErasureRow.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One thing whose time is over: a case's package, a report's originals, or a working file."""

    period: Period
    subject: str
    since_utc: datetime


def due_cases(session: Session, now_utc: datetime, case_id: str | None = None) -> list[Due]:
    """Returns the cases (or the one) whose evidence is over its time and on no hold, oldest first."""
    found = []
    for state, period in OF_STATE.items():
        query = select(CaseRow.case_id, CaseRow.changed_utc).where(
            CaseRow.state == state.value,
            CaseRow.changed_utc <= now_utc - timedelta(days=period.days),
            CaseRow.case_id.not_in(hold.held()),
            CaseRow.case_id.not_in(_ERASED),
        )
        if case_id is not None:
            query = query.where(CaseRow.case_id == case_id)
        found += [Due(period=period, subject=row.case_id, since_utc=row.changed_utc) for row in session.execute(query)]
    return sorted(found, key=lambda due: (due.since_utc, due.subject))


def due_reports(session: Session, now_utc: datetime, report_id: str | None = None) -> list[Due]:
    """Returns the reports (or the one) whose originals are over their time: refused, or their case's evidence gone."""
    is_refused = ReportRow.state.in_([state.value for state in REFUSED])
    is_old = ReportRow.changed_utc <= now_utc - timedelta(days=REPORT.days)
    query = (
        select(ReportRow.report_id, ReportRow.changed_utc)
        .where(ReportRow.report_id.not_in(_ERASED), ReportRow.case_id.in_(_ERASED) | (is_refused & is_old))
        .order_by(ReportRow.report_id)
    )
    if report_id is not None:
        query = query.where(ReportRow.report_id == report_id)
    return [Due(period=REPORT, subject=row.report_id, since_utc=row.changed_utc) for row in session.execute(query)]


def due_files(folders: tuple[Path, ...], now_utc: datetime) -> list[Due]:
    """Returns the working files (kept tracks, journals, replays) nobody used for their period."""
    limit = now_utc - timedelta(days=WORKING_FILE.days)
    return [
        Due(period=WORKING_FILE, subject=str(path), since_utc=used_utc)
        for path, used_utc in sorted(_files(folders))
        if used_utc <= limit
    ]


def _files(folders: tuple[Path, ...]) -> Iterator[tuple[Path, datetime]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path, datetime.fromtimestamp(path.stat().st_mtime, UTC)
