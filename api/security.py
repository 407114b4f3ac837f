"""Who is asking: signed session cookies, CSRF tokens, slow-down of password guessing, response headers."""

import hmac
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import StoreError
from core.settings import Settings

COOKIE = "lukou_session"
SESSION_S = 12 * 3600
FAILURES_ALLOWED = 5
LOCKED_S = 60.0

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser's login; ``user`` is None before it."""

    nonce: str
    user: str | None = None


def load_secret(settings: Settings) -> str:
    """Returns the key of login cookies: from the settings, else made once and kept beside the signing keys.

    Raises:
        StoreError: the folder cannot be written.
    """
    if settings.session_secret is not None:
        return settings.session_secret.get_secret_value()
    path = settings.keys_dir / "session.key"
    try:
        settings.keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _write_new(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise StoreError(
            f"key of login cookies cannot be kept in {path} ({error.strerror}); check LUKOU_HOME"
        ) from error


def _write_new(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)


@dataclass(slots=True)
class Sessions:
    """Signs and reads session cookies; a logged-out session stays dead although its cookie is still signed."""

    secret: str
    salt: str = "lukou.session"
    _ended: dict[str, float] = field(default_factory=dict)

    def begin(self, user: str | None = None) -> Session:
        """Returns a new session."""
        return Session(nonce=secrets.token_urlsafe(18), user=user)

    def seal(self, session: Session) -> str:
        """Returns the cookie value of a session."""
        return self._serializer().dumps({"n": session.nonce, "u": session.user})

    def try_open(self, cookie: str | None) -> Session | None:
        """Returns the session of a cookie; None when it is missing, forged, too old or logged out."""
        if not cookie:
            return None
        try:
            content: Any = self._serializer().loads(cookie, max_age=SESSION_S)
        except BadSignature:
            return None
        session = Session(nonce=str(content["n"]), user=content["u"])
        return None if session.nonce in self._ended else session

    def end(self, session: Session) -> None:
        """Ends a session for good."""
        now = time.monotonic()
        self._ended = {nonce: until for nonce, until in self._ended.items() if until > now}
        self._ended[session.nonce] = now + SESSION_S

    def csrf(self, session: Session) -> str:
        """Returns the token every POST of this session must carry."""
        return hmac.new(self.secret.encode(), f"csrf:{self.salt}:{session.nonce}".encode(), "sha256").hexdigest()

    def is_csrf(self, session: Session | None, token: str | None) -> bool:
        """Tells whether a token belongs to a session."""
        return session is not None and token is not None and hmac.compare_digest(self.csrf(session), token)

    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt=self.salt)


@dataclass(slots=True)
class Guesses:
    """Counts wrong passwords per name and address, and closes the door for a minute after five."""

    _failed: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)

    def wait_s(self, name: str, address: str) -> float:
        """Returns for how many more seconds this login is closed."""
        count, since = self._failed.get((name, address), (0, 0.0))
        return max(0.0, since + LOCKED_S - time.monotonic()) if count >= FAILURES_ALLOWED else 0.0

    def failed(self, name: str, address: str) -> None:
        """Notes a wrong password."""
        now = time.monotonic()
        self._failed = {key: value for key, value in self._failed.items() if value[1] + LOCKED_S > now}
        count, _ = self._failed.get((name, address), (0, now))
        self._failed[name, address] = (count + 1, now)

    def passed(self, name: str, address: str) -> None:
        """Forgets the wrong ones after a right one."""
        self._failed.pop((name, address), None)


PORTAL = "/report"
"""The one page that may ask where the telephone is."""
PORTAL_PERMISSIONS = HEADERS["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)")

UPLOADS, TUS_VERSION = "/api/v1/uploads", "1.0.0"
"""Where tus is spoken: every answer there names its version."""


class SecurityHeaders:
    """ASGI middleware: the same strict headers on every answer; nothing is cached unless a route says so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and adds the headers to its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if scope["path"] == PORTAL:
                    headers["Permissions-Policy"] = PORTAL_PERMISSIONS
                if scope["path"].startswith(UPLOADS):
                    headers["Tus-Resumable"] = headers["Tus-Version"] = TUS_VERSION
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
