"""Coming and going: the login form, one's own sessions and password, everybody's logins for who manages them."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.access import AnyLogin, Csrf, Parts, UserManager
from api.case_view import local_time
from api.console import Console
from api.security import COOKIE
from cases.states import UserRole
from core import log
from core.errors import ConfigError

router = APIRouter()
_log = log.get(__name__)


@router.get("/login")
def login_page(request: Request, console: Parts, next: Annotated[str, Query()] = "/queue") -> Response:  # noqa: A002
    """Shows the login form."""
    if console.user(request) is not None:
        return RedirectResponse(local_path(next), status_code=303)
    return console.page(request, "login.html", {**_form(console, next), "message": "", "name": ""})


@router.post("/login", dependencies=[Csrf])
def login(
    request: Request,
    console: Parts,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/queue",  # noqa: A002
) -> Response:
    """Logs in; the session gets a new identity, so a planted cookie is worth nothing."""
    address = request.client.host if request.client else ""
    labels = console.labels(request)
    values = {**_form(console, next), "name": name}
    wait_s = console.guesses.wait_s(name, address)
    if wait_s:
        message = labels("login_wait", seconds=round(wait_s))
        return console.page(request, "login.html", {**values, "message": message}, status=429)
    user = console.store.try_authenticate(name, password)
    if user is None:
        console.guesses.failed(name, address)
        _log.warning("login_failed")
        return console.page(request, "login.html", {**values, "message": labels("login_failed")}, status=401)
    console.guesses.passed(name, address)
    response = RedirectResponse(local_path(next), status_code=303)
    console.begin_login(request, response, user.name)
    return response


@router.post("/logout", dependencies=[Csrf])
def logout(request: Request, console: Parts) -> Response:
    """Ends the session; the cases one has open are free for others."""
    found = console.login(request)
    if found is not None:
        console.store.reviews.leave_all(found.user.name)
        console.store.logins.end(found.login_id, by=found.user)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


@router.get("/account")
def account(request: Request, console: Parts, login: AnyLogin) -> Response:
    """Shows one's own open sessions and the form for another password."""
    return _account(request, console, login.user.name)


@router.post("/account/password", dependencies=[Csrf])
def change_password(
    request: Request,
    console: Parts,
    login: AnyLogin,
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
) -> Response:
    """Changes one's own password; every other session of this login ends."""
    name = login.user.name
    address = request.client.host if request.client else ""
    wait_s = console.guesses.wait_s(name, address)
    if wait_s:
        message = console.labels(request)("login_wait", seconds=round(wait_s))
        return _account(request, console, name, message=message, status=429)
    session = console.session(request)
    try:
        console.store.logins.change_password(name, old, new, token=session.nonce if session else "")
    except ConfigError as error:
        console.guesses.failed(name, address)
        return _account(request, console, name, message=error.message, status=422)
    return RedirectResponse("/account?changed=true", status_code=303)


@router.post("/account/sessions/{login_id}/end", dependencies=[Csrf])
def end_own_session(console: Parts, login: AnyLogin, login_id: str) -> Response:
    """Ends one of one's own sessions, for instance on a computer left behind."""
    console.store.logins.end(login_id, by=login.user)
    return RedirectResponse("/account", status_code=303)


@router.get("/people")
def people(request: Request, console: Parts, _user: UserManager) -> Response:
    """Lists every login with its open sessions."""
    return _people(request, console)


@router.post("/people", dependencies=[Csrf])
def add_person(
    request: Request,
    console: Parts,
    user: UserManager,
    role: Annotated[UserRole, Form()],
    name: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Adds a login and shows, this once, the password its owner must change."""
    try:
        password = console.store.logins.add_with_temporary_password(name, role, by=user.name)
    except ConfigError as error:
        return _people(request, console, message=error.message, status=422)
    return _people(request, console, added=name, password=password)


@router.post("/people/{name}/state", dependencies=[Csrf])
def open_or_close(console: Parts, user: UserManager, name: str, is_active: Annotated[bool, Form()]) -> Response:
    """Opens or closes a login; nobody closes their own."""
    if name == user.name:
        raise ConfigError("nobody closes their own login; ask another administrator")
    console.store.set_user_active(name, is_active=is_active, by=user.name)
    return RedirectResponse("/people", status_code=303)


@router.post("/people/sessions/{login_id}/end", dependencies=[Csrf])
def end_session(console: Parts, user: UserManager, login_id: str) -> Response:
    """Ends anybody's session."""
    console.store.logins.end(login_id, by=user, whole_office=True)
    return RedirectResponse("/people", status_code=303)


def local_path(path: str) -> str:
    """Returns a path of this site; anything that could lead elsewhere becomes the queue.

    >>> local_path("//evil.example/x"), local_path("/cases/1?a=b")
    ('/queue', '/cases/1?a=b')
    """
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path
    return path if is_local else "/queue"


def _form(console: Console, target: str) -> dict[str, object]:
    return {"next": local_path(target), "has_directory": console.oidc is not None}


def _account(request: Request, console: Console, name: str, *, message: str = "", status: int = 200) -> Response:
    mine = console.login(request)
    values = {
        "sessions": console.store.logins.listed(name),
        "present": mine.login_id if mine else "",
        "must_change": mine is not None and mine.must_change_password,
        "message": message,
        "is_changed": request.query_params.get("changed") == "true",
        "local_time": local_time,
    }
    return console.page(request, "account.html", values, status=status)


def _people(
    request: Request, console: Console, *, added: str = "", password: str = "", message: str = "", status: int = 200
) -> Response:
    values = {
        "users": console.store.users(),
        "sessions": console.store.logins.listed(),
        "roles": list(UserRole),
        "added": added,
        "password": password,
        "message": message,
        "local_time": local_time,
    }
    return console.page(request, "people.html", values, status=status)
