"""Rewards: none unless the office pays any; due, then paid, declined or expired. Source: domain §4.3."""

from dataclasses import replace
from pathlib import Path

import pytest

from cases.office import Office as Rules
from cases.records import NewObjection
from cases.report import RewardState
from cases.states import UserRole
from core.errors import ConfigError, NotAllowed, WrongState
from tests.integration.test_report_api import FIELDS, app_of, parts, work_off
from tests.support.citizens import Desk, inspect_here, photos
from tests.support.console import Office
from tests.support.people import ACCEPT, PASSWORD

DAYS = 30


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("cases.desk.inspect", inspect_here)
    made = Desk(tmp_path)
    made.store.add_user("fazhi", PASSWORD, UserRole.SUPERVISOR)
    made.store.reports.office = Rules(reward_days=DAYS)
    return made


def confirmed(desk: Desk) -> str:
    report_id = desk.submit(photos(1))
    desk.desk.work_off()
    for who in ("fu", "li"):
        assert desk.store.reports.get(report_id).reward is None
        desk.store.decide(report_id, who, replace(ACCEPT, cues_checked=()))
    return report_id


@pytest.mark.parametrize("state", [RewardState.PAID, RewardState.DECLINED])
def test_due_then_settled_once(desk: Desk, state: RewardState) -> None:
    report_id = confirmed(desk)
    assert desk.store.reports.get(report_id).reward is RewardState.DUE
    desk.store.reports.settle_reward(report_id, "fazhi", state, "回执 2026-118")
    assert desk.store.reports.of_reporter(desk.reporter)[0].reward is state
    with pytest.raises(WrongState):
        desk.store.reports.settle_reward(report_id, "fazhi", state, "回执 2026-118")
    desk.clock.forward(hours=24 * DAYS + 1)
    assert desk.store.reports.get(report_id).reward is state
    assert desk.store.verify_audit() == []


def test_expires_when_nobody_fetched_it(desk: Desk) -> None:
    report_id = confirmed(desk)
    desk.clock.forward(hours=24 * DAYS)
    assert desk.store.reports.get(report_id).reward is RewardState.DUE
    desk.clock.forward(hours=1)
    assert desk.store.reports.get(report_id).reward is RewardState.EXPIRED
    with pytest.raises(WrongState):
        desk.store.reports.settle_reward(report_id, "fazhi", RewardState.PAID, "late")


def test_none_without_the_setting_or_under_objection(desk: Desk) -> None:
    report_id = confirmed(desk)
    desk.store.reports.office = Rules()
    assert desk.store.reports.get(report_id).reward is None
    with pytest.raises(WrongState):
        desk.store.reports.settle_reward(report_id, "fazhi", RewardState.PAID, "receipt")
    desk.store.reports.office = Rules(reward_days=DAYS)
    desk.store.file_objection(report_id, "fu", NewObjection(channel="web", ground="C1", text="was on duty"))
    assert desk.store.reports.get(report_id).reward is None


@pytest.mark.parametrize(
    "note", ["", "  ", "6222021234567890123", "卡号 6222 0212 3456 7890", "11010519491231002X", "1234-5678-9012"]
)
def test_note_is_needed_and_holds_no_account(desk: Desk, note: str) -> None:
    report_id = confirmed(desk)
    with pytest.raises(ConfigError):
        desk.store.reports.settle_reward(report_id, "fazhi", RewardState.PAID, note)
    assert desk.store.reports.get(report_id).reward is RewardState.DUE


@pytest.mark.parametrize("who", ["fu", "li", "root"])
def test_only_a_supervisor(desk: Desk, who: str) -> None:
    report_id = confirmed(desk)
    with pytest.raises(NotAllowed):
        desk.store.reports.settle_reward(report_id, who, RewardState.PAID, "receipt")


def test_over_http_the_citizen_reads_it(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.store.add_user("su", PASSWORD, "supervisor")
    office.store.reports.office = Rules(reward_days=DAYS)
    app = app_of(office)
    report_id = app.post("/api/v1/reports", data=FIELDS, files=parts()).json()["report_id"]
    work_off(office)
    for who in ("fu", "li"):
        office.store.decide(report_id, who, replace(ACCEPT, cues_checked=office.store.get(report_id).cues))
    assert app.get(f"/api/v1/reports/{report_id}").json()["reward"] == "DUE"
    assert "待发放" in app.get(f"/report/mine/{report_id}").text
    supervisor = office.login("su")
    assert "<reward-form" in supervisor.get(f"/cases/{report_id}").text
    assert "<reward-form" not in office.login("wang").get(f"/cases/{report_id}").text
    wrong = supervisor.post(f"/api/v1/reports/{report_id}/reward", json={"state": "EXPIRED", "note": "x"})
    assert wrong.status_code == 422
    body = {"state": "PAID", "note": "回执 118"}
    assert supervisor.post(f"/api/v1/reports/{report_id}/reward", json=body).json() == {"reward": "PAID"}
    assert app.get(f"/api/v1/reports/{report_id}").json()["reward"] == "PAID"
