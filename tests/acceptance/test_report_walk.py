"""A citizen's report from the telephone to the result, decided by two officers with the keyboard alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from cases.states import UserRole
from tests.integration.test_report_api import FIELDS, app_of, parts, work_off
from tests.support.browser import log_in, open_browser, served, watch
from tests.support.citizens import PASSWORD, PLACE_DEG, photos
from tests.support.console import Office
from tests.support.people import PASSWORD as STAFF_PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(240)]
PICTURES = os.environ.get("LUKOU_PICTURES")
PIECE = 4 << 20
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as chromium:
        yield chromium


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(400)
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def phone(browser: Browser, url: str) -> Page:
    """A telephone with a fresh account and its position switched on."""
    place = {"latitude": PLACE_DEG[0], "longitude": PLACE_DEG[1], "accuracy": 12}
    context = browser.new_context(
        viewport=PHONE, device_scale_factor=2, locale="zh-CN", geolocation=place, permissions=["geolocation"]
    )
    page = context.new_page()
    page.goto(f"{url}/report")
    page.locator("form", has_text="注册新账号").locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="注册新账号").click()
    expect(page.locator(".handle")).to_contain_text("C")
    page.get_by_role("link", name="开始举报").click()
    return page


def hand_in(page: Page, files: list[bytes], folder: Path, picture: str) -> None:
    paths = [folder / f"IMG_{number}.jpg" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    fill_in(page, paths)
    page.click("[data-locate]")
    expect(page.locator("[data-position]")).to_contain_text("12 米")
    keep(page, picture)
    page.click("[data-send]")
    page.wait_for_url("**/report/mine/*", timeout=30_000)


def fill_in(page: Page, paths: list[Path]) -> None:
    page.locator("[data-files]").set_input_files(paths)
    expect(page.locator("[data-thumbs] li")).to_have_count(len(paths))
    page.select_option("[name=violation]", "V06")
    page.fill("[name=plate]", "苏C12345")
    page.fill("[name=occurred]", "2026-11-22T15:10")
    page.fill("[name=place]", "钟吾路与大桥路交叉口，由东向西")


def decide(page: Page, key: str) -> None:
    expect(page.locator("[data-verify]")).to_contain_text("证据核验通过")
    page.keyboard.press("f")
    page.keyboard.press(key)


def test_report_walks_from_the_telephone_to_its_result(browser: Browser, tmp_path: Path) -> None:
    office = Office(tmp_path)
    with served(office) as url:
        citizen = phone(browser, url)
        errors = watch(citizen)
        hand_in(citizen, photos(1), tmp_path, "report-form")
        expect(citizen.locator(".state.big")).to_contain_text("已受理", timeout=60_000)
        keep(citizen, "report-state")

        neighbour = phone(browser, url)
        office.clock.forward(seconds=5)
        hand_in(neighbour, photos(7), tmp_path, "report-neighbour")
        expect(neighbour.locator(".state.big")).to_contain_text("已有人举报", timeout=60_000)
        expect(neighbour.locator("main")).not_to_contain_text("注册新账号")

        for officer in ("fu", "li"):
            desk = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN").new_page()
            log_in(desk, url, officer)
            expect(desk.locator(".kpi")).to_contain_text("举报 2")
            desk.keyboard.press("s")
            desk.wait_for_url("**/cases/*")
            expect(desk.locator(".case-head")).to_contain_text("市民举报")
            keep(desk, "report-case")
            decide(desk, "a")
            desk.wait_for_url("**/queue" if officer == "fu" else "**/cases/*?decided*")

        citizen.reload()
        expect(citizen.locator(".state.big")).to_contain_text("审核通过")
        keep(citizen, "report-result")
        assert errors == []
    office.store.close()


def test_broken_upload_goes_on_where_it_was_even_after_a_reload(browser: Browser, tmp_path: Path) -> None:
    office = Office(tmp_path)
    paths = []
    for number, content in enumerate(photos(1)):
        path = tmp_path / f"IMG_{number}.jpg"
        path.write_bytes(content + bytes(PIECE + 1000))  # a JPEG's end is where it says; the rest makes it large
        paths.append(path)
    sent: list[int] = []
    faults = {1: "abort", 3: "hang"}

    def network(route: Route) -> None:
        request = route.request
        fault = None
        if request.method == "PATCH":
            fault = faults.get(len(sent))
            sent.append(int(request.headers["upload-offset"]))
        if fault == "abort":
            route.abort("connectionreset")
        elif fault is None:
            route.continue_()

    with served(office) as url:
        citizen = phone(browser, url)
        citizen.route("**/api/v1/uploads/*", network)
        fill_in(citizen, paths)
        citizen.click("[data-send]")
        expect(citizen.locator("[data-send]")).to_contain_text("33%", timeout=30_000)
        keep(citizen, "report-sending")
        for _ in range(300):  # 33% is told before the second photo is on its way
            if len(sent) > max(faults):
                break
            citizen.wait_for_timeout(50)
        citizen.reload()
        fill_in(citizen, paths)
        citizen.click("[data-send]")
        citizen.wait_for_url("**/report/mine/*", timeout=60_000)
        report = office.store.reports.get(citizen.url.rpartition("/")[2])
        assert [medium.size_bytes for medium in report.media] == [path.stat().st_size for path in paths]
        # first photo: two pieces, the second twice; second photo: the first hung; after the reload nothing twice
        assert sent == [0, PIECE, PIECE, 0, 0, PIECE, 0, PIECE]
    office.store.close()


def test_accepted_case_walks_through_an_objection_to_its_cancellation(browser: Browser, tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id, _ = office.published(1)
    with served(office) as url:
        desk = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN").new_page()
        errors = watch(desk)
        log_in(desk, url, "li")
        desk.goto(f"{url}/cases/{case_id}")
        desk.locator("summary", has_text="登记异议").click()
        desk.select_option("objection-form [name=ground]", "C5")
        desk.fill("objection-form [name=text]", "当时信号灯不亮")
        desk.get_by_role("button", name="登记异议").click()
        expect(desk.locator(".case-head")).to_contain_text("异议中")
        expect(desk.locator(".objected")).to_contain_text("须由未参与审核的民警答复")
        assert office.store.showing() == []

        third = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN").new_page()
        log_in(third, url, "wang")
        third.goto(f"{url}/cases/{case_id}")
        third.fill("objection-answer [name=reply]", "经核查信号灯故障，予以消除")
        keep(third, "objection")
        third.get_by_role("button", name="消除违法记录").click()
        expect(third.locator(".case-head")).to_contain_text("已消除")
        assert errors == []
    office.store.close()


def test_supervisor_reads_who_sent_a_report_and_must_say_why(browser: Browser, tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.store.add_user("su", STAFF_PASSWORD, UserRole.SUPERVISOR)
    app = app_of(office)
    report_id = app.post("/api/v1/reports", data=FIELDS, files=parts()).json()["report_id"]
    app.put(
        "/api/v1/reporters/me/identity",
        json={"name": "王小明", "id_number": "11010519491231002X", "phone": "13800138000"},
    )
    work_off(office)
    case_id = office.store.reports.get(report_id).case_id
    with served(office) as url:
        desk = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN").new_page()
        errors = watch(desk)
        log_in(desk, url, "su")
        desk.goto(f"{url}/cases/{case_id}")
        part = desk.locator("identity-opening")
        desk.get_by_text("实名信息", exact=True).click()
        part.locator("[name=reason]").fill("红包发放，核对收款人身份")
        part.get_by_role("button").click()
        expect(part.locator("dl")).to_contain_text("王小明")
        expect(part.locator("dl")).to_contain_text("13800138000")
        keep(desk, "report-identity")
        assert "王小明" not in desk.request.get(f"{url}/cases/{case_id}").text()
        assert errors == []
    office.store.close()
