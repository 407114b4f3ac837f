"""Objections (异议) against accepted cases: filed, answered by somebody who did not review the case, within five days.

A case under objection is on no screen. Source: Order 157 art. 5 (answer in five working days), art. 22 (grounds to
cancel, C1 to C8); domain §3.1, §3.5.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from ulid import ULID

from cases import accounts, publication
from cases.audit import Step, audited
from cases.models import CaseRow, ObjectionRow, ReviewRow
from cases.reasons import check_ground
from cases.records import Answer, NewObjection, Objection
from cases.states import CaseState, Permission
from core.errors import ConfigError, ConflictOfInterest, WrongState
from core.workdays import end_of_working_day

CHANNELS = ("web", "app", "window", "letter")
ANSWER_DAYS = 5
"""Source: Order 157 art. 5."""


def file(session: Session, case: CaseRow, officer: str, new: NewObjection, *, at_utc: datetime) -> CaseState:
    """Records an objection: the case waits for an answer and leaves every screen.

    Raises:
        NotAllowed: the role may not file.
        WrongState: the case is not accepted, or was objected to before.
        ConfigError: unknown channel or ground, or no text.
    """
    accounts.require(session, officer, Permission.FILE_OBJECTION)
    if case.state != CaseState.ACCEPTED.value:
        raise WrongState(f"case is {case.state}; only an accepted one can be objected to", case_id=case.case_id)
    check_ground(new.ground)
    if new.channel not in CHANNELS or not new.text.strip():
        raise ConfigError(f"an objection needs its words and a channel: {', '.join(CHANNELS)}", case_id=case.case_id)
    publication.end_all(session, case.case_id, officer, note="objection", at_utc=at_utc)
    row = ObjectionRow(
        objection_id=str(ULID.from_datetime(at_utc)),
        case_id=case.case_id,
        channel=new.channel,
        ground=new.ground,
        text=new.text.strip(),
        filed_by=officer,
        received_utc=at_utc,
        due_utc=end_of_working_day(at_utc, ANSWER_DAYS),
        result=None,
        reply="",
        decided_by=None,
        decided_utc=None,
    )
    with audited(session, _step("objection_filed", officer, at_utc, "objections", row.objection_id)):
        session.add(row)
    return _move(session, case, CaseState.OBJECTED, officer, at_utc)


def answer(session: Session, case: CaseRow, officer: str, given: Answer, *, at_utc: datetime) -> CaseState:
    """Records the answer to a case's open objection: upheld, or cancelled on a statutory ground.

    Raises:
        NotAllowed: the role may not decide.
        ConflictOfInterest: this person reviewed the case.
        WrongState: no objection is open.
        ConfigError: no reply, or cancelled without a ground.
    """
    accounts.require(session, officer, Permission.DECIDE_OBJECTION)
    row = session.scalars(
        select(ObjectionRow).where(ObjectionRow.case_id == case.case_id, ObjectionRow.result.is_(None))
    ).one_or_none()
    if row is None:
        raise WrongState("no objection is open for this case", case_id=case.case_id)
    reviewers = session.scalars(select(ReviewRow.officer).where(ReviewRow.case_id == case.case_id))
    if officer in set(reviewers):
        raise ConflictOfInterest(
            "an objection is answered by somebody who did not review the case; leave it to a colleague",
            case_id=case.case_id,
        )
    if not given.reply.strip():
        raise ConfigError("write the reply the objector gets", case_id=case.case_id)
    if given.is_cancelled:
        check_ground(given.ground)
    after = CaseState.CANCELLED if given.is_cancelled else CaseState.UPHELD
    with audited(session, _step(f"objection_{after.value.lower()}", officer, at_utc, "objections", row.objection_id)):
        row.result, row.reply, row.decided_by, row.decided_utc = after.value, given.reply.strip(), officer, at_utc
        if given.is_cancelled and given.ground:
            row.ground = given.ground
    return _move(session, case, after, officer, at_utc)


def listed(session: Session, case_ids: list[str]) -> dict[str, Objection]:
    """Returns the objections of cases by case id; a case has at most one."""
    rows = session.scalars(select(ObjectionRow).where(ObjectionRow.case_id.in_(case_ids)))
    return {row.case_id: _objection(row) for row in rows}


def _move(session: Session, case: CaseRow, after: CaseState, officer: str, at_utc: datetime) -> CaseState:
    with audited(session, _step(f"case_{after.value.lower()}", officer, at_utc, "cases", case.case_id)):
        case.state, case.changed_utc = after.value, at_utc
    return after


def _step(action: str, actor: str, at_utc: datetime, table: str, key: str) -> Step:
    return Step(at_utc=at_utc, actor=actor, action=action, table_name=table, row_key=key)


def _objection(row: ObjectionRow) -> Objection:
    return Objection(
        objection_id=row.objection_id,
        channel=row.channel,
        ground=row.ground,
        text=row.text,
        filed_by=row.filed_by,
        received_utc=row.received_utc,
        due_utc=row.due_utc,
        result=None if row.result is None else CaseState(row.result),
        reply=row.reply,
        decided_by=row.decided_by,
        decided_utc=row.decided_utc,
    )
