"""What reviewing costs and finds: seconds per clip, approval, reasons per camera and rule, agreement of two people.

Seconds run from opening a case in the console to the decision. Agreement is of blind second reviews alone: only they
were given without knowing the first. Nobody's figures are a target (domain §3.3 wants a look at every fact); they show
which camera and which rule waste people's time.
"""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.blind import BlindDrawRow
from cases.models import CaseRow, ReviewRow
from cases.sheets import SheetRow
from cases.states import Decision, ReviewStage
from cases.suspension import WRONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """One person's reviews; seconds are None when no case was opened in the console."""

    officer: str
    reviews: int
    accepted: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Yield:
    """What one rule's candidates on one camera became; ``wrong`` counts those the rule should not have proposed."""

    camera_id: str
    violation_id: str
    cases: int
    accepted: int
    wrong: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """A period of reviewing; ``agreed`` of ``blind`` second reviews said what the first had said."""

    efforts: tuple[Effort, ...]
    yields: tuple[Yield, ...]
    blind: int
    agreed: int


def build(session: Session, from_utc: datetime, to_utc: datetime) -> Economics:
    """Returns the figures of the reviews given in a period."""
    query = (
        select(
            ReviewRow.case_id,
            ReviewRow.stage,
            ReviewRow.officer,
            ReviewRow.decision,
            ReviewRow.reason,
            ReviewRow.decided_utc,
            CaseRow.camera_id,
            CaseRow.violation_id,
            SheetRow.opened_utc,
            BlindDrawRow.drawn_utc,
        )
        .join(CaseRow, CaseRow.case_id == ReviewRow.case_id)
        .outerjoin(SheetRow, (SheetRow.case_id == ReviewRow.case_id) & (SheetRow.stage == ReviewRow.stage))
        .outerjoin(BlindDrawRow, BlindDrawRow.case_id == ReviewRow.case_id)
        .where(ReviewRow.decided_utc >= from_utc, ReviewRow.decided_utc < to_utc)
        .order_by(ReviewRow.case_id, ReviewRow.stage)
    )
    given = session.execute(query).all()
    pairs = _blind_pairs(given)
    return Economics(
        efforts=tuple(_effort(key[0], group) for key, group in _grouped(given, "officer")),
        yields=tuple(_yield(key[0], key[1], group) for key, group in _grouped(given, "camera_id", "violation_id")),
        blind=len(pairs),
        agreed=sum(first == second for first, second in pairs),
    )


def _grouped(given: Sequence[Any], *names: str) -> list[tuple[tuple[str, ...], list[Any]]]:
    groups: dict[tuple[str, ...], list[Any]] = {}
    for row in given:
        groups.setdefault(tuple(getattr(row, name) for name in names), []).append(row)
    return sorted(groups.items())


def _effort(officer: str, given: Sequence[Any]) -> Effort:
    took_s = sorted((row.decided_utc - row.opened_utc).total_seconds() for row in given if row.opened_utc is not None)
    p90 = statistics.quantiles(took_s, n=10, method="inclusive")[8] if len(took_s) > 1 else None
    return Effort(
        officer=officer,
        reviews=len(given),
        accepted=sum(row.decision == Decision.ACCEPT.value for row in given),
        median_s=statistics.median(took_s) if took_s else None,
        p90_s=p90,
    )


def _yield(camera_id: str, violation_id: str, given: Sequence[Any]) -> Yield:
    last = {row.case_id: row for row in given}
    reasons = Counter(row.reason for row in last.values() if row.reason is not None)
    return Yield(
        camera_id=camera_id,
        violation_id=violation_id,
        cases=len(last),
        accepted=sum(row.decision == Decision.ACCEPT.value for row in last.values()),
        wrong=len({row.case_id for row in given if row.reason in WRONG}),
        reasons=tuple(reasons.most_common()),
    )


def _blind_pairs(given: Sequence[Any]) -> list[tuple[str, str]]:
    said = {(row.case_id, row.stage): row.decision for row in given if row.drawn_utc is not None}
    first, second = ReviewStage.FIRST_REVIEW.value, ReviewStage.SECOND_REVIEW.value
    return [
        (said[case_id, first], decision)
        for (case_id, stage), decision in said.items()
        if stage == second and (case_id, first) in said
    ]
