"""Pages for people: login, queue, case, screens. Rendered here, made lively by custom elements."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api import case_view
from api.access import AuditReader, CaseReader, Csrf, Parts
from api.labels import COOKIE as LANGUAGE_COOKIE
from api.labels import parse_language
from api.login import local_path
from core import log
from core.catalogue import catalogue

router = APIRouter()
AUDIT_PAGE = 100
_log = log.get(__name__)


@router.get("/healthz")
def health(console: Parts) -> Response:
    """Tells that the server and its database answer."""
    console.store.count()
    return JSONResponse({"status": "ok"})


@router.get("/")
def start() -> Response:
    """Leads to the queue."""
    return RedirectResponse("/queue", status_code=303)


@router.post("/language", dependencies=[Csrf])
def language(language: Annotated[str, Form()], next: Annotated[str, Form()] = "/queue") -> Response:  # noqa: A002
    """Remembers the language of this browser."""
    response = RedirectResponse(local_path(next), status_code=303)
    response.set_cookie(
        LANGUAGE_COOKIE, parse_language(language), max_age=365 * 86400, samesite="strict", httponly=True
    )
    return response


@router.get("/next")
def next_case(console: Parts, user: CaseReader, after: Annotated[str | None, Query()] = None) -> Response:
    """Leads to the next case this person may review, or to the queue."""
    case_id = console.store.next_for(user.name, after=after)
    return RedirectResponse(f"/cases/{case_id}" if case_id else "/queue", status_code=303)


@router.get("/cases/{case_id}")
def case_page(case_id: str, request: Request, console: Parts, user: CaseReader) -> Response:
    """Shows one case with everything needed to decide it."""
    case = console.store.get(case_id)
    values = case_view.build(console, case, user, console.labels(request))
    values["next_id"] = console.store.next_for(user.name, after=case_id)
    return console.page(request, "case.html", values)


@router.get("/screens")
def screens(request: Request, console: Parts, _user: CaseReader) -> Response:
    """Lists what is and was on the exposure screens."""
    labels = console.labels(request)
    rows = []
    for item in console.store.publications():
        case = console.store.get(item.case_id)
        rows.append((item, case_view.title(catalogue().get(case.violation_id), labels), case.place))
    values = {
        "rows": rows,
        "showing": {item.publication_id for item in console.store.showing()},
        "screen_ids": sorted({item.screen_id for item, _, _ in rows} | {"demo"}),
        "can_mask": console.board.can_mask,
        "local_time": case_view.local_time,
        "script_labels": labels.for_scripts(),
    }
    return console.page(request, "screens.html", values)


@router.get("/audit")
def audit(
    request: Request,
    console: Parts,
    _user: AuditReader,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    *,
    check: Annotated[bool, Query()] = False,
) -> Response:
    """Lists the steps of the audit chain, latest first, and checks every row when asked to."""
    values = {
        "entries": console.store.audit_entries(AUDIT_PAGE, before=before),
        "problems": console.store.verify_audit() if check else None,
        "local_time": case_view.local_time,
    }
    return console.page(request, "audit.html", values)
