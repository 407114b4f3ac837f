"""Deadlines of review and objection on every day of two years, against the State Council's notices typed in here.

Source: 国办发明电〔2024〕12号 (2025), 国办发明电〔2025〕7号 (2026); Order 157 art. 5, 19, 81.
"""

from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest

from cases.objection import ANSWER_DAYS
from cases.records import NewObjection
from cases.review import REVIEW_DAYS, due_utc, overdue_before
from cases.states import CaseState, UserRole
from core.errors import ConfigError, WrongState
from core.workdays import end_of_working_day
from tests.support.people import ACCEPT, PASSWORD, StandingClock, new_case, store_with_people

BEIJING = timezone(timedelta(hours=8))
OFF = (
    ("2025-01-01", "2025-01-01"),
    ("2025-01-28", "2025-02-04"),
    ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"),
    ("2025-05-31", "2025-06-02"),
    ("2025-10-01", "2025-10-08"),
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
)
WORKED = {
    date.fromisoformat(day)
    for day in (
        *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
        *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
    )
}
YEARS = [date(2025, 1, 1) + timedelta(days=n) for n in range(730)]
HOLIDAYS = {day for day in YEARS for first, last in OFF if first <= day.isoformat() <= last}
WORKING = [day for day in YEARS if day in WORKED or (day.weekday() < 5 and day not in HOLIDAYS)]
CHECKED = [day for day in YEARS if day < date(2026, 12, 10)]
"""Whose deadlines still lie in the two years."""


def expected(day: date, days: int) -> datetime:
    """The midnight after the n-th working day that follows a day."""
    last = WORKING[bisect_right(WORKING, day) + days - 1]
    return datetime.combine(last + timedelta(days=1), time(), BEIJING)


@pytest.mark.parametrize("days", [2, 3, 5, 7, 10])
def test_every_day_of_two_years_at_its_first_and_last_moment(days: int) -> None:
    for day in CHECKED:
        for moment in (time(0, 0), time(12, 0), time(23, 59, 59, 999999)):
            start = datetime.combine(day, moment, BEIJING).astimezone(UTC)
            assert end_of_working_day(start, days) == expected(day, days), (day, moment)


def test_a_case_is_overdue_exactly_when_its_last_day_is_over() -> None:
    arrivals = [datetime.combine(day, moment, BEIJING) for day in CHECKED for moment in (time(0, 0), time(23, 59))]
    for now in (
        datetime.combine(day, moment, BEIJING) for day in CHECKED[30::3] for moment in (time(0, 0, 1), time(18))
    ):
        border = overdue_before(now)
        near = [at for at in arrivals if abs((at - border).days) < 3]
        assert near
        assert [at < border for at in near] == [expected(at.date(), REVIEW_DAYS) < now for at in near]


@pytest.mark.parametrize(
    "arrived", ["2026-02-10T09:00", "2026-02-14T23:59", "2026-04-30T08:00", "2026-09-30T17:00", "2026-11-20T10:00"]
)
def test_acceptance_ends_with_the_fifth_working_day(tmp_path: Path, arrived: str) -> None:
    start = datetime.fromisoformat(arrived).replace(tzinfo=BEIJING).astimezone(UTC)
    clock = StandingClock(start)
    store = store_with_people(tmp_path, clock)
    store.add_user("fazhi", PASSWORD, UserRole.SUPERVISOR)
    for number in (1, 2):
        store.add_case(new_case(number))
    clock.now = expected(start.astimezone(BEIJING).date(), REVIEW_DAYS)
    assert clock.now == due_utc(start)
    assert store.decide(new_case(1).case_id, "fu", ACCEPT) is CaseState.SECOND_REVIEW
    clock.forward(microseconds=1)
    with pytest.raises(WrongState, match="five working days"):
        store.decide(new_case(2).case_id, "li", ACCEPT)
    with pytest.raises(ConfigError, match="write down why"):
        store.decide(new_case(2).case_id, "fazhi", ACCEPT)
    late = replace(ACCEPT, note="server room flooded")
    assert store.decide(new_case(2).case_id, "fazhi", late) is CaseState.SECOND_REVIEW


@pytest.mark.parametrize("filed", ["2026-02-13T16:00", "2026-04-30T08:00", "2026-06-18T23:59"])
def test_objection_is_answered_in_five_working_days(tmp_path: Path, filed: str) -> None:
    start = datetime.fromisoformat(filed).replace(tzinfo=BEIJING).astimezone(UTC)
    store = store_with_people(tmp_path, StandingClock(start))
    store.add_case(new_case())
    for who in ("fu", "li"):
        store.decide(new_case().case_id, who, ACCEPT)
    store.file_objection(new_case().case_id, "fu", NewObjection(channel="web", ground="C5", text="the lamp was dark"))
    found = store.get(new_case().case_id).objection
    assert found is not None
    assert found.due_utc == expected(start.astimezone(BEIJING).date(), ANSWER_DAYS)
