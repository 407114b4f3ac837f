"""The citizens' side over HTTP: account, report, state; what is refused, and that nobody sees another's report."""

from pathlib import Path
from typing import cast

import pytest

from cases.desk import ReportDesk
from tests.support.citizens import PASSWORD, PLACE_DEG, photos
from tests.support.console import Office, TestClient, csrf_of

FIELDS = {
    "violation": "V06",
    "plate": "苏c·12345",
    "occurred": "2026-11-22T15:10",
    "place": "钟吾路与大桥路交叉口",
    "lat": str(PLACE_DEG[0]),
    "lon": str(PLACE_DEG[1]),
}
PHOTOS = photos(1)


def parts(files: list[bytes] | None = None) -> list[tuple[str, tuple[str, bytes, str]]]:
    chosen = PHOTOS if files is None else files
    return [("files", (f"IMG_{n}.jpg", content, "image/jpeg")) for n, content in enumerate(chosen)]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def app_of(office: Office) -> TestClient:
    """A citizen's app with a fresh account."""
    client = office.visitor()
    answer = client.post("/api/v1/reporters", json={"password": PASSWORD})
    assert answer.status_code == 201
    client.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return client


def work_off(office: Office) -> None:
    ReportDesk(office.store, office.vault, office.app.state.console.media).work_off()


def test_report_is_taken_followed_and_seen_by_its_sender_alone(office: Office) -> None:
    app, other = app_of(office), app_of(office)
    answer = app.post("/api/v1/reports", data=FIELDS, files=parts())
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert (report["state"], report["plate"], report["files"]) == ("SUBMITTED", "苏C12345", 3)
    assert report["occurred"] == "2026-11-22T15:10:00+08:00"
    work_off(office)
    address = f"/api/v1/reports/{report['report_id']}"
    assert app.get(address).json()["state"] == "ACCEPTED"
    assert other.get(address).status_code == 404
    assert other.get("/api/v1/reports").json() == {"reports": [], "next": None}
    assert [r["report_id"] for r in app.get("/api/v1/reports").json()["reports"]] == [report["report_id"]]
    assert office.visitor().get(address).status_code == 401


def test_citizen_is_no_officer_and_officer_no_citizen(office: Office) -> None:
    app = app_of(office)
    assert app.get("/api/v1/cases").status_code == 401
    assert office.login("li").get("/api/v1/reports").status_code == 401
    token = cast("str", app.headers["authorization"]).removeprefix("Bearer ")
    visitor = office.visitor()
    visitor.cookies.set("lukou_session", token)
    assert visitor.get("/api/v1/cases").status_code == 401


def test_same_key_is_one_report(office: Office) -> None:
    app = app_of(office)
    key = {"Idempotency-Key": "phone-1"}
    first = app.post("/api/v1/reports", data=FIELDS, files=parts(), headers=key).json()
    again = app.post("/api/v1/reports", data=FIELDS, files=parts(), headers=key).json()
    assert again["report_id"] == first["report_id"]
    assert office.login("li").get("/api/v1/report-totals").json() == {"registered": 1, "received": 1, "confirmed": 0}


@pytest.mark.parametrize(
    ("changes", "files", "says"),
    [
        ({"plate": "ABC"}, PHOTOS, "no plate"),
        ({"occurred": "yesterday"}, PHOTOS, "no time"),
        ({"occurred": "2026-11-23T15:10"}, PHOTOS, "future"),
        ({"place": " "}, PHOTOS, "where"),
        ({"violation": "V77"}, PHOTOS, "V77"),
        ({}, PHOTOS[:2], "3 to 6"),
        ({}, [PHOTOS[0]] * 3, "twice"),
        ({}, [*PHOTOS, *PHOTOS, PHOTOS[0]], "3 to 6"),
        ({}, [b"<svg/>", *PHOTOS[1:]], "JPEG"),
        ({"lat": "91"}, PHOTOS, "lat"),
        ({"lat": "nan"}, PHOTOS, "lat"),
    ],
)
def test_bad_reports_get_one_line_that_says_what_to_do(
    office: Office, changes: dict[str, str], files: list[bytes], says: str
) -> None:
    answer = app_of(office).post("/api/v1/reports", data={**FIELDS, **changes}, files=parts(files))
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"]
    assert office.store.reports.totals().received == 0


def test_draft_waits_for_the_rest_of_its_photos(office: Office) -> None:
    app = app_of(office)
    draft = app.post("/api/v1/reports", data={**FIELDS, "draft": "true"}, files=parts(PHOTOS[:1])).json()
    assert (draft["state"], draft["until"]) == ("DRAFT", "2026-11-25T07:10:00+00:00")
    address = f"/api/v1/reports/{draft['report_id']}/media"
    assert app.post(address, files=parts(PHOTOS[:1])).status_code == 422
    answer = app.post(address, files=parts(PHOTOS[1:]))
    assert (answer.json()["state"], answer.json()["files"], answer.json()["until"]) == ("SUBMITTED", 3, None)
    assert app.post(address, files=parts(PHOTOS[1:])).status_code == 409


def test_too_large_requests_are_refused_before_they_are_read(office: Office) -> None:
    app = app_of(office)
    answer = app.post("/api/v1/reports", content=b"x", headers={"content-length": str(10**9)})
    assert answer.status_code == 413


def test_wrong_passwords_close_the_door(office: Office) -> None:
    client = office.visitor()
    codes = [
        client.post("/api/v1/reporters/token", json={"handle": "C00000000", "password": "guess number"}).status_code
        for _ in range(6)
    ]
    assert codes == [401] * 5 + [429]


def test_portal_pages_from_register_to_result(office: Office) -> None:
    page = office.visitor()
    token = csrf_of(page.get("/report").text)
    assert page.post("/report/register", data={"password": PASSWORD}).status_code == 403
    answer = page.post("/report/register", data={"password": PASSWORD, "csrf": token})
    assert answer.status_code == 200
    page.headers["x-csrf-token"] = csrf_of(page.get("/report").text)
    assert page.get("/report").headers["permissions-policy"].count("geolocation=(self)") == 1
    sent = page.post("/api/v1/reports", data=FIELDS, files=parts())
    assert sent.status_code == 201, sent.text
    work_off(office)
    assert "已受理" in page.get(f"/report/mine/{sent.json()['report_id']}").text
    assert sent.json()["report_id"] in page.get("/report/mine").text
    officer = office.login("li")
    shown = officer.get(f"/cases/{sent.json()['report_id']}").text
    assert "evidence-player" not in shown
    assert "市民举报" in shown
    assert "市民举报" in officer.get("/queue").text
    assert page.post("/report/logout", data={"csrf": page.headers["x-csrf-token"]}).status_code == 303
    assert page.get("/report/mine").status_code == 303


def test_session_of_before_the_login_is_worth_nothing_after_it(office: Office) -> None:
    page = office.visitor()
    token = csrf_of(page.get("/report").text)
    before = page.cookies["lukou_citizen"]
    page.post("/report/register", data={"password": PASSWORD, "csrf": token})
    assert page.cookies["lukou_citizen"] != before


@pytest.mark.parametrize("path", ["/report/register", "/report/login", "/report/logout", "/api/v1/reports"])
def test_every_post_of_the_portal_needs_the_token_of_its_own_session(office: Office, path: str) -> None:
    page, other = office.visitor(), office.visitor()
    own, foreign = (csrf_of(client.get("/report").text) for client in (page, other))
    staff = csrf_of(office.login("li").get("/queue").text)
    assert own != foreign
    for token in ("", "0" * 64, foreign, staff):
        answer = page.post(path, data={**FIELDS, "password": PASSWORD, "csrf": token}, headers={"x-csrf-token": token})
        assert answer.status_code == 403
