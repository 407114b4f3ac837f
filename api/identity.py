"""Who a citizen is, told by himself if he likes, opened by a supervisor with a reason; and the reward that is for."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import Csrf, IdentityOpener, Parts, RewardSettler
from api.citizens import Checked, Reporter, handle_of
from api.console import Console
from api.portal import page
from cases.identity import REASON_MIN, Identity, IdentityStore
from cases.report import RewardState
from core.errors import ConfigError

router = APIRouter()


def _identities(console: Console) -> IdentityStore:
    return console.store.identities(console.settings.identity_key_path)


class IdentityBody(BaseModel):
    """Name and number of the identity card, a telephone number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(max_length=60)
    id_number: str = Field(max_length=18)
    phone: str = Field(max_length=15)


class OpeningBody(BaseModel):
    """Why somebody wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(min_length=REASON_MIN, max_length=1000)


class RewardBody(BaseModel):
    """What became of a reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Literal["PAID", "DECLINED"]
    note: str = Field(min_length=1, max_length=500, description="the receipt, or why it is declined; no account number")


@router.put("/api/v1/reporters/me/identity", status_code=204, dependencies=[Checked])
def tell(body: IdentityBody, console: Parts, handle: Reporter) -> Response:
    """Keeps who the sender is, sealed."""
    _identities(console).tell(handle, Identity(**body.model_dump()))
    return Response(status_code=204)


@router.delete("/api/v1/reporters/me/identity", status_code=204, dependencies=[Checked])
def forget(console: Parts, handle: Reporter) -> Response:
    """Removes who the sender is."""
    _identities(console).forget(handle)
    return Response(status_code=204)


@router.post("/api/v1/reports/{report_id}/identity/opening", dependencies=[Csrf])
def open_identity(report_id: str, body: OpeningBody, console: Parts, user: IdentityOpener) -> dict[str, Any]:
    """Tells a supervisor who sent a report; who asked and why stays in the audit chain."""
    report = console.store.reports.get(report_id)
    found = _identities(console).open(report.reporter, user.name, body.reason)
    return {"name": found.name, "id_number": found.id_number, "phone": found.phone}


@router.post("/api/v1/reports/{report_id}/reward", dependencies=[Csrf])
def settle_reward(report_id: str, body: RewardBody, console: Parts, user: RewardSettler) -> dict[str, Any]:
    """Notes that a report's reward was paid or declined; no account of anybody is kept."""
    console.store.reports.settle_reward(report_id, user.name, RewardState(body.state), body.note)
    return {"reward": body.state}


@router.get("/report/identity", include_in_schema=False)
def form(request: Request, console: Parts) -> Response:
    """Shows the form, or that something was told."""
    handle = handle_of(request)
    if handle is None:
        return RedirectResponse("/report", status_code=303)
    return page(
        console, request, "report_identity.html", {"is_told": _identities(console).is_told(handle), "message": ""}
    )


@router.post("/report/identity", include_in_schema=False, dependencies=[Checked])
def tell_by_form(
    request: Request,
    console: Parts,
    handle: Reporter,
    name: Annotated[str, Form()] = "",
    id_number: Annotated[str, Form()] = "",
    phone: Annotated[str, Form()] = "",
) -> Response:
    """Keeps what the form says; an empty form removes it."""
    told = Identity(name=name.strip(), id_number=id_number.strip().upper(), phone=phone.strip())
    if not (told.name or told.id_number or told.phone):
        _identities(console).forget(handle)
        return RedirectResponse("/report/identity", status_code=303)
    try:
        _identities(console).tell(handle, told)
    except ConfigError:
        message = console.labels(request)("report_identity_wrong")
        values = {"is_told": _identities(console).is_told(handle), "message": message}
        return page(console, request, "report_identity.html", values, status=422)
    return RedirectResponse("/report/identity", status_code=303)
