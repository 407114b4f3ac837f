"""Two people decide: the first and the second review of a case; where they differ, a supervisor is the third.

Source: 行政处罚法 art. 41 (an unreviewed record is no evidence), art. 42; Order 157 art. 18-19.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import accounts, assignment, blind, plates, sheets
from cases.audit import Step, audited
from cases.models import CaseRow, ReviewRow
from cases.reasons import reason
from cases.records import Review
from cases.report import CITIZEN
from cases.states import (
    NEXT_STATE,
    PERMISSION_OF_STAGE,
    SIX_FACTS,
    STAGE_OF_STATE,
    CaseState,
    Decision,
    Permission,
    ReviewStage,
)
from core.errors import CaseNotFound, ConfigError, ConflictOfInterest, NotAllowed, WrongState
from core.workdays import BEIJING, end_of_working_day

REVIEW_DAYS = 5
"""Source: Order 157 art. 19."""
UNDO_S = 600
"""How long a first review that rejected can be taken back. Source: none in law; a slip of the hand is seen at once."""


def load(session: Session, case_id: str) -> CaseRow:
    """Returns the row of a case.

    Raises:
        CaseNotFound: no case with this id.
    """
    row = session.get(CaseRow, case_id)
    if row is None:
        raise CaseNotFound(f"no case '{case_id}'; `lukou cases` lists them", case_id=case_id)
    return row


def decide(session: Session, case: CaseRow, officer: str, review: Review, *, at_utc: datetime) -> CaseState:
    """Records one person's decision and moves the case on; returns its new state.

    Raises:
        WrongState: the case is decided already, open at somebody else's, or too late to be accepted by this person.
        NotAllowed: the role may not do this stage.
        ConflictOfInterest: this person has reviewed the case before.
        ConfigError: a rejection without a known reason, an acceptance without all six facts and cues, a typed plate
            that is none, or late without a note.
    """
    stage = check_person(session, case, officer)
    assignment.check_free(session, case.case_id, officer, at_utc=at_utc)
    _check_content(case, review)
    _check_time(session, case, officer, review, at_utc=at_utc)
    plate = sheets.checked(review.plate)
    is_blind = blind.draw(session, case, at_utc=at_utc)
    after = _after(session, case, review, plate, is_blind=is_blind)
    is_hidden = is_blind and stage is ReviewStage.FIRST_REVIEW
    done = "given" if is_hidden else f"{review.decision.value}ed"
    with audited(session, _step(case, stage, officer, f"{stage.value.lower()}_{done}", at_utc)):
        session.add(
            ReviewRow(
                case_id=case.case_id,
                stage=stage.value,
                officer=officer,
                decision=review.decision.value,
                reason=review.reason,
                note=review.note.strip(),
                facts=sorted(review.facts),
                cues_checked=sorted(review.cues_checked),
                decided_utc=at_utc,
            )
        )
    hold = assignment.leave(session, case.case_id, officer)
    opened = hold.opened_utc if hold is not None else None
    sheet = sheets.SheetRow(case_id=case.case_id, stage=stage.value, opened_utc=opened, plate=plate)
    sheets.save(session, sheet, officer, at_utc=at_utc)
    if after is CaseState.ACCEPTED and plate:
        plates.confirm(session, case.case_id, plate, officer, at_utc=at_utc)
    _move(session, case, after, officer, at_utc=at_utc)
    return after


def take_back(session: Session, case: CaseRow, officer: str, *, at_utc: datetime) -> None:
    """Removes somebody's own first review, as long as nobody has gone on from it; the case is queued again.

    Raises:
        NotAllowed: the role reviews nothing.
        ConflictOfInterest: the first review is somebody else's.
        WrongState: there is none, the second review has begun, or a rejection is older than ``UNDO_S``.
    """
    accounts.require(session, officer, Permission.FIRST_REVIEW)
    stage = ReviewStage.FIRST_REVIEW
    first = session.get(ReviewRow, (case.case_id, stage.value))
    if first is None:
        raise WrongState("case has no first review to take back", case_id=case.case_id)
    if first.officer != officer:
        raise ConflictOfInterest("only who gave the first review can take it back", case_id=case.case_id)
    is_second = session.get(ReviewRow, (case.case_id, ReviewStage.SECOND_REVIEW.value)) is not None
    if is_second or not may_take_back(CaseState(case.state), first.decided_utc, at_utc):
        raise WrongState("it is too late to take this review back", case_id=case.case_id)
    assignment.check_free(session, case.case_id, officer, at_utc=at_utc)
    sheets.remove(session, case.case_id, stage, officer, at_utc=at_utc)
    with audited(session, _step(case, stage, officer, "first_review_taken_back", at_utc, is_removal=True)):
        session.delete(first)
    _move(session, case, CaseState.QUEUED, officer, at_utc=at_utc)


def may_take_back(state: CaseState, decided_utc: datetime, at_utc: datetime) -> bool:
    """Tells whether a first review can be taken back, as long as it is the only one."""
    is_fresh = at_utc <= decided_utc + timedelta(seconds=UNDO_S)
    return state is CaseState.SECOND_REVIEW or (state is CaseState.REJECTED and is_fresh)


def check_person(session: Session, case: CaseRow, officer: str) -> ReviewStage:
    """Returns the stage a case waits for, if this person may do it.

    Raises:
        WrongState: the case waits for no review.
        NotAllowed: the role may not do this stage.
        ConflictOfInterest: this person has reviewed the case before.
    """
    state = CaseState(case.state)
    stage = STAGE_OF_STATE.get(state)
    if stage is None:
        raise WrongState(
            f"case is {state.value}; it waits for no review, and a decision cannot be changed", case_id=case.case_id
        )
    reviewers = session.scalars(select(ReviewRow.officer).where(ReviewRow.case_id == case.case_id))
    if officer in set(reviewers):
        raise ConflictOfInterest(
            f"the {stage.value.lower().replace('_', ' ')} needs another person than the one before; leave it to a"
            " colleague",
            case_id=case.case_id,
        )
    try:
        accounts.require(session, officer, PERMISSION_OF_STAGE[stage])
    except NotAllowed as error:
        error.fields["case_id"] = case.case_id
        raise
    return stage


def _after(session: Session, case: CaseRow, review: Review, plate: str, *, is_blind: bool) -> CaseState:
    state = CaseState(case.state)
    if state is CaseState.QUEUED:
        return CaseState.SECOND_REVIEW if is_blind else NEXT_STATE[state, review.decision]
    after = NEXT_STATE[state, review.decision]
    typed = [sheets.plate_of(session, case.case_id, stage) for stage in ReviewStage][:2]
    if state is CaseState.DISPUTED:
        if after is CaseState.ACCEPTED and not plate and typed[0] != typed[1]:
            raise ConfigError("the two reviews read different plates; type the plate", case_id=case.case_id)
        return after
    first = session.get_one(ReviewRow, (case.case_id, ReviewStage.FIRST_REVIEW.value))
    is_other_plate = after is CaseState.ACCEPTED and plate != typed[0]
    if is_other_plate and not plate and not is_blind:
        raise ConfigError("the first review typed the plate; type it as you read it", case_id=case.case_id)
    is_other = is_blind and first.decision != review.decision.value
    return CaseState.DISPUTED if is_other or is_other_plate else after


def _move(session: Session, case: CaseRow, after: CaseState, officer: str, *, at_utc: datetime) -> None:
    action = f"case_{after.value.lower()}"
    step = Step(at_utc=at_utc, actor=officer, action=action, table_name="cases", row_key=case.case_id)
    with audited(session, step):
        case.state = after.value
        case.changed_utc = at_utc


def _step(
    case: CaseRow, stage: ReviewStage, actor: str, action: str, at_utc: datetime, *, is_removal: bool = False
) -> Step:
    key = f"{case.case_id}/{stage.value}"
    return Step(at_utc=at_utc, actor=actor, action=action, table_name="reviews", row_key=key, is_removal=is_removal)


def due_utc(received_utc: datetime) -> datetime:
    """Returns until when a case must be decided: the end of the fifth working day after it reached the system.

    Source: Order 157 art. 19 (reviewed and entered in five days). Footage brought in later (a drone's card, an export)
    is collected when it arrives.
    """
    return end_of_working_day(received_utc, REVIEW_DAYS)


def overdue_before(now_utc: datetime) -> datetime:
    """Returns the moment before which a case must have arrived to be overdue now."""
    day = now_utc
    while due_utc(day) >= now_utc:
        day -= timedelta(days=1)
    local = day.astimezone(BEIJING) + timedelta(days=1)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now_utc.tzinfo)


def _check_time(session: Session, case: CaseRow, officer: str, review: Review, *, at_utc: datetime) -> None:
    if review.decision is Decision.REJECT or at_utc <= due_utc(case.created_utc):
        return
    try:
        accounts.require(session, officer, Permission.ACCEPT_LATE)
    except NotAllowed as error:
        raise WrongState(
            "more than five working days have passed; reject with R19, or let a supervisor accept it with a note",
            case_id=case.case_id,
        ) from error
    if not review.note.strip():
        raise ConfigError("write down why this case is accepted after five working days", case_id=case.case_id)


def _check_content(case: CaseRow, review: Review) -> None:
    if review.decision is Decision.REJECT:
        if review.reason is None:
            raise ConfigError("a rejection needs a reason; pick one of R01 to R20 or C1 to C8")
        if reason(review.reason).kind == "report" and case.camera_id != CITIZEN:
            raise ConfigError(f"{review.reason} is for citizens' reports; pick one of R01 to R20 or C1 to C8")
        return
    missing = [fact for fact in SIX_FACTS if fact not in review.facts]
    if missing:
        raise ConfigError(f"confirm all six facts before accepting; missing: {', '.join(missing)}", missing=missing)
    open_cues = [cue for cue in case.cues if cue not in review.cues_checked]
    if open_cues:
        raise ConfigError(f"look at every cue before accepting; open: {', '.join(open_cues)}", missing=open_cues)
