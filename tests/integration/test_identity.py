"""Who citizens are: sealed in the database, opened by a supervisor with a reason, known to nobody else."""

import sqlite3
from pathlib import Path

import pytest

from cases.identity import Identity, IdentityStore, is_id_number
from cases.states import UserRole
from core.errors import CaseNotFound, ConfigError, StoreError
from tests.integration.test_report_api import FIELDS, app_of, parts
from tests.support.citizens import PASSWORD
from tests.support.console import Office, csrf_of
from tests.support.people import PASSWORD as STAFF_PASSWORD

TOLD = {"name": "王小明", "id_number": "11010519491231002X", "phone": "13800138000"}
REASON = {"reason": "红包发放，核对收款人"}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def identities(office: Office) -> IdentityStore:
    return office.store.identities(office.settings.identity_key_path)


@pytest.mark.parametrize(
    ("number", "is_right"),
    [
        ("11010519491231002X", True),  # the standard's own examples
        ("440524188001010014", True),
        ("110105194912310021", False),
        ("11010519491231002x", False),
        ("1101051949123100", False),
        ("１１０１０５１９４９１２３１００２Ｘ", False),
    ],
)
def test_check_digit(number: str, is_right: bool) -> None:
    assert is_id_number(number) is is_right


def test_nobody_but_the_supervisor_learns_who_sent_a_report(office: Office) -> None:
    for name, role in (("su", UserRole.SUPERVISOR), ("au", UserRole.AUDITOR)):
        office.store.add_user(name, STAFF_PASSWORD, role)
    app = app_of(office)
    report_id = app.post("/api/v1/reports", data=FIELDS, files=parts()).json()["report_id"]
    assert app.put("/api/v1/reporters/me/identity", json=TOLD).status_code == 204
    address = f"/api/v1/reports/{report_id}/identity/opening"
    assert app.post(address, json=REASON).status_code == 403
    for name in ("fu", "li", "au", "root"):
        assert office.login(name).post(address, json=REASON).status_code == 403
    supervisor = office.login("su")
    assert supervisor.post(address, json={"reason": "   so    "}).status_code == 422
    assert supervisor.post(address, json=REASON).json() == TOLD
    assert TOLD["name"] not in supervisor.get("/queue").text
    [opening] = [entry for entry in office.store.audit_entries(100) if entry.action == "identity_opened"]
    assert opening.actor == "su"
    assert office.store.verify_audit() == []
    app.delete("/api/v1/reporters/me/identity")
    assert supervisor.post(address, json=REASON).status_code == 404
    assert office.store.verify_audit() == []


def test_database_without_its_key_tells_nothing(office: Office) -> None:
    handle = office.store.reports.register(PASSWORD)
    identities(office).tell(handle, Identity(**TOLD))
    office.store.close()
    content = b"".join(path.read_bytes() for path in office.home.glob("lukou.db*"))
    for secret in TOLD.values():
        assert secret.encode() not in content
    [(sealed,)] = sqlite3.connect(office.home / "lukou.db").execute("SELECT sealed FROM identities")
    assert sealed.startswith("gAAAA")
    key = office.settings.identity_key_path
    assert key.stat().st_mode & 0o077 == 0
    key.unlink()
    with pytest.raises(StoreError, match="key"):
        identities(office).open(handle, "su", REASON["reason"])


def test_changed_identity_takes_the_place_of_the_old_one(office: Office) -> None:
    handle = office.store.reports.register(PASSWORD)
    store = identities(office)
    with pytest.raises(CaseNotFound):
        store.open(handle, "su", REASON["reason"])
    store.tell(handle, Identity(**TOLD))
    store.tell(handle, Identity(**{**TOLD, "phone": "13900139000"}))
    assert store.open(handle, "su", REASON["reason"]).phone == "13900139000"
    for wrong in ({"name": " "}, {"id_number": "110105194912310021"}, {"phone": "call me"}):
        with pytest.raises(ConfigError):
            store.tell(handle, Identity(**{**TOLD, **wrong}))


def test_page_keeps_and_removes_it_and_never_shows_it_again(office: Office) -> None:
    page = office.visitor()
    assert page.get("/report/identity").status_code == 303
    token = csrf_of(page.get("/report").text)
    page.post("/report/register", data={"password": PASSWORD, "csrf": token})
    csrf = {"csrf": csrf_of(page.get("/report/identity").text)}
    wrong = page.post("/report/identity", data={**TOLD, **csrf, "id_number": "1"})
    assert (wrong.status_code, "请核对" in wrong.text) == (422, True)
    assert page.post("/report/identity", data={**TOLD, **csrf}).status_code == 303
    shown = page.get("/report/identity").text
    assert "已加密保存" in shown
    assert TOLD["name"] not in shown
    page.post("/report/identity", data=csrf)
    assert "已加密保存" not in page.get("/report/identity").text
