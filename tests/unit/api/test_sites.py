"""The site editor: what is drawn can be moved, what is wrong is said and never saved, nothing is lost."""

import hashlib
import shutil
from pathlib import Path

import pytest

from core.site import load_site
from core.site import parse_site as load_text
from rules import requirements
from tests.support.console import Office, TestClient
from tests.support.people import PASSWORD

SITES = Path(__file__).parents[3] / "sites"
API = "/api/v1/sites/example.site"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    shutil.copytree(SITES, tmp_path / "sites")
    made.settings.sites_dir = tmp_path / "sites"
    made.store.add_user("en", PASSWORD, "engineer")
    return made


@pytest.fixture
def client(office: Office) -> TestClient:
    return office.login("en")


def text_of(office: Office) -> str:
    return (office.home / "sites" / "example.site.yaml").read_text(encoding="utf-8")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_list_names_files_and_what_is_wrong_with_them(office: Office, client: TestClient) -> None:
    (office.home / "sites" / "broken.yaml").write_text("lanes: 3\n")
    page = client.get("/sites").text
    assert "example.site" in page
    assert "人民路与建设路交叉口" in page
    assert "site_id: Field required" in page[page.index("broken") :]


def test_move_and_save_change_one_line_and_keep_the_file_before(office: Office, client: TestClient) -> None:
    before = text_of(office)
    state = client.post(
        f"{API}/move", json={"text": before, "path": "stop_lines.0.points_px", "points_px": [[430, 700], [1260, 690]]}
    ).json()
    assert state["problem"] == ""
    assert text_of(office) == before  # not saved yet
    answer = client.post(API, json={"text": state["text"], "base_sha256": digest(before)})
    assert answer.json() == {"sha256": digest(state["text"])}
    path = office.home / "sites" / "example.site.yaml"
    assert [tuple(p) for p in load_site(path).stop_lines[0].points_px] == [(430, 700), (1260, 690)]
    assert path.with_name("example.site.yaml.bak").read_text(encoding="utf-8") == before
    assert "# from kerb to centre line" in text_of(office)


def test_a_thing_is_drawn_and_taken_out_again(office: Office, client: TestClient) -> None:
    before = text_of(office)
    box = {"polygon_px": [[600, 400], [900, 400], [900, 560], [600, 560]]}
    state = client.post(f"{API}/add", json={"text": before, "list_name": "boxes", "points_px": box}).json()
    assert state["problem"] == ""
    drawn = next(shape for shape in state["shapes"] if shape["path"] == f"{state['path']}.polygon_px")
    assert drawn["points_px"] == box["polygon_px"]
    assert state["text"][drawn["at"] :].startswith("[[600, 400]")
    after = client.post(f"{API}/remove", json={"text": state["text"], "path": state["path"]}).json()
    assert load_text(after["text"]) == load_text(before)
    wrong = client.post(f"{API}/add", json={"text": before, "list_name": "boxes", "points_px": {}})
    assert wrong.status_code == 422
    assert "polygon_px is not drawn" in wrong.json()["detail"]


def test_wrong_text_is_explained_and_never_saved(office: Office, client: TestClient) -> None:
    before = text_of(office)
    wrong = before.replace("signal: head ", "signal: tail ")
    assert wrong != before
    state = client.post(f"{API}/check", json={"text": wrong}).json()
    assert "tail" in state["problem"]
    assert state["shapes"]  # still shown
    assert client.post(API, json={"text": wrong, "base_sha256": digest(before)}).status_code == 422
    assert text_of(office) == before


def test_two_engineers_do_not_overwrite_each_other(office: Office, client: TestClient) -> None:
    base = digest(text_of(office))
    mine = text_of(office).replace("uncertainty_s: 0.5", "uncertainty_s: 0.4")
    assert client.post(API, json={"text": mine, "base_sha256": base}).status_code == 200
    theirs = text_of(office).replace("uncertainty_s: 0.4", "uncertainty_s: 0.3")
    answer = client.post(API, json={"text": theirs, "base_sha256": base})
    assert answer.status_code == 409
    assert text_of(office) == mine


def test_rules_that_lack_something_are_named(office: Office, client: TestClient) -> None:
    office.app.state.console.gaps = requirements
    state = client.post(f"{API}/check", json={"text": text_of(office)}).json()
    assert "V04" in state["missing"]  # the pedestrian lamp cannot be seen from there


@pytest.mark.parametrize("name", ["..%2Fkeys", "nothing", "example.site.yaml.bak", ".hidden"])
def test_only_listed_files_are_reached(client: TestClient, name: str) -> None:
    assert client.get(f"/sites/{name}").status_code in (404, 422)
    assert client.post(f"/api/v1/sites/{name}", json={"text": "a: 1", "base_sha256": ""}).status_code in (404, 422)


def test_without_a_folder_the_page_says_how(tmp_path: Path) -> None:
    assert "lukou serve --sites" in Office(tmp_path).login("root").get("/sites").text
