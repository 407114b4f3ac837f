"""The console application. Starts without OpenCV, networks or decoders: the masker is handed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.formparsers import MultiPartParser
from starlette.middleware.sessions import SessionMiddleware

from api import (
    cases_json,
    events,
    files,
    identity,
    login,
    metrics,
    oidc,
    open311,
    overview,
    pages,
    portal,
    problems,
    queue_page,
    replays,
    reports_json,
    review_json,
    screens,
    sites,
    uploads,
)
from api.assets import Assets
from api.console import Console, Gaps, no_gaps
from api.desk import DeskThread
from api.security import SecurityHeaders, Sessions, load_secret
from api.webhooks import webhook
from cases.desk import Prescreen, ReportDesk
from cases.media import MediaStore
from cases.office import load_office
from cases.publication import longest_hours
from cases.sighting import Witness
from cases.store import CaseStore
from cases.uploads import UploadStore
from core.settings import Settings
from core.time import Clock, SystemClock
from display.board import Board, Masker
from evidence.seal import Vault

SPOOL_BYTES = 4 << 20
"""A file of a form waits in memory up to here; beyond, each piece is a thread's job. Source: a photo has 3 MB."""
REST_SHARE = 1.0
"""The desk works half of the time at most: citizens who are sending go first, inspections may wait."""
PARTS = (
    login,
    oidc,
    overview,
    pages,
    queue_page,
    review_json,
    files,
    cases_json,
    events,
    screens,
    sites,
    reports_json,
    uploads,
    portal,
    identity,
    open311,
    replays,
    metrics,
)
"""Every module with routes; the authorisation test reads them from here."""


def create_app(
    settings: Settings,
    store: CaseStore,
    vault: Vault,
    masker: Masker | None = None,
    *,
    prescreen: Prescreen | None = None,
    witness: Witness | None = None,
    gaps: Gaps | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Returns the ASGI application of the console, the citizens' page and the exposure screens.

    Without a masker nothing can be put on a screen; the screens then show statistics. ``gaps`` tells what each rule
    still lacks at a site; without it the site editor names none.

    Raises:
        StoreError: the key of login cookies cannot be kept.
        ConfigError: the settings of directory, webhook or district are incomplete.
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
    store.reports.office = load_office(settings)
    media = MediaStore(settings.home / "reports")
    arriving = UploadStore(settings.home / "reports" / "uploads", clock)
    inspecting = ReportDesk(store, vault, media, prescreen=prescreen, witness=witness, rest_share=REST_SHARE)
    desk = DeskThread(inspecting.work_off, arriving.sweep, store.reports.expire)
    told = webhook(settings, store.webhooks)

    @asynccontextmanager
    async def working(_app: FastAPI) -> AsyncIterator[None]:
        desk.start()
        if told is not None:
            told.start()
        try:
            yield
        finally:
            desk.stop()
            if told is not None:
                told.stop()

    secret = load_secret(settings)
    directory = oidc.client(settings)
    app = FastAPI(title="Lukou", docs_url=None, redoc_url=None, openapi_url=None, lifespan=working)
    app.state.console = Console(
        settings=settings,
        store=store,
        vault=vault,
        board=board,
        clock=clock,
        sessions=Sessions(secret),
        citizens=Sessions(secret, "lukou.citizen"),
        media=media,
        oidc=directory,
        gaps=gaps or no_gaps,
        uploads=arriving,
        wake_desk=desk.wake,
    )
    MultiPartParser.spool_max_size = SPOOL_BYTES
    problems.install(app)
    if directory is not None:
        app.add_middleware(SessionMiddleware, secret_key=secret, session_cookie=oidc.COOKIE, max_age=600)
    app.add_middleware(SecurityHeaders)
    for part in PARTS:
        app.include_router(part.router)
    app.mount("/static", Assets(packages=[("api", "static")]), name="static")
    return app
