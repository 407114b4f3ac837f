"""J09, J13 and J14: what a machine can tell it tells with the fact that decided; the rest is proposed to an officer.

Expected codes: domain §4.3 (J09 out of area, J13 not real-name, J14 taken while driving by hand).
"""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from api.app import create_app
from api.reports_json import report_json
from cases.identity import Identity
from cases.office import Office as Rules
from cases.report import ReportState
from core.district import load_district
from core.errors import ConfigError
from evidence.forgery import read_capture
from tests.integration.test_report_api import FIELDS, app_of, parts, work_off
from tests.support.citizens import PLACE_DEG, TAKEN, Desk, inspect_here, jpeg, photos, street
from tests.support.console import Office
from tests.support.people import REJECT, new_case

CITY = {
    "type": "Polygon",
    "coordinates": [[[118.2, 34.2], [118.5, 34.2], [118.5, 34.5], [118.2, 34.5], [118.2, 34.2]]],
}
WEST_M = 91_760 * 0.1
"""0.1 degrees of longitude at 34.37 degrees north."""
ME = Identity(name="王小明", id_number="11010519491231002X", phone="13800000000")


@pytest.fixture
def boundary(tmp_path: Path) -> Path:
    path = tmp_path / "city.geojson"
    path.write_text(json.dumps(CITY), encoding="utf-8")
    return path


@pytest.fixture
def desk(tmp_path: Path, boundary: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("cases.desk.inspect", inspect_here)
    made = Desk(tmp_path)
    made.store.reports.office = Rules(district=load_district(boundary))
    return made


def at(lon_deg: float, *, seed: int = 5, apart_deg: float = 0.0, speed: tuple[float, str] | None = None) -> list[bytes]:
    """Returns three photos two seconds apart, each further east."""
    return [
        jpeg(
            street(seed, car_x=0.25 + 0.15 * number),
            taken=TAKEN + timedelta(seconds=2 * number),
            place_deg=(PLACE_DEG[0], lon_deg + number * apart_deg),
            speed=speed,
        )
        for number in range(3)
    ]


class TestOutOfArea:
    def test_a_place_far_outside_is_refused_with_the_distance(self, desk: Desk) -> None:
        report = desk.store.reports.get(desk.submit(photos(1), lon_deg=118.1))
        assert (report.state, report.code) == (ReportState.OUT_OF_SCOPE, "J09")
        told = report_json(report)
        assert told["why"]["zh"] == "不在本辖区"
        assert f"{WEST_M / 1000:.1f} km" in told["detail"]["en"]
        assert desk.desk.work_off() == 0
        assert desk.store.verify_audit() == []

    @pytest.mark.parametrize("where", [{"lon_deg": 118.35}, {"lon_deg": None, "lat_deg": None}])
    def test_a_place_within_and_no_place_are_taken(self, desk: Desk, where: dict[str, float | None]) -> None:
        report_id = desk.submit(photos(1), **where)
        desk.desk.work_off()
        assert desk.store.get(report_id).cues == ()

    def test_at_the_border_an_officer_looks(self, desk: Desk) -> None:
        report_id = desk.submit(photos(1, taken=None), lon_deg=118.195)  # 460 m: a phone or a map may be off so much
        desk.desk.work_off()
        assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED
        assert "report_outside_district" in desk.store.get(report_id).cues
        assert desk.vault.manifest(report_id).rule["facts"]["outside_district_m"] == pytest.approx(459, abs=5)

    def test_photos_from_elsewhere_are_proposed_and_an_officer_says_j09(self, desk: Desk) -> None:
        report_id = desk.submit(at(118.1), lon_deg=None, lat_deg=None)
        desk.desk.work_off()
        assert desk.store.get(report_id).cues == ("report_outside_district",)
        desk.store.decide(report_id, "li", replace(REJECT, reason="J09"))
        report = desk.store.reports.get(report_id)
        assert (report.state, report.code) == (ReportState.REJECTED, "J09")

    def test_without_a_district_everywhere_is_ours(self, desk: Desk) -> None:
        desk.store.reports.office = Rules()
        report = desk.store.reports.get(desk.submit(photos(1), lon_deg=2.0))
        assert report.state is ReportState.SUBMITTED


class TestNoName:
    def test_report_without_a_name_is_refused_until_one_is_told(self, desk: Desk, tmp_path: Path) -> None:
        desk.store.reports.office = Rules(needs_name=True)
        report = desk.store.reports.get(desk.submit(photos(1)))
        assert (report.state, report.code) == (ReportState.OUT_OF_SCOPE, "J13")
        desk.store.identities(tmp_path / "keys" / "identity.key").tell(desk.reporter, ME)
        second = desk.store.reports.get(desk.submit(photos(2), token="t2", plate="苏C54321"))
        assert (second.state, second.code) == (ReportState.SUBMITTED, None)

    def test_page_says_so_before_anything_is_sent(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        app = app_of(office)
        office.store.reports.office = Rules(needs_name=True)
        assert "/report/identity" in app.get("/report").text.partition("<form")[0]
        assert app.post("/api/v1/reports", data=FIELDS, files=parts()).json()["code"] == "J13"
        app.put("/api/v1/reporters/me/identity", json={"name": ME.name, "id_number": ME.id_number, "phone": ME.phone})
        assert "/report/identity" not in app.get("/report").text.partition("<form")[0]
        assert app.post("/api/v1/reports", data=FIELDS, files=parts()).json()["code"] is None

    def test_settings_reach_the_desk(self, tmp_path: Path, boundary: Path) -> None:
        office = Office(tmp_path)
        changed = office.settings.model_copy(update={"real_name": True, "district": boundary})
        create_app(changed, office.store, office.vault)
        rules = office.store.reports.office
        assert rules.needs_name
        assert rules.outside_m(34.3, 118.3) == 0 < rules.outside_m(34.3, 119.0)


class TestDriving:
    @pytest.mark.parametrize(
        ("speed", "kmh"),
        [((43.2, "K"), 43.2), ((30.0, "M"), 48.3), ((20.0, "N"), 37.0), ((24.9, "K"), None), ((0.0, "K"), None)],
    )
    def test_speed_the_camera_noted(self, desk: Desk, speed: tuple[float, str], kmh: float | None) -> None:
        report_id = desk.submit(at(118.352, speed=speed))
        desk.desk.work_off()
        facts = desk.vault.manifest(report_id).rule["facts"]
        assert desk.store.get(report_id).cues == (() if kmh is None else ("report_taken_moving",))
        assert facts.get("camera_speed_kmh") == (None if kmh is None else pytest.approx(kmh, abs=0.06))

    def test_speed_from_place_to_place_counts_only_what_no_error_explains(self, desk: Desk) -> None:
        # 183.5 m in 2 s +- 1 s, each place +- 50 m: at least 83.5 m in 3 s
        report_id = desk.submit(at(118.352, apart_deg=0.002))
        desk.desk.work_off()
        facts = desk.vault.manifest(report_id).rule["facts"]
        assert facts["camera_speed_kmh"] == pytest.approx((0.002 * 91_760 - 100) / 3 * 3.6, rel=0.01)
        walking = desk.submit(at(118.352, seed=6, apart_deg=0.001), token="t2", plate="苏C54321")  # 92 m: bad fixes
        desk.desk.work_off()
        assert "report_taken_moving" not in desk.store.get(walking).cues

    def test_only_a_person_says_j14_and_only_of_a_report(self, desk: Desk) -> None:
        report_id = desk.submit(at(118.352, speed=(60.0, "K")))
        desk.desk.work_off()
        assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED
        desk.store.add_case(new_case(7))
        with pytest.raises(ConfigError, match="citizens' reports"):
            desk.store.decide(new_case(7).case_id, "li", replace(REJECT, reason="J14"))
        desk.store.decide(report_id, "li", replace(REJECT, reason="J14"))
        assert desk.store.reports.get(report_id).code == "J14"

    @pytest.mark.parametrize("speed", [(float("inf"), "K"), (900.0, "K"), (50.0, "X")])
    def test_nonsense_is_no_speed(self, speed: tuple[float, str]) -> None:
        picture = Image.new("RGB", (64, 64))
        block = picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        block[ExifTags.GPS.GPSSpeed], block[ExifTags.GPS.GPSSpeedRef] = speed
        assert read_capture(picture).speed_kmh is None


def test_officer_sees_the_proposal_its_fact_and_the_reasons_of_reports(tmp_path: Path) -> None:
    office = Office(tmp_path)
    app = app_of(office)
    moving = [
        ("files", (f"{n}.jpg", content, "image/jpeg")) for n, content in enumerate(at(118.352, speed=(43.2, "K")))
    ]
    report_id = app.post("/api/v1/reports", data=FIELDS, files=moving).json()["report_id"]
    work_off(office)
    html = office.login("li").get(f"/cases/{report_id}").text
    assert "机器建议</b> J14" in html
    assert "43.2 km/h" in html
    assert 'data-id="J14"' in html
    assert 'data-id="J14"' not in office.login("li").get(f"/cases/{office.case(1)}").text
