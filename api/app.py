"""The console application. Starts without OpenCV, networks or decoders: the masker is handed in."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api import cases_json, files, pages, problems, screens
from api.console import Console
from api.security import SecurityHeaders, Sessions, load_secret
from cases.publication import longest_hours
from cases.store import CaseStore
from core.settings import Settings
from core.time import Clock, SystemClock
from display.board import Board, Masker
from evidence.seal import Vault

PARTS = (pages, files, cases_json, screens)
"""Every module with routes; the authorisation test reads them from here."""


def create_app(
    settings: Settings, store: CaseStore, vault: Vault, masker: Masker | None = None, *, clock: Clock | None = None
) -> FastAPI:
    """Returns the ASGI application of the console and the exposure screens.

    Without a masker nothing can be put on a screen; the screens then show statistics.

    Raises:
        StoreError: the key of login cookies cannot be kept.
    """
    clock = clock or SystemClock()
    board = Board(
        store=store,
        vault=vault,
        folder=settings.home / "display",
        masker=masker,
        clock=clock,
        longest_h=min(settings.display_hours, longest_hours()),
    )
    app = FastAPI(title="Lukou", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = Console(
        settings=settings,
        store=store,
        vault=vault,
        board=board,
        clock=clock,
        sessions=Sessions(load_secret(settings)),
    )
    problems.install(app)
    app.add_middleware(SecurityHeaders)
    for part in PARTS:
        app.include_router(part.router)
    app.mount("/static", StaticFiles(packages=[("api", "static")]), name="static")
    return app
