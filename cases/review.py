"""Two people decide: the first and the second review of a case.

Source: 行政处罚法 art. 41 (an unreviewed record is no evidence), art. 42; Order 157 art. 18-19.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from cases import accounts
from cases.audit import Step, audited
from cases.models import CaseRow, ReviewRow
from cases.reasons import reason
from cases.records import Review
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
from core.workdays import end_of_working_day

REVIEW_DAYS = 5
"""Source: Order 157 art. 19."""


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
        WrongState: the case is decided already, or too late to be accepted by this person.
        NotAllowed: the role may not do this stage.
        ConflictOfInterest: the first reviewer tries to do the second review too.
        ConfigError: a rejection without a known reason, an acceptance without all six facts and cues, or late
            without a note.
    """
    state = CaseState(case.state)
    stage = STAGE_OF_STATE.get(state)
    if stage is None:
        raise WrongState(f"case is {state.value} already; a decision cannot be changed", case_id=case.case_id)
    _check_person(session, case.case_id, officer, stage)
    _check_content(case, review)
    _check_time(session, case, officer, review, at_utc=at_utc)
    after = NEXT_STATE[state, review.decision]
    action = f"{stage.value.lower()}_{review.decision.value}ed"
    step = Step(
        at_utc=at_utc,
        actor=officer,
        action=action,
        table_name="reviews",
        row_key=f"{case.case_id}/{stage.value}",
    )
    with audited(session, step):
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
    move = Step(
        at_utc=at_utc, actor=officer, action=f"case_{after.value.lower()}", table_name="cases", row_key=case.case_id
    )
    with audited(session, move):
        case.state = after.value
        case.changed_utc = at_utc
    return after


def _check_person(session: Session, case_id: str, officer: str, stage: ReviewStage) -> None:
    first = session.get(ReviewRow, (case_id, ReviewStage.FIRST_REVIEW.value))
    if stage is ReviewStage.SECOND_REVIEW and first is not None and first.officer == officer:
        raise ConflictOfInterest(
            "the second review needs another person than the first; leave it to a colleague", case_id=case_id
        )
    try:
        accounts.require(session, officer, PERMISSION_OF_STAGE[stage])
    except NotAllowed as error:
        error.fields["case_id"] = case_id
        raise


def due_utc(received_utc: datetime) -> datetime:
    """Returns until when a case must be decided: the end of the fifth working day after it reached the system.

    Source: Order 157 art. 19 (reviewed and entered in five days). Footage brought in later (a drone's card, an export)
    is collected when it arrives.
    """
    return end_of_working_day(received_utc, REVIEW_DAYS)


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
        reason(review.reason)
        return
    missing = [fact for fact in SIX_FACTS if fact not in review.facts]
    if missing:
        raise ConfigError(f"confirm all six facts before accepting; missing: {', '.join(missing)}", missing=missing)
    open_cues = [cue for cue in case.cues if cue not in review.cues_checked]
    if open_cues:
        raise ConfigError(f"look at every cue before accepting; open: {', '.join(open_cues)}", missing=open_cues)
