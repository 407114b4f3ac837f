"""What reviewers do beside deciding: opening and leaving cases, taking back, duplicates, suspended rules, figures."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field

from api import case_view
from api.access import CaseReader, Csrf, Parts, needs
from api.cases_json import Body
from cases.reasons import reasons
from cases.records import User
from cases.states import Permission
from cases.suspension import FEWEST, WRONG_SHARE
from core.catalogue import catalogue

router = APIRouter()
EconomicsReader = Annotated[User, Depends(needs(Permission.SEE_ECONOMICS))]
Holder = Annotated[User, Depends(needs(Permission.HOLD_EVIDENCE))]
Lifter = Annotated[User, Depends(needs(Permission.LIFT_SUSPENSION))]
PERIODS_D = (1, 7, 30)
"""Days the figures can be asked for. Source: none; a shift's day, a week, a month."""


class DuplicatesBody(Body):
    """Cases that show the same act as another."""

    kept: str = Field(max_length=64)
    cases: list[str] = Field(min_length=1, max_length=100)


class NoteBody(Body):
    """Why: what was found before a rule goes on, for what evidence is kept."""

    note: str = Field(min_length=1, max_length=2000)


@router.post("/api/v1/cases/{case_id}/claim", dependencies=[Csrf])
def claim(case_id: str, console: Parts, user: CaseReader) -> dict[str, Any]:
    """Opens a case for who asks, or keeps it open for longer."""
    return {"until_utc": console.store.reviews.claim(case_id, user.name).until_utc.isoformat()}


@router.post("/api/v1/cases/{case_id}/leave", dependencies=[Csrf])
def leave(case_id: str, console: Parts, user: CaseReader) -> dict[str, Any]:
    """Closes a case for who asks; somebody else may open it."""
    console.store.reviews.leave(case_id, user.name)
    return {}


@router.post("/api/v1/cases/{case_id}/take-back", dependencies=[Csrf])
def take_back(case_id: str, console: Parts, user: CaseReader) -> dict[str, Any]:
    """Takes the asker's own first review back, until the second has begun."""
    return {"state": console.store.reviews.take_back(case_id, user.name).value}


@router.post("/api/v1/duplicates", dependencies=[Csrf])
def duplicates(body: DuplicatesBody, console: Parts, user: CaseReader) -> dict[str, Any]:
    """Rejects queued cases as duplicates of one that is kept, all or none."""
    return {"rejected": console.store.reviews.reject_duplicates(body.kept, body.cases, user.name)}


@router.post("/api/v1/suspensions/{suspension_id}/lift", dependencies=[Csrf])
def lift(suspension_id: str, body: NoteBody, console: Parts, user: Lifter) -> dict[str, Any]:
    """Lets a suspended rule go on; what waited is queued."""
    return {"queued": console.store.reviews.lift(suspension_id, user.name, body.note)}


@router.post("/api/v1/cases/{case_id}/hold", dependencies=[Csrf])
def place_hold(case_id: str, body: NoteBody, console: Parts, user: Holder) -> dict[str, Any]:
    """Puts a case's evidence on legal hold: it is not deleted until the hold ends."""
    return {"hold_id": console.store.custody.place_hold(case_id, user.name, body.note).hold_id}


@router.post("/api/v1/cases/{case_id}/hold/end", dependencies=[Csrf])
def end_hold(case_id: str, body: NoteBody, console: Parts, user: Holder) -> dict[str, Any]:
    """Ends a case's legal hold; its evidence is kept as long as any other's."""
    return {"hold_id": console.store.custody.lift_hold(case_id, user.name, body.note).hold_id}


@router.get("/economics")
def economics(
    request: Request, console: Parts, _user: EconomicsReader, days: Annotated[int, Query(ge=1, le=366)] = 7
) -> Response:
    """Shows what reviewing costs and finds, and which rules are suspended."""
    labels, now = console.labels(request), console.clock.now_utc()
    values = {
        "found": console.store.reviews.economics(now - timedelta(days=days), now + timedelta(seconds=1)),
        "suspensions": console.store.reviews.suspensions(is_open=False),
        "titles": {violation.id: case_view.title(violation, labels) for violation in catalogue().violations},
        "reasons": {reason.id: reason.zh if labels.language == "zh" else reason.en for reason in reasons()},
        "days": days,
        "periods": PERIODS_D,
        "wrong_share": WRONG_SHARE,
        "fewest": FEWEST,
        "local_time": case_view.local_time,
        "script_labels": labels.for_scripts(),
    }
    return console.page(request, "economics.html", values)
