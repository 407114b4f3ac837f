"""What every page needs: stores, sessions, templates, the person who asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from api import assets
from api.kept import Kept
from api.labels import COOKIE as LANGUAGE_COOKIE
from api.labels import Labels, parse_language
from api.security import COOKIE, SESSION_S, Guesses, Session, Sessions
from api.thumbnails import Thumbnails
from cases.logins import Login
from cases.media import MediaStore
from cases.records import User
from cases.states import PERMISSIONS, Permission
from cases.store import CaseStore
from cases.uploads import UploadStore
from core.settings import Settings
from core.site import Site
from core.time import Clock
from display.board import Board
from evidence.seal import Vault

if TYPE_CHECKING:
    from authlib.integrations.starlette_client import StarletteOAuth2App


Gaps = Callable[[Site], Mapping[str, list[str]]]
"""What each rule still lacks at a site; the rules are not of this floor."""


def no_gaps(_site: Site) -> Mapping[str, list[str]]:
    """Tells of nothing that is lacking."""
    return {}


@dataclass(slots=True, kw_only=True)
class Console:
    """The application's parts, built once by ``create_app``."""

    settings: Settings
    store: CaseStore
    vault: Vault
    board: Board
    clock: Clock
    sessions: Sessions
    citizens: Sessions
    media: MediaStore
    uploads: UploadStore
    oidc: "StarletteOAuth2App | None" = None
    gaps: Gaps
    wake_desk: Callable[[], None] = lambda: None
    guesses: Guesses = field(default_factory=Guesses)
    thumbnails: Thumbnails = field(default_factory=Thumbnails)
    kept: Kept = field(default_factory=Kept)
    templates: Environment = field(
        default_factory=lambda: Environment(
            loader=PackageLoader("api"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )

    def session(self, request: Request) -> Session | None:
        """Returns the session of a request; None when it was ended, or has been left alone too long."""
        session = self.sessions.try_open(request.cookies.get(COOKIE))
        return None if session is None or (session.user is not None and self.login(request) is None) else session

    def login(self, request: Request) -> Login | None:
        """Returns the login a request belongs to, as the database knows it at this moment."""
        if not hasattr(request.state, "login"):
            session = self.sessions.try_open(request.cookies.get(COOKIE))
            is_login = session is not None and session.user is not None
            request.state.login = self.store.logins.find(session.nonce) if session and is_login else None
        return cast("Login | None", request.state.login)

    def user(self, request: Request) -> User | None:
        """Returns who is asking."""
        login = self.login(request)
        return None if login is None else login.user

    def begin_login(self, request: Request, response: Response, name: str) -> None:
        """Opens a session for somebody who has shown who they are, and hands it to the browser."""
        session = self.sessions.begin(name)
        self.store.logins.begin(name, session.nonce, request.headers.get("user-agent", ""))
        self.set_cookie(request, response, session)

    def labels(self, request: Request) -> Labels:
        """Returns the words in the language this browser chose."""
        return Labels(parse_language(request.cookies.get(LANGUAGE_COOKIE)))

    def page(self, request: Request, name: str, values: dict[str, Any], *, status: int = 200) -> Response:
        """Returns a rendered page, with a session cookie for its forms if there is none yet."""
        session = self.session(request)
        is_new = session is None
        session = session or self.sessions.begin()
        user = self.user(request)
        labels = self.labels(request)
        common = {
            "t": labels,
            "user": user,
            "rights": {p.value for p in PERMISSIONS[user.role]} if user else set(),
            "csrf": self.sessions.csrf(session),
            "path": request.url.path,
            "assets": assets.version(),
        }
        html = self.templates.get_template(name).render(**common, **values)
        response = HTMLResponse(html, status_code=status)
        if is_new:
            self.set_cookie(request, response, session)
        return response

    def set_cookie(self, request: Request, response: Response, session: Session) -> None:
        """Hands a session to the browser: this site only, unreadable by scripts."""
        response.set_cookie(
            COOKIE,
            self.sessions.seal(session),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


def console_of(request: Request) -> Console:
    """Returns the console a request belongs to."""
    return cast("Console", request.app.state.console)


def may(user: User, permission: Permission) -> bool:
    """Tells whether a user's role allows a step."""
    return permission in PERMISSIONS[user.role]
