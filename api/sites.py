"""The site editor: what a site file draws, on a picture of its camera; nothing wrong is ever saved."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi import Path as InPath
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import Csrf, Parts, SiteEditor
from api.console import Console
from api.problems import Problem
from cases.records import QueueFilter
from core import log
from core.errors import ConfigError, StoreError
from core.site import parse_site
from core.site_drawing import DRAWINGS, added, removed
from core.site_text import moved, shapes

router = APIRouter()
SUFFIX = ".yaml"
TEXT_CHARS = 200_000
"""Longest site file. Source: the example has 4 thousand."""
POINTS = 200
_log = log.get(__name__)

Name = Annotated[str, InPath(pattern=r"^[\w-][\w.-]{0,99}$")]


class Draft(BaseModel):
    """A text being worked on; ``base_sha256`` is of the file it began from."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=TEXT_CHARS)
    base_sha256: str = Field(default="", max_length=64)


class Move(Draft):
    """New points for one thing of the text, in pixels."""

    path: str = Field(max_length=200)
    points_px: list[tuple[float, float]] = Field(min_length=1, max_length=POINTS)


class Drawn(Draft):
    """A new thing for one list of the text: the points of each of its fields, in pixels."""

    list_name: str = Field(max_length=40)
    points_px: dict[str, Annotated[list[tuple[float, float]], Field(max_length=POINTS)]] = Field(max_length=4)


class Removal(Draft):
    """A thing of the text, to be taken out."""

    path: str = Field(max_length=200)


@router.get("/sites")
def listing(request: Request, console: Parts, _user: SiteEditor) -> Response:
    """Lists the site files of this installation and what is wrong with them."""
    rows = [{"name": path.name.removesuffix(SUFFIX), **_checked(console, _read(path))} for path in _files(console)]
    return console.page(request, "sites.html", {"rows": rows, "folder": console.settings.sites_dir})


@router.get("/sites/{name}")
def editor(request: Request, console: Parts, _user: SiteEditor, name: Name) -> Response:
    """Shows one site file beside what it draws."""
    text = _read(_file(console, name))
    state = _checked(console, text)
    site = state.pop("site")
    values = {
        "name": name,
        "text": text,
        "sha256": _digest(text),
        "state": state,
        "drawings": {list_name: drawing.shapes for list_name, drawing in DRAWINGS.items()},
        "picture": None if site is None else _picture(console, site.camera.camera_id),
        "script_labels": console.labels(request).for_scripts(),
    }
    return console.page(request, "site.html", values)


@router.post("/api/v1/sites/{name}/check", dependencies=[Csrf])
def check(console: Parts, _user: SiteEditor, name: Name, draft: Annotated[Draft, Body()]) -> dict[str, Any]:
    """Tells what a text draws, what is wrong with it and what each rule still lacks."""
    _file(console, name)
    return {**_checked(console, draft.text), "site": None}


@router.post("/api/v1/sites/{name}/move", dependencies=[Csrf])
def move(console: Parts, _user: SiteEditor, name: Name, wanted: Annotated[Move, Body()]) -> dict[str, Any]:
    """Returns the text with one thing moved; comments and everything else stay."""
    _file(console, name)
    text = moved(wanted.text, wanted.path, wanted.points_px)
    return {**_checked(console, text), "site": None, "text": text}


@router.post("/api/v1/sites/{name}/add", dependencies=[Csrf])
def add(console: Parts, _user: SiteEditor, name: Name, wanted: Annotated[Drawn, Body()]) -> dict[str, Any]:
    """Returns the text with a new thing at the end of its list, and the path of it."""
    _file(console, name)
    text, path = added(wanted.text, wanted.list_name, wanted.points_px)
    return {**_checked(console, text), "site": None, "text": text, "path": path}


@router.post("/api/v1/sites/{name}/remove", dependencies=[Csrf])
def remove(console: Parts, _user: SiteEditor, name: Name, wanted: Annotated[Removal, Body()]) -> dict[str, Any]:
    """Returns the text without one thing."""
    _file(console, name)
    text = removed(wanted.text, wanted.path)
    return {**_checked(console, text), "site": None, "text": text}


@router.post("/api/v1/sites/{name}", dependencies=[Csrf])
def save(console: Parts, user: SiteEditor, name: Name, draft: Annotated[Draft, Body()]) -> dict[str, Any]:
    """Saves a text that is right; the file before stays beside it as ``.bak``."""
    path = _file(console, name)
    site = parse_site(draft.text)
    before = _read(path)
    if _digest(before) != draft.base_sha256:
        raise Problem(409, "changed-meanwhile", "somebody else has changed this file; reload it and move again")
    try:
        path.with_name(f"{path.name}.bak").write_text(before, encoding="utf-8")
        part = path.with_name(f".{path.name}.part")
        part.write_text(draft.text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"site file cannot be written ({error.strerror}); check the rights of its folder") from error
    _log.info("site_saved", site_id=site.site_id, sha256=_digest(draft.text)[:16], user=user.role.value)
    return {"sha256": _digest(draft.text)}


def _files(console: Console) -> list[Path]:
    folder = console.settings.sites_dir
    return [] if folder is None else sorted(folder.glob(f"*{SUFFIX}"))


def _file(console: Console, name: str) -> Path:
    """Returns the file of a name, which must be one of those listed."""
    for path in _files(console):
        if path.name == f"{name}{SUFFIX}":
            return path
    raise Problem(404, "not-found", f"no site file {name}{SUFFIX}; see /sites")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"site file {path.name} cannot be read ({error}); check its rights") from error


def _checked(console: Console, text: str) -> dict[str, Any]:
    found: dict[str, Any] = {"site": None, "problem": "", "shapes": [], "missing": {}, "size_px": [1920, 1080]}
    try:
        drawn = shapes(text)
        found["shapes"] = [asdict(shape) for shape in drawn]
        site = parse_site(text)
    except ConfigError as error:
        found["problem"] = error.message
        return found
    return found | {
        "site": site,
        "missing": {rule: gaps for rule, gaps in sorted(console.gaps(site).items()) if gaps},
        "size_px": list(site.camera.picture_size_px),
    }


def _picture(console: Console, camera_id: str) -> str | None:
    """Returns the address of the first picture of a case of this camera: nothing is fetched from the camera itself."""
    for row in console.store.rows(QueueFilter(camera_id=camera_id, is_report=False, limit=1)):
        for name in ("P1.jpg", "T0.jpg"):
            if name in console.vault.names(row.case_id):
                return f"/cases/{row.case_id}/files/{name}"
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
