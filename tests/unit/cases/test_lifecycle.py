"""Whatever people do in whatever order: nothing reaches a screen without two different people and an officer."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cases.records import Derivative
from cases.states import CaseState, Decision, UserRole
from core.errors import LukouError
from tests.support.people import ACCEPT, REJECT, StandingClock, new_case, store_with_people

PEOPLE = {"fu": UserRole.REVIEWER, "li": UserRole.OFFICER, "wang": UserRole.OFFICER, "root": UserRole.ADMIN}
MASKED = (Derivative(role="P2", sha256="c" * 64),)

people = st.sampled_from(sorted(PEOPLE))
numbers = st.integers(0, 2)


class CaseLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = StandingClock()
        self.store = store_with_people(Path(self.folder.name), self.clock)
        self.refused = 0
        for number in range(3):
            self.store.add_case(new_case(number))

    def teardown(self) -> None:
        assert self.store.verify_audit() == []
        self.store.close()
        self.folder.cleanup()

    @rule(number=numbers, who=people, is_accepted=st.booleans())
    def decide(self, number: int, who: str, is_accepted: bool) -> None:
        before = self.store.get(new_case(number).case_id)
        try:
            after = self.store.decide(before.case_id, who, ACCEPT if is_accepted else REJECT)
        except LukouError:
            assert self.store.get(before.case_id) == before
            return
        assert before.state in (CaseState.QUEUED, CaseState.SECOND_REVIEW)
        assert after is not CaseState.ACCEPTED or before.state is CaseState.SECOND_REVIEW

    @rule(number=numbers, who=people, hours=st.sampled_from([-1, 1, 24, 72, 73]))
    def publish(self, number: int, who: str, hours: int) -> None:
        expires = self.clock.now + timedelta(hours=hours)
        try:
            self.store.publish(new_case(number).case_id, who, screen_id="demo", expires_utc=expires, derivatives=MASKED)
        except LukouError:
            return
        assert PEOPLE[who] is UserRole.OFFICER
        assert 0 < hours <= 72

    @precondition(lambda self: self.store.publications())
    @rule(who=people, data=st.data())
    def withdraw(self, who: str, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.store.publications()))
        try:
            self.store.withdraw(item.publication_id, who)
        except LukouError:
            return
        assert item.publication_id not in {p.publication_id for p in self.store.showing()}

    @rule(hours=st.sampled_from([0.5, 12, 30]))
    def wait(self, hours: float) -> None:
        self.clock.forward(hours=hours)
        self.store.expire_publications()

    @invariant()
    def screens_show_only_what_two_people_accepted(self) -> None:
        for item in self.store.showing():
            case = self.store.get(item.case_id)
            assert case.state is CaseState.ACCEPTED
            assert [r.decision for r in case.reviews] == [Decision.ACCEPT, Decision.ACCEPT]
            assert len({r.officer for r in case.reviews}) == 2
            assert PEOPLE[case.reviews[1].officer] is UserRole.OFFICER
            assert item.expires_utc > self.clock.now


TestCaseLife = CaseLife.TestCase
TestCaseLife.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
