"""The pages of saved replays: both sides of each event, in both languages, for whoever may see cases."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.replays import Replay, ReplayedEvent, ReplayedMoment, save_replay
from tests.support.console import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    case_id = office.case()
    moments = (ReplayedMoment(role="P1_before", pts_ns=61_200_000_000, signal="red"),)
    common = {"session_id": "S1", "onset_ns": 61_200_000_000}
    events = (
        ReplayedEvent(
            change="changes",
            violation_id="V01",
            case_id=case_id,
            subject="CAR",
            before={"red_elapsed_s": 1.25, "movement": "S"},
            after={"red_elapsed_s": 2.5, "movement": "S"},
            moments=moments,
            **common,
        ),
        ReplayedEvent(change="disappears", violation_id="V05", case_id="01ARZ3NDEKTSV4RRFFQ69G5FAV", **common),
        ReplayedEvent(
            change="appears",
            violation_id="V08",
            after={"stood_s": 75.0},
            cues=("rider_present",),
            moments=moments,
            **common,
        ),
    )
    save_replay(
        office.home / "replays",
        Replay(
            name="new-line",
            made_utc=datetime(2026, 11, 20, tzinfo=UTC),
            site_id="north-gate",
            camera_id="c",
            site_sha256="ab" * 32,
            sessions=("S1",),
            footage_s=3600.0,
            wall_s=4.2,
            events=events,
        ),
    )
    return office


def test_the_list_counts_every_change(office: Office) -> None:
    html = office.login("li").get("/replays").text
    assert "new-line" in html
    assert "north-gate" in html
    assert "60.0 min" in html


def test_both_sides_are_shown_with_pictures_values_and_words(office: Office) -> None:
    html = office.login("li").get("/replays/new-line").text
    assert "/thumbs/480/P2.jpg" in html, "the sealed pictures of the case that changes"
    assert "1.25 s" in html
    assert "2.5 s" in html
    assert "过线时红灯已亮" in html
    assert "01:01.2" in html
    assert html.index("新增</span>") < html.index("消失</span>"), "what appears comes first"
    assert "证据图片无法读取" in html, "a case without evidence says so"
    assert "新配置下不再构成案件" in html


def test_in_english(office: Office) -> None:
    browser = office.login("li")
    browser.cookies.set("lukou_language", "en")
    html = browser.get("/replays/new-line").text
    for words in ("As filed", "With the new site", "No case under the new site", "red for, at crossing"):
        assert words in html


def test_who_may_not_see_cases_sees_no_replay(office: Office) -> None:
    assert office.visitor().get("/replays").status_code in {302, 303, 401}
    assert office.login("li").get("/replays/nowhere").status_code == 404
