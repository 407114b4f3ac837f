"""Who may do what, over every route there is; one error shape; the same headers everywhere."""

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from fastapi.routing import APIRoute

from api.app import PARTS
from api.matrix import document
from api.security import HEADERS
from cases.identity import Identity
from cases.office import Office as Rules
from cases.records import NewObjection
from cases.replays import Replay, save_replay
from cases.report import Medium
from tests.support.citizens import claim
from tests.support.console import ACCEPT_JSON, Office, TestClient, csrf_of
from tests.support.people import ACCEPT, PASSWORD, suspended

OBJECTION = NewObjection(channel="window", ground="C5", text="the lamp was broken")
SITES = Path(__file__).parents[2] / "sites"
PEOPLE = ("visitor", "fu", "li", "su", "au", "en", "root")
"""Nobody, a reviewer, an officer, a supervisor, an auditor, an engineer, an administrator."""


def only(*people: str) -> dict[str, bool]:
    """Tells of everybody whether they are let in."""
    return {person: person in people for person in PEOPLE}


OPEN = only(*PEOPLE)
LOGIN = only("fu", "li", "su", "au", "en", "root")
REVIEWER = only("fu", "li", "su")
OFFICER = only("li", "su")
WITHDRAW = only("li", "su", "root")
ADMIN = only("root")
EDITOR = only("en", "root")
CITIZEN = only()
"""Nobody of the office is a citizen here: tests/integration/test_report_api.py asks as one."""
TOKENLESS = ("POST /api/v1/reporters", "POST /api/v1/reporters/token")
"""JSON without a session to ride on: a forged page cannot send it, and it changes nobody's account."""
PORTAL = ("POST /report/register", "POST /report/login", "POST /report/logout", "POST /report/identity")
"""Their token is of the citizen's session: tests/integration/test_report_api.py forges it."""
SAFE = ("GET", "HEAD", "OPTIONS")

MATRIX: dict[str, dict[str, bool]] = {
    "GET /": OPEN,
    "GET /healthz": OPEN,
    "GET /metrics": OPEN,
    "GET /login": OPEN,
    "POST /login": OPEN,
    "GET /login/oidc": OPEN,
    "GET /login/oidc/callback": OPEN,
    "POST /logout": OPEN,
    "POST /language": OPEN,
    "GET /display/{screen_id}": OPEN,
    "GET /display/{screen_id}/playlist.json": OPEN,
    "GET /display/items/{publication_id}/{role}.jpg": OPEN,
    "GET /report": OPEN,
    "GET /report/mine": OPEN,
    "GET /report/mine/{report_id}": CITIZEN,
    "POST /report/register": OPEN,
    "POST /report/login": OPEN,
    "POST /report/logout": OPEN,
    "POST /api/v1/reporters": OPEN,
    "POST /api/v1/reporters/token": CITIZEN,
    "PUT /api/v1/reporters/me/identity": CITIZEN,
    "DELETE /api/v1/reporters/me/identity": CITIZEN,
    "POST /api/v1/reports/{report_id}/identity/opening": only("su"),
    "GET /report/identity": OPEN,
    "POST /report/identity": CITIZEN,
    "GET /open311/v2/services.{form}": OPEN,
    "GET /open311/v2/services/{service_code}.{form}": OPEN,
    "POST /open311/v2/requests.{form}": CITIZEN,
    "GET /open311/v2/requests.{form}": CITIZEN,
    "GET /open311/v2/requests/{request_id}.{form}": CITIZEN,
    "GET /open311/v2/tokens/{token}.{form}": CITIZEN,
    "GET /api/v1/report-types": OPEN,
    "GET /api/v1/report-totals": LOGIN,
    "GET /api/v1/reports": CITIZEN,
    "GET /api/v1/reports/{report_id}": CITIZEN,
    "POST /api/v1/reports": CITIZEN,
    "POST /api/v1/reports/{report_id}/media": CITIZEN,
    "OPTIONS /api/v1/uploads": OPEN,
    "POST /api/v1/uploads": CITIZEN,
    "HEAD /api/v1/uploads/{upload_id}": CITIZEN,
    "PATCH /api/v1/uploads/{upload_id}": CITIZEN,
    "DELETE /api/v1/uploads/{upload_id}": CITIZEN,
    "GET /account": LOGIN,
    "POST /account/password": LOGIN,
    "POST /account/sessions/{login_id}/end": LOGIN,
    "GET /people": ADMIN,
    "POST /people": ADMIN,
    "POST /people/{name}/state": ADMIN,
    "POST /people/sessions/{login_id}/end": ADMIN,
    "GET /audit": only("su", "au", "root"),
    "POST /api/v1/cases/{case_id}/objection": REVIEWER,
    "POST /api/v1/cases/{case_id}/objection/answer": OFFICER,
    "GET /queue": LOGIN,
    "GET /next": LOGIN,
    "GET /economics": only("su", "au", "en", "root"),
    "GET /screens": LOGIN,
    "GET /cameras": LOGIN,
    "GET /sites": EDITOR,
    "GET /sites/{name}": EDITOR,
    "POST /api/v1/sites/{name}/check": EDITOR,
    "POST /api/v1/sites/{name}/add": EDITOR,
    "POST /api/v1/sites/{name}/move": EDITOR,
    "POST /api/v1/sites/{name}/remove": EDITOR,
    "POST /api/v1/sites/{name}": EDITOR,
    "GET /figures": LOGIN,
    "GET /replays": LOGIN,
    "GET /replays/{replay_name}": LOGIN,
    "GET /cases/{case_id}": LOGIN,
    "GET /cases/{case_id}/files/{name}": LOGIN,
    "GET /cases/{case_id}/thumbs/{width_px}/{name}": LOGIN,
    "GET /cases/{case_id}/masked/{sha256}/{role}.jpg": OFFICER,
    "GET /api/v1/cases": LOGIN,
    "GET /api/v1/cases/{case_id}": LOGIN,
    "GET /api/v1/cases/{case_id}/verification": LOGIN,
    "GET /api/v1/runs": LOGIN,
    "GET /api/v1/events": LOGIN,
    "POST /api/v1/cases/{case_id}/review": REVIEWER,
    "POST /api/v1/cases/{case_id}/claim": REVIEWER,
    "POST /api/v1/cases/{case_id}/leave": LOGIN,
    "POST /api/v1/cases/{case_id}/take-back": REVIEWER,
    "POST /api/v1/cases/{case_id}/hold": only("su"),
    "POST /api/v1/cases/{case_id}/hold/end": only("su"),
    "POST /api/v1/cases/{case_id}/cancellation": only("su"),
    "POST /api/v1/reports/{report_id}/reward": only("su"),
    "POST /api/v1/duplicates": REVIEWER,
    "POST /api/v1/suspensions/{suspension_id}/lift": only("su"),
    "POST /api/v1/cases/{case_id}/masked": OFFICER,
    "POST /api/v1/cases/{case_id}/publications": OFFICER,
    "POST /api/v1/publications/{publication_id}/withdrawal": WITHDRAW,
}


EMPTY_REPLAY = Replay(
    name="new-line",
    made_utc=datetime(2026, 11, 22, tzinfo=UTC),
    site_id="s",
    camera_id="c",
    site_sha256="0" * 64,
    sessions=(),
    footage_s=0.0,
    wall_s=0.0,
    events=(),
)


class World:
    """An office in which every address of the matrix leads to something."""

    def __init__(self, home: Path) -> None:
        self.office = Office(home)
        self.office.store.add_user("su", PASSWORD, "supervisor")
        self.office.store.add_user("au", PASSWORD, "auditor")
        self.office.store.add_user("en", PASSWORD, "engineer")
        self.office.settings.sites_dir = home / "sites"
        shutil.copytree(SITES, home / "sites")
        self.waiting = self.office.case(1)
        self.shown, self.publication = self.office.published(2)
        self.ready = self.office.accepted(3)
        self.seen = self.office.board.prepare(self.ready)
        self.objectionable = self.office.accepted(4)
        self.objected = self.office.case(5)
        self.office.store.decide(self.objected, "fu", ACCEPT)
        self.office.store.decide(self.objected, "wang", ACCEPT)
        self.office.store.file_objection(self.objected, "fu", OBJECTION)
        self.duplicate = self.office.case(6)
        self.cancellable = self.office.accepted(7)
        self.suspension = suspended(self.office.store)
        save_replay(home / "replays", EMPTY_REPLAY)
        self.report = self.reported()

    def reported(self) -> str:
        """Returns the id of a confirmed report whose sender told who he is, and whose reward is due."""
        store = self.office.store
        store.reports.office = Rules(reward_days=1)
        handle = store.reports.register(PASSWORD)
        store.identities(self.office.settings.identity_key_path).tell(
            handle, Identity(name="王小明", id_number="11010519491231002X", phone="13800138000")
        )
        media = [Medium(sha256=f"{n:064x}", ending="jpg", size_bytes=1) for n in range(3)]
        report_id = store.reports.submit(handle, "t", claim(self.office.clock), media).report_id
        store.reports.accept(report_id, self.office.accepted(8), media)
        return report_id

    def ask(self, client: TestClient, route: str) -> int:
        """Asks for a route with addresses and a body that would work for somebody allowed to."""
        method, path = route.split()
        case_id = self.case_for(route)
        picture = next(d for d in self.seen if d.role == "P2")
        address = path.format(
            case_id=case_id,
            publication_id=self.publication,
            screen_id="demo",
            name={"people": "wang", "sites": "example.site"}.get(path.removeprefix("/api/v1").split("/")[1], "P2.jpg"),
            width_px=240,
            sha256=picture.sha256,
            role="P2",
            replay_name=EMPTY_REPLAY.name,
            suspension_id=self.suspension,
            login_id=self.session_for(path, client),
            report_id=self.report,
            request_id=self.report,
            token=self.report,
            service_code="V06",
            form="json",
            upload_id="01M827B9ZPZ46TDKAVAP8M0001",
        )
        if method != "POST":
            status = client.request(method, address, headers={"tus-resumable": "1.0.0"}).status_code
            return (
                303 if "/oidc" in path and status == 404 else status
            )  # no directory here: tests/unit/api/test_oidc.py
        if path in ("/login", "/logout", "/language"):
            token = client.headers.get("x-csrf-token", "")
            body = {"csrf": token, "name": "wang", "password": PASSWORD, "language": "zh"}
            return client.post(address, data=body).status_code
        if path.startswith(("/account", "/people")):
            body = {"old": PASSWORD, "new": PASSWORD + "!", "name": "zhao", "role": "officer", "is_active": "true"}
            return client.post(address, data=body).status_code
        if path.startswith("/report/"):
            token = csrf_of(client.get("/report").text)
            body = {"csrf": token, "password": PASSWORD, "handle": "C00000000"}
            answer = client.post(address, data=body, headers={"x-csrf-token": token})
            return 303 if path == "/report/login" and answer.status_code == 401 else answer.status_code
        return client.post(address, json=self.body_for(path)).status_code

    def session_for(self, path: str, client: TestClient) -> str:
        """Returns the id of a session that may be ended there: one's own, or a colleague's."""
        name = "wang" if path.startswith("/people") else self.name_of(client) or "wang"
        if "{login_id}" in path:
            self.office.store.logins.begin(name, secrets.token_hex(8), "another computer")
        listed = self.office.store.logins.listed(name)
        return next((one.login_id for one in listed if one.agent == "another computer"), "none")

    def name_of(self, client: TestClient) -> str | None:
        session = self.office.app.state.console.sessions.try_open(client.cookies.get("lukou_session"))
        return cast("str | None", session and session.user)

    def case_for(self, route: str) -> str:
        if route.endswith("cancellation"):
            return self.cancellable
        if "objection" in route:
            return self.objected if route.endswith("answer") else self.objectionable
        return self.ready if "masked" in route or "publications" in route else self.waiting

    def body_for(self, path: str) -> dict[str, object]:
        if "/sites/" in path:
            text = (SITES / "example.site.yaml").read_text(encoding="utf-8")
            base = hashlib.sha256(text.encode()).hexdigest()
            wanted: dict[str, dict[str, object]] = {
                "move": {"path": "stop_lines.0.towards_px", "points_px": [[960, 470]]},
                "add": {"list_name": "boxes", "points_px": {"polygon_px": [[1, 1], [9, 1], [5, 9]]}},
                "remove": {"path": "crosswalks.0"},
            }
            return {"text": text, "base_sha256": base} | wanted.get(path.rpartition("/")[2], {})
        if path.endswith(("review", "opening")):
            return ACCEPT_JSON if path.endswith("review") else {"reason": "the reward is paid out"}
        if "objection" in path:
            filed: dict[str, object] = {"channel": "web", "ground": "C8", "text": "not me"}
            return {"cancel": False, "reply": "it was you"} if path.endswith("answer") else filed
        if path.endswith(("duplicates", "lift", "hold", "hold/end", "cancellation", "reward")):
            several: dict[str, object] = {"kept": self.waiting, "cases": [self.duplicate]}
            more = {"cancellation": {"ground": "C1"}, "reward": {"state": "PAID"}}.get(path.rpartition("/")[2], {})
            return several if path.endswith("duplicates") else {"note": "lamp moved", **more}
        if "reporters" in path:
            return {"password": PASSWORD} | ({"handle": "C00000000"} if path.endswith("token") else {})
        pictures = [{"role": d.role, "sha256": d.sha256} for d in self.seen]
        release: dict[str, object] = {"screen_id": "x", "hours": 1, "pictures": pictures, "seen": True}
        return release if path.endswith("publications") else {}

    def client(self, person: str) -> TestClient:
        if person != "visitor":
            return self.office.login(person)
        client = self.office.visitor()
        client.headers["x-csrf-token"] = csrf_of(client.get("/login").text)
        return client


@pytest.fixture(autouse=True)
def _short_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event stream ends before it begins; tests/unit/api/test_events.py listens to one."""
    monkeypatch.setattr("api.events.LONGEST_S", 0.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("office"))


@pytest.fixture
def fresh(tmp_path: Path) -> World:
    return World(tmp_path)


def routes() -> Iterator[str]:
    for part in PARTS:
        for route in part.router.routes:
            assert isinstance(route, APIRoute)
            yield from (f"{method} {route.path}" for method in route.methods or ())


def test_matrix_names_every_route(world: World) -> None:
    assert sorted(routes()) == sorted(MATRIX)


def test_the_printed_matrix_is_what_the_code_says() -> None:
    printed = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
    assert printed == document(), "stale; run: python -m api.matrix > docs/access.md"


def test_nothing_is_served_beside_the_listed_parts_and_static_files(world: World) -> None:
    static = [route for route in world.office.app.routes if getattr(route, "path", "") == "/static"]
    assert len(static) == 1
    assert len(world.office.app.routes) == len(PARTS) + len(static)


@pytest.mark.parametrize("person", PEOPLE)
def test_every_route_lets_only_the_right_people_in(fresh: World, person: str) -> None:
    client = fresh.client(person)
    order = sorted(MATRIX, key=lambda route: (route == "POST /login", route))  # a login changes who is asking
    answers = {route: fresh.ask(client, route) for route in order if not route.endswith("/logout")}
    refused = {route for route, status in answers.items() if status in (401, 403)}
    expected = {route for route in answers if not MATRIX[route][person]}
    assert refused == expected, answers
    assert {route: s for route, s in answers.items() if s >= 400 and route not in expected} == {}


@pytest.mark.parametrize("route", [r for r in MATRIX if not r.startswith(SAFE) and r not in TOKENLESS + PORTAL])
def test_every_change_needs_the_token_of_its_own_session(world: World, route: str) -> None:
    client = world.office.login("li")
    del client.headers["x-csrf-token"]
    assert world.ask(client, route) == 403
    client.headers["x-csrf-token"] = world.office.login("li").headers["x-csrf-token"]
    assert world.ask(client, route) == 403
    client.headers["x-csrf-token"] = "0" * 64
    assert world.ask(client, route) == 403


def test_forged_cookie_is_nobody(world: World) -> None:
    client = world.office.login("li")
    value = client.cookies["lukou_session"]
    client.cookies.clear()
    for forged in (value[:-2] + "AA", "x", value.replace(".", "..", 1)):
        client.cookies.set("lukou_session", forged)
        assert client.get("/api/v1/cases").status_code == 401
        client.cookies.clear()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/cases", 401),
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/cases/nothing", 404),
        ("POST", "/api/v1/cases", 405),
        ("POST", "/api/v1/cases/x/review", 403),
        ("GET", "/api/v1/cases?limit=0", 422),
        ("GET", "/api/v1/cases?state=LOST", 422),
        ("GET", "/display/items/none/P2.jpg", 404),
        ("GET", "/display/-bad", 422),
        ("GET", "/static/nothing.js", 404),
    ],
)
def test_one_shape_for_every_error(world: World, method: str, path: str, status: int) -> None:
    client = world.office.visitor() if status == 401 else world.office.login("li")
    client.headers.pop("x-csrf-token", None)
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance"}
    assert (body["status"], body["instance"]) == (status, path.partition("?")[0])
    assert body["type"].startswith("urn:lukou:problem:")
    assert "\n" not in body["detail"]


def test_broken_route_answers_in_the_same_shape(tmp_path: Path) -> None:
    office = Office(tmp_path)

    @office.app.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret of the machine")

    answer = office.visitor().get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/queue", "/login", "/display/demo", "/static/console.js", "/nothing", "/healthz"])
def test_strict_headers_on_every_answer(world: World, path: str) -> None:
    answer = world.office.login("li").get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "*" not in policy


class TestOnlyReleasedPicturesAreOpen:
    def test_visitor_gets_the_masked_picture_but_never_an_original(self, world: World) -> None:
        visitor = world.office.visitor()
        masked = visitor.get(f"/display/items/{world.publication}/P2.jpg")
        assert masked.status_code == 200
        assert masked.content != world.office.vault.read(world.shown, "P2.jpg")
        for name in world.office.vault.names(world.shown):
            assert visitor.get(f"/cases/{world.shown}/files/{name}").status_code == 401
            found = visitor.get(f"/display/items/{world.publication}/{name}")
            assert found.status_code == (200 if name in ("P1.jpg", "P2.jpg", "P3.jpg") else 404)
            assert found.content != world.office.vault.read(world.shown, name)
            assert visitor.get(f"/display/items/{world.shown}/{name}").status_code == 404

    def test_prepared_but_not_released_pictures_are_closed(self, world: World) -> None:
        visitor = world.office.visitor()
        for picture in world.seen:
            assert visitor.get(f"/display/items/{world.ready}/{picture.role}.jpg").status_code == 404
            assert visitor.get(f"/display/items/{picture.sha256}/{picture.role}.jpg").status_code == 404
            address = f"/cases/{world.ready}/masked/{picture.sha256}/{picture.role}.jpg"
            assert visitor.get(address).status_code == 401

    @pytest.mark.parametrize("end", ["withdrawn", "expired"])
    def test_address_is_dead_when_the_item_is_off_the_screen(self, fresh: World, end: str) -> None:
        visitor = fresh.office.visitor()
        address = f"/display/items/{fresh.publication}/P2.jpg"
        assert visitor.get(address).status_code == 200
        if end == "withdrawn":
            officer = fresh.office.login("li")
            officer.post(f"/api/v1/publications/{fresh.publication}/withdrawal", json={})
        else:
            fresh.office.clock.forward(hours=24)
        assert visitor.get(address).status_code == 404
        assert visitor.get("/display/demo/playlist.json").json()["items"] == []

    def test_playlist_names_no_person_and_no_case(self, world: World) -> None:
        answer = world.office.visitor().get("/display/demo/playlist.json")
        text = answer.text
        for secret in (world.shown, world.waiting, world.ready, "cam-1", "S0123456789abcdef", "officer", "plate"):
            assert secret not in text
        for person in ("fu", "li", "wang", "root"):
            assert f'"{person}"' not in text
