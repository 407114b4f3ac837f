"""Lists of cases: page by page from the last case of the one before, by every filter."""

from dataclasses import replace
from pathlib import Path

import pytest

from cases.records import QueueFilter
from cases.report import CITIZEN
from cases.states import CaseState
from cases.store import CaseStore
from tests.support.people import ACCEPT, REJECT, StandingClock, new_case, store_with_people


def office(folder: Path) -> tuple[CaseStore, StandingClock]:
    """Six cases: the even ones of camera x, the last a citizen's; 2 is accepted once, 3 rejected."""
    clock = StandingClock()
    store = store_with_people(folder, clock)
    for number in range(6):
        store.add_case(new_case(number, camera_id=CITIZEN if number == 5 else "xy"[number % 2]))
        clock.forward(seconds=number % 2)
    store.decide(new_case(2).case_id, "fu", ACCEPT)
    store.decide(new_case(3).case_id, "fu", REJECT)
    return store, clock


def ids(*numbers: int) -> list[str]:
    return [new_case(number).case_id for number in numbers]


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_follow_each_other_though_cases_arrive_in_the_same_moment(tmp_path: Path, limit: int) -> None:
    store, _ = office(tmp_path)
    wanted, seen = QueueFilter(limit=limit), []
    while rows := store.rows(wanted):
        seen += [row.case_id for row in rows]
        wanted = replace(wanted, after=wanted.cursor(rows[-1]))
    assert seen == ids(0, 1, 2, 3, 4, 5)
    assert [case.case_id for case in store.queue(QueueFilter())] == seen


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (QueueFilter(camera_id="x"), [0, 2, 4]),
        (QueueFilter(is_report=True), [5]),
        (QueueFilter(is_report=False, state=CaseState.QUEUED), [0, 1, 4]),
        (QueueFilter(state=CaseState.REJECTED), [3]),
    ],
)
def test_filters(tmp_path: Path, wanted: QueueFilter, numbers: list[int]) -> None:
    store, _ = office(tmp_path)
    assert [row.case_id for row in store.rows(wanted)] == ids(*numbers)
    assert store.count(wanted) == len(numbers)


def test_overdue_are_those_that_wait_since_before(tmp_path: Path) -> None:
    store, clock = office(tmp_path)
    clock.forward(seconds=1)
    assert [row.case_id for row in store.rows(QueueFilter(received_before=clock.now))] == ids(0, 1, 2, 4, 5)
    assert store.cameras() == [CITIZEN, "x", "y"]


def test_a_row_names_who_reviewed_and_who_has_the_case_open(tmp_path: Path) -> None:
    store, clock = office(tmp_path)
    store.reviews.claim(new_case(2).case_id, "li")
    row = store.rows(QueueFilter())[2]
    assert row.reviewers == ("fu",)
    assert row.hold is not None
    assert row.hold.is_of_another("wang", clock.now)
    assert not row.hold.is_of_another("li", clock.now)
