"""The reviewers' routes: opening cases, taking back, blind cases, plates, duplicates, suspended rules, paging."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from api.kept import KEPT_S, Kept
from api.queue_page import PER_PAGE, parse_cursor
from cases import blind
from cases.records import QueueFilter
from cases.states import CaseState, UserRole
from core.errors import ConfigError
from tests.support.console import ACCEPT_JSON, Office
from tests.support.people import ACCEPT, PASSWORD, REJECT, new_case, suspended

CASE = new_case().case_id


def listed(html: str) -> list[str]:
    return re.findall(r'data-case="(\w+)"', html)


class TestOpening:
    def test_decision_on_a_case_another_has_open_is_a_clear_409(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.case()
        assert office.login("li").post(f"/api/v1/cases/{CASE}/claim").status_code == 200
        wang = office.login("wang")
        answer = wang.post(f"/api/v1/cases/{CASE}/review", json=ACCEPT_JSON)
        assert (answer.status_code, answer.json()["detail"]) == (409, "li has this case open; take the next one")
        page = wang.get(f"/cases/{CASE}").text
        assert "li 正在审核本案" in page
        assert "data-accept" not in page
        assert "li 正在审核" in wang.get("/queue").text
        office.login("li").post(f"/api/v1/cases/{CASE}/leave")
        assert wang.post(f"/api/v1/cases/{CASE}/review", json=ACCEPT_JSON).status_code == 200

    def test_looking_at_the_page_opens_nothing(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.case()
        office.login("li").get(f"/cases/{CASE}")
        assert office.store.get(CASE).hold is None

    def test_logging_out_frees_every_case_one_has_open(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        cases = [office.case(number) for number in (1, 2)]
        li, wang = office.login("li"), office.login("wang")
        for case_id in cases:
            li.post(f"/api/v1/cases/{case_id}/claim")
        other = office.case(3)
        wang.post(f"/api/v1/cases/{other}/claim")
        li.post("/logout", data={"csrf": li.headers["x-csrf-token"]})
        assert [office.store.get(case_id).hold for case_id in cases] == [None, None]
        assert office.store.get(other).hold is not None

    def test_first_review_is_taken_back(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.case()
        li = office.login("li")
        li.post(f"/api/v1/cases/{CASE}/review", json=ACCEPT_JSON)
        assert "data-take-back" in li.get(f"/cases/{CASE}").text
        assert "data-take-back" not in office.login("wang").get(f"/cases/{CASE}").text
        assert li.post(f"/api/v1/cases/{CASE}/take-back").json() == {"state": "QUEUED"}


class TestBlind:
    @pytest.fixture(autouse=True)
    def _drawn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blind, "SHARE", 1.0)

    @pytest.mark.parametrize("address", ["/cases/{}", "/api/v1/cases/{}", "/api/v1/cases", "/queue"])
    def test_second_officer_is_not_told(self, tmp_path: Path, address: str) -> None:
        office = Office(tmp_path)
        office.case()
        office.store.decide(CASE, "fu", replace(REJECT, note="SAID BY THE FIRST"))
        text = office.login("wang").get(address.format(CASE)).text
        for secret in ("SAID BY THE FIRST", "first_review_rejected", '"decision":"reject"', "is-reject"):
            assert secret not in text
        own = office.login("fu").get(f"/api/v1/cases/{CASE}").json()
        assert own["reviews"][0]["note"] == "SAID BY THE FIRST"

    def test_is_told_afterwards_and_the_supervisor_of_both(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.store.add_user("su", PASSWORD, UserRole.SUPERVISOR)
        office.case()
        office.store.decide(CASE, "fu", replace(REJECT, note="SAID BY THE FIRST"))
        wang = office.login("wang")
        assert "盲审抽中" in wang.get(f"/cases/{CASE}").text
        answer = wang.post(f"/api/v1/cases/{CASE}/review", json=ACCEPT_JSON)
        assert answer.json()["state"] == "DISPUTED"
        assert "SAID BY THE FIRST" in wang.get(f"/cases/{CASE}").text
        assert "由法制员裁定" in wang.get(f"/cases/{CASE}").text
        su = office.login("su")
        assert "data-accept" in su.get(f"/cases/{CASE}").text
        assert su.post(f"/api/v1/cases/{CASE}/review", json=ACCEPT_JSON).json()["state"] == "ACCEPTED"


class TestPlates:
    def test_typed_alike_by_two_is_the_plate(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.case()
        body = {**ACCEPT_JSON, "plate": "苏c 12345"}
        assert office.login("fu").post(f"/api/v1/cases/{CASE}/review", json=body).status_code == 200
        li = office.login("li")
        page = li.get(f"/cases/{CASE}").text
        assert "初审已录入号牌" in page
        assert "苏C12345" not in page
        assert li.post(f"/api/v1/cases/{CASE}/review", json=body).json()["state"] == "ACCEPTED"
        assert "苏C12345（两人录入一致）" in li.get(f"/cases/{CASE}").text

    def test_no_plate_is_a_clear_422(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.case()
        answer = office.login("fu").post(f"/api/v1/cases/{CASE}/review", json={**ACCEPT_JSON, "plate": "苏C1"})
        assert (answer.status_code, "no plate reads" in answer.json()["detail"]) == (422, True)


def test_duplicates_leave_the_queue_together(tmp_path: Path) -> None:
    office = Office(tmp_path)
    ids = [office.case(n) for n in (1, 2, 3)]
    li = office.login("li")
    assert li.post("/api/v1/duplicates", json={"kept": ids[0], "cases": ids[1:]}).json() == {"rejected": 2}
    assert listed(li.get("/queue?state=QUEUED").text) == ids[:1]


class TestSuspension:
    def test_everybody_is_told_and_the_supervisor_lifts(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.store.add_user("su", PASSWORD, UserRole.SUPERVISOR)
        suspension_id = suspended(office.store)
        for name in ("fu", "root"):
            assert "规则 V02 在 cam-9 已暂停" in office.login(name).get("/queue").text
        assert f"/suspensions/{suspension_id}/lift" not in office.login("root").get("/economics").text
        su = office.login("su")
        assert f"/suspensions/{suspension_id}/lift" in su.get("/economics").text
        answer = su.post(f"/api/v1/suspensions/{suspension_id}/lift", json={"note": "lamp moved"})
        assert answer.json() == {"queued": 0}
        assert "已暂停" not in su.get("/queue").text

    def test_figures_are_for_supervisor_auditor_and_engineer(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        assert office.login("li").get("/economics").status_code == 403
        page = office.login("root").get("/economics?days=1")
        assert page.status_code == 200


def test_evidence_is_held_and_let_go_on_the_case_page(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.store.add_user("su", PASSWORD, UserRole.SUPERVISOR)
    office.case()
    su = office.login("su")
    assert su.post(f"/api/v1/cases/{CASE}/hold", json={"note": "court order 12"}).status_code == 200
    assert su.post(f"/api/v1/cases/{CASE}/hold", json={"note": "again"}).status_code == 409
    assert "court order 12" in office.login("li").get(f"/cases/{CASE}").text
    assert f"/api/v1/cases/{CASE}/hold" not in office.login("li").get(f"/cases/{CASE}").text
    assert su.post(f"/api/v1/cases/{CASE}/hold/end", json={"note": "judgment"}).status_code == 200
    assert [hold.lift_reason for hold in office.store.custody.holds(CASE)] == ["judgment"]


class TestQueue:
    def fill(self, office: Office, number: int) -> list[str]:
        cases = [new_case(n, violation_id="V01" if n % 2 else "V03", camera_id=f"cam-{n % 3}") for n in range(number)]
        for case in cases:
            office.store.add_case(case)
            office.clock.forward(seconds=1)
        return [case.case_id for case in cases]

    @pytest.mark.parametrize("state", ["", "QUEUED", "REJECTED"])
    def test_pages_show_every_case_once_however_many_leave_meanwhile(self, tmp_path: Path, state: str) -> None:
        office = Office(tmp_path)
        ids = self.fill(office, 2 * PER_PAGE + 5)
        if state == "REJECTED":
            for case_id in ids:
                office.clock.forward(seconds=1)
                office.store.decide(case_id, "fu", REJECT)
            ids.reverse()
        li, address, seen = office.login("li"), f"/queue?state={state}", []
        for _ in range(5):
            page = li.get(address).text
            seen += listed(page)
            found = re.search(r'href="([^"]+)" rel="next"', page)
            if found is None:
                break
            if state == "QUEUED":
                office.store.decide(seen[0], "fu", REJECT) if office.store.get(seen[0]).state is CaseState.QUEUED else 0
            address = unescape(found[1])
        assert seen == ids

    def test_json_pages_by_cursor(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        ids = self.fill(office, 7)
        li, after, seen = office.login("li"), "", []
        while after is not None:
            answer = li.get("/api/v1/cases", params={"limit": 3, "after": after}).json()
            seen += [case["case_id"] for case in answer["cases"]]
            assert answer["total"] == 7
            after = answer["next"]
        assert seen == ids

    @pytest.mark.parametrize("after", ["x", "2026-11-22T08:00:00~x", "~", "0001-01-01T00:00:00+08:00~x"])
    def test_forged_cursor_is_refused(self, after: str) -> None:
        with pytest.raises(ConfigError, match="leads nowhere"):
            parse_cursor(after)

    @pytest.mark.parametrize("query", ["since=0001-01-01", "until=9999-12-31", "since=x", "state=LOST", "overdue=2"])
    def test_what_is_no_filter_is_refused(self, tmp_path: Path, query: str) -> None:
        assert Office(tmp_path).login("li").get(f"/api/v1/cases?{query}").status_code == 422

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            ("camera=cam-1", [1, 4]),
            ("violation=V03", [0, 2, 4]),
            ("violation=V03&camera=cam-1", [4]),
            ("source=report", [9]),
            ("source=camera&violation=V01", [1, 3, 5]),
            ("plate=%E8%8B%8FC", [8]),
            ("since=2026-11-23&until=2026-11-23", [7]),
            ("until=2026-11-21", []),
            ("state=SECOND_REVIEW", [5]),
        ],
    )
    def test_filters(self, tmp_path: Path, query: str, numbers: list[int]) -> None:
        office = Office(tmp_path)
        self.fill(office, 6)
        others = [
            new_case(7, camera_id="x", violation_id="V08", occurred_utc=new_case().occurred_utc + timedelta(hours=20)),  # type: ignore[operator]
            new_case(8, camera_id="y", violation_id="V08", plate="苏C12345"),
            new_case(9, camera_id="citizen", violation_id="V08"),
        ]
        for case in others:
            office.store.add_case(case)
        office.store.decide(new_case(5).case_id, "fu", ACCEPT)
        got = listed(office.login("li").get(f"/queue?{query}").text)
        assert got == [new_case(n).case_id for n in numbers]

    def test_overdue_cases_are_counted_marked_and_found(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        [first] = self.fill(office, 1)
        office.clock.forward(days=6)  # Sunday the 22nd + five working days: due at the end of Friday the 27th
        office.store.add_case(new_case(5))
        page = office.login("li").get("/queue?overdue=1").text
        assert listed(page) == [first]
        assert "is-late" in page
        assert "超期 <b>1</b>" in page
        assert "is-soon" not in page

    def test_a_decided_case_is_never_overdue(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        [first] = self.fill(office, 1)
        office.store.decide(first, "fu", REJECT)
        office.clock.forward(days=30)
        assert listed(office.login("li").get("/queue?overdue=1").text) == []
        assert office.store.count(QueueFilter(received_before=office.clock.now)) == 0


class TestKept:
    def test_is_made_once_in_a_while(self) -> None:
        at_s, made = [0.0], []
        kept = Kept(now_s=lambda: at_s[0])
        for moment in (0.0, KEPT_S, KEPT_S + 0.1, 2 * KEPT_S):
            at_s[0] = moment
            kept.get("x", lambda: made.append(at_s[0]))
        assert made == [0.0, KEPT_S + 0.1]

    def test_nobody_waits_while_one_makes_it_anew(self) -> None:
        at_s, begun, go_on = [0.0], threading.Event(), threading.Event()
        kept = Kept(now_s=lambda: at_s[0])
        kept.get("x", lambda: "old")
        at_s[0] = KEPT_S + 0.1

        def make() -> str:
            begun.set()
            assert go_on.wait(10)
            return "new"

        maker = threading.Thread(target=lambda: kept.get("x", make))
        maker.start()
        assert begun.wait(10)
        assert kept.get("x", lambda: "of another") == "old"
        go_on.set()
        maker.join(10)
        assert kept.get("x", lambda: "of another") == "new"

    def test_one_that_fails_is_made_by_the_next(self) -> None:
        kept = Kept()
        with pytest.raises(ZeroDivisionError):
            kept.get("x", lambda: 1 / 0)
        assert kept.get("x", lambda: 2) == 2

    def test_names_are_apart(self) -> None:
        kept = Kept()
        assert [kept.get(name, lambda name=name: name) for name in ("a", "b", "a")] == ["a", "b", "a"]  # type: ignore[misc]
