"""Evidence files: hash-checked originals for people with a login, the clip with HTTP ranges."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.access import CaseReader, Parts
from api.problems import Problem
from core.errors import CaseNotFound

router = APIRouter()

TYPES = {"jpg": "image/jpeg", "mp4": "video/mp4", "json": "application/json", "sig": "application/octet-stream"}
THUMBNAIL_WIDTHS = (240, 480)
KEPT = "private, max-age=600"
"""The browser keeps evidence for one look: the next case's clip is there before the case is opened. Sealed files never
change, so their names are their tags; without a tag a browser keeps no part of a clip."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@router.get("/cases/{case_id}/files/{name}")
def evidence_file(case_id: str, name: str, request: Request, console: Parts, _user: CaseReader) -> Response:
    """Returns one sealed file, whole or the asked part of it."""
    content = _read(console, case_id, name)
    media_type = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    answer = ranged(content, request.headers.get("range"), media_type)
    answer.headers.update({"Cache-Control": KEPT, "ETag": f'"{case_id}/{name}"'})
    return answer


@router.get("/cases/{case_id}/thumbs/{width_px}/{name}")
def thumbnail(case_id: str, width_px: int, name: str, console: Parts, _user: CaseReader) -> Response:
    """Returns a small version of a sealed picture."""
    if width_px not in THUMBNAIL_WIDTHS or not name.endswith(".jpg"):
        raise Problem(404, "not-found", "no thumbnail of this size or kind")
    small = console.thumbnails.get(case_id, name, width_px, lambda: _read(console, case_id, name))
    return Response(small, media_type="image/jpeg", headers={"Cache-Control": KEPT})


def ranged(content: bytes, wanted: str | None, media_type: str) -> Response:
    """Returns content as 200, or the one range asked for as 206, or 416 when it lies outside.

    Source: RFC 9110 §14; several ranges in one request are answered with the whole.
    """
    headers = {"Accept-Ranges": "bytes"}
    found = _RANGE.fullmatch(wanted.replace(" ", "")) if wanted else None
    if found is None or (not found[1] and not found[2]):
        return Response(content, media_type=media_type, headers=headers)
    size = len(content)
    start = int(found[1]) if found[1] else max(0, size - int(found[2]))
    end = min(int(found[2]), size - 1) if found[1] and found[2] else size - 1
    if start > end or start >= size:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Response(content[start : end + 1], status_code=206, media_type=media_type, headers=headers)


def _read(console: Parts, case_id: str, name: str) -> bytes:
    if not console.store.has_case(case_id):
        raise CaseNotFound(f"no case '{case_id}'", case_id=case_id)
    if name not in console.vault.names(case_id):
        raise CaseNotFound(f"this case has no file '{name}'", case_id=case_id)
    return console.vault.read(case_id, name)
