"""The README's first command, walked to its end: demo case, accepted, approved, visible and masked on the screen.

Real pixels, real network, real masker; the case is the demo's red-light car. With ``LUKOU_PICTURES=DIR``
the pages are kept as pictures (the README's).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import open_browser, ready, watch

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(500)]

ROOT = Path(__file__).resolve().parents[2]
PICTURES = os.environ.get("LUKOU_PICTURES")


@dataclass(frozen=True)
class Demo:
    """A running ``lukou demo``."""

    url: str
    passwords: dict[str, str]
    home: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo") / "home"
    command = [sys.executable, "-m", "cli", "demo", "--port", "0", "--out", str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield _announced(process, home)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _announced(process: subprocess.Popen[str], home: Path) -> Demo:
    url, passwords, said = "", {}, []
    for line in process.stdout or ():
        said.append(line)
        if found := re.search(r"console at (\S+)", line):
            url = found[1].rstrip("/")
        if found := re.search(r"login (\S+)\s+password (\S+)", line):
            passwords[found[1]] = found[2]
        if len(passwords) == 2:
            return Demo(url, passwords, home)
    raise AssertionError("the demo ended before it served:\n" + "".join(said))


def log_in(page: Page, demo: Demo, name: str) -> None:
    page.goto(f"{demo.url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", demo.passwords[name])
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue")


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(600)
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def open_red_light_car(page: Page) -> str:
    page.locator("tbody tr", has_text="机动车闯红灯").first.locator("a").first.click()
    page.wait_for_url("**/cases/*")
    return page.url.rsplit("/", 1)[1]


def accept(page: Page) -> None:
    expect(page.locator("[data-verify]")).to_contain_text("证据核验通过")
    ready(page.locator("video"), "readyState", 4)
    page.keyboard.press("2")
    expect(page.locator("[data-moments] .is-now")).to_contain_text("P2")
    keep(page, "case")
    page.keyboard.press("f")
    page.keyboard.press("a")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=int)


def check_mask(shown: Path, original: Path, box: list[float]) -> None:
    """The subject's plate zone, the middle of the lower half of its box, is one flat colour on the screen."""
    masked, bare = pixels(shown), pixels(original)
    assert masked.shape == bare.shape
    x1, y1, x2, y2 = box
    rows = slice(round(y1 + 0.55 * (y2 - y1)), round(y1 + 0.9 * (y2 - y1)))
    columns = slice(round(x1 + 0.2 * (x2 - x1)), round(x1 + 0.8 * (x2 - x1)))
    assert np.ptp(bare[rows, columns], axis=(0, 1)).max() > 60, "the original shows a plate there"
    assert np.ptp(masked[rows, columns], axis=(0, 1)).max() < 16, "the screen shows a flat patch there"


def show_on_screen(browser: Browser, demo: Demo, tmp_path: Path) -> list[Path]:
    kiosk = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    errors = watch(kiosk)
    kiosk.goto(f"{demo.url}/display/demo")
    expect(kiosk.locator(".slide.item")).to_contain_text("机动车闯红灯", timeout=20_000)
    for picture in kiosk.locator(".big img").all():
        ready(picture, "naturalWidth", 1920)
    keep(kiosk, "screen")
    shown = kiosk.evaluate("[...document.querySelectorAll('.big img')].map(i => i.src)")
    paths = [tmp_path / f"{number}.jpg" for number in range(len(shown))]
    for path, address in zip(paths, shown, strict=True):
        path.write_bytes(kiosk.request.get(address).body())
    assert errors == []
    return paths


def test_case_to_screen(demo: Demo, tmp_path: Path) -> None:
    with open_browser() as browser:
        desk = browser.new_page(viewport={"width": 1440, "height": 900})
        errors = watch(desk)
        log_in(desk, demo, "officer-a")
        expect(desk.locator("tbody tr")).to_have_count(6)
        keep(desk, "queue")
        case_id = open_red_light_car(desk)
        accept(desk)
        expect(desk.locator(".toast")).to_contain_text("已转复审")
        desk.wait_for_load_state("networkidle")
        desk.click("[data-logout]")
        desk.wait_for_url("**/login")

        log_in(desk, demo, "officer-b")
        desk.goto(f"{demo.url}/cases/{case_id}")
        accept(desk)
        expect(desk.locator("#release[open] .masked img").first).to_be_visible(timeout=60_000)
        desk.locator("#release .seen").click()
        desk.locator("#release [data-go]").click()
        expect(desk.locator(".toast")).to_contain_text("已发布")
        shown = show_on_screen(browser, demo, tmp_path)
        assert errors == []

    package = next(demo.home.glob(f"evidence/*/*/{case_id}"))
    images = {image["name"]: image for image in json.loads((package / "manifest.json").read_text())["images"]}
    assert len(shown) == 3
    for path, name in zip(shown, ("P1.jpg", "P2.jpg", "P3.jpg"), strict=True):
        check_mask(path, package / name, images[name]["subject_xyxy_px"])
