"""Ex officio cancellation: who, when, on which ground, and who hears of it. Order 157 art. 22; domain §3.4."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.record import case_record
from cases.records import Answer, Derivative, NewObjection
from cases.report import ReportState
from cases.states import CaseState, UserRole
from cases.store import CaseStore
from core.errors import ConfigError, NotAllowed, WrongState
from tests.support.citizens import Desk, inspect_here, photos
from tests.support.people import ACCEPT, PASSWORD, REJECT, StandingClock, accepted, new_case, store_with_people

NOTE = "消防支队书面证明正在执行灭火任务"


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def store(tmp_path: Path, clock: StandingClock) -> CaseStore:
    made = store_with_people(tmp_path, clock)
    made.add_user("fazhi", PASSWORD, UserRole.SUPERVISOR)
    return made


def upheld(store: CaseStore) -> str:
    case_id = accepted(store)
    store.file_objection(case_id, "fu", NewObjection(channel="web", ground="C1", text="was on duty"))
    store.answer_objection(case_id, "wang", Answer(is_cancelled=False, reply="no proof"))
    return case_id


@pytest.mark.parametrize("made", [accepted, upheld])
def test_supervisor_withdraws_what_stands_on_a_statutory_ground(
    store: CaseStore, clock: StandingClock, made: Callable[[CaseStore], str]
) -> None:
    case_id = made(store)
    store.publish(
        case_id,
        "li",
        screen_id="demo",
        expires_utc=clock.now + timedelta(hours=24),
        derivatives=[Derivative(role="P2", sha256="a" * 64)],
    )
    assert store.reviews.cancel(case_id, "fazhi", "C1", NOTE) is CaseState.CANCELLED
    case = store.get(case_id)
    assert case.cancellation is not None
    assert (case.state, case.cancellation.ground, case.cancellation.note) == (CaseState.CANCELLED, "C1", NOTE)
    assert (case.cancellation.officer, case.cancellation.cancelled_utc) == ("fazhi", clock.now)
    assert store.showing() == []
    assert case.publications[0].end_note == "cancelled"
    actions = [entry.action for entry in store.history(case_id)]
    assert actions[-2:] == ["cancellation_recorded", "case_cancelled"]
    assert store.verify_audit() == []
    with pytest.raises(WrongState):
        store.reviews.cancel(case_id, "fazhi", "C1", NOTE)
    with pytest.raises(WrongState):
        store.file_objection(case_id, "fu", NewObjection(channel="web", ground="C1", text="late"))


@pytest.mark.parametrize("who", ["fu", "li", "root"])
def test_nobody_but_a_supervisor(store: CaseStore, who: str) -> None:
    case_id = accepted(store)
    with pytest.raises(NotAllowed):
        store.reviews.cancel(case_id, who, "C1", NOTE)
    assert store.get(case_id).state is CaseState.ACCEPTED


@pytest.mark.parametrize(("ground", "note"), [("R01", NOTE), ("J09", NOTE), ("C9", NOTE), ("", NOTE), ("C1", " \n")])
def test_ground_and_note_are_needed(store: CaseStore, ground: str, note: str) -> None:
    case_id = accepted(store)
    with pytest.raises(ConfigError):
        store.reviews.cancel(case_id, "fazhi", ground, note)
    assert store.get(case_id).state is CaseState.ACCEPTED


def test_only_what_stands(store: CaseStore) -> None:
    waiting, rejected, objected = new_case(3), new_case(4), accepted(store, 5)
    store.add_case(waiting)
    store.add_case(rejected)
    store.decide(rejected.case_id, "li", REJECT)
    store.file_objection(objected, "fu", NewObjection(channel="web", ground="C1", text="was on duty"))
    for case_id in (waiting.case_id, rejected.case_id, objected):
        with pytest.raises(WrongState):
            store.reviews.cancel(case_id, "fazhi", "C1", NOTE)


def test_exported_record_names_ground_and_note(store: CaseStore) -> None:
    case_id = accepted(store)
    store.reviews.cancel(case_id, "fazhi", "C7", NOTE)
    last = case_record(store, case_id, lambda name: f"P-{name}")["decisions"][-1]
    assert (last["stage"], last["decision"], last["reason"]) == ("EX_OFFICIO", "cancel", "C7")
    assert (last["officer"], last["note"]) == ("P-fazhi", NOTE)


@pytest.mark.parametrize(("ground", "code"), [("C1", "J12"), ("C4", "J11"), ("C7", "J01"), ("C5", "J15")])
def test_citizen_is_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ground: str, code: str) -> None:
    monkeypatch.setattr("cases.desk.inspect", inspect_here)
    desk = Desk(tmp_path)
    desk.store.add_user("fazhi", PASSWORD, UserRole.SUPERVISOR)
    report_id = desk.submit(photos(1))
    desk.desk.work_off()
    for who in ("fu", "li"):
        desk.store.decide(report_id, who, replace(ACCEPT, cues_checked=()))
    assert desk.store.reports.get(report_id).state is ReportState.CONFIRMED
    desk.clock.forward(seconds=5)
    desk.store.reviews.cancel(report_id, "fazhi", ground, NOTE)
    report = desk.store.reports.get(report_id)
    assert (report.state, report.code, report.detail) == (ReportState.REJECTED, code, f"withdrawn:{ground}")
    assert report.changed_utc == desk.clock.now
    assert desk.store.reports.totals().confirmed == 0
