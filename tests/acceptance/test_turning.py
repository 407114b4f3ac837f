"""From case to case in a browser: the next one is shown without loading a page, and everything about it is its own."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import log_in, open_browser, ready, served, watch
from tests.support.console import Office

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.timeout(180)]


class Requests:
    """What a page has fetched so far."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._ends: list[str] = []
        page.on("requestfinished", lambda request: self._ends.append(request.url))

    def wait(self, end: str) -> None:
        """Waits until an address with this end has come and the page had a moment to take it in; then forgets it."""
        for _ in range(300):
            if any(url.endswith(end) for url in self._ends):
                self._ends.clear()
                self._page.wait_for_timeout(500)
                return
            self._page.wait_for_timeout(100)
        raise AssertionError(f"the page never fetched {end}")


def turned(page: Page, case_id: str) -> None:
    """Waits until a case is on screen with its clip."""
    expect(page.locator("main.case")).to_have_attribute("data-case", case_id)
    ready(page.locator("video"), "readyState", 4)


def test_next_case_is_shown_without_a_page_load(tmp_path: Path) -> None:
    office = Office(tmp_path)
    cases = [office.case(number) for number in (1, 2, 3)]
    with served(office) as url, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        errors, requests = watch(page), Requests(page)
        log_in(page, url, "li")
        page.goto(f"{url}/cases/{cases[0]}")
        turned(page, cases[0])
        requests.wait(f"/cases/{cases[1]}")
        page.evaluate("window.isSame = true")

        page.keyboard.press("f")
        page.keyboard.press("a")
        turned(page, cases[1])
        assert page.evaluate("window.isSame"), "no page was loaded"
        assert page.url == f"{url}/cases/{cases[1]}"
        expect(page.locator(".crumb")).to_contain_text(cases[1])
        expect(page.locator(".toast")).to_contain_text("已转复审")
        expect(page.locator("[data-verify]")).to_contain_text("证据核验通过")
        page.keyboard.press("2")
        expect(page.locator("[data-moments] .is-now")).to_contain_text("P2")
        assert office.store.get(cases[1]).hold is not None, "the case on screen is this person's"

        requests.wait(f"/cases/{cases[2]}")
        page.keyboard.press("n")
        turned(page, cases[2])
        assert page.evaluate("window.isSame")
        requests.wait(f"/api/v1/cases/{cases[1]}/leave")
        assert office.store.get(cases[1]).hold is None, "a case that was left is free"
        page.keyboard.press("f")
        page.keyboard.press("a")
        expect(page.locator("main.case")).to_have_attribute("data-case", cases[1])
        assert [len(office.store.get(case_id).reviews) for case_id in cases] == [1, 0, 1]

        page.go_back()
        turned(page, cases[2])
        assert errors == []


def test_case_somebody_took_meanwhile_is_not_kept(tmp_path: Path) -> None:
    office = Office(tmp_path)
    cases = [office.case(number) for number in (1, 2, 3)]
    with served(office) as url, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        requests = Requests(page)
        log_in(page, url, "li")
        page.goto(f"{url}/cases/{cases[0]}")
        requests.wait(f"/cases/{cases[1]}")
        office.store.reviews.claim(cases[1], "wang")
        page.keyboard.press("n")
        expect(page.locator("main.case")).to_have_attribute("data-case", cases[2])
        expect(page.locator(".toast")).to_contain_text("wang has this case open")


def test_logging_out_frees_the_case(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id = office.case()
    with served(office) as url, open_browser() as browser:
        page = browser.new_page()
        errors, requests = watch(page), Requests(page)
        log_in(page, url, "li")
        page.goto(f"{url}/cases/{case_id}")
        turned(page, case_id)
        requests.wait("/verification")
        assert office.store.get(case_id).hold is not None
        page.click("[data-logout]")
        page.wait_for_url("**/login")
        assert office.store.get(case_id).hold is None
        assert errors == []
