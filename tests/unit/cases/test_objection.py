"""Objections, deadlines and who may do what about them. Order 157 art. 5, 19, 22."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.records import Answer, Derivative, NewObjection
from cases.states import CaseState, UserRole
from cases.store import CaseStore
from core.errors import ConfigError, ConflictOfInterest, NotAllowed, WrongState
from core.workdays import end_of_working_day, is_announced, is_working_day
from tests.support.people import ACCEPT, PASSWORD, REJECT, StandingClock, accepted, new_case, store_with_people

OBJECTION = NewObjection(channel="window", ground="C5", text="灯坏了")
CANCEL = Answer(is_cancelled=True, ground="C5", reply="经核查，信号灯故障，予以消除")
UPHOLD = Answer(is_cancelled=False, reply="信号灯正常")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def store(tmp_path: Path, clock: StandingClock) -> CaseStore:
    return store_with_people(tmp_path, clock)


@pytest.mark.parametrize(("answer", "state"), [(CANCEL, CaseState.CANCELLED), (UPHOLD, CaseState.UPHELD)])
def test_objection_is_answered_by_a_third_person(store: CaseStore, answer: Answer, state: CaseState) -> None:
    case_id = accepted(store)
    assert store.file_objection(case_id, "fu", OBJECTION) is CaseState.OBJECTED
    for reviewer in ("li",):
        with pytest.raises(ConflictOfInterest):
            store.answer_objection(case_id, reviewer, answer)
    with pytest.raises(NotAllowed):
        store.answer_objection(case_id, "fu", answer)
    assert store.answer_objection(case_id, "wang", answer) is state
    found = store.get(case_id).objection
    assert found is not None
    assert (found.result, found.decided_by, found.reply) == (state, "wang", answer.reply)
    with pytest.raises(WrongState):
        store.answer_objection(case_id, "wang", answer)
    with pytest.raises(WrongState):
        store.file_objection(case_id, "fu", OBJECTION)
    assert store.verify_audit() == []


def test_case_under_objection_leaves_every_screen_and_comes_back_only_upheld(
    store: CaseStore, clock: StandingClock
) -> None:
    shown = {
        "screen_id": "demo",
        "expires_utc": clock.now + timedelta(hours=24),
        "derivatives": [Derivative(role="P2", sha256="a" * 64)],
    }
    case_id = accepted(store)
    store.publish(case_id, "li", **shown)
    store.file_objection(case_id, "fu", OBJECTION)
    assert store.showing() == []
    assert store.get(case_id).publications[0].end_note == "objection"
    with pytest.raises(WrongState):
        store.publish(case_id, "li", **shown)
    store.answer_objection(case_id, "wang", UPHOLD)
    store.publish(case_id, "li", **shown)
    assert len(store.showing()) == 1


@pytest.mark.parametrize(
    "bad",
    [
        replace(OBJECTION, ground="R02"),
        replace(OBJECTION, ground="C9"),
        replace(OBJECTION, channel="rumour"),
        replace(OBJECTION, text=" "),
    ],
)
def test_objection_needs_a_statutory_ground_words_and_a_channel(store: CaseStore, bad: NewObjection) -> None:
    case_id = accepted(store)
    with pytest.raises(ConfigError):
        store.file_objection(case_id, "fu", bad)
    assert store.get(case_id).state is CaseState.ACCEPTED


def test_only_accepted_cases_can_be_objected_to(store: CaseStore) -> None:
    store.add_case(new_case(1))
    with pytest.raises(WrongState):
        store.file_objection(new_case(1).case_id, "fu", OBJECTION)


def test_answer_is_due_after_five_working_days(store: CaseStore, clock: StandingClock) -> None:
    clock.now = datetime(
        2026, 9, 29, 3, 0, tzinfo=UTC
    )  # Tuesday; 1-7 October are holidays, Saturday 10 October is worked
    case_id = accepted(store)
    store.file_objection(case_id, "fu", OBJECTION)
    found = store.get(case_id).objection
    assert found is not None
    # 30 September, 8, 9, 10, 12 October: until midnight of the 12th in Beijing
    assert found.due_utc == datetime(2026, 10, 12, 16, 0, tzinfo=UTC)


class TestLateReview:
    def test_accepting_after_five_working_days_takes_a_supervisor_and_a_note(
        self, store: CaseStore, clock: StandingClock
    ) -> None:
        store.add_user("fazhi", PASSWORD, UserRole.SUPERVISOR)
        store.add_case(new_case(1))  # Sunday 22 November: Monday to Friday count, Friday is the last day
        case_id = new_case(1).case_id
        clock.now = datetime(2026, 11, 27, 15, 59, tzinfo=UTC)
        store.decide(case_id, "fu", ACCEPT)
        clock.now = datetime(2026, 11, 27, 16, 1, tzinfo=UTC)
        with pytest.raises(WrongState, match="five working days"):
            store.decide(case_id, "li", ACCEPT)
        with pytest.raises(ConfigError, match="write down"):
            store.decide(case_id, "fazhi", ACCEPT)
        assert store.decide(case_id, "fazhi", replace(ACCEPT, note="系统检修")) is CaseState.ACCEPTED

    def test_rejecting_is_never_too_late(self, store: CaseStore, clock: StandingClock) -> None:
        store.add_case(new_case(1))
        clock.forward(days=60)
        assert store.decide(new_case(1).case_id, "li", REJECT) is CaseState.REJECTED


@pytest.mark.parametrize(
    ("day", "is_worked"),
    [
        ("2026-01-04", True),  # Sunday worked for New Year
        ("2026-02-17", False),  # Spring Festival
        ("2026-10-10", True),  # Saturday worked for National Day
        ("2026-11-21", False),  # a Saturday
        ("2026-11-23", True),
    ],
)
def test_working_days_of_2026(day: str, is_worked: bool) -> None:
    assert is_working_day(datetime.fromisoformat(day).date()) is is_worked


def test_year_without_announced_holidays_counts_monday_to_friday() -> None:
    friday = datetime(2099, 1, 2, 4, 0, tzinfo=UTC)
    assert not is_announced(friday.date())
    assert end_of_working_day(friday, 1) == datetime(2099, 1, 5, 16, 0, tzinfo=UTC)
