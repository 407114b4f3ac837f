"""Authorisation as dependencies: each route names what it needs, one test reads them all."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from api.console import Console, console_of
from api.problems import Problem
from cases.logins import Login
from cases.records import User
from cases.states import PERMISSIONS, Permission
from core.errors import NotAllowed

PERMISSION_OF: dict[object, Permission] = {}
"""What the dependencies made by ``needs`` ask for; the access matrix is made from it."""


def any_login(request: Request) -> Login:
    """Returns the login, also one whose password must still be changed.

    Raises:
        Problem: nobody is logged in.
    """
    login = console_of(request).login(request)
    if login is None:
        raise Problem(401, "login-needed", "log in first, at /login")
    return login


def logged_in(request: Request) -> User:
    """Returns the user.

    Raises:
        Problem: nobody is logged in, or somebody else has seen this login's password.
    """
    login = any_login(request)
    if login.must_change_password:
        raise Problem(403, "change-password", "change your one-time password first, at /account")
    return login.user


def needs(permission: Permission) -> Callable[[Request], User]:
    """Returns a dependency that lets only users with a permission pass."""

    def check(request: Request) -> User:
        user = logged_in(request)
        if permission not in PERMISSIONS[user.role]:
            step = permission.value.replace("_", " ")
            raise NotAllowed(f"role {user.role.value} may not {step}; ask somebody who may")
        return user

    PERMISSION_OF[check] = permission
    return check


async def csrf_token(request: Request) -> str | None:
    """Returns the token a POST carries in ``X-CSRF-Token`` or in its form."""
    token = request.headers.get("x-csrf-token")
    if token is None and "form" in request.headers.get("content-type", ""):
        value = (await request.form()).get("csrf")
        token = value if isinstance(value, str) else None
    return token


async def csrf_checked(request: Request) -> None:
    """Lets a POST pass only with the token of its own session, in the form or in ``X-CSRF-Token``.

    Raises:
        Problem: the token is missing or of another session.
    """
    console = console_of(request)
    if not console.sessions.is_csrf(console.session(request), await csrf_token(request)):
        raise Problem(403, "bad-token", "the page is too old; reload it and try again")


AnyLogin = Annotated[Login, Depends(any_login)]
CaseReader = Annotated[User, Depends(needs(Permission.SEE_CASES))]
Publisher = Annotated[User, Depends(needs(Permission.PUBLISH))]
Withdrawer = Annotated[User, Depends(needs(Permission.WITHDRAW))]
ObjectionFiler = Annotated[User, Depends(needs(Permission.FILE_OBJECTION))]
ObjectionDecider = Annotated[User, Depends(needs(Permission.DECIDE_OBJECTION))]
SiteEditor = Annotated[User, Depends(needs(Permission.EDIT_SITES))]
UserManager = Annotated[User, Depends(needs(Permission.MANAGE_USERS))]
IdentityOpener = Annotated[User, Depends(needs(Permission.OPEN_IDENTITY))]
CaseCanceller = Annotated[User, Depends(needs(Permission.CANCEL_CASE))]
RewardSettler = Annotated[User, Depends(needs(Permission.SETTLE_REWARD))]
AuditReader = Annotated[User, Depends(needs(Permission.SEE_AUDIT))]
Parts = Annotated[Console, Depends(console_of)]
Csrf = Depends(csrf_checked)
