"""The whole way in a browser: queue, case, two people by keyboard, release, screen, withdrawal, expiry."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cases.states import CaseState
from tests.support.browser import log_in, open_browser, ready, served, watch
from tests.support.console import Office

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.timeout(180)]

HEAD = (640 / 1280, 380 / 720)
"""Where the driver's head is in P2 of the drawn scene."""

BRIGHTNESS = """([img, x, y]) => {
    const canvas = document.createElement('canvas');
    canvas.width = img.naturalWidth; canvas.height = img.naturalHeight;
    const pen = canvas.getContext('2d'); pen.drawImage(img, 0, 0);
    const d = pen.getImageData(x * canvas.width, y * canvas.height, 1, 1).data;
    return d[0] + d[1] + d[2];
}"""


def decide_by_keyboard(page: Page) -> None:
    expect(page.locator("[data-verify]")).to_contain_text("证据核验通过")
    page.keyboard.press("a")
    expect(page.locator(".decide .message")).to_contain_text("请先逐项确认")
    page.keyboard.press("f")
    page.keyboard.press("a")


def step_through_the_clip(desk: Page) -> None:
    ready(desk.locator("video"), "readyState", 4)
    desk.keyboard.press("2")
    expect(desk.locator("[data-clock]")).to_contain_text("2.0")
    expect(desk.locator("[data-moments] .is-now")).to_contain_text("P2")
    expect(desk.locator(".hud")).to_contain_text("红灯 已亮 1.")
    desk.keyboard.press(".")
    expect(desk.locator("[data-clock]")).to_contain_text("2.1")
    desk.keyboard.press("z")
    expect(desk.locator("#zoom[open] img")).to_be_visible()
    desk.keyboard.press("Escape")


def release(desk: Page) -> None:
    expect(desk.locator("#release[open] .masked img")).to_have_count(3)
    desk.locator("#release .seen").click()
    desk.locator("#release [data-go]").click()
    expect(desk.locator(".toast")).to_contain_text("已发布")


def look_at_the_screen(kiosk: Page) -> None:
    slide = kiosk.locator(".slide.item")
    expect(slide).to_contain_text("机动车闯红灯", timeout=15_000)
    expect(slide).to_contain_text("钟吾路与大桥路交叉口")
    ready(slide.locator(".big img").nth(1), "naturalWidth", 1280)
    picture = slide.locator(".big img").nth(1).element_handle()
    head = kiosk.evaluate(BRIGHTNESS, [picture, *HEAD])
    road = kiosk.evaluate(BRIGHTNESS, [picture, 0.1, 0.9])
    assert head < 60 < road


def test_from_queue_to_screen_and_away_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id, second_id = office.case(1), office.case(2)
    with served(office) as url, open_browser() as browser:
        desk = browser.new_page(viewport={"width": 1440, "height": 900})
        errors = watch(desk)

        log_in(desk, url, "li")
        expect(desk.locator("tbody tr")).to_have_count(2)
        desk.keyboard.press("j")
        desk.keyboard.press("Enter")
        desk.wait_for_url(f"**/cases/{case_id}")
        step_through_the_clip(desk)
        decide_by_keyboard(desk)
        desk.wait_for_url(f"**/cases/{second_id}")
        expect(desk.locator(".toast")).to_contain_text("已转复审")
        assert office.store.get(case_id).state is CaseState.SECOND_REVIEW

        desk.keyboard.press("r")
        desk.keyboard.type("12")
        desk.keyboard.press("Enter")
        desk.wait_for_url("**/queue")
        rejected = office.store.get(second_id)
        assert (rejected.state, rejected.reviews[0].reason) == (CaseState.REJECTED, "R12")
        desk.click("[data-logout]")
        desk.wait_for_url("**/login")

        log_in(desk, url, "wang")
        desk.keyboard.press("s")
        desk.wait_for_url(f"**/cases/{case_id}")
        decide_by_keyboard(desk)
        release(desk)

        kiosk = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
        kiosk_errors = watch(kiosk)
        kiosk.goto(f"{url}/display/demo")
        look_at_the_screen(kiosk)

        desk.goto(f"{url}/screens")
        desk.locator("withdraw-button button").click()
        expect(desk.locator(".toast")).to_contain_text("已撤下")
        expect(kiosk.locator(".slide.item")).to_have_count(0, timeout=10_000)
        assert errors == []
        assert kiosk_errors == []
    assert office.store.verify_audit() == []


LENS = "e => new DOMMatrix(getComputedStyle(e).transform).a"
"""How much larger than the stage a layer of the player is shown."""


def test_reviewer_takes_back_types_a_plate_looks_closely_and_skips_duplicates(tmp_path: Path) -> None:
    office = Office(tmp_path)
    ids = [office.case(number) for number in range(1, 6)]
    with served(office) as url, open_browser() as browser:
        desk = browser.new_page(viewport={"width": 1366, "height": 768})
        errors = watch(desk)
        log_in(desk, url, "li")

        for key in "jjxjxjx":
            desk.keyboard.press(key)
        expect(desk.locator("[data-count]")).to_contain_text("已选 3 件")
        desk.keyboard.press("d")
        expect(desk.locator(".toast")).to_contain_text("2 件")
        expect(desk.locator("tbody tr[data-first]")).to_have_count(3)
        assert [office.store.get(case_id).state for case_id in ids[1:4]] == [
            CaseState.QUEUED,
            *[CaseState.REJECTED] * 2,
        ]

        desk.keyboard.press("s")
        desk.wait_for_url(f"**/cases/{ids[0]}")
        ready(desk.locator("video"), "readyState", 4)
        expect(desk.locator("[data-verify]")).to_contain_text("证据核验通过")
        assert office.store.get(ids[0]).hold is not None
        for key in ("2", "+", "+"):
            desk.keyboard.press(key)
        for layer in ("video", ".overlay"):
            assert desk.locator(layer).evaluate(LENS) == 2.25
        desk.keyboard.press("0")
        assert desk.locator("video").evaluate(LENS) == 1
        for key in ("o", "]", "l"):
            desk.keyboard.press(key)
        expect(desk.locator("[data-do=overlay]")).to_have_attribute("aria-pressed", "false")
        expect(desk.locator("[data-speed]")).to_have_text("2×")
        expect(desk.locator("[data-do=loop]")).to_have_attribute("aria-pressed", "false")

        desk.keyboard.press("t")
        desk.keyboard.insert_text("苏c1234")
        for key in ("Enter", "f", "a"):
            desk.keyboard.press(key)
        expect(desk.locator(".decide .message")).to_contain_text("no plate reads")
        desk.keyboard.press("t")
        desk.keyboard.press("End")
        for key in ("5", "Enter", "a"):
            desk.keyboard.press(key)
        desk.wait_for_url(f"**/cases/{ids[1]}")
        expect(desk.locator(".toast")).to_contain_text("U 撤回")
        assert office.store.get(ids[0]).reviews[0].plate == "苏C12345"

        desk.keyboard.press("u")
        desk.wait_for_url(f"**/cases/{ids[0]}")
        expect(desk.locator(".toast")).to_contain_text("已撤回")
        assert office.store.get(ids[0]).state is CaseState.QUEUED
        desk.keyboard.press("q")
        desk.wait_for_url("**/queue")
        for _ in range(50):
            if office.store.get(ids[0]).hold is None:
                break
            desk.wait_for_timeout(100)
        assert office.store.get(ids[0]).hold is None, "leaving lets the case go"
        assert [error for error in errors if "422" not in error] == []
    assert office.store.verify_audit() == []


def test_screen_hides_an_expired_item_by_itself_without_a_server(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.published(hours=0.05)
    with served(office) as url, open_browser() as browser:
        page = browser.new_page()
        page.clock.install()
        page.goto(f"{url}/display/demo")
        expect(page.locator(".slide.item")).to_have_count(1)
        page.route("**/playlist.json", lambda route: route.abort())
        page.evaluate("document.querySelector('exposure-board').show = () => {}")
        page.clock.fast_forward(150_000)
        expect(page.locator(".slide.item")).to_have_count(1)
        page.clock.fast_forward(40_000)
        expect(page.locator(".slide.item")).to_have_count(0)


def test_screen_shows_statistics_when_pictures_cannot_be_masked(tmp_path: Path) -> None:
    office = Office(tmp_path, is_masked=False)
    office.accepted()
    with served(office) as url, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1080, "height": 1920})
        page.clock.install()
        page.goto(f"{url}/display/demo")
        page.clock.run_for(20_000)
        expect(page.locator(".slide.item")).to_have_count(0)
        expect(page.locator(".statistics, .message").first).to_be_visible()
