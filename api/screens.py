"""Exposure screens: public pages and pictures, and the officer's preview of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from api import assets
from api.access import Parts, Publisher
from cases.publication import SCREEN_ID
from core import log
from core.errors import CaseNotFound, StoreError

router = APIRouter()
ScreenId = Annotated[str, Path(pattern=f"^{SCREEN_ID.pattern}$")]
_log = log.get(__name__)


@router.get("/display/{screen_id}")
def screen(screen_id: ScreenId, console: Parts) -> Response:
    """Shows a full-screen exposure page; needs no login, knows nothing that is not public."""
    response = console.templates.get_template("display.html").render(screen_id=screen_id, assets=assets.version())
    return Response(response, media_type="text/html; charset=utf-8")


@router.get("/display/{screen_id}/playlist.json")
def playlist(screen_id: ScreenId, console: Parts) -> dict[str, Any]:
    """Returns what a screen shows now."""
    try:
        console.board.expire()
    except StoreError as error:  # a busy database must not blank the screen; expired items are not listed anyway
        _log.warning("sweep_postponed", reason=error.message)
    return console.board.playlist(screen_id).to_json()


@router.get("/display/items/{publication_id}/{role}.jpg")
def shown_picture(publication_id: str, role: str, console: Parts) -> Response:
    """Returns a masked picture that is on a screen at this moment; 404 the moment it is not."""
    return Response(console.board.picture(publication_id, role), media_type="image/jpeg")


@router.get("/cases/{case_id}/masked/{sha256}/{role}.jpg")
def preview(case_id: str, sha256: str, role: str, console: Parts, _user: Publisher) -> Response:
    """Returns a masked picture for the officer who decides about its release."""
    picture = console.board.preview(case_id, role, sha256)
    if picture is None:
        raise CaseNotFound("this masked picture is not prepared any more; open the dialog again", case_id=case_id)
    return Response(picture, media_type="image/jpeg")
