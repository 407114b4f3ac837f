"""Items on exposure screens, as records: who approved what, for where, until when.

The policy (masking, fail closed) is display's; here stands what no caller can get around:
accepted by two people, released by a police officer, masked derivatives named by hash, an expiry
within the limits. Source: domain §5.3 (5); 公共安全视频图像信息系统管理条例 art. 22.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from ulid import ULID

from cases import accounts
from cases.audit import Step, audited
from cases.models import CaseRow, PublicationRow
from cases.records import Derivative
from cases.states import STANDING, SYSTEM, CaseState, Permission, PublicationState
from core.catalogue import catalogue
from core.errors import CaseNotFound, ConfigError, WrongState

SCREEN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def longest_hours() -> float:
    """Returns how long the catalogue lets an item stay on a screen."""
    return float(catalogue().defaults["exposure"]["max_display_h"])


def publish(
    session: Session,
    case: CaseRow,
    officer: str,
    *,
    screen_id: str,
    expires_utc: datetime,
    derivatives: Sequence[Derivative],
    at_utc: datetime,
) -> PublicationRow:
    """Puts an accepted case on a screen.

    Raises:
        NotAllowed: only a police officer releases to a screen.
        WrongState: not accepted by two people, or on this screen already.
        ConfigError: bad screen id, no masked picture, expiry in the past or too far away.
    """
    accounts.require(session, officer, Permission.PUBLISH)
    if CaseState(case.state) not in STANDING:
        raise WrongState(f"case is {case.state}; only a case accepted by two people can be shown", case_id=case.case_id)
    if not SCREEN_ID.fullmatch(screen_id):
        raise ConfigError(f"'{screen_id}' is no screen id; use letters, digits, - and _")
    if not derivatives or any(not _SHA256.fullmatch(d.sha256) for d in derivatives):
        raise ConfigError("a publication needs at least one masked picture with its sha256", case_id=case.case_id)
    if not at_utc < expires_utc <= at_utc + timedelta(hours=longest_hours()):
        raise ConfigError(f"expiry must lie within the next {longest_hours():g} h", case_id=case.case_id)
    if _is_showing(session, case.case_id, screen_id, at_utc):
        raise WrongState(f"case is on screen '{screen_id}' already; withdraw it first", case_id=case.case_id)
    row = PublicationRow(
        publication_id=str(ULID()),
        case_id=case.case_id,
        screen_id=screen_id,
        state=PublicationState.PUBLISHED.value,
        approved_by=officer,
        approved_utc=at_utc,
        expires_utc=expires_utc,
        derivatives=[asdict(d) for d in derivatives],
        ended_by=None,
        ended_utc=None,
        end_note="",
    )
    with audited(session, _step(row.publication_id, "publication_published", officer, at_utc)):
        session.add(row)
    return row


def withdraw(session: Session, publication_id: str, officer: str, *, note: str, at_utc: datetime) -> PublicationRow:
    """Takes an item off its screen.

    Raises:
        CaseNotFound: no such publication.
        NotAllowed: the role may not withdraw.
        WrongState: it is off the screen already.
    """
    accounts.require(session, officer, Permission.WITHDRAW)
    row = session.get(PublicationRow, publication_id)
    if row is None:
        raise CaseNotFound(f"no publication '{publication_id}'; reload the page", publication_id=publication_id)
    if row.state != PublicationState.PUBLISHED.value:
        raise WrongState(f"item is {row.state} already", publication_id=publication_id)
    return _withdraw(session, row, officer, note=note, at_utc=at_utc)


def end_all(session: Session, case_id: str, officer: str, *, note: str, at_utc: datetime) -> None:
    """Takes a case off every screen, whoever's step makes it necessary."""
    query = select(PublicationRow).where(
        PublicationRow.case_id == case_id, PublicationRow.state == PublicationState.PUBLISHED.value
    )
    for row in list(session.scalars(query)):
        _withdraw(session, row, officer, note=note, at_utc=at_utc)


def _withdraw(session: Session, row: PublicationRow, officer: str, *, note: str, at_utc: datetime) -> PublicationRow:
    with audited(session, _step(row.publication_id, "publication_withdrawn", officer, at_utc)):
        _end(row, PublicationState.WITHDRAWN, officer, at_utc)
        row.end_note = note.strip()
    return row


def expire(session: Session, *, at_utc: datetime) -> list[PublicationRow]:
    """Ends every item whose time is over; returns them."""
    rows = overdue(session, at_utc=at_utc)
    for row in rows:
        with audited(session, _step(row.publication_id, "publication_expired", SYSTEM, at_utc)):
            _end(row, PublicationState.EXPIRED, SYSTEM, at_utc)
    return rows


def overdue(session: Session, *, at_utc: datetime) -> list[PublicationRow]:
    """Returns items that still count as published although their time is over."""
    query = select(PublicationRow).where(
        PublicationRow.state == PublicationState.PUBLISHED.value, PublicationRow.expires_utc <= at_utc
    )
    return list(session.scalars(query))


def _step(publication_id: str, action: str, actor: str, at_utc: datetime) -> Step:
    return Step(at_utc=at_utc, actor=actor, action=action, table_name="publications", row_key=publication_id)


def _end(row: PublicationRow, state: PublicationState, who: str, at_utc: datetime) -> None:
    row.state = state.value
    row.ended_by = who
    row.ended_utc = at_utc


def _is_showing(session: Session, case_id: str, screen_id: str, at_utc: datetime) -> bool:
    found = session.scalars(
        select(PublicationRow.publication_id).where(
            PublicationRow.case_id == case_id,
            PublicationRow.screen_id == screen_id,
            PublicationRow.state == PublicationState.PUBLISHED.value,
            PublicationRow.expires_utc > at_utc,
        )
    )
    return found.first() is not None
