import subprocess
import sys
from pathlib import Path

import pytest

from api.files import ranged
from api.labels import LANGUAGES, Labels, _load
from cases.records import RunRecord
from cases.states import CaseState
from core.catalogue import catalogue
from core.errors import ConfigError, StoreError
from core.settings import Settings
from tests.support.console import ACCEPT_JSON, CUES, FACTS, Office, csrf_of
from tests.support.people import ACCEPT, PASSWORD


def test_application_starts_without_opencv_networks_or_decoders() -> None:
    code = (
        "import sys, api.app, api.server\n"
        "heavy = {'cv2', 'av', 'vision', 'models', 'ingest', 'rules', 'sim', 'pipeline', 'onnxruntime', 'openvino',"
        " 'torch', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50)
    assert done.stdout.strip() == "[]"


class TestLogin:
    def test_wrong_password_stays_out(self, tmp_path: Path) -> None:
        client = Office(tmp_path).visitor()
        token = csrf_of(client.get("/login").text)
        answer = client.post("/login", data={"name": "li", "password": "wrong", "csrf": token})
        assert answer.status_code == 401
        assert "用户名或密码不正确" in answer.text
        assert client.get("/queue", headers={"accept": "text/html"}).headers["location"] == "/login?next=/queue"

    def test_guessing_is_slowed_down(self, tmp_path: Path) -> None:
        client = Office(tmp_path).visitor()
        token = csrf_of(client.get("/login").text)
        codes = [
            client.post("/login", data={"name": "li", "password": "wrong", "csrf": token}).status_code for _ in range(6)
        ]
        assert codes == [401] * 5 + [429]
        right = client.post("/login", data={"name": "li", "password": PASSWORD, "csrf": token})
        assert right.status_code == 429

    def test_cookie_is_for_this_site_and_not_for_scripts(self, tmp_path: Path) -> None:
        cookie = Office(tmp_path).visitor().get("/login").headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie

    def test_session_changes_at_login_and_dies_at_logout(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        client = office.visitor()
        token = csrf_of(client.get("/login").text)
        before = client.cookies["lukou_session"]
        client.post("/login", data={"name": "li", "password": PASSWORD, "csrf": token})
        after = client.cookies["lukou_session"]
        assert before != after
        token = csrf_of(client.get("/queue").text)
        client.post("/logout", data={"csrf": token})
        stolen = office.visitor()
        stolen.cookies.set("lukou_session", after)
        assert stolen.get("/api/v1/cases").status_code == 401

    def test_closed_login_is_out_at_once(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        client = office.login("li")
        office.store.set_user_active("li", is_active=False)
        assert client.get("/api/v1/cases").status_code == 401

    @pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
    def test_login_leads_nowhere_else(self, tmp_path: Path, target: str) -> None:
        client = Office(tmp_path).visitor()
        token = csrf_of(client.get("/login").text)
        answer = client.post("/login", data={"name": "li", "password": PASSWORD, "csrf": token, "next": target})
        assert answer.headers["location"] == "/queue"

    def test_key_of_cookies_is_kept_private(self, tmp_path: Path) -> None:
        Office(tmp_path)
        assert (tmp_path / "keys" / "session.key").stat().st_mode & 0o777 == 0o600

    def test_unwritable_home_is_one_line(self, tmp_path: Path) -> None:
        from api.security import load_secret

        (tmp_path / "keys").write_text("a file where a folder belongs")
        with pytest.raises(StoreError, match="LUKOU_HOME"):
            load_secret(Settings(home=tmp_path))


class TestReview:
    def test_two_people_decide_over_http(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        first = office.login("li").post(f"/api/v1/cases/{case_id}/review", json=ACCEPT_JSON)
        assert (first.status_code, first.json()) == (200, {"state": "SECOND_REVIEW", "next": None})
        second = office.login("wang").post(f"/api/v1/cases/{case_id}/review", json=ACCEPT_JSON)
        assert second.json()["state"] == "ACCEPTED"

    def test_same_person_gets_a_conflict(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        client = office.login("li")
        client.post(f"/api/v1/cases/{case_id}/review", json=ACCEPT_JSON)
        answer = client.post(f"/api/v1/cases/{case_id}/review", json=ACCEPT_JSON)
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:lukou:problem:conflict-of-interest"

    def test_damaged_evidence_cannot_be_accepted_but_rejected(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        picture = office.vault.path(case_id) / "P2.jpg"
        picture.chmod(0o644)
        picture.write_bytes(picture.read_bytes()[:-1] + b"x")
        client = office.login("li")
        checked = client.get(f"/api/v1/cases/{case_id}/verification").json()
        assert not checked["is_valid"]
        assert any("P2.jpg" in problem for problem in checked["problems"])
        answer = client.post(f"/api/v1/cases/{case_id}/review", json=ACCEPT_JSON)
        assert answer.status_code == 500
        assert "P2.jpg" in answer.json()["detail"]
        assert office.store.get(case_id).state is CaseState.QUEUED
        assert client.get(f"/cases/{case_id}/files/P2.jpg").status_code == 500
        rejected = client.post(f"/api/v1/cases/{case_id}/review", json={"decision": "reject", "reason": "R20"})
        assert rejected.json()["state"] == "REJECTED"

    def test_broken_manifest_still_gives_a_page(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        manifest = office.vault.path(case_id) / "manifest.json"
        manifest.chmod(0o644)
        manifest.write_bytes(manifest.read_bytes().replace(b"CAR", b"BUS"))
        client = office.login("li")
        page = client.get(f"/cases/{case_id}")
        assert page.status_code == 200
        assert "证据未通过核验" in page.text
        assert client.get("/queue").status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"decision": "maybe"},
            {"decision": "accept", "facts": FACTS[1:], "cues_checked": CUES},
            {"decision": "accept", "facts": FACTS, "cues_checked": []},
            {"decision": "reject"},
            {"decision": "reject", "reason": "R99"},
            {"decision": "accept", "surprise": 1},
        ],
    )
    def test_incomplete_decision_is_refused(self, tmp_path: Path, body: dict[str, object]) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        answer = office.login("li").post(f"/api/v1/cases/{case_id}/review", json=body)
        assert answer.status_code == 422
        assert office.store.get(case_id).reviews == ()


class TestPages:
    def test_queue_shows_what_was_skipped_and_undecided(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.case()
        office.store.save_run(
            RunRecord(
                session_id="S0123456789abcdef",
                camera_id="cam-77",
                site_id="demo",
                files=("a.mp4",),
                started_utc=office.clock.now,
                decoded=4100,
                analysed=1234,
                skipped=2866,
                lost=7,
                undecided={"V03": {"lamp not readable": 5}},
            )
        )
        text = office.login("li").get("/queue").text
        for expected in ("机动车闯红灯", "钟吾路与大桥路交叉口", "cam-77", "1234", "2866", "V03", "未完成"):
            assert expected in text

    def test_empty_queue_says_what_to_do(self, tmp_path: Path) -> None:
        assert "lukou process" in Office(tmp_path).login("li").get("/queue").text

    def test_case_page_names_everything_the_officer_decides_on(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        text = office.login("li").get(f"/cases/{office.case()}").text
        for expected in (
            "1625",
            "第三十八条",
            "2026-11-22 08:15:03",
            "无交警手势指挥",
            "车头过线",
            "1.5 s",
            "小汽车 97%",
        ):
            assert expected in text

    def test_english_on_request(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        client = office.login("li")
        client.post("/language", data={"language": "en", "next": "/queue"})
        text = client.get(f"/cases/{case_id}").text
        for expected in ("Motor vehicle red-light running", "no police hand signal", "Accept", 'lang="en"'):
            assert expected in text

    def test_own_first_review_is_explained(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        office.store.decide(case_id, "li", ACCEPT)
        assert "须由另一名民警复审" in office.login("li").get(f"/cases/{case_id}").text
        assert "复审须由民警作出" in office.login("fu").get(f"/cases/{case_id}").text

    def test_next_leads_through_the_queue(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        client = office.login("li")
        assert client.get("/next").headers["location"] == "/queue"
        case_id = office.case()
        assert client.get("/next").headers["location"] == f"/cases/{case_id}"

    @pytest.mark.parametrize("path", ["/queue", "/screens", "/login", "/display/demo", "/cases/{case}"])
    def test_pages_load_nothing_from_elsewhere_and_hold_no_inline_code(self, tmp_path: Path, path: str) -> None:
        office = Office(tmp_path)
        text = office.login("li").get(path.format(case=office.case()), follow_redirects=True).text
        assert "http://" not in text
        assert "https://" not in text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        scripts = [part.split(">")[0] for part in text.split("<script")[1:]]
        assert all("src=" in s or "application/json" in s for s in scripts)


class TestFiles:
    def test_thumbnail_is_small(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        client = office.login("li")
        whole = client.get(f"/cases/{case_id}/files/P2.jpg").content
        small = client.get(f"/cases/{case_id}/thumbs/240/P2.jpg").content
        assert whole == office.vault.read(case_id, "P2.jpg")
        assert len(small) < len(whole) / 5
        assert client.get(f"/cases/{case_id}/thumbs/4000/P2.jpg").status_code == 404

    @pytest.mark.parametrize("name", ["..%2f..%2flukou.db", "nothing.jpg", "%2e%2e", "P2.jpg%00"])
    def test_only_sealed_files_are_served(self, tmp_path: Path, name: str) -> None:
        office = Office(tmp_path)
        assert office.login("li").get(f"/cases/{office.case()}/files/{name}").status_code == 404

    @pytest.mark.parametrize(
        ("wanted", "status", "content", "content_range"),
        [
            (None, 200, b"0123456789", None),
            ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
            ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
            ("bytes=-3", 206, b"789", "bytes 7-9/10"),
            ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
            ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
            ("bytes=10-", 416, b"", "bytes */10"),
            ("bytes=5-2", 416, b"", "bytes */10"),
            ("bytes=-", 200, b"0123456789", None),
            ("bytes=0-1,4-5", 200, b"0123456789", None),
            ("lines=1-2", 200, b"0123456789", None),
        ],
    )
    def test_ranges(self, wanted: str | None, status: int, content: bytes, content_range: str | None) -> None:
        answer = ranged(b"0123456789", wanted, "video/mp4")
        assert (answer.status_code, answer.body) == (status, content)
        assert answer.headers.get("content-range") == content_range
        assert answer.headers["accept-ranges"] == "bytes"

    def test_clip_is_served_in_parts(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        case_id = office.case()
        answer = office.login("fu").get(f"/cases/{case_id}/files/CLIP.mp4", headers={"range": "bytes=100-199"})
        assert answer.status_code == 206
        assert answer.content == office.vault.read(case_id, "CLIP.mp4")[100:200]


class TestLabels:
    def test_every_exclusion_of_the_catalogue_has_words(self) -> None:
        table = catalogue()
        keys = {key for v in table.violations for key in v.exclude} | set(table.global_exclusions)
        assert keys - set(_load("cues.yaml")) == set()

    def test_every_text_has_both_languages(self) -> None:
        for part in ("texts", "scripts", "facts", "values", "undecided"):
            for key, text in _load("labels.yaml")[part].items():
                assert len(text) == len(LANGUAGES), key
                assert all(text), key

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            ("speed_kmh", 31.4, "31.4 km/h"),
            ("red_elapsed_s", 2, "2 s"),
            ("red_onset_ns", 2_500_000_000, "2.50 s"),
            ("whole_body_past", True, "是"),
            ("plate", None, "—"),
            ("zones_m", [1, 2.5], "1 m, 2.5 m"),
            ("movement", "S", "直行"),
        ],
    )
    def test_values_carry_their_unit(self, key: str, value: object, expected: str) -> None:
        assert Labels("zh").value(key, value) == expected


@pytest.mark.enable_socket
def test_port_in_use_is_one_line() -> None:
    from api.server import listen, url_of

    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    assert url_of(listener, "0.0.0.0") == f"http://127.0.0.1:{port}/"
    for taken in (port, 70_000):
        with pytest.raises(ConfigError, match="--port"):
            listen("127.0.0.1", taken)
    listener.close()
