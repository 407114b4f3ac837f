"""Rules that are wrong too often wait; what reviewing costs and finds."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases import blind
from cases.records import Review
from cases.report import CITIZEN
from cases.states import CaseState, UserRole
from cases.store import CaseStore
from core.errors import ConfigError, NotAllowed
from tests.support.people import ACCEPT, PASSWORD, REJECT, StandingClock, new_case, store_with_people, suspended

WRONG, OTHER = REJECT, replace(REJECT, reason="R09")


def office(folder: Path) -> tuple[CaseStore, StandingClock]:
    clock = StandingClock()
    store = store_with_people(folder, clock)
    store.add_user("fazhi", PASSWORD, UserRole.SUPERVISOR)
    return store, clock


def review(store: CaseStore, numbers: range, given: Review, camera: str = "cam-1") -> None:
    for number in numbers:
        case = new_case(number, camera_id=camera)
        store.add_case(case)
        store.decide(case.case_id, "fu", given)


def state_of_new(store: CaseStore, number: int, **changes: object) -> CaseState:
    case = new_case(number, **changes)
    store.add_case(case)
    return store.get(case.case_id).state


class TestSuspension:
    @pytest.mark.parametrize(
        ("right", "wrong", "is_suspended"),
        [(17, 3, True), (18, 2, False), (16, 3, False), (27, 3, False), (26, 3, True)],
    )
    def test_above_one_in_ten_of_twenty_or_more(
        self, tmp_path: Path, right: int, wrong: int, is_suspended: bool
    ) -> None:
        store, _ = office(tmp_path)
        review(store, range(right), OTHER)
        review(store, range(100, 100 + wrong), WRONG)
        assert bool(store.reviews.suspensions()) is is_suspended
        assert state_of_new(store, 200) is (CaseState.SUSPENDED if is_suspended else CaseState.QUEUED)

    def test_is_of_one_rule_on_one_camera(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        suspended(store)
        [found] = store.reviews.suspensions()
        assert (found.camera_id, found.violation_id, found.wrong, found.reviewed) == ("cam-9", "V02", 3, 20)
        assert state_of_new(store, 1, camera_id="cam-9", violation_id="V02") is CaseState.SUSPENDED
        assert state_of_new(store, 2, camera_id="cam-9", violation_id="V01") is CaseState.QUEUED
        assert state_of_new(store, 3, camera_id="cam-8", violation_id="V02") is CaseState.QUEUED
        assert store.verify_audit() == []

    def test_days_are_counted_each_for_itself(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        review(store, range(17), OTHER)
        clock.now = clock.now.replace(hour=16)  # midnight in Beijing
        review(store, range(100, 103), WRONG)
        assert store.reviews.suspensions() == []

    def test_citizens_are_no_rule(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        review(store, range(20), WRONG, camera=CITIZEN)
        assert store.reviews.suspensions() == []

    def test_supervisor_lifts_and_what_waited_is_queued(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        suspension_id = suspended(store)
        waiting = new_case(1, camera_id="cam-9", violation_id="V02")
        store.add_case(waiting)
        assert store.next_for("li") is None
        with pytest.raises(NotAllowed):
            store.reviews.lift(suspension_id, "li", "lamp moved")
        with pytest.raises(ConfigError, match="write down"):
            store.reviews.lift(suspension_id, "fazhi", " ")
        assert store.reviews.lift(suspension_id, "fazhi", "lamp moved") == 1
        assert store.next_for("li") == waiting.case_id
        assert store.reviews.suspensions() == []
        [kept] = store.reviews.suspensions(is_open=False)
        assert (kept.lifted_by, kept.lifted_utc, kept.note) == ("fazhi", clock.now, "lamp moved")
        with pytest.raises(ConfigError, match="no such suspension"):
            store.reviews.lift(suspension_id, "fazhi", "again")
        assert store.verify_audit() == []

    def test_after_lifting_only_what_follows_counts(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        store.reviews.lift(suspended(store), "fazhi", "lamp moved")
        clock.forward(seconds=1)
        case = new_case(1, camera_id="cam-9", violation_id="V02")
        store.add_case(case)
        store.decide(case.case_id, "fu", WRONG)
        assert store.reviews.suspensions() == []


class TestEconomics:
    def test_seconds_run_from_opening_to_the_decision(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        for number, took_s in enumerate((4, 6, 20)):
            case = new_case(number)
            store.add_case(case)
            store.reviews.claim(case.case_id, "fu")
            clock.forward(seconds=took_s)
            store.decide(case.case_id, "fu", ACCEPT)
        unopened = new_case(9)
        store.add_case(unopened)
        store.decide(unopened.case_id, "fu", OTHER)
        found = store.reviews.economics(clock.now - timedelta(days=1), clock.now + timedelta(seconds=1))
        [effort] = found.efforts
        assert (effort.officer, effort.reviews, effort.accepted, effort.median_s) == ("fu", 4, 3, 6.0)
        assert effort.p90_s == pytest.approx(6 + 0.8 * 14)

    def test_what_became_of_a_rules_cases_on_a_camera(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        review(store, range(3), WRONG)
        review(store, range(10, 12), OTHER)
        review(store, range(20, 25), ACCEPT)
        for number in range(20, 24):
            store.decide(new_case(number).case_id, "li", ACCEPT)
        found = store.reviews.economics(clock.now - timedelta(days=1), clock.now + timedelta(seconds=1))
        [got] = found.yields
        assert (got.camera_id, got.violation_id, got.cases, got.accepted, got.wrong) == ("cam-1", "V01", 10, 5, 3)
        assert got.reasons == (("R02", 3), ("R09", 2))
        assert (found.blind, found.agreed) == (0, 0)

    def test_agreement_is_of_blind_reviews(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store, clock = office(tmp_path)
        monkeypatch.setattr(blind, "SHARE", 1.0)
        for number, (first, second) in enumerate([(ACCEPT, ACCEPT), (OTHER, OTHER), (ACCEPT, OTHER)]):
            store.add_case(new_case(number))
            store.decide(new_case(number).case_id, "fu", first)
            store.decide(new_case(number).case_id, "li", second)
        found = store.reviews.economics(clock.now - timedelta(days=1), clock.now + timedelta(seconds=1))
        assert (found.blind, found.agreed) == (3, 2)

    def test_only_the_period_asked_for(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        review(store, range(2), OTHER)
        found = store.reviews.economics(clock.now + timedelta(seconds=1), clock.now + timedelta(days=1))
        assert (found.efforts, found.yields) == ((), ())
