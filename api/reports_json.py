"""Citizens' reports as JSON: /api/v1/reporters and /api/v1/reports, for the page and for a city's own app."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Header, Query, Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from ulid import ULID

from api import case_view
from api.access import CaseReader, Parts
from api.citizens import Checked, Reporter
from api.console import Console
from api.labels import Labels
from api.problems import Problem
from cases.report import PHOTOS_MAX, PHOTOS_MIN, Medium, NewReport, ReportRecord, codes, reportable
from core.errors import ConfigError
from core.plate import normalise, try_plate

router = APIRouter(prefix="/api/v1")
PAGE = 50
Files = Annotated[Sequence[UploadFile], File(description="photos or a video; none when uploads are named")]
Uploads = Annotated[Sequence[str], Form(description="ids of complete uploads of /api/v1/uploads")]


class Password(BaseModel):
    """A password for an account; no name, no telephone number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    password: str = Field(min_length=8, max_length=200)


class Login(Password):
    """Handle and password."""

    handle: str = Field(max_length=16)


@router.post("/reporters", status_code=201)
def register(body: Password, console: Parts) -> dict[str, str]:
    """Opens an account; the handle is made up here, so nobody is recognised by it."""
    handle = console.store.reports.register(body.password)
    return {"handle": handle, "token": console.citizens.seal(console.citizens.begin(handle))}


@router.post("/reporters/token")
def token(body: Login, request: Request, console: Parts) -> dict[str, str]:
    """Returns a token for ``Authorization: Bearer``, good for twelve hours."""
    log_in(console, request, body.handle, body.password)
    return {"handle": body.handle, "token": console.citizens.seal(console.citizens.begin(body.handle))}


@router.get("/report-types")
def types() -> dict[str, Any]:
    """Lists what may be reported."""
    return {
        "types": [
            {"violation_id": v.id, "name_zh": v.short_zh, "name_en": v.name_en, "code": v.code.current}
            for v in reportable()
        ]
    }


@router.post("/reports", status_code=201, dependencies=[Checked])
def submit(
    console: Parts,
    handle: Reporter,
    violation: Annotated[str, Form(pattern=r"^V\d\d$")],
    occurred: Annotated[str, Form(description="ISO 8601; Beijing time when it has no offset", max_length=40)],
    place: Annotated[str, Form(max_length=300)],
    plate: Annotated[str, Form(description="empty when the offender carries none", max_length=20)] = "",
    lat: Annotated[float | None, Form(ge=-90, le=90)] = None,
    lon: Annotated[float | None, Form(ge=-180, le=180)] = None,
    note: Annotated[str, Form(max_length=1000)] = "",
    draft: Annotated[bool, Form(description="fewer photos for now; the rest follows")] = False,  # noqa: FBT002 - a form field
    files: Files = (),
    uploads: Uploads = (),
    idempotency_key: Annotated[str | None, Header(max_length=80, pattern=r"^[\x21-\x7e]+$")] = None,
) -> dict[str, Any]:
    """Hands in a report: 3 to 6 photos or one video, as files or as ids of uploads.

    Sent twice with the same ``Idempotency-Key`` it is one report.
    """
    token = idempotency_key or str(ULID())
    known = console.store.reports.admit(handle, token)
    if known is not None:
        return report_json(known)
    claim = NewReport(
        violation_id=violation,
        plate=parse_plate(plate),
        occurred_utc=parse_time(occurred),
        place=place,
        lat_deg=lat,
        lon_deg=lon,
        note=note,
    )
    media = keep(console, handle, files, uploads)
    found = console.store.reports.submit(handle, token, claim, media, is_draft=draft)
    let_go(console, handle, uploads)
    return report_json(found)


@router.post("/reports/{report_id}/media", dependencies=[Checked])
def supplement(
    report_id: str, console: Parts, handle: Reporter, files: Files = (), uploads: Uploads = ()
) -> dict[str, Any]:
    """Sends more photos to a draft, or all files again when better ones were asked for."""
    found = console.store.reports.supplement(report_id, handle, keep(console, handle, files, uploads))
    let_go(console, handle, uploads)
    return report_json(found)


@router.get("/reports")
def mine(
    console: Parts,
    handle: Reporter,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> dict[str, Any]:
    """Lists the sender's own reports, newest first; ``next`` is the cursor of the page after."""
    found = console.store.reports.of_reporter(handle, before=cursor, limit=limit)
    following = found[-1].report_id if len(found) == limit else None
    return {"reports": [report_json(report) for report in found], "next": following}


@router.get("/reports/{report_id}")
def one(report_id: str, console: Parts, handle: Reporter) -> dict[str, Any]:
    """Returns one of the sender's own reports."""
    return report_json(console.store.reports.get(report_id, handle))


@router.get("/report-totals")
def totals(console: Parts, _user: CaseReader) -> dict[str, int]:
    """Returns the campaign's three numbers: registered, received, confirmed."""
    found = console.store.reports.totals()
    return {"registered": found.registered, "received": found.received, "confirmed": found.confirmed}


def log_in(console: Console, request: Request, handle: str, password: str) -> None:
    """Checks handle and password, slowly after five failures.

    Raises:
        Problem: they do not belong together, or too many were tried.
    """
    address = request.client.host if request.client else ""
    if console.guesses.wait_s(handle, address):
        raise Problem(429, "too-many-attempts", "too many attempts; try again in a minute")
    if not console.store.reports.try_authenticate(handle, password):
        console.guesses.failed(handle, address)
        raise Problem(401, "login-failed", "handle or password is wrong")
    console.guesses.passed(handle, address)


def keep(console: Console, handle: str, files: Sequence[UploadFile], uploads: Sequence[str]) -> list[Medium]:
    """Returns the kept files of one request, the uploaded ones after those in it.

    Raises:
        CaseNotFound: an upload is not the sender's, or too old.
        ConfigError: more than a report may have, or a file is not taken.
    """
    if len(files) + len(uploads) > PHOTOS_MAX:
        raise ConfigError(f"send {PHOTOS_MIN} to {PHOTOS_MAX} photos, or one video")
    arrived = [console.uploads.get(handle, upload_id) for upload_id in uploads]
    return [console.media.add(file.file) for file in files] + [console.media.adopt(upload) for upload in arrived]


def let_go(console: Console, handle: str, uploads: Sequence[str]) -> None:
    """Removes the uploads a report has used and tells the desk that there is work."""
    for upload_id in uploads:
        console.uploads.remove(handle, upload_id)
    console.wake_desk()


def parse_plate(typed: str) -> str:
    """Returns the plate somebody typed, "" for none.

    Raises:
        ConfigError: no plate looks like this.
    """
    text = normalise(typed)
    if text and try_plate(text) is None:
        raise ConfigError(f"'{typed.strip()}' is no plate; write it like 苏C12345, or leave it empty if there is none")
    return text


def parse_time(text: str) -> datetime:
    """Returns the time somebody named; Beijing time when it has no offset.

    Raises:
        ConfigError: it is no time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(f"'{text}' is no time; write it like 2026-11-22T08:15") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=case_view.LOCAL)).astimezone(UTC)


def faults(found: ReportRecord, labels: Labels) -> str:
    """Returns in words what is wrong with which file, or the fact that decided."""
    pairs = [part.split(":") for part in found.detail.split()]
    return " ".join(
        labels("report_fault", n=name, what=labels(f"report_fault_{value}"))
        if name.isdigit()
        else labels(f"report_fact_{name}", value=value)
        for name, value in pairs
    )


def report_json(found: ReportRecord) -> dict[str, Any]:
    """Returns a report as its sender may see it: nothing about the vehicle's owner, nothing about the reviewers."""
    claim = found.claim
    code = codes().get(found.code or "")
    zh, en = Labels("zh"), Labels("en")
    key = f"report_{found.state.value}"
    return {
        "report_id": found.report_id,
        "state": found.state.value,
        "text": {"zh": zh(key), "en": en(key)},
        "code": found.code,
        "why": {"zh": code.zh, "en": code.en} if code else None,
        "detail": {"zh": faults(found, zh), "en": faults(found, en)} if found.detail else None,
        "violation_id": claim.violation_id,
        "plate": claim.plate,
        "occurred": claim.occurred_utc.astimezone(case_view.LOCAL).isoformat(timespec="seconds"),
        "place": claim.place,
        "files": len(found.media),
        "submitted": found.submitted_utc.isoformat(timespec="seconds"),
        "reward": found.reward and found.reward.value,
        "until": found.until_utc and found.until_utc.isoformat(timespec="seconds"),
        "changed": found.changed_utc.isoformat(timespec="seconds"),
    }
