"""Logging in with the city's own directory (OpenID Connect): it says who somebody is, not what they may."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.access import Parts
from api.login import local_path
from api.problems import Problem
from core import log
from core.errors import ConfigError
from core.settings import Settings

if TYPE_CHECKING:
    from authlib.integrations.starlette_client import StarletteOAuth2App

router = APIRouter(prefix="/login/oidc")
COOKIE = "lukou_oidc"
"""Holds state, nonce and verifier between the two steps; ``SameSite=lax``, for the way back starts on another site."""
NEXT = "next"
TIMEOUT_S = 10.0
_log = log.get(__name__)


def client(settings: Settings, **transport: Any) -> "StarletteOAuth2App | None":
    """Returns the client of the directory the settings name; None when they name none.

    Raises:
        ConfigError: the settings are incomplete, or the library is not installed.
    """
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None or settings.oidc_client_secret is None:
        raise ConfigError("LUKOU_OIDC_ISSUER needs LUKOU_OIDC_CLIENT_ID and LUKOU_OIDC_CLIENT_SECRET beside it")
    try:
        from authlib.integrations.starlette_client import OAuth
    except ImportError as error:
        raise ConfigError("LUKOU_OIDC_ISSUER needs a library; pip install 'lukou[oidc]'") from error
    issuer = settings.oidc_issuer.rstrip("/")
    found: StarletteOAuth2App = OAuth().register(
        "directory",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "timeout": TIMEOUT_S, **transport},
    )
    return found


@router.get("")
async def begin(request: Request, console: Parts, next: str = "/queue") -> Response:  # noqa: A002
    """Leads to the directory's login form."""
    directory = _directory(console.oidc)
    request.session[NEXT] = local_path(next)
    try:
        answer: Response = await directory.authorize_redirect(request, str(request.url_for("finish")))
    except Exception as error:  # whatever a far server and the network do
        raise _failed(error) from error
    return answer


@router.get("/callback")
async def finish(request: Request, console: Parts) -> Response:
    """Takes the directory's answer: its signature, issuer, audience, nonce and state are checked by Authlib."""
    directory = _directory(console.oidc)
    try:
        token = await directory.authorize_access_token(request)
        name = str(token["userinfo"][console.settings.oidc_claim])
    except Exception as error:  # whatever a far server and the network do
        raise _failed(error) from error
    target = request.session.pop(NEXT, "/queue")
    request.session.clear()
    if console.store.user(name) is None:
        _log.warning("oidc_login_unknown")
        raise Problem(
            403, "no-login", "the directory knows you, this console does not; ask an administrator for a login"
        )
    response = console.page(request, "entered.html", {"next": local_path(target)})
    console.begin_login(request, response, name)
    return response


def _directory(found: "StarletteOAuth2App | None") -> "StarletteOAuth2App":
    if found is None:
        raise Problem(404, "not-found", "this console has no directory; log in with name and password")
    return found


def _failed(error: Exception) -> Problem:
    _log.warning("oidc_login_failed", kind=type(error).__name__)
    return Problem(401, "directory-failed", "the directory did not confirm the login; try again or use a password")
