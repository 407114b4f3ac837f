"""How many cases there were, by offence, place, hour and day: counted by the database, shown on the console."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases.models import CaseRow
from cases.states import STANDING, CaseState
from core.workdays import BEIJING

BEIJING_H = 8
"""Hours Beijing is ahead of UTC, all year. Source: GB/T 7408 (东八区); China keeps no summer time."""
_STANDING = frozenset(state.value for state in STANDING)
_DROPPED = frozenset({CaseState.REJECTED.value, CaseState.CANCELLED.value})


@dataclass(slots=True)
class Tally:
    """Cases of one kind: decided against the offender, dropped, and still open."""

    standing: int = 0
    dropped: int = 0
    open: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.standing + self.dropped + self.open

    @property
    def closed_percent(self) -> int:
        """Closure rate (办结率): decided either way, of all filed; whole percent, a half rounded up.

        >>> Tally(standing=400, dropped=36, open=576).closed_percent
        43
        """
        return (200 * (self.standing + self.dropped) + self.total) // (2 * self.total) if self.total else 0

    def add(self, state: str, number: int) -> None:
        """Counts cases in a state."""
        if state in _STANDING:
            self.standing += number
        elif state in _DROPPED:
            self.dropped += number
        else:
            self.open += number


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Tallies by offence and place (most first), by hour of Beijing time and by day of filing."""

    total: Tally = field(default_factory=Tally)
    by_violation: Mapping[str, Tally] = field(default_factory=dict)
    by_place: Mapping[str, Tally] = field(default_factory=dict)
    by_hour: tuple[Tally, ...] = ()
    by_day: Mapping[str, Tally] = field(default_factory=dict)


def count(session: Session, *, days: int, now_utc: datetime) -> Figures:
    """Returns the figures of the cases filed in the last days, the present one included."""
    today = now_utc.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=days - 1)
    total = Tally()
    for (state,), number in _counted(session, since, CaseRow.state):
        total.add(state, number)
    hours = [Tally() for _ in range(24)]
    for (hour, state), number in _counted(session, since, func.substr(CaseRow.occurred_utc, 12, 2), CaseRow.state):
        if hour is not None:
            hours[(int(hour) + BEIJING_H) % 24].add(state, number)
    by_day = {(since + timedelta(days=day)).date().isoformat(): Tally() for day in range(days)}
    for (stamp, state), number in _counted(session, since, func.substr(CaseRow.created_utc, 1, 13), CaseRow.state):
        day = datetime.fromisoformat(f"{stamp}:00:00+00:00").astimezone(BEIJING).date().isoformat()
        by_day.setdefault(day, Tally()).add(state, number)
    return Figures(
        total=total,
        by_violation=_most_first(_counted(session, since, CaseRow.violation_id, CaseRow.state)),
        by_place=_most_first(_counted(session, since, CaseRow.place, CaseRow.state)),
        by_hour=tuple(hours),
        by_day=by_day,
    )


def _counted(session: Session, since: datetime, *columns: Any) -> list[tuple[tuple[Any, ...], int]]:
    query = select(*columns, func.count()).where(CaseRow.created_utc >= since).group_by(*columns)
    return [(tuple(row[:-1]), row[-1]) for row in session.execute(query)]


def _most_first(counted: list[tuple[tuple[Any, ...], int]]) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for (key, state), number in counted:
        found.setdefault(key, Tally()).add(state, number)
    weight = Counter({key: tally.total for key, tally in found.items()})
    return {key: found[key] for key, _ in sorted(weight.items(), key=lambda item: (-item[1], item[0]))}
