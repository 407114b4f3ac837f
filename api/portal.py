"""The citizens' page (违法随手拍): register, hand in photos, follow one's reports. Made for a telephone."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import assets, case_view
from api.access import Parts
from api.citizens import COOKIE, Checked, Reporter, handle_of, session_of, set_cookie
from api.console import Console
from api.problems import Problem
from api.reports_json import faults, log_in, report_json
from cases.report import DAILY_LIMIT, ENDED, PHOTOS_MAX, PHOTOS_MIN, ReportState, reportable
from core.catalogue import catalogue
from core.errors import ConfigError

router = APIRouter()


@router.get("/report")
def start(request: Request, console: Parts) -> Response:
    """Shows the form, or how to get an account."""
    handle = handle_of(request)
    if handle is None:
        return page(console, request, "report_login.html", {"message": "", "handle": ""})
    values = {
        "types": [(v.id, case_view.title(v, console.labels(request))) for v in reportable()],
        "now": case_view.local_time(console.clock.now_utc())[:16].replace(" ", "T"),
        "photos_min": PHOTOS_MIN,
        "photos_max": PHOTOS_MAX,
        "limit": DAILY_LIMIT,
        "is_name_missing": console.store.reports.lacks_name(handle),
    }
    return page(console, request, "report_form.html", values)


@router.post("/report/register", dependencies=[Checked])
def register(request: Request, console: Parts, password: Annotated[str, Form()] = "") -> Response:
    """Opens an account and shows its handle, once."""
    try:
        handle = console.store.reports.register(password)
    except ConfigError:
        message = console.labels(request)("report_password_short")
        return page(console, request, "report_login.html", {"message": message, "handle": ""}, status=422)
    response = page(console, request, "report_welcome.html", {"new_handle": handle})
    set_cookie(console, request, response, console.citizens.begin(handle))
    return response


@router.post("/report/login", dependencies=[Checked])
def login(
    request: Request, console: Parts, handle: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """Logs a citizen in; the session gets a new identity."""
    name = handle.strip().upper()
    try:
        log_in(console, request, name, password)
    except Problem as problem:
        key = "login_wait" if problem.status == 429 else "report_login_failed"
        message = console.labels(request)(key, **({"seconds": 60} if problem.status == 429 else {}))
        values = {"message": message, "handle": name}
        return page(console, request, "report_login.html", values, status=problem.status)
    response = RedirectResponse("/report", status_code=303)
    set_cookie(console, request, response, console.citizens.begin(name))
    return response


@router.post("/report/logout", dependencies=[Checked])
def logout(request: Request, console: Parts) -> Response:
    """Ends the session."""
    session = session_of(request)
    if session is not None:
        console.citizens.end(session)
    response = RedirectResponse("/report", status_code=303)
    response.delete_cookie(COOKIE)
    return response


@router.get("/report/mine")
def mine(request: Request, console: Parts) -> Response:
    """Lists the sender's reports."""
    handle = handle_of(request)
    if handle is None:
        return RedirectResponse("/report", status_code=303)
    found = console.store.reports.of_reporter(handle)
    return page(console, request, "report_mine.html", {"reports": [_shown(console, request, r) for r in found]})


@router.get("/report/mine/{report_id}")
def one(report_id: str, request: Request, console: Parts, handle: Reporter) -> Response:
    """Shows one report and what became of it."""
    found = console.store.reports.get(report_id, handle)
    return page(console, request, "report_one.html", {"report": _shown(console, request, found)})


def page(console: Console, request: Request, name: str, values: dict[str, Any], *, status: int = 200) -> HTMLResponse:
    """Returns a rendered page of the portal, with a session for its forms if there is none yet."""
    session = session_of(request)
    is_new = session is None
    session = session or console.citizens.begin()
    common = {
        "t": console.labels(request),
        "handle_shown": handle_of(request),
        "portal_csrf": console.citizens.csrf(session),
        "csrf": "",
        "path": request.url.path,
        "assets": assets.version(),
    }
    response = HTMLResponse(console.templates.get_template(name).render(**common, **values), status_code=status)
    if is_new:
        set_cookie(console, request, response, session)
    return response


def _shown(console: Console, request: Request, report: Any) -> dict[str, Any]:
    labels = console.labels(request)
    shown = report_json(report)
    return {
        **shown,
        "title": case_view.title(catalogue().get(report.claim.violation_id), labels),
        "says": shown["text"][labels.language],
        "reason": shown["why"][labels.language] if shown["why"] else "",
        "detail": faults(report, labels),
        "when": case_view.local_time(report.claim.occurred_utc)[:16],
        "sent": case_view.local_time(report.submitted_utc)[:16],
        "is_ended": report.state in ENDED,
        "is_draft": report.state is ReportState.DRAFT,
        "until_local": report.until_utc and case_view.local_time(report.until_utc)[:16],
    }
