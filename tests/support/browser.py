"""Debian's chromium and a served console for the browser tests."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from api.server import listen, url_of
from tests.support.console import Office
from tests.support.people import PASSWORD

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def chromium() -> str:
    """Returns the browser's path; without one, a failure in CI and a skip elsewhere."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing; install it: apt-get install chromium")
        pytest.skip("chromium is not installed")
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Yields a headless chromium."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def served(office: Office) -> Iterator[str]:
    """Yields the URL of a console on a free port."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(office.app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        time.sleep(0.05)
    yield url_of(listener, "127.0.0.1").rstrip("/")
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


def log_in(page: Page, url: str, name: str) -> None:
    """Logs somebody in with the form."""
    page.goto(f"{url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue")


def watch(page: Page) -> list[str]:
    """Returns a list that fills with every script error and refused resource of a page."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    return found


def ready(element: Locator, name: str, value: int) -> None:
    """Waits for a property of an element; ``wait_for_function`` would break on the pages' ban of eval."""
    expect(element).to_have_js_property(name, value, timeout=30_000)
