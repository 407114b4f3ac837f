"""Plates on the console: machine-read, said so, found again; never on a screen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from api.case_view import plate_line
from api.labels import Labels
from core.observations import Role
from evidence.draft import StillImage
from tests.support.console import Office
from tests.support.packages import draft
from tests.support.people import ACCEPT, new_case

READ = {
    "confidence": 0.9987,
    "colour": "blue",
    "layout": "standard",
    "rows": 1,
    "colour_agrees": True,
    "looks": 3,
    "agreeing_looks": 3,
}


def plated_case(office: Office, number: int, plate: str) -> str:
    """Seals a case with a plate close-up and queues it."""
    case = new_case(number, plate=plate)
    made = draft(case, office.home)
    closeup = StillImage(
        role=Role.PLATE_CLOSEUP,
        pts_ns=made.stills[1].pts_ns,
        captured_utc=made.stills[1].captured_utc,
        rgb=np.full((24, 60, 3), 90, np.uint8),
        xyxy=(10.0, 4.0, 50.0, 18.0),
    )
    subject = {**made.subject, "plate": plate, "plate_read": READ}
    sealed = office.vault.seal(replace(made, stills=(*made.stills, closeup), subject=subject))
    office.store.add_case(replace(case, manifest_sha256=sealed.manifest_sha256, entry_sha256=sealed.entry_sha256))
    return case.case_id


@pytest.mark.parametrize(
    ("subject", "zh", "en"),
    [
        ({}, "未识别", "not read"),
        ({"plate": "UNREADABLE", "plate_read": {**READ, "confidence": None}}, "未识别", "not read"),
        (
            {"plate": "苏C12345", "plate_read": READ},
            "苏C12345（蓝牌，机器识别 99.8 %，请核对）",
            "苏C12345 (blue, machine-read 99.8 %, check it)",
        ),
        (
            {"plate": "苏C12345", "plate_read": {**READ, "colour": "green", "colour_agrees": False}},
            "苏C12345（绿牌，机器识别 99.8 %，请核对） · 号牌颜色与号码不符",
            "苏C12345 (green, machine-read 99.8 %, check it) · this text is never issued in this colour",
        ),
        (
            {"plate": "苏C12345", "plate_read": {**READ, "colour": None}},
            "苏C12345（不明，机器识别 99.8 %，请核对）",
            "苏C12345 (unknown, machine-read 99.8 %, check it)",
        ),
        ({"plate": "苏C12345"}, "苏C12345（举报人填写，请核对）", "苏C12345 (as the citizen says; check it)"),
    ],
)
def test_wording(subject: dict[str, object], zh: str, en: str) -> None:
    assert plate_line(subject, Labels("zh")) == zh
    assert plate_line(subject, Labels("en")) == en


def test_case_page_shows_the_plate_and_its_closeup(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id = plated_case(office, 1, "苏C12345")
    client = office.login("li")
    page = client.get(f"/cases/{case_id}").text
    assert "苏C12345（蓝牌，机器识别 99.8 %，请核对）" in page
    assert f"/cases/{case_id}/files/PLATE.jpg" in page
    assert client.get(f"/cases/{case_id}/files/PLATE.jpg").headers["content-type"] == "image/jpeg"


def test_queue_finds_a_plate_however_it_is_typed(tmp_path: Path) -> None:
    office = Office(tmp_path)
    wanted, other = plated_case(office, 1, "苏C12345"), plated_case(office, 2, "皖A00001")
    client = office.login("li")
    page = client.get("/queue", params={"plate": "苏c·123 45"}).text
    assert wanted in page
    assert other not in page
    assert "机器识别，请核对" in page
    answer = client.get("/api/v1/cases", params={"plate": "a00001"}).json()
    assert [(case["case_id"], case["plate"]) for case in answer["cases"]] == [(other, "皖A00001")]
    assert client.get("/api/v1/cases", params={"plate": "x" * 17}).status_code == 422


def test_paging_keeps_the_plate_searched_for(tmp_path: Path) -> None:
    office = Office(tmp_path)
    plated_case(office, 1, "苏C12345")
    page = office.login("li").get("/queue", params={"plate": "苏C"}).text
    assert "plate=%E8%8B%8FC&amp;state=QUEUED" in page


def test_a_plate_never_reaches_a_screen(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id = plated_case(office, 1, "苏C12345")
    office.store.decide(case_id, "fu", ACCEPT)
    office.store.decide(case_id, "li", ACCEPT)
    made = office.board.prepare(case_id)
    assert {picture.role for picture in made} <= {"P1", "P2", "P3"}
    office.board.publish(case_id, "li", screen_id="demo", hours=24, seen=made)
    shown = office.visitor().get("/display/demo").text + repr(office.board.playlist("demo"))
    assert "12345" not in shown
    assert "PLATE" not in shown
