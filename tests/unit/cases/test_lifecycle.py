"""Whatever people do in whatever order, a case goes only where the law's order of steps lets it go.

Source of what must hold: domain §3.3. All actions of the store, all roles, half of the cases drawn blind, rules
suspended after two wrong ones.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cases import blind, suspension
from cases.records import Answer, CaseRecord, Derivative, NewObjection
from cases.review import due_utc
from cases.states import UNDECIDED, CaseState, Decision, UserRole
from core.errors import LukouError
from tests.support.people import ACCEPT, PASSWORD, REJECT, StandingClock, new_case, store_with_people

PEOPLE = {
    "fu": UserRole.REVIEWER,
    "li": UserRole.OFFICER,
    "wang": UserRole.OFFICER,
    "fazhi": UserRole.SUPERVISOR,
    "shen": UserRole.AUDITOR,
    "root": UserRole.ADMIN,
}
REVIEWERS = {UserRole.REVIEWER, UserRole.OFFICER, UserRole.SUPERVISOR}
OFFICERS = {UserRole.OFFICER, UserRole.SUPERVISOR}
NEXT = {
    CaseState.SUSPENDED: {CaseState.QUEUED},
    CaseState.QUEUED: {CaseState.SECOND_REVIEW, CaseState.REJECTED},
    CaseState.SECOND_REVIEW: {CaseState.ACCEPTED, CaseState.REJECTED, CaseState.DISPUTED, CaseState.QUEUED},
    CaseState.DISPUTED: {CaseState.ACCEPTED, CaseState.REJECTED},
    CaseState.REJECTED: {CaseState.QUEUED},
    CaseState.ACCEPTED: {CaseState.OBJECTED, CaseState.CANCELLED},
    CaseState.OBJECTED: {CaseState.UPHELD, CaseState.CANCELLED},
    CaseState.UPHELD: {CaseState.CANCELLED},
    CaseState.CANCELLED: set(),
}
"""Where one step may lead; back to the queue only by taking the one review back."""
AGAINST = (CaseState.ACCEPTED, CaseState.OBJECTED, CaseState.UPHELD, CaseState.CANCELLED)
NUMBER = 2
MASKED = (Derivative(role="P2", sha256="c" * 64),)

people = st.sampled_from(sorted(PEOPLE))
numbers = st.integers(0, NUMBER - 1)
plates = st.sampled_from(["", "", "苏C12345", "苏C54321"])


class CaseLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(blind, "is_drawn", lambda _key, case_id: case_id.endswith(("0", "2")))
        self.patch.setattr(suspension, "FEWEST", 2)
        self.clock = StandingClock()
        self.store = store_with_people(Path(self.folder.name), self.clock)
        self.known: dict[str, CaseRecord] = {}
        self.head = self.store.audit_head()

    def teardown(self) -> None:
        assert self.store.verify_audit() == []
        self.store.close()
        self.patch.undo()
        self.folder.cleanup()

    @initialize()
    def open_office(self) -> None:
        for name in ("fazhi", "shen"):
            self.store.add_user(name, PASSWORD, PEOPLE[name])
        for number in range(NUMBER):
            self.store.add_case(new_case(number))
        self.look()

    def look(self) -> None:
        self.known = {case.case_id: case for case in self.store.queue()}
        self.head = self.store.audit_head()

    def attempt(self, step: Callable[[], object]) -> bool:
        """Does a step; a refused one must leave everything as it was."""
        try:
            step()
        except LukouError:
            assert self.store.audit_head() == self.head
            assert {case.case_id: case for case in self.store.queue()} == self.known
            return False
        return True

    def able(self, case: CaseRecord) -> list[str]:
        """Whoever the law lets decide a case now."""
        roles = {
            CaseState.QUEUED: REVIEWERS,
            CaseState.SECOND_REVIEW: OFFICERS,
            CaseState.DISPUTED: {UserRole.SUPERVISOR},
        }
        return [
            name
            for name in sorted(PEOPLE)
            if PEOPLE[name] in roles.get(case.state, ())
            and name not in case.reviewers
            and not (case.hold is not None and case.hold.is_of_another(name, self.clock.now))
        ]

    @rule(number=numbers, is_accepted=st.booleans(), plate=plates, data=st.data())
    def decide(self, number: int, is_accepted: bool, plate: str, data: st.DataObject) -> None:
        case = self.known[new_case(number).case_id]
        able = self.able(case)
        given = replace(ACCEPT, plate=plate) if is_accepted else REJECT
        for name in sorted(set(PEOPLE) - set(able)):
            assert not self.attempt(lambda name=name: self.store.decide(case.case_id, name, given))  # type: ignore[misc]
        if not able:
            return
        who = data.draw(st.sampled_from(able))
        is_late = self.clock.now > due_utc(case.created_utc)
        is_done = self.attempt(lambda: self.store.decide(case.case_id, who, given))
        assert is_done or (is_accepted and (is_late or (not plate and case.state is not CaseState.QUEUED)))

    @rule(number=numbers, data=st.data())
    def accept_to_the_end(self, number: int, data: st.DataObject) -> None:
        """As long as somebody may decide, a case goes on until it stands: nothing hangs."""
        case_id = new_case(number).case_id
        while (case := self.store.get(case_id)).state in UNDECIDED and (able := self.able(case)):
            if self.clock.now > due_utc(case.created_utc):
                return
            before = case.state
            after = self.store.decide(case_id, data.draw(st.sampled_from(able)), replace(ACCEPT, plate="苏C12345"))
            assert after in NEXT[before]
            self.known[case_id] = self.store.get(case_id)

    @rule(number=numbers, who=people)
    def claim(self, number: int, who: str) -> None:
        case = self.known[new_case(number).case_id]
        if self.attempt(lambda: self.store.reviews.claim(case.case_id, who)):
            assert case.hold is None or not case.hold.is_of_another(who, self.clock.now)
            assert self.store.audit_head() == self.head
            self.look()

    @rule(number=numbers, who=people)
    def leave(self, number: int, who: str) -> None:
        self.store.reviews.leave(new_case(number).case_id, who)
        hold = self.store.get(new_case(number).case_id).hold
        assert hold is None or hold.officer != who

    @rule(number=numbers)
    def take_back(self, number: int) -> None:
        case = self.known[new_case(number).case_id]
        author = case.first_reviewer
        for name in sorted({*PEOPLE} - {author}):
            assert not self.attempt(lambda name=name: self.store.reviews.take_back(case.case_id, name))  # type: ignore[misc]
        if author is None:
            return
        is_held = case.hold is not None and case.hold.is_of_another(author, self.clock.now)
        is_fresh = self.clock.now <= case.reviews[0].decided_utc + timedelta(minutes=10)
        is_open = case.state is CaseState.SECOND_REVIEW or (case.state is CaseState.REJECTED and is_fresh)
        may = is_open and len(case.reviews) == 1 and not is_held
        assert self.attempt(lambda: self.store.reviews.take_back(case.case_id, author)) is may

    @rule(kept=numbers, others=st.lists(numbers, min_size=1, max_size=2), who=people)
    def reject_duplicates(self, kept: int, others: list[int], who: str) -> None:
        ids = [new_case(number).case_id for number in others]
        if self.attempt(lambda: self.store.reviews.reject_duplicates(new_case(kept).case_id, ids, who)):
            assert {self.known[case_id].state for case_id in ids} == {CaseState.QUEUED}

    @rule(who=people)
    def lift(self, who: str) -> None:
        for found in self.store.reviews.suspensions():
            if self.attempt(lambda found=found: self.store.reviews.lift(found.suspension_id, who, "seen")):  # type: ignore[misc]
                assert PEOPLE[who] is UserRole.SUPERVISOR
                break

    @precondition(lambda self: len(self.known) < NUMBER + 2)
    @rule()
    def find_another(self) -> None:
        new = new_case(len(self.known))
        is_suspended = bool(self.store.reviews.suspensions())
        self.store.add_case(new)
        found = self.store.get(new.case_id)
        assert found.state is (CaseState.SUSPENDED if is_suspended else CaseState.QUEUED)

    @rule(number=numbers, who=people)
    def object_to(self, number: int, who: str) -> None:
        case_id, new = new_case(number).case_id, NewObjection(channel="web", ground="C5", text="the lamp was dark")
        if self.attempt(lambda: self.store.file_objection(case_id, who, new)):
            assert case_id not in {item.case_id for item in self.store.showing()}

    @rule(number=numbers, who=people, is_cancelled=st.booleans())
    def answer(self, number: int, who: str, is_cancelled: bool) -> None:
        case = self.known[new_case(number).case_id]
        given = Answer(is_cancelled=is_cancelled, reply="looked at", ground="C5" if is_cancelled else None)
        if self.attempt(lambda: self.store.answer_objection(case.case_id, who, given)):
            assert PEOPLE[who] in OFFICERS
            assert who not in case.reviewers

    @rule(number=numbers, who=people)
    def cancel(self, number: int, who: str) -> None:
        case = self.known[new_case(number).case_id]
        is_done = self.attempt(lambda: self.store.reviews.cancel(case.case_id, who, "C1", "the fire brigade says so"))
        stands = case.state in (CaseState.ACCEPTED, CaseState.UPHELD)
        assert is_done is (stands and PEOPLE[who] is UserRole.SUPERVISOR)

    @rule(number=numbers, who=people, hours=st.sampled_from([-1, 1, 24, 72, 73]))
    def publish(self, number: int, who: str, hours: int) -> None:
        expires, case_id = self.clock.now + timedelta(hours=hours), new_case(number).case_id
        step = lambda: self.store.publish(case_id, who, screen_id="demo", expires_utc=expires, derivatives=MASKED)  # noqa: E731
        if self.attempt(step):
            assert PEOPLE[who] in OFFICERS
            assert 0 < hours <= 72

    @precondition(lambda self: self.store.publications())
    @rule(who=people, data=st.data())
    def withdraw(self, who: str, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.store.publications()))
        if self.attempt(lambda: self.store.withdraw(item.publication_id, who)):
            assert item.publication_id not in {p.publication_id for p in self.store.showing()}

    @rule(hours=st.sampled_from([0.05, 0.5, 12, 30]))
    def wait(self, hours: float) -> None:
        self.clock.forward(hours=hours)
        self.store.expire_publications()

    @invariant()
    def no_state_is_skipped_and_every_change_is_in_the_audit(self) -> None:
        for case in self.store.queue():
            before = self.known.get(case.case_id)
            if before is None or replace(before, hold=None) == replace(case, hold=None):
                continue
            assert self.store.audit_head()[0] > self.head[0]
            if before.state is case.state:
                assert before.reviews == case.reviews
                continue
            assert case.state in NEXT[before.state]
            is_back = case.state is CaseState.QUEUED and before.state is not CaseState.SUSPENDED
            assert len(case.reviews) == len(before.reviews) + self.given(before.state, case.state)
            assert not is_back or case.reviews == ()
        self.look()

    @staticmethod
    def given(before: CaseState, after: CaseState) -> int:
        """How many reviews a move adds."""
        if after is CaseState.QUEUED:
            return 0 if before is CaseState.SUSPENDED else -1
        return 0 if after in (CaseState.OBJECTED, CaseState.UPHELD, CaseState.CANCELLED) else 1

    @invariant()
    def nobody_decides_twice_and_two_accepted_what_stands(self) -> None:
        for case in self.known.values():
            assert len(set(case.reviewers)) == len(case.reviewers) <= 3
            if case.objection is not None:
                assert case.objection.decided_by not in case.reviewers
            if case.state in AGAINST:
                accepting = [r.officer for r in case.reviews if r.decision is Decision.ACCEPT]
                assert len(accepting) >= 2
                assert PEOPLE[case.reviews[-1].officer] in OFFICERS

    @invariant()
    def screens_show_only_what_stands(self) -> None:
        for item in self.store.showing():
            assert self.known[item.case_id].state in (CaseState.ACCEPTED, CaseState.UPHELD)
            assert item.expires_utc > self.clock.now


@pytest.mark.sqlite
@pytest.mark.timeout(300)
def test_case_life() -> None:
    some = settings(max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(CaseLife, settings=some)  # type: ignore[no-untyped-call]
