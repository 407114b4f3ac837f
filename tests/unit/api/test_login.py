"""Sessions are kept by the server: seen, ended by hand and by time; a password others have seen is changed first."""

import re
from pathlib import Path

import pytest

from tests.support.console import Office, TestClient, csrf_of
from tests.support.people import PASSWORD

ONCE = re.compile(r'<code class="once">([^<]+)</code>')
END = re.compile(r'action="(/(?:account|people)/sessions/[^"]+/end)"')


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def is_in(client: TestClient) -> bool:
    return client.get("/api/v1/cases").status_code == 200


def test_own_session_on_another_computer_can_be_ended(office: Office) -> None:
    here, there = office.login("li"), office.login("li")
    page = here.get("/account").text
    addresses = END.findall(page)
    assert len(addresses) == 2
    other = next(row for row in page.split("<tr>") if "/sessions/" in row and "<b>本机</b>" not in row)
    assert here.post(END.search(other)[1]).status_code == 303  # type: ignore[index]
    assert is_in(here)
    assert not is_in(there)


def test_nobody_ends_a_colleagues_session_but_who_manages_logins(office: Office) -> None:
    li, wang, root = office.login("li"), office.login("wang"), office.login("root")
    login_id = office.store.logins.listed("li")[0].login_id
    assert wang.post(f"/account/sessions/{login_id}/end").status_code == 404
    assert wang.post(f"/people/sessions/{login_id}/end").status_code == 403
    assert is_in(li)
    assert root.post(f"/people/sessions/{login_id}/end").status_code == 303
    assert not is_in(li)


@pytest.mark.parametrize(
    ("step_h", "steps", "is_open"), [(1.9, 1, True), (2.1, 1, False), (1.9, 6, True), (1.9, 7, False)]
)
def test_session_ends_when_left_alone_for_two_hours_or_after_twelve(
    office: Office, step_h: float, steps: int, *, is_open: bool
) -> None:
    client = office.login("li")
    for _ in range(steps):
        office.clock.forward(hours=step_h)
        last = is_in(client)
    assert last is is_open


def test_token_of_a_session_is_nowhere_in_the_database(office: Office) -> None:
    client = office.login("li")
    nonce = office.app.state.console.sessions.try_open(client.cookies["lukou_session"]).nonce
    assert nonce.encode() not in (office.home / "lukou.db").read_bytes()


def test_cookie_alone_is_worth_nothing(office: Office) -> None:
    """Even with the key of the cookies: the session must be one the server began."""
    sessions = office.app.state.console.sessions
    client = office.visitor()
    client.cookies.set("lukou_session", sessions.seal(sessions.begin("li")))
    assert not is_in(client)


class TestPassword:
    def test_change_ends_the_other_sessions_and_counts_from_then_on(self, office: Office) -> None:
        here, there = office.login("li"), office.login("li")
        answer = here.post("/account/password", data={"old": PASSWORD, "new": "another long one"})
        assert answer.status_code == 303
        assert (is_in(here), is_in(there)) == (True, False)
        assert office.store.try_authenticate("li", PASSWORD) is None
        assert office.store.try_authenticate("li", "another long one") is not None
        assert office.store.verify_audit() == []
        assert office.store.audit_entries(1)[0].action == "password_changed"

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [("wrong", "another long one", "not right"), (PASSWORD, "short", "too short"), (PASSWORD, PASSWORD, "another")],
    )
    def test_refusals(self, office: Office, old: str, new: str, says: str) -> None:
        answer = office.login("li").post("/account/password", data={"old": old, "new": new})
        assert answer.status_code == 422
        assert says in answer.text
        assert office.store.try_authenticate("li", PASSWORD) is not None

    def test_present_password_cannot_be_guessed_here_either(self, office: Office) -> None:
        client = office.login("li")
        codes = [
            client.post("/account/password", data={"old": "x", "new": "long enough"}).status_code for _ in range(6)
        ]
        assert codes == [422] * 5 + [429]


class TestPeople:
    def test_added_person_must_change_the_password_first(self, office: Office) -> None:
        root = office.login("root")
        page = root.post("/people", data={"name": "zhao", "role": "officer"}).text
        password = ONCE.search(page)[1]  # type: ignore[index]
        assert password not in root.get("/people").text
        zhao = office.visitor()
        token = csrf_of(zhao.get("/login").text)
        assert zhao.post("/login", data={"name": "zhao", "password": password, "csrf": token}).status_code == 303
        assert zhao.get("/api/v1/cases").status_code == 403
        assert zhao.get("/queue", headers={"accept": "text/html"}).headers["location"] == "/account"
        page = zhao.get("/account").text
        zhao.headers["x-csrf-token"] = csrf_of(page)
        zhao.post("/account/password", data={"old": password, "new": "my own password"})
        assert is_in(zhao)

    def test_closed_login_is_out_at_once_and_may_come_back(self, office: Office) -> None:
        root, li = office.login("root"), office.login("li")
        root.post("/people/li/state", data={"is_active": "false"})
        assert not is_in(li)
        root.post("/people/li/state", data={"is_active": "true"})
        assert is_in(office.login("li"))

    def test_nobody_locks_themselves_out(self, office: Office) -> None:
        assert office.login("root").post("/people/root/state", data={"is_active": "false"}).status_code == 422

    def test_taken_name_is_refused(self, office: Office) -> None:
        answer = office.login("root").post("/people", data={"name": "li", "role": "officer"})
        assert answer.status_code == 422
        assert "exists already" in answer.text


def test_first_start_makes_an_admin_once(tmp_path: Path) -> None:
    from tests.support.people import open_store

    store = open_store(tmp_path)
    password = store.logins.add_first_admin()
    assert password is not None
    assert len(password) >= 12
    assert store.try_authenticate("admin", password) is not None
    assert store.logins.add_first_admin() is None
