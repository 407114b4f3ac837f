"""Reading the queue: lists, counts, the next case for a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from cases import assignment, blind, objection, plates, sheets
from cases.models import CaseRow, PublicationRow, ReviewRow
from cases.records import CaseRecord, Derivative, PublicationRecord, QueueFilter, ReviewRecord, User
from cases.states import (
    DECIDED,
    PERMISSION_OF_STAGE,
    PERMISSIONS,
    STAGE_OF_STATE,
    CaseState,
    Decision,
    PublicationState,
    ReviewStage,
)
from core.plate import UNREADABLE

UNDECIDED_STATES = (CaseState.QUEUED.value, CaseState.SECOND_REVIEW.value)


def listed(session: Session, wanted: QueueFilter) -> list[CaseRecord]:
    """Returns cases, oldest first while they wait, latest change first once decided."""
    query = _filtered(select(CaseRow), wanted)
    is_decided = wanted.state in DECIDED
    order = CaseRow.changed_utc.desc() if is_decided else CaseRow.created_utc.asc()
    rows = session.scalars(query.order_by(order, CaseRow.case_id).limit(wanted.limit).offset(wanted.offset)).all()
    return to_records(session, rows)


def count(session: Session, wanted: QueueFilter) -> int:
    """Returns how many cases a filter finds."""
    return session.scalar(_filtered(select(func.count()).select_from(CaseRow), wanted)) or 0


def counts_by_state(session: Session) -> dict[CaseState, int]:
    """Returns how many cases are in each state, zeros included."""
    found = dict.fromkeys(CaseState, 0)
    for state, number in session.execute(select(CaseRow.state, func.count()).group_by(CaseRow.state)):
        found[CaseState(state)] = number
    return found


def counts_by_violation(session: Session, state: CaseState | None = None) -> dict[str, int]:
    """Returns how many cases there are per violation, most frequent first."""
    number = func.count()
    query = select(CaseRow.violation_id, number).group_by(CaseRow.violation_id).order_by(number.desc())
    if state is not None:
        query = query.where(CaseRow.state == state.value)
    return {row.violation_id: row[1] for row in session.execute(query)}


def next_for(session: Session, user: User, *, at_utc: datetime, after: str | None = None) -> str | None:
    """Returns the id of the oldest case this person may review, not ``after`` itself if there is another.

    Cases somebody else has open are passed over.
    """
    allowed = PERMISSIONS[user.role]
    own = exists().where(ReviewRow.case_id == CaseRow.case_id, ReviewRow.officer == user.name)
    held = assignment.is_held_by_another(user.name, at_utc)
    queries = [
        _waiting(state).where(~held) if state is CaseState.QUEUED else _waiting(state).where(~held, ~own)
        for state, stage in STAGE_OF_STATE.items()
        if PERMISSION_OF_STAGE[stage] in allowed
    ]
    here = session.get(CaseRow, after) if after is not None else None
    if here is not None:
        same = CaseRow.created_utc == here.created_utc
        behind = (CaseRow.created_utc > here.created_utc) | (same & (CaseRow.case_id > here.case_id))
        before = (CaseRow.created_utc < here.created_utc) | (same & (CaseRow.case_id < here.case_id))
        following = _oldest(session, [query.where(behind) for query in queries])
        return following or _oldest(session, [query.where(before) for query in queries])
    return _oldest(session, queries)


def _waiting(state: CaseState) -> Select[datetime, str]:
    """Returns the cases in a state, oldest first: one step in the index ``ix_cases_waiting``."""
    query = select(CaseRow.created_utc, CaseRow.case_id).where(CaseRow.state == state.value)
    return query.order_by(CaseRow.created_utc, CaseRow.case_id).limit(1)


def _oldest(session: Session, queries: Sequence[Select[datetime, str]]) -> str | None:
    found = [(row.created_utc, row.case_id) for query in queries for row in session.execute(query)]
    return min(found)[1] if found else None


def to_records(session: Session, rows: Sequence[CaseRow]) -> list[CaseRecord]:
    """Returns cases with their reviews and publications, in eight queries however many they are."""
    ids = [row.case_id for row in rows]
    reviews: dict[str, list[ReviewRecord]] = {}
    beside = sheets.find(session, ids)
    for review in session.scalars(
        select(ReviewRow).where(ReviewRow.case_id.in_(ids)).order_by(ReviewRow.case_id, ReviewRow.stage)
    ):
        reviews.setdefault(review.case_id, []).append(_review(review, beside.get((review.case_id, review.stage))))
    publications: dict[str, list[PublicationRecord]] = {}
    for item in session.scalars(
        select(PublicationRow).where(PublicationRow.case_id.in_(ids)).order_by(PublicationRow.approved_utc)
    ):
        publications.setdefault(item.case_id, []).append(to_publication(item))
    read = plates.find(session, ids)
    objections = objection.listed(session, ids)
    holds, drawn = assignment.find(session, ids), blind.find(session, ids)
    return [
        _case(
            row,
            plate=read.get(row.case_id, UNREADABLE),
            reviews=tuple(reviews.get(row.case_id, ())),
            publications=tuple(publications.get(row.case_id, ())),
            objection=objections.get(row.case_id),
            hold=holds.get(row.case_id),
            is_blind=row.case_id in drawn,
        )
        for row in rows
    ]


def to_publication(row: PublicationRow) -> PublicationRecord:
    """Returns the value of a row."""
    return PublicationRecord(
        publication_id=row.publication_id,
        case_id=row.case_id,
        screen_id=row.screen_id,
        state=PublicationState(row.state),
        approved_by=row.approved_by,
        approved_utc=row.approved_utc,
        expires_utc=row.expires_utc,
        derivatives=tuple(Derivative(**d) for d in row.derivatives),
        ended_by=row.ended_by,
        ended_utc=row.ended_utc,
        end_note=row.end_note,
    )


def _filtered(query: Select[Any], wanted: QueueFilter) -> Select[Any]:
    if wanted.state is not None:
        query = query.where(CaseRow.state == wanted.state.value)
    if wanted.violation_id is not None:
        query = query.where(CaseRow.violation_id == wanted.violation_id)
    if wanted.session_id is not None:
        query = query.where(CaseRow.session_id == wanted.session_id)
    if wanted.plate is not None:
        query = query.where(CaseRow.case_id.in_(plates.matching(wanted.plate)))
    return query


def _review(row: ReviewRow, sheet: sheets.SheetRow | None) -> ReviewRecord:
    return ReviewRecord(
        case_id=row.case_id,
        stage=ReviewStage(row.stage),
        officer=row.officer,
        decision=Decision(row.decision),
        reason=row.reason,
        note=row.note,
        facts=tuple(row.facts),
        cues_checked=tuple(row.cues_checked),
        decided_utc=row.decided_utc,
        plate="" if sheet is None else sheet.plate,
        opened_utc=None if sheet is None else sheet.opened_utc,
    )


def _case(row: CaseRow, **beside: Any) -> CaseRecord:
    return CaseRecord(
        case_id=row.case_id,
        candidate_key=row.candidate_key,
        session_id=row.session_id,
        violation_id=row.violation_id,
        site_id=row.site_id,
        camera_id=row.camera_id,
        place=row.place,
        direction=row.direction,
        occurred_utc=row.occurred_utc,
        onset_ns=row.onset_ns,
        subject=row.subject,
        manifest_sha256=row.manifest_sha256,
        entry_sha256=row.entry_sha256,
        cues=tuple(row.cues),
        state=CaseState(row.state),
        created_utc=row.created_utc,
        changed_utc=row.changed_utc,
        **beside,
    )
