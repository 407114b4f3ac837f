"""Who has a case open, taking back, blind second reviews, disputes, plates typed by people, duplicates."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases import blind
from cases.assignment import HOLD_S
from cases.blind import veiled
from cases.records import Review, User
from cases.review import UNDO_S
from cases.states import CaseState, UserRole
from cases.store import CaseStore
from core.errors import CaseNotFound, ConfigError, ConflictOfInterest, NotAllowed, WrongState
from core.plate import UNREADABLE
from tests.support.people import ACCEPT, PASSWORD, REJECT, StandingClock, new_case, store_with_people

CASE = new_case().case_id


def office(folder: Path) -> tuple[CaseStore, StandingClock]:
    clock = StandingClock()
    store = store_with_people(folder, clock)
    for number in (1, 2, 3):
        store.add_case(new_case(number))
    return store, clock


def with_supervisor(store: CaseStore) -> User:
    return store.add_user("fazhi", PASSWORD, UserRole.SUPERVISOR)


def person(store: CaseStore, name: str) -> User:
    found = store.user(name)
    assert found is not None
    return found


def holder(store: CaseStore, clock: StandingClock) -> str | None:
    hold = store.get(CASE).hold
    return hold.officer if hold is not None and hold.is_of_another("", clock.now) else None


class TestHold:
    def test_another_officer_cannot_decide_a_case_that_is_open(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        hold = store.reviews.claim(CASE, "li")
        assert holder(store, clock) == "li"
        assert hold.until_utc == clock.now + timedelta(seconds=HOLD_S)
        for step in (lambda: store.decide(CASE, "wang", REJECT), lambda: store.reviews.claim(CASE, "wang")):
            with pytest.raises(WrongState, match="li has this case open"):
                step()
        assert store.get(CASE).state is CaseState.QUEUED
        assert store.decide(CASE, "li", ACCEPT) is CaseState.SECOND_REVIEW

    def test_next_case_is_one_nobody_else_has_open(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.reviews.claim(CASE, "li")
        assert store.next_for("wang") == new_case(2).case_id
        assert store.next_for("li") == CASE

    @pytest.mark.parametrize("end", ["leave", "expiry", "decision"])
    def test_hold_ends(self, tmp_path: Path, end: str) -> None:
        store, clock = office(tmp_path)
        store.reviews.claim(CASE, "li")
        if end == "leave":
            store.reviews.leave(CASE, "li")
        elif end == "expiry":
            clock.forward(seconds=HOLD_S)
        else:
            store.decide(CASE, "li", ACCEPT)
        assert holder(store, clock) is None
        assert store.reviews.claim(CASE, "wang").officer == "wang"

    def test_only_the_holder_leaves(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        store.reviews.claim(CASE, "li")
        store.reviews.leave(CASE, "wang")
        assert holder(store, clock) == "li"

    def test_touching_a_case_holds_it_longer_and_keeps_when_it_was_opened(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        opened = store.reviews.claim(CASE, "li").opened_utc
        clock.forward(seconds=HOLD_S - 1)
        assert store.reviews.claim(CASE, "li").opened_utc == opened
        clock.forward(seconds=HOLD_S - 1)
        assert holder(store, clock) == "li"
        store.decide(CASE, "li", ACCEPT)
        assert store.get(CASE).reviews[0].opened_utc == opened

    def test_only_who_could_decide_can_open(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        with pytest.raises(NotAllowed):
            store.reviews.claim(CASE, "root")
        store.decide(CASE, "li", ACCEPT)
        with pytest.raises(ConflictOfInterest):
            store.reviews.claim(CASE, "li")
        with pytest.raises(NotAllowed):
            store.reviews.claim(CASE, "fu")
        store.decide(CASE, "wang", ACCEPT)
        with pytest.raises(WrongState):
            store.reviews.claim(CASE, "li")


class TestTakingBack:
    @pytest.mark.parametrize("given", [ACCEPT, REJECT])
    def test_own_first_review_is_taken_back_and_given_again(self, tmp_path: Path, given: Review) -> None:
        store, _ = office(tmp_path)
        before = store.get(CASE)
        store.reviews.claim(CASE, "li")
        store.decide(CASE, "li", replace(given, plate="苏C12345"))
        store.reviews.take_back(CASE, "li")
        assert replace(store.get(CASE), changed_utc=before.changed_utc) == before
        assert store.decide(CASE, "wang", ACCEPT) is CaseState.SECOND_REVIEW
        assert "first_review_taken_back" in [entry.action for entry in store.history(CASE)]
        assert store.verify_audit() == []

    def test_others_cannot(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.decide(CASE, "li", ACCEPT)
        with pytest.raises(ConflictOfInterest):
            store.reviews.take_back(CASE, "wang")

    def test_not_once_the_second_officer_has_it_open_or_decided(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.decide(CASE, "li", ACCEPT)
        store.reviews.claim(CASE, "wang")
        with pytest.raises(WrongState, match="wang has this case open"):
            store.reviews.take_back(CASE, "li")
        store.decide(CASE, "wang", REJECT)
        with pytest.raises(WrongState, match="too late"):
            store.reviews.take_back(CASE, "li")

    def test_rejection_only_for_a_while(self, tmp_path: Path) -> None:
        store, clock = office(tmp_path)
        store.decide(CASE, "li", REJECT)
        clock.forward(seconds=UNDO_S + 1)
        with pytest.raises(WrongState, match="too late"):
            store.reviews.take_back(CASE, "li")

    def test_nothing_to_take_back(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        with pytest.raises(WrongState, match="no first review"):
            store.reviews.take_back(CASE, "li")

    @pytest.mark.sqlite
    def test_a_review_removed_by_hand_is_still_found(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.decide(CASE, "li", ACCEPT)
        with store._database.writing() as session:
            session.connection().exec_driver_sql("DELETE FROM reviews")
        assert [p for p in store.verify_audit() if "reviews row" in p and "missing" in p]


class TestBlind:
    @pytest.fixture(autouse=True)
    def _drawn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blind, "SHARE", 1.0)

    @pytest.mark.parametrize(
        ("first", "second", "after"),
        [
            (ACCEPT, ACCEPT, CaseState.ACCEPTED),
            (REJECT, REJECT, CaseState.REJECTED),
            (ACCEPT, REJECT, CaseState.DISPUTED),
            (REJECT, ACCEPT, CaseState.DISPUTED),
        ],
    )
    def test_second_review_whatever_the_first_says(
        self, tmp_path: Path, first: Review, second: Review, after: CaseState
    ) -> None:
        store, _ = office(tmp_path)
        assert store.decide(CASE, "fu", first) is CaseState.SECOND_REVIEW
        assert store.decide(CASE, "li", second) is after

    @pytest.mark.parametrize(("third", "after"), [(ACCEPT, CaseState.ACCEPTED), (REJECT, CaseState.REJECTED)])
    def test_supervisor_who_saw_neither_settles_a_dispute(
        self, tmp_path: Path, third: Review, after: CaseState
    ) -> None:
        store, _ = office(tmp_path)
        with_supervisor(store)
        store.decide(CASE, "fu", REJECT)
        store.decide(CASE, "li", ACCEPT)
        with pytest.raises(NotAllowed):
            store.decide(CASE, "wang", third)
        assert store.next_for("fazhi") == CASE
        assert store.decide(CASE, "fazhi", third) is after
        assert [r.stage.value for r in store.get(CASE).reviews] == ["FIRST_REVIEW", "SECOND_REVIEW", "THIRD_REVIEW"]
        assert store.verify_audit() == []

    def test_supervisor_who_gave_one_of_the_reviews_does_not(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        with_supervisor(store)
        store.decide(CASE, "fazhi", ACCEPT)
        store.decide(CASE, "li", REJECT)
        with pytest.raises(ConflictOfInterest):
            store.decide(CASE, "fazhi", ACCEPT)

    def test_nobody_but_its_author_reads_the_first_before_the_second(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.decide(CASE, "fu", replace(REJECT, note="it turned right"))
        case = store.get(CASE)
        assert veiled(case, person(store, "wang")).reviews == ()
        assert veiled(case, person(store, "fu")) == case
        actions = " ".join(entry.action for entry in store.history(CASE) + store.audit_entries(100))
        assert "rejected" not in actions
        store.decide(CASE, "li", REJECT)
        assert [r.note for r in veiled(store.get(CASE), person(store, "wang")).reviews] == ["it turned right", "右转"]


def test_one_case_in_ten_is_drawn_the_same_way_every_time_and_no_two_keys_alike() -> None:
    blind_share, share = blind.SHARE, 0.10
    blind.SHARE = share
    try:
        drawn = {n for n in range(20_000) if blind.is_drawn("ab" * 32, str(n))}
        other = {n for n in range(20_000) if blind.is_drawn("cd" * 32, str(n))}
        assert drawn == {n for n in range(20_000) if blind.is_drawn("ab" * 32, str(n))}
    finally:
        blind.SHARE = blind_share
    deviation = (20_000 * share * (1 - share)) ** 0.5
    assert abs(len(drawn) - 2_000) < 4 * deviation
    assert abs(len(drawn & other) - 200) < 4 * (20_000 * share**2) ** 0.5


class TestTypedPlate:
    def test_counts_when_both_type_the_same(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.decide(CASE, "fu", replace(ACCEPT, plate=" 苏c·12345"))
        assert store.get(CASE).plate == UNREADABLE
        assert store.decide(CASE, "li", replace(ACCEPT, plate="苏C12345")) is CaseState.ACCEPTED
        found = store.get(CASE)
        assert (found.plate, found.is_plate_typed) == ("苏C12345", True)
        assert store.verify_audit() == []

    def test_takes_the_place_of_what_the_machine_read(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        case = new_case(9, plate="苏C11111")
        store.add_case(case)
        for who in ("fu", "li"):
            store.decide(case.case_id, who, replace(ACCEPT, plate="苏C77777"))
        assert store.get(case.case_id).plate == "苏C77777"
        assert store.verify_audit() == []

    @pytest.mark.parametrize("plate", ["苏C1234", "XX", "苏CI23456789", "hello"])
    def test_must_be_a_plate(self, tmp_path: Path, plate: str) -> None:
        store, _ = office(tmp_path)
        with pytest.raises(ConfigError, match="no plate reads"):
            store.decide(CASE, "fu", replace(ACCEPT, plate=plate))

    @pytest.mark.parametrize(("first", "second"), [("苏C12345", "苏C12346"), ("", "苏C12345")])
    def test_differing_ones_go_to_the_supervisor_who_types_it(self, tmp_path: Path, first: str, second: str) -> None:
        store, _ = office(tmp_path)
        with_supervisor(store)
        store.decide(CASE, "fu", replace(ACCEPT, plate=first))
        assert store.decide(CASE, "li", replace(ACCEPT, plate=second)) is CaseState.DISPUTED
        with pytest.raises(ConfigError, match="type the plate"):
            store.decide(CASE, "fazhi", ACCEPT)
        store.decide(CASE, "fazhi", replace(ACCEPT, plate="苏C12345"))
        assert store.get(CASE).plate == "苏C12345"

    def test_second_has_to_type_what_the_first_typed(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.decide(CASE, "fu", replace(ACCEPT, plate="苏C12345"))
        with pytest.raises(ConfigError, match="type it as you read it"):
            store.decide(CASE, "li", ACCEPT)
        assert veiled(store.get(CASE), person(store, "li")).reviews[0].plate == ""
        assert store.decide(CASE, "li", REJECT) is CaseState.REJECTED


class TestDuplicates:
    def test_are_rejected_together_and_name_the_one_kept(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        ids = [new_case(n).case_id for n in (2, 3)]
        assert store.reviews.reject_duplicates(CASE, ids, "fu") == 2
        for case_id in ids:
            found = store.get(case_id)
            assert (found.state, found.reviews[0].reason) == (CaseState.REJECTED, "R12")
            assert CASE in found.reviews[0].note
        assert store.get(CASE).state is CaseState.QUEUED
        assert store.verify_audit() == []

    def test_all_or_none(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        store.reviews.claim(new_case(3).case_id, "li")
        with pytest.raises(WrongState, match="open"):
            store.reviews.reject_duplicates(CASE, [new_case(2).case_id, new_case(3).case_id], "wang")
        assert store.get(new_case(2).case_id).state is CaseState.QUEUED

    def test_refused(self, tmp_path: Path) -> None:
        store, _ = office(tmp_path)
        other = new_case(2).case_id
        with pytest.raises(ConfigError):
            store.reviews.reject_duplicates(CASE, [], "fu")
        with pytest.raises(ConfigError):
            store.reviews.reject_duplicates(CASE, [CASE], "fu")
        with pytest.raises(CaseNotFound):
            store.reviews.reject_duplicates("none", [other], "fu")
        with pytest.raises(NotAllowed):
            store.reviews.reject_duplicates(CASE, [other], "root")
        store.decide(other, "fu", ACCEPT)
        with pytest.raises(WrongState, match="first review"):
            store.reviews.reject_duplicates(CASE, [other], "li")
