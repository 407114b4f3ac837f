"""An engineer draws a box junction on the picture with the mouse, names it in the text and saves; all else stays."""

import shutil
from pathlib import Path

import pytest

from core.site import load_site
from tests.support.browser import log_in, open_browser, served
from tests.support.console import Office
from tests.support.people import PASSWORD

SITES = Path(__file__).parents[2] / "sites"
CORNERS = [(600, 400), (900, 400), (920, 560), (580, 560)]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.enable_socket
def test_a_box_junction_is_drawn_and_saved(tmp_path: Path) -> None:
    office = Office(tmp_path)
    shutil.copytree(SITES, tmp_path / "sites")
    office.settings.sites_dir = tmp_path / "sites"
    office.store.add_user("en", PASSWORD, "engineer")
    file = tmp_path / "sites" / "example.site.yaml"
    before = load_site(file)
    with served(office) as url, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        log_in(page, url, "en")
        page.goto(f"{url}/sites/example.site")
        page.select_option("[data-draw]", "boxes")
        shown = page.locator("site-editor svg").bounding_box()
        assert shown is not None
        scale = shown["width"] / before.camera.picture_size_px[0]
        for x, y in CORNERS:
            page.mouse.click(shown["x"] + x * scale, shown["y"] + y * scale)
        page.keyboard.press("Enter")
        page.locator("site-editor g.chosen").wait_for()
        text = page.locator("textarea")
        text.fill(text.input_value().replace("id: box-1", "id: middle"))
        page.locator("[data-save]:enabled").wait_for()
        page.keyboard.press("Control+s")
        page.locator(".toast:visible").wait_for()
    after = load_site(file)
    (box,) = after.boxes
    assert box.id == "middle"
    one_screen_pixel = 1 / scale
    for drawn, clicked in zip(box.polygon_px, CORNERS, strict=True):
        assert drawn == pytest.approx(clicked, abs=2 * one_screen_pixel)
    assert after.model_copy(update={"boxes": []}) == before
