"""Reading the queue: lists, counts, the next case for a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, literal, select, tuple_
from sqlalchemy.orm import Session

from cases import assignment, blind, cancellation, objection, plates, sheets
from cases.assignment import AssignmentRow
from cases.models import CaseRow, PublicationRow, ReviewRow, UtcText
from cases.plates import PlateRow
from cases.records import CaseRecord, Derivative, Hold, PublicationRecord, QueueFilter, QueueRow, ReviewRecord, User
from cases.report import CITIZEN
from cases.states import (
    PERMISSION_OF_STAGE,
    PERMISSIONS,
    STAGE_OF_STATE,
    UNDECIDED,
    CaseState,
    Decision,
    PublicationState,
    ReviewStage,
)
from core.plate import UNREADABLE

_SHOWN = (
    CaseRow.case_id,
    CaseRow.violation_id,
    CaseRow.camera_id,
    CaseRow.place,
    CaseRow.direction,
    CaseRow.occurred_utc,
    CaseRow.onset_ns,
    CaseRow.subject,
    CaseRow.state,
    CaseRow.created_utc,
    CaseRow.changed_utc,
)


def listed(session: Session, wanted: QueueFilter) -> list[CaseRecord]:
    """Returns cases with all that was done to them, in the order of ``rows``."""
    return to_records(session, session.scalars(_ordered(select(CaseRow), wanted)).all())


def rows(session: Session, wanted: QueueFilter) -> list[QueueRow]:
    """Returns cases for a list, oldest first while they wait, latest change first once decided; two queries."""
    found = session.execute(
        _ordered(
            select(*_SHOWN, PlateRow.plate, AssignmentRow.officer, AssignmentRow.opened_utc, AssignmentRow.until_utc)
            .outerjoin(PlateRow, PlateRow.case_id == CaseRow.case_id)
            .outerjoin(AssignmentRow, AssignmentRow.case_id == CaseRow.case_id),
            wanted,
        )
    ).all()
    reviewers: dict[str, list[str]] = {}
    given = select(ReviewRow.case_id, ReviewRow.officer).where(ReviewRow.case_id.in_([row.case_id for row in found]))
    for case_id, officer in session.execute(given.order_by(ReviewRow.case_id, ReviewRow.stage)):
        reviewers.setdefault(case_id, []).append(officer)
    return [_row(row, tuple(reviewers.get(row.case_id, ()))) for row in found]


def count(session: Session, wanted: QueueFilter) -> int:
    """Returns how many cases a filter finds."""
    return session.scalar(_filtered(select(func.count()).select_from(CaseRow), wanted)) or 0


def cameras(session: Session) -> list[str]:
    """Returns the cameras that have cases."""
    return list(session.scalars(select(CaseRow.camera_id).distinct().order_by(CaseRow.camera_id)))


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
    cancelled = cancellation.listed(session, ids)
    holds, drawn = assignment.find(session, ids), blind.find(session, ids)
    return [
        _case(
            row,
            plate=read.get(row.case_id, UNREADABLE),
            reviews=tuple(reviews.get(row.case_id, ())),
            publications=tuple(publications.get(row.case_id, ())),
            objection=objections.get(row.case_id),
            cancellation=cancelled.get(row.case_id),
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


def _ordered(query: Any, wanted: QueueFilter) -> Any:
    moment = CaseRow.changed_utc if wanted.is_by_change else CaseRow.created_utc
    place, after = tuple_(moment, CaseRow.case_id), wanted.after
    if after is not None:
        last = tuple_(literal(after.at_utc, UtcText()), literal(after.case_id))
        query = query.where(place < last if wanted.is_by_change else place > last)
    order = [moment.desc(), CaseRow.case_id.desc()] if wanted.is_by_change else [moment, CaseRow.case_id]
    return _filtered(query, wanted).order_by(*order).limit(wanted.limit)


def _filtered(query: Any, wanted: QueueFilter) -> Any:
    same = {
        CaseRow.state: None if wanted.state is None else wanted.state.value,
        CaseRow.violation_id: wanted.violation_id,
        CaseRow.session_id: wanted.session_id,
        CaseRow.camera_id: wanted.camera_id,
    }
    query = query.where(*[column == value for column, value in same.items() if value is not None])
    if wanted.is_report is not None:
        query = query.where((CaseRow.camera_id == CITIZEN) == wanted.is_report)
    if wanted.plate is not None:
        query = query.where(CaseRow.case_id.in_(plates.matching(wanted.plate)))
    if wanted.from_utc is not None:
        query = query.where(CaseRow.occurred_utc >= wanted.from_utc)
    if wanted.to_utc is not None:
        query = query.where(CaseRow.occurred_utc < wanted.to_utc)
    if wanted.received_before is not None:
        waits = [state.value for state in (*UNDECIDED, CaseState.SUSPENDED)]
        query = query.where(CaseRow.created_utc < wanted.received_before, CaseRow.state.in_(waits))
    return query


def _row(row: Any, reviewers: tuple[str, ...]) -> QueueRow:
    hold = None
    if row.officer is not None:
        hold = Hold(officer=row.officer, opened_utc=row.opened_utc, until_utc=row.until_utc)
    shown = {column.key: getattr(row, column.key) for column in _SHOWN}
    shown["state"] = CaseState(row.state)
    return QueueRow(**shown, plate=row.plate or UNREADABLE, reviewers=reviewers, hold=hold)


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
