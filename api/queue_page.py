"""The queue: which cases wait, how long they may, who has which open."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api import case_view
from api.access import CaseReader, Parts
from api.console import Console
from api.labels import Labels
from cases.records import Cursor, QueueFilter, QueueRow, User
from cases.report import CITIZEN
from cases.review import due_utc, overdue_before
from cases.states import UNDECIDED, CaseState
from core.catalogue import catalogue
from core.errors import ConfigError
from core.plate import UNREADABLE, normalise
from core.workdays import BEIJING

router = APIRouter()
PER_PAGE = 30
RUNS_SHOWN = 6
SOON_S = 86400.0
"""A case due within this is marked. Source: none in law; the last working day at most."""


Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]


class Asked(BaseModel):
    """The filter of the queue as its address writes it; empty fields of the form mean any."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: CaseState | Literal[""] = ""
    violation: str = Field(default="", pattern=r"^(V\d\d)?$")
    camera: str = Field(default="", max_length=100)
    source: Literal["", "camera", "report"] = ""
    plate: str = Field(default="", max_length=16)
    since: Day | Literal[""] = ""
    until: Day | Literal[""] = ""
    overdue: Literal["", "1"] = ""
    after: str = Field(default="", max_length=200)
    page: int = Field(default=1, ge=1, le=100_000)

    def wanted(self, now_utc: datetime, limit: int) -> QueueFilter:
        """Returns what the store is asked for."""
        return QueueFilter(
            state=self.state or None,
            violation_id=self.violation or None,
            camera_id=self.camera or None,
            is_report=None if not self.source else self.source == "report",
            plate=normalise(self.plate) or None,
            from_utc=_midnight(self.since) if self.since else None,
            to_utc=_midnight(self.until) + timedelta(days=1) if self.until else None,
            received_before=overdue_before(now_utc) if self.overdue else None,
            after=parse_cursor(self.after) if self.after else None,
            limit=limit,
        )

    def link(self, **changes: object) -> str:
        """Returns the address of the queue with some of the filter changed, from its first page on."""
        fields = self.model_dump(mode="json", exclude_defaults=True, exclude={"after", "page"}) | changes
        return f"/queue?{urlencode({name: value for name, value in fields.items() if value})}"


@router.get("/queue")
def queue(request: Request, console: Parts, user: CaseReader, asked: Annotated[Asked, Query()]) -> Response:
    """Lists cases beside what was not looked at."""
    now, labels = console.clock.now_utc(), console.labels(request)
    wanted = asked.wanted(now, PER_PAGE + 1)
    found = console.store.rows(wanted)
    shown, more = found[:PER_PAGE], None
    if len(found) > PER_PAGE:
        more = asked.link(after=cursor_text(wanted.cursor(shown[-1])), page=asked.page + 1)
    values = {
        "rows": [row_view(console, row, user, labels, now) for row in shown],
        "asked": asked,
        "plate": normalise(asked.plate),
        "more": more,
        "tabs": [(state, asked.link(state=state.value), number) for state, number in _states(console).items()],
        "violations": [
            (key, case_view.title(catalogue().get(key), labels), number)
            for key, number in sorted(_violations(console, asked.state or None).items())
        ],
        "cameras": console.kept.get("cameras", console.store.cameras, kept_s=60.0),
        "overdue": console.kept.get("overdue", lambda: console.store.count(_overdue(now))),
        "suspensions": console.store.reviews.suspensions(),
        "runs": console.kept.get("runs", lambda: console.store.runs(RUNS_SHOWN)),
        "totals": console.kept.get("totals", console.store.reports.totals),
        "next_id": console.store.next_for(user.name),
        "local_time": case_view.local_time,
        "script_labels": labels.for_scripts(),
    }
    return console.page(request, "queue.html", values)


def row_view(console: Console, row: QueueRow, user: User, labels: Labels, now: datetime) -> dict[str, Any]:
    """Returns the words of one line of the list."""
    violation = catalogue().get(row.violation_id)
    is_zh = labels.language == "zh"
    hold = row.hold if row.hold is not None and row.hold.is_of_another(user.name, now) else None
    due = due_utc(row.created_utc) if row.state in (*UNDECIDED, CaseState.SUSPENDED) else None
    left_s = None if due is None else (due - now).total_seconds()
    return {
        "case": row,
        "title": violation.short_zh if is_zh else violation.name_en,
        "other_title": violation.name_en if is_zh else violation.short_zh,
        "when": case_view.when(row),
        "source": labels("report_source") if row.camera_id == CITIZEN else row.camera_id,
        "subject": labels.word(row.subject),
        "plate": "" if row.plate == UNREADABLE else row.plate,
        "state": labels(f"state_{row.state.value}"),
        "age": case_view.age(labels, row.created_utc, now),
        "due": "" if due is None else case_view.due_day(due),
        "urgency": "" if left_s is None else "late" if left_s < 0 else "soon" if left_s < SOON_S else "",
        "holder": None if hold is None else hold.officer,
        "cover": case_view.cover(console, row.case_id),
        "is_blocked": case_view.blocked_because(row, user, now) is not None,
    }


def cursor_text(cursor: Cursor) -> str:
    """Returns a place in the list as an address carries it."""
    return f"{cursor.at_utc.isoformat(timespec='microseconds')}~{cursor.case_id}"


def parse_cursor(text: str) -> Cursor:
    """Returns the place an address names.

    Raises:
        ConfigError: it names none.
    """
    moment, _, case_id = text.partition("~")
    try:
        at_utc = datetime.fromisoformat(moment)
    except ValueError as error:
        raise ConfigError("this address leads nowhere; start from the first page", got=text) from error
    if at_utc.tzinfo is None or not 2000 <= at_utc.year < 2100:
        raise ConfigError("this address leads nowhere; start from the first page", got=text)
    return Cursor(at_utc=at_utc, case_id=case_id)


def _states(console: Console) -> Mapping[CaseState, int]:
    return console.kept.get("states", console.store.counts_by_state)


def _violations(console: Console, state: CaseState | None) -> Mapping[str, int]:
    return console.kept.get(("violations", state), lambda: console.store.counts_by_violation(state))


def _overdue(now_utc: datetime) -> QueueFilter:
    return QueueFilter(received_before=overdue_before(now_utc))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), BEIJING)
