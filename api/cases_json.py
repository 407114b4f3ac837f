"""JSON for the pages' scripts and for other programs: /api/v1."""

from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api import case_view
from api.access import CaseCanceller, CaseReader, Csrf, ObjectionDecider, ObjectionFiler, Parts, Publisher, Withdrawer
from api.queue_page import Asked, cursor_text
from cases.blind import veiled
from cases.records import (
    Answer,
    CaseRecord,
    Derivative,
    NewObjection,
    PublicationRecord,
    Review,
    RunRecord,
)
from cases.states import Decision
from core.errors import HashMismatch

router = APIRouter(prefix="/api/v1")


class Body(BaseModel):
    """Base of everything that is posted: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReviewBody(Body):
    """A decision."""

    decision: Decision
    reason: str | None = None
    note: str = Field(default="", max_length=2000)
    facts: list[str] = Field(default_factory=list, max_length=20)
    cues_checked: list[str] = Field(default_factory=list, max_length=100)
    plate: str = Field(default="", max_length=16, description="as the reviewer reads it; two people must agree")


class PictureBody(Body):
    """A masked picture the officer saw."""

    role: str = Field(max_length=32)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ReleaseBody(Body):
    """A release to a screen."""

    screen_id: str = Field(max_length=64)
    hours: float = Field(gt=0)
    pictures: list[PictureBody] = Field(min_length=1, max_length=10)
    seen: bool


class ObjectionBody(Body):
    """An objection as it was received."""

    channel: Literal["web", "app", "window", "letter"]
    ground: str = Field(pattern=r"^C[1-8]$", description="C1 to C8, Order 157 art. 22")
    text: str = Field(min_length=1, max_length=4000)


class AnswerBody(Body):
    """The answer to an objection."""

    cancel: bool
    ground: str | None = Field(default=None, pattern=r"^C[1-8]$")
    reply: str = Field(min_length=1, max_length=4000)


class CancellationBody(Body):
    """Why a case that stands is withdrawn."""

    ground: str = Field(pattern=r"^C[1-8]$", description="C1 to C8, Order 157 art. 22")
    note: str = Field(min_length=1, max_length=2000, description="what was verified")


class WithdrawBody(Body):
    """Why an item goes."""

    note: str = Field(default="", max_length=2000)


@router.get("/cases")
def cases(
    console: Parts, user: CaseReader, asked: Annotated[Asked, Query()], limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """Lists cases, page by page: ``next`` is the ``after`` of the following one, null on the last."""
    wanted = asked.wanted(console.clock.now_utc(), limit)
    found = console.store.queue(replace(wanted, limit=limit + 1))
    last = wanted.cursor(found[limit - 1]) if len(found) > limit else None
    return {
        "total": console.store.count(replace(wanted, after=None)),
        "next": None if last is None else cursor_text(last),
        "cases": [case_json(veiled(case, user)) for case in found[:limit]],
    }


@router.get("/cases/{case_id}")
def case(case_id: str, console: Parts, user: CaseReader) -> dict[str, Any]:
    """Returns one case; a blind first review is not in it before the second is given."""
    return case_json(veiled(console.store.get(case_id), user))


@router.get("/cases/{case_id}/verification")
def verification(case_id: str, console: Parts, _user: CaseReader) -> dict[str, Any]:
    """Re-computes every hash and the signature of a case's evidence."""
    problems = case_view.problems(console, console.store.get(case_id))
    return {"is_valid": not problems, "problems": list(problems)}


@router.post("/cases/{case_id}/review", dependencies=[Csrf])
def review(case_id: str, body: ReviewBody, console: Parts, user: CaseReader) -> dict[str, Any]:
    """Records a decision and names the next case; damaged evidence cannot be accepted."""
    found = console.store.get(case_id)
    if body.decision is Decision.ACCEPT:
        problems = case_view.problems(console, found)
        if problems:
            raise HashMismatch(f"evidence is damaged and cannot be accepted: {problems[0]}", case_id=case_id)
    state = console.store.decide(
        case_id,
        user.name,
        Review(
            decision=body.decision,
            reason=body.reason,
            note=body.note,
            facts=tuple(body.facts),
            cues_checked=tuple(body.cues_checked),
            plate=body.plate,
        ),
    )
    return {"state": state.value, "next": console.store.next_for(user.name, after=case_id)}


@router.post("/cases/{case_id}/masked", dependencies=[Csrf])
def masked(case_id: str, console: Parts, _user: Publisher) -> dict[str, Any]:
    """Makes the masked pictures an officer looks at before a release."""
    made = console.board.prepare(case_id)
    base = f"/cases/{case_id}/masked"
    return {"pictures": [{"role": d.role, "sha256": d.sha256, "url": f"{base}/{d.sha256}/{d.role}.jpg"} for d in made]}


@router.post("/cases/{case_id}/publications", dependencies=[Csrf], status_code=201)
def release(case_id: str, body: ReleaseBody, console: Parts, user: Publisher) -> dict[str, Any]:
    """Puts an accepted case on a screen, with the pictures the officer confirmed to have seen."""
    seen = [Derivative(role=p.role, sha256=p.sha256) for p in body.pictures] if body.seen else []
    item = console.board.publish(case_id, user.name, screen_id=body.screen_id, hours=body.hours, seen=seen)
    return publication_json(item)


@router.post("/cases/{case_id}/objection", dependencies=[Csrf], status_code=201)
def objection(case_id: str, body: ObjectionBody, console: Parts, user: ObjectionFiler) -> dict[str, Any]:
    """Files an objection against an accepted case; it leaves every screen until it is answered."""
    new = NewObjection(channel=body.channel, ground=body.ground, text=body.text)
    state = console.store.file_objection(case_id, user.name, new)
    console.board.sweep()
    return {"state": state.value}


@router.post("/cases/{case_id}/objection/answer", dependencies=[Csrf])
def objection_answer(case_id: str, body: AnswerBody, console: Parts, user: ObjectionDecider) -> dict[str, Any]:
    """Upholds a case, or cancels it on a statutory ground."""
    given = Answer(is_cancelled=body.cancel, reply=body.reply, ground=body.ground)
    return {"state": console.store.answer_objection(case_id, user.name, given).value}


@router.post("/cases/{case_id}/cancellation", dependencies=[Csrf])
def cancellation(case_id: str, body: CancellationBody, console: Parts, user: CaseCanceller) -> dict[str, Any]:
    """Withdraws a case that stands, without an objection; it leaves every screen."""
    state = console.store.reviews.cancel(case_id, user.name, body.ground, body.note)
    console.board.sweep()
    return {"state": state.value}


@router.post("/publications/{publication_id}/withdrawal", dependencies=[Csrf])
def withdrawal(publication_id: str, body: WithdrawBody, console: Parts, user: Withdrawer) -> dict[str, Any]:
    """Takes an item off its screen."""
    item = console.store.withdraw(publication_id, user.name, body.note)
    console.board.sweep()
    return publication_json(item)


@router.get("/runs")
def runs(console: Parts, _user: CaseReader) -> dict[str, Any]:
    """Lists processed sessions with what was skipped and what stayed undecided."""
    return {"runs": [run_json(run) for run in console.store.runs(100)]}


def case_json(found: CaseRecord) -> dict[str, Any]:
    """Returns a case as JSON."""
    return {
        "case_id": found.case_id,
        "violation_id": found.violation_id,
        "state": found.state.value,
        "session_id": found.session_id,
        "site_id": found.site_id,
        "camera_id": found.camera_id,
        "place": found.place,
        "direction": found.direction,
        "occurred_utc": found.occurred_utc.isoformat() if found.occurred_utc else None,
        "onset_ns": found.onset_ns,
        "subject": found.subject,
        "plate": found.plate,
        "cues": list(found.cues),
        "manifest_sha256": found.manifest_sha256,
        "created_utc": found.created_utc.isoformat(),
        "reviews": [
            {
                "stage": r.stage.value,
                "officer": r.officer,
                "decision": r.decision.value,
                "reason": r.reason,
                "note": r.note,
                "plate": r.plate,
                "decided_utc": r.decided_utc.isoformat(),
            }
            for r in found.reviews
        ],
        "publications": [publication_json(p) for p in found.publications],
    }


def publication_json(item: PublicationRecord) -> dict[str, Any]:
    """Returns an item on a screen as JSON."""
    return {
        "publication_id": item.publication_id,
        "screen_id": item.screen_id,
        "state": item.state.value,
        "approved_by": item.approved_by,
        "approved_utc": item.approved_utc.isoformat(),
        "expires_utc": item.expires_utc.isoformat(),
    }


def run_json(run: RunRecord) -> dict[str, Any]:
    """Returns a run as JSON."""
    return {
        "session_id": run.session_id,
        "camera_id": run.camera_id,
        "site_id": run.site_id,
        "files": list(run.files),
        "started_utc": run.started_utc.isoformat(),
        "finished_utc": run.finished_utc.isoformat() if run.finished_utc else None,
        "footage_s": run.footage_s,
        "frames": {name: getattr(run, name) for name in ("decoded", "analysed", "skipped", "damaged", "lost")},
        "undecided": {violation: dict(by_reason) for violation, by_reason in run.undecided.items()},
        "signal_faults": [asdict(fault) for fault in run.signal_faults],
    }
