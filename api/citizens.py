"""Who is reporting: citizens' sessions, apart from the console's, by cookie for the page and by token for apps."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from api.access import csrf_token
from api.console import Console, console_of
from api.problems import Problem
from api.security import SESSION_S, Session

COOKIE = "lukou_citizen"
TOO_LARGE_BYTES = 130_000_000
"""Largest request: six photos or one video (evidence.upload) and the form around them."""


def session_of(request: Request) -> Session | None:
    """Returns the citizen's session a request carries, from its token or its cookie."""
    sealed = _bearer(request) or request.cookies.get(COOKIE)
    return console_of(request).citizens.try_open(sealed)


def handle_of(request: Request) -> str | None:
    """Returns the handle of the citizen who asks, while the account is open."""
    session = session_of(request)
    if session is None or session.user is None:
        return None
    return session.user if console_of(request).store.reports.is_reporter(session.user) else None


def reporter(request: Request) -> str:
    """Returns the handle of the citizen who asks.

    Raises:
        Problem: nobody is logged in.
    """
    handle = handle_of(request)
    if handle is None:
        raise Problem(401, "login-needed", "log in first, at /report")
    return handle


def handle_of_key(request: Request, key: str) -> str:
    """Returns the handle of the citizen for whom an Open311 app asks.

    Raises:
        Problem: the key is no open account's token.
    """
    console = console_of(request)
    session = console.citizens.try_open(key)
    if session is None or session.user is None or not console.store.reports.is_reporter(session.user):
        raise Problem(403, "bad-key", "api_key is no valid token; get one at /api/v1/reporters")
    return session.user


def sized(request: Request) -> None:
    """Lets a request pass that says how large it is, and is not too large.

    Raises:
        Problem: no length given, or too large.
    """
    length = request.headers.get("content-length", "" if "transfer-encoding" in request.headers else "0")
    if not length.isdigit():
        raise Problem(411, "length-needed", "send the request with a Content-Length")
    if int(length) > TOO_LARGE_BYTES:
        raise Problem(
            413, "too-large", f"at most {TOO_LARGE_BYTES // 1_000_000} MB at once; send fewer or smaller files"
        )


async def checked(request: Request) -> None:
    """Lets a change pass with an app's token, or with the page's own beside the cookie; none that is too large.

    Raises:
        Problem: token missing or of another session, no length given, or too large.
    """
    sized(request)
    if _bearer(request):
        return
    if not console_of(request).citizens.is_csrf(session_of(request), await csrf_token(request)):
        raise Problem(403, "bad-token", "the page is too old; reload it and try again")


def set_cookie(console: Console, request: Request, response: Response, session: Session) -> None:
    """Hands a citizen's session to the browser: this site only, unreadable by scripts."""
    response.set_cookie(
        COOKIE,
        console.citizens.seal(session),
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


def _bearer(request: Request) -> str | None:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


Reporter = Annotated[str, Depends(reporter)]
Checked = Depends(checked)
