"""From a citizen's photos to a case: what is sealed, what is refused, what survives a crash."""

import hashlib
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from api.reports_json import report_json
from cases.desk import ReportDesk
from cases.record import case_record
from cases.report import DAILY_LIMIT, ReportState
from cases.states import CaseState
from core.errors import CaseNotFound, ConfigError, NotAllowed, StoreError, WrongState
from evidence.export import export_package
from evidence.verify import verify_package
from tests.support.citizens import PASSWORD, TAKEN, Desk, inspect_here, jpeg, photos, street
from tests.support.people import ACCEPT, REJECT, new_case


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Desk:
    if "apart" not in request.node.name:
        monkeypatch.setattr("cases.desk.inspect", inspect_here)
    return Desk(tmp_path)


def test_files_are_looked_at_apart(desk: Desk) -> None:
    files = photos(1)
    good = desk.submit(files)
    bad = desk.submit([files[0], files[1][:900], files[2]], token="t2", plate="苏C54321")
    desk.desk.work_off()
    states = [desk.store.reports.get(report_id).state for report_id in (good, bad)]
    assert states == [ReportState.ACCEPTED, ReportState.SUPPLEMENT_REQUESTED]


def test_photos_become_a_sealed_case_with_untouched_originals(desk: Desk) -> None:
    files = photos(1)
    report_id = desk.submit(files)
    assert desk.store.reports.get(report_id).state is ReportState.SUBMITTED
    assert desk.desk.work_off() == 1
    report = desk.store.reports.get(report_id)
    assert report.state is ReportState.ACCEPTED
    case = desk.store.get(report_id)
    assert (case.camera_id, case.violation_id, case.state) == ("citizen", "V06", CaseState.QUEUED)
    assert case.cues == ()
    for number, content in enumerate(files, 1):
        assert desk.vault.read(report_id, f"ORIGINAL-{number}.jpg") == content
    manifest = desk.vault.manifest(report_id)
    assert [f["sha256"] for f in manifest.session["files"]] == [hashlib.sha256(c).hexdigest() for c in files]
    assert manifest.clip is None
    assert manifest.subject["plate"] == "苏C12345"
    assert [image.captured for image in manifest.images] == [
        (TAKEN + timedelta(seconds=2 * n)).isoformat(timespec="milliseconds") + "+08:00" for n in range(3)
    ]
    assert b"GPS" not in desk.vault.read(report_id, "P1.jpg")[:2000]
    assert verify_package(desk.vault.path(report_id), public_key_pem=desk.vault.public_key_pem).is_valid


def test_citizen_sees_what_two_officers_decide(desk: Desk) -> None:
    report_id = desk.submit(photos(1))
    desk.desk.work_off()
    accept = replace(ACCEPT, cues_checked=())
    desk.store.decide(report_id, "fu", accept)
    assert desk.store.reports.get(report_id).state is ReportState.REVIEWING
    desk.store.decide(report_id, "li", accept)
    assert desk.store.reports.get(report_id).state is ReportState.CONFIRMED
    assert desk.store.reports.totals().confirmed == 1
    second = desk.submit(photos(2), token="t2", plate="苏C99999")
    desk.desk.work_off()
    desk.store.decide(second, "li", replace(REJECT, reason="R09"))
    rejected = desk.store.reports.get(second)
    assert (rejected.state, rejected.code) == (ReportState.REJECTED, "J01")
    assert desk.store.verify_audit() == []


@pytest.mark.parametrize(
    ("changes", "files", "expected"),
    [
        ({}, photos(7), ReportState.DUPLICATE),  # other pictures of the same plate, place and minute
        ({"lat_deg": 34.3735}, photos(7), ReportState.DUPLICATE),  # 167 m away
        ({"lat_deg": 34.3765}, photos(7), ReportState.ACCEPTED),  # 500 m away
        ({"plate": "苏C54321"}, photos(7), ReportState.ACCEPTED),
        ({"violation_id": "V13"}, photos(7), ReportState.ACCEPTED),
        ({"plate": "苏C54321"}, photos(1), ReportState.DUPLICATE),  # the same pictures under another plate
        (
            {"plate": "苏C54321"},
            [jpeg(street(1, car_x=0.25 + 0.15 * n).resize((600, 450)), quality=60) for n in range(3)],
            ReportState.DUPLICATE,
        ),  # scaled and re-encoded
    ],
)
def test_duplicates(desk: Desk, changes: dict[str, object], files: list[bytes], expected: ReportState) -> None:
    first = desk.submit(photos(1))
    second = desk.submit(files, by=desk.neighbour, **changes)
    desk.desk.work_off()
    assert desk.store.reports.get(first).state is ReportState.ACCEPTED
    report = desk.store.reports.get(second)
    assert report.state is expected
    assert (report.duplicate_of, report.code) == ((first, "J08") if expected is ReportState.DUPLICATE else (None, None))


@pytest.mark.parametrize(
    ("plate", "minutes", "expected"),
    [
        ("苏C12345", 4, ReportState.DUPLICATE),
        ("苏C12345", 11, ReportState.ACCEPTED),
        ("苏C54321", 4, ReportState.ACCEPTED),
    ],
)
def test_what_a_camera_saw_is_not_reported_again(desk: Desk, plate: str, minutes: int, expected: ReportState) -> None:
    occurred = desk.clock.now - timedelta(minutes=50 + minutes)
    desk.store.add_case(new_case(1, violation_id="V06", plate=plate, occurred_utc=occurred))
    report_id = desk.submit(photos(1))
    desk.desk.work_off()
    assert desk.store.reports.get(report_id).state is expected


def test_black_pictures_are_no_duplicates_of_each_other(desk: Desk) -> None:
    from PIL import Image

    night = [jpeg(Image.new("RGB", (640, 480), (n, n, n))) for n in range(3)]
    first = desk.submit(night)
    second = desk.submit(night, by=desk.neighbour, plate="苏C54321")
    desk.desk.work_off()
    states = [desk.store.reports.get(r).state for r in (first, second)]
    assert states == [ReportState.ACCEPTED, ReportState.ACCEPTED]


@pytest.mark.parametrize(
    ("files", "changes", "cue"),
    [
        ([*photos(3)[:2], jpeg(street(3), software="Adobe Photoshop 25.0 (Windows)")], {}, "editor"),
        (photos(3, taken=TAKEN - timedelta(days=200)), {}, "report_time_differs"),
        (photos(3), {"lat_deg": 34.40}, "report_place_differs"),
        (photos(3, apart_s=3), {"violation_id": "V08"}, "report_interval_short"),
        ([jpeg(street(3), place_deg=(0.0, 0.0)), *photos(3)[:2]], {}, "gps_invalid"),
    ],
)
def test_doubts_are_cues_for_the_officer_never_a_rejection(
    desk: Desk, files: list[bytes], changes: dict[str, object], cue: str
) -> None:
    report_id = desk.submit(files, **changes)
    desk.desk.work_off()
    assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED
    assert cue in desk.store.get(report_id).cues


def test_missing_exif_is_neutral(desk: Desk) -> None:
    report_id = desk.submit([jpeg(street(4, car_x=0.2 * n)) for n in range(3)])
    desk.desk.work_off()
    assert desk.store.get(report_id).cues == ()
    assert desk.vault.manifest(report_id).images[0].captured is None


def test_unreadable_file_is_asked_for_again(desk: Desk) -> None:
    files = photos(5)
    report_id = desk.submit([files[0], files[1][:900], files[2]])
    desk.desk.work_off()
    report = desk.store.reports.get(report_id)
    assert report.state is ReportState.SUPPLEMENT_REQUESTED
    assert report.detail == "2:unreadable"
    assert report_json(report)["detail"]["zh"] == "第 2 个文件无法读取，请上传相机原文件。"
    with pytest.raises(CaseNotFound):
        desk.store.reports.supplement(report_id, desk.neighbour, desk.keep(files))
    desk.store.reports.supplement(report_id, desk.reporter, desk.keep(files))
    desk.desk.work_off()
    assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED


def test_photos_that_come_later_make_a_draft_a_report(desk: Desk) -> None:
    files = photos(5)
    report_id = desk.submit(files[:1], is_draft=True)
    assert desk.store.reports.get(report_id).state is ReportState.DRAFT
    assert desk.desk.work_off() == 0
    with pytest.raises(ConfigError, match="twice"):
        desk.store.reports.supplement(report_id, desk.reporter, desk.keep(files[:1]))
    desk.store.reports.supplement(report_id, desk.reporter, desk.keep(files[1:2]))
    assert desk.store.reports.get(report_id).state is ReportState.DRAFT
    desk.store.reports.supplement(report_id, desk.reporter, desk.keep(files[2:]))
    desk.desk.work_off()
    report = desk.store.reports.get(report_id)
    assert (report.state, len(report.media)) == (ReportState.ACCEPTED, 3)
    with pytest.raises(WrongState):
        desk.store.reports.supplement(report_id, desk.reporter, desk.keep(photos(6)))


def test_draft_keeps_no_place_in_the_line(desk: Desk) -> None:
    files = photos(5)
    draft = desk.submit(files[:1], is_draft=True)
    whole = desk.submit(photos(7), by=desk.neighbour)
    desk.clock.forward(seconds=5)
    desk.store.reports.supplement(draft, desk.reporter, desk.keep(files[1:]))
    desk.desk.work_off()
    assert desk.store.reports.get(whole).state is ReportState.ACCEPTED
    assert desk.store.reports.get(draft).duplicate_of == whole


def test_what_is_awaited_in_vain_is_too_late(desk: Desk) -> None:
    draft = desk.submit(photos(5)[:2], is_draft=True)  # 50 minutes after the offence
    files = photos(6)
    bad = desk.submit([files[0], files[1][:900], files[2]], token="t2", plate="苏C54321")
    desk.desk.work_off()
    desk.clock.forward(hours=47)
    assert desk.store.reports.expire() == 0
    desk.clock.forward(hours=2)
    with pytest.raises(WrongState):
        desk.store.reports.supplement(bad, desk.reporter, desk.keep(files))
    assert desk.store.reports.expire() == 1
    assert desk.store.reports.get(bad).state is ReportState.LATE
    assert desk.store.reports.get(draft).state is ReportState.DRAFT
    desk.clock.forward(hours=24)
    assert desk.store.reports.expire() == 1
    late = desk.store.reports.get(draft)
    assert (late.state, late.code) == (ReportState.LATE, "J06")
    assert desk.store.verify_audit() == []


def test_late_and_unlisted_reports_end_at_once(desk: Desk) -> None:
    late = desk.submit(photos(1), occurred_utc=desk.clock.now - timedelta(hours=73))
    unlisted = desk.submit(photos(1), token="t2", violation_id="V04")
    assert desk.desk.work_off() == 0
    reports = [desk.store.reports.get(r) for r in (late, unlisted)]
    assert [(r.state, r.code) for r in reports] == [(ReportState.LATE, "J06"), (ReportState.OUT_OF_SCOPE, "J10")]


def test_same_token_is_the_same_report(desk: Desk) -> None:
    first = desk.submit(photos(1))
    assert desk.submit(photos(2), plate="苏C00001") == first
    assert desk.submit(photos(1), by=desk.neighbour) != first
    assert desk.store.reports.totals().received == 2


def test_daily_limit(desk: Desk) -> None:
    files = [jpeg(street(1, size_px=(320, 240)), quality=80 + n) for n in range(3)]
    for number in range(DAILY_LIMIT):
        desk.submit(files, token=f"n{number}")
    with pytest.raises(NotAllowed, match="limit"):
        desk.submit(files, token="one more")
    desk.clock.forward(hours=24)
    desk.submit(files, token="one more")


def test_three_forgeries_close_the_account(desk: Desk) -> None:
    for number in range(3):
        report_id = desk.submit(photos(10 + number), token=f"n{number}", plate=f"苏C1000{number}")
        desk.desk.work_off()
        desk.store.decide(report_id, "li", replace(REJECT, reason="R20"))
    with pytest.raises(NotAllowed, match="suspended"):
        desk.submit(photos(20), token="again")
    desk.submit(photos(20), by=desk.neighbour, token="again")


def test_future_and_placeless_claims_are_refused(desk: Desk) -> None:
    for changes in ({"occurred_utc": desk.clock.now + timedelta(hours=1)}, {"place": "  "}, {"violation_id": "V99"}):
        with pytest.raises(ConfigError):
            desk.submit(photos(1), **changes)
    assert desk.store.reports.totals().received == 0


def test_crash_between_sealing_and_queueing_loses_and_doubles_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    report_id = desk.submit(photos(1))

    def fails(*_args: object) -> bool:
        raise StoreError("database is locked by another program; close it or try again")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "add_case", fails)
        assert desk.desk.work_off() == 0
    assert desk.store.reports.get(report_id).state is ReportState.SUBMITTED
    again = ReportDesk(desk.store, desk.vault, desk.media)
    assert again.work_off() == 1
    assert desk.store.count() == 1
    assert desk.store.get(report_id).manifest_sha256 == desk.vault.sealed(report_id).manifest_sha256


def test_unmasked_stills_of_a_killed_inspection_do_not_stay(desk: Desk) -> None:
    report_id = desk.submit(photos(1))
    with desk.media.workroom() as name:
        left = Path(name) / "1.jpg"
        left.write_bytes(photos(1)[0])
        again = ReportDesk(desk.store, desk.vault, desk.media)
        assert not left.exists()
    assert again.work_off() == 1
    assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED


def test_video_is_sealed_as_it_came(desk: Desk, tmp_path: Path) -> None:
    from tests.support.footage import make_clip

    path = make_clip(tmp_path / "phone.mp4")
    content = path.read_bytes()
    report_id = desk.submit([content])
    desk.desk.work_off()
    assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED
    assert desk.vault.read(report_id, "CLIP.mp4") == content
    assert [image.role for image in desk.vault.manifest(report_id).images] == ["P1_before", "P2_during", "P3_after"]


def test_password_is_checked(desk: Desk) -> None:
    assert desk.store.reports.try_authenticate(desk.reporter, PASSWORD)
    assert not desk.store.reports.try_authenticate(desk.reporter, "wrong")
    assert not desk.store.reports.try_authenticate("C00000000", PASSWORD)
    with pytest.raises(ConfigError):
        desk.store.reports.register("short")


def test_package_can_be_exported(desk: Desk, tmp_path: Path) -> None:
    files = photos(1)
    report_id = desk.submit(files)
    desk.desk.work_off()
    record = case_record(desk.store, report_id, desk.vault.pseudonym)
    with zipfile.ZipFile(export_package(desk.vault, report_id, tmp_path / "case.zip", record)) as package:
        originals = [name for name in package.namelist() if "ORIGINAL-" in name]
        assert [package.read(name) for name in sorted(originals)] == files
