"""What the case page shows of custody: gates a camera failed, the copy of an H.265 clip, evidence that was deleted."""

from pathlib import Path

import pytest

from cases.states import CaseState
from tests.support.console import ACCEPT_JSON, Office
from tests.support.drafts import case_id, draft
from tests.support.people import REJECT, new_case


def sealed(office: Office, **changes: object) -> str:
    package = office.vault.seal(draft(office.home, 1, **changes))
    hashes = {"manifest_sha256": package.manifest_sha256, "entry_sha256": package.entry_sha256}
    is_admissible = not office.vault.manifest(case_id(1)).device.get("failed_gates")
    office.store.add_case(new_case(1, case_id=case_id(1), is_admissible=is_admissible, **hashes))
    return case_id(1)


def test_case_of_an_unlawful_device_says_why_and_cannot_be_decided(tmp_path: Path) -> None:
    office = Office(tmp_path)
    gates = ["calibration: no certificate in the register"]
    case = sealed(office, device={"camera_id": "cam-1", "device_code": "1", "failed_gates": gates})
    browser = office.login("li")
    page = browser.get(f"/cases/{case}").text
    assert "设备不符合法定条件" in page
    assert gates[0] in page
    assert browser.post(f"/api/v1/cases/{case}/review", json=ACCEPT_JSON).status_code == 409
    assert office.store.get(case).state is CaseState.INADMISSIBLE


def test_h265_clip_is_played_from_its_copy(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    if "libx265" not in av.codecs_available:
        pytest.skip("this PyAV has no H.265 encoder")
    from tests.support.footage import make_clip

    office = Office(tmp_path)
    clip = make_clip(tmp_path / "clip.mp4", seconds=1, size=(320, 192), codec="libx265")
    case = sealed(office, clip=clip)
    browser = office.login("li")
    assert f'src="/cases/{case}/files/PROXY.mp4"' in browser.get(f"/cases/{case}").text
    assert browser.get(f"/cases/{case}/files/PROXY.mp4").headers["content-type"] == "video/mp4"
    assert browser.get(f"/cases/{case}/files/CLIP.mp4").status_code == 200


def test_case_whose_evidence_was_deleted_still_shows_who_decided_what(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case = sealed(office)
    office.store.decide(case, "fu", REJECT)
    office.clock.forward(days=31)
    (due,) = office.store.custody.due()
    assert office.store.custody.erase_case(office.vault, due)
    page = office.login("li").get(f"/cases/{case}")
    assert page.status_code == 200
    assert "was deleted on 2026-12-23" in page.text
    assert "右转" in page.text
