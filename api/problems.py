"""Errors at the HTTP boundary: RFC 9457 problem JSON in one shape, or the same content as a page."""

import re
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from api.console import console_of
from core import log
from core.errors import (
    CaseNotFound,
    ConfigError,
    ConflictOfInterest,
    EvidenceError,
    LukouError,
    ModelError,
    NotAllowed,
    StoreError,
    WrongState,
)

MEDIA_TYPE = "application/problem+json"
_log = log.get(__name__)

STATUS: tuple[tuple[type[LukouError], int], ...] = (
    (CaseNotFound, 404),
    (WrongState, 409),
    (ConflictOfInterest, 409),
    (NotAllowed, 403),
    (ConfigError, 422),
    (EvidenceError, 500),
    (ModelError, 503),
    (StoreError, 503),
    (LukouError, 500),
)
TITLES = {
    401: "Log in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible in this state",
    416: "Range not satisfiable",
    422: "Something is missing or wrong",
    429: "Too many attempts",
    500: "Something is broken",
    503: "Not available",
}


class Problem(Exception):
    """An error of the HTTP floor itself: not logged in, bad token, no such page."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail


def install(app: FastAPI) -> None:
    """Makes every error of the application answer in the one shape."""

    @app.exception_handler(Problem)
    def problem(request: Request, error: Problem) -> Response:
        return answer(request, error.status, error.kind, error.detail)

    @app.exception_handler(LukouError)
    def deliberate(request: Request, error: LukouError) -> Response:
        status = next(code for kind, code in STATUS if isinstance(error, kind))
        if status >= 500:
            _log.error("request_failed", path=request.url.path, kind=type(error).__name__)
        return answer(request, status, _kind(type(error).__name__), error.message)

    @app.exception_handler(StarletteHTTPException)
    def http(request: Request, error: StarletteHTTPException) -> Response:
        return answer(request, error.status_code, _kind(TITLES.get(error.status_code, "http")), str(error.detail))

    @app.exception_handler(RequestValidationError)
    def validation(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        return answer(request, 422, "invalid-request", f"{place}: {first['msg']}")

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        _log.error("request_broke", path=request.url.path, kind=type(error).__name__)
        return answer(request, 500, "internal", "the server met an unexpected error; its log says more")


def answer(request: Request, status: int, kind: str, detail: str) -> Response:
    """Returns the problem as JSON, as a page for people, or as the way to the login."""
    if _wants_page(request):
        if status == 401 and kind != "directory-failed":
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={_quoted(target)}", status_code=303)
        if kind == "change-password":
            return RedirectResponse("/account", status_code=303)
        console = console_of(request)
        return console.page(request, "problem.html", {"status": status, "kind": kind, "detail": detail}, status=status)
    body: dict[str, Any] = {
        "type": f"urn:lukou:problem:{kind}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    is_api = request.url.path.startswith(("/api/", "/display/"))
    return not is_api and "text/html" in request.headers.get("accept", "")


def _quoted(path: str) -> str:
    return quote(path, safe="/")


def _kind(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|\s+", "-", name).lower()
