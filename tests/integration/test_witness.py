"""A citizen's video through the rules of the site whose view it shows; expected offence: the demo's own truth."""

import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cases.desk import ReportDesk
from cases.report import NewReport, ReportState
from cases.sighting import NOT_NEAR, NOT_SEEN, OTHER_VIEW, Sighting
from core.site import load_site
from pipeline.warped import frames
from pipeline.witness import SiteWitness
from tests.support.citizens import PLACE_DEG, Desk, claim, inspect_here, street
from tests.support.clips import Hand, Rgb, footage, write_clip
from tests.support.console import Office
from tests.support.people import StandingClock

DEMO = Path(__file__).parents[2] / "sim/demo"
TRUTH = json.loads((DEMO / "junction.truth.json").read_text(encoding="utf-8"))
FROM_S, TO_S = 7.04, 17.5
"""Around the demo's car that runs the red light, from one of its pictures on; yellow and the onset of red are in it."""
SIZE_PX = (1280, 720)
HAND = Hand(size_px=SIZE_PX)
HERE = claim(StandingClock(), violation_id="V01")


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's site with a position, and a picture of it from another moment."""
    folder = tmp_path_factory.mktemp("sites")
    text = (DEMO / "junction.site.yaml").read_text(encoding="utf-8")
    placed = text.replace("  camera_id:", f"  position_deg: [{PLACE_DEG[0]}, {PLACE_DEG[1]}]\n  camera_id:", 1)
    (folder / "demo.yaml").write_text(placed, encoding="utf-8")
    (folder / "broken.yaml").write_text("site_id: [", encoding="utf-8")
    Image.fromarray(next(rgb for _, rgb in footage(DEMO / "junction.mp4", 2.0, 2.2))).save(folder / "demo.jpg")
    return folder


@pytest.fixture
def witness(tmp_path: Path, sites: Path) -> SiteWitness:
    desk = Desk(tmp_path)
    return SiteWitness(sites, desk.store, desk.vault, detect_hz=8.0)


def shown(from_s: float, to_s: float) -> Iterator[tuple[float, Rgb]]:
    return ((at_s, HAND.film(at_s, rgb)) for at_s, rgb in footage(DEMO / "junction.mp4", from_s, to_s))


def truth_box(track: str, at_s: float) -> list[float]:
    """Returns where an actor of the demo is, as the shaken telephone sees it."""
    number = [found["id"] for found in TRUTH["tracks"]].index(track)
    moment, boxes = min(TRUTH["boxes"], key=lambda row: abs(row[0] - at_s))
    [[_, x1, y1, x2, y2, _]] = [row for row in boxes if row[0] == number]
    corners = np.array([(x1, y1, 1), (x2, y1, 1), (x2, y2, 1), (x1, y2, 1)], np.float64)
    points = corners @ HAND.matrix(moment - FROM_S, (1920, 1080)).T
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def overlap(first: list[float], second: list[float]) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_shaken_cropped_and_re_encoded_it_shows_the_red_light_event(tmp_path: Path, witness: SiteWitness) -> None:
    clip = write_clip(tmp_path / "clip.mp4", shown(FROM_S, TO_S))
    found = witness(clip, "mp4", TO_S - FROM_S, HERE)
    assert (found.site_id, found.why) == ("demo-junction", "")
    [event] = [e for e in TRUTH["events"] if e["violation_id"] == "V01"]
    [red] = [finding for finding in found.findings if finding["violation_id"] == "V01"]
    assert event["t_start_s"] - 1.0 <= red["from_s"] + FROM_S <= red["to_s"] + FROM_S <= event["t_end_s"]
    assert red["subject"] == "CAR"
    [red_utc] = [since for since, state in TRUTH["signals"]["S-near"] if state == "red"]
    assert red["facts"]["red_since_s"] + FROM_S == pytest.approx(red_utc, abs=0.3)
    for pts_ns, *box in red["boxes"]:
        assert overlap(box, truth_box(event["track"], pts_ns / 1e9 + FROM_S)) > 0.5
    assert len(red["boxes"]) > 8
    in_span = {e["violation_id"] for e in TRUTH["events"] if e["t_start_s"] < TO_S and e["t_end_s"] > FROM_S}
    assert {finding["violation_id"] for finding in found.findings} <= in_span


def other_place() -> Iterator[tuple[float, Rgb]]:
    scene = np.asarray(street(8, size_px=SIZE_PX), np.uint8)
    return ((n / 12.5, HAND.film(n / 12.5, scene)) for n in range(25))


def night() -> Iterator[tuple[float, Rgb]]:
    rng = np.random.default_rng(3)
    return ((n / 12.5, rng.integers(0, 6, (720, 1280, 3), np.uint8)) for n in range(25))


def turned_away() -> Iterator[tuple[float, Rgb]]:
    """The site's view for half a second of two: somebody swings the telephone past it."""
    for at_s, rgb in footage(DEMO / "junction.mp4", 7.0, 9.0):
        small = np.asarray(cv2.resize(rgb, SIZE_PX, interpolation=cv2.INTER_AREA), np.uint8)
        yield at_s, small if at_s < 0.5 else np.asarray(street(8, size_px=SIZE_PX), np.uint8)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("pictures", [other_place, night, turned_away])
def test_another_view_is_no_match(tmp_path: Path, witness: SiteWitness, pictures: object) -> None:
    assert callable(pictures)
    clip = write_clip(tmp_path / "clip.mp4", pictures())
    assert witness(clip, "mp4", 2.0, HERE) == Sighting(why=OTHER_VIEW)


@pytest.mark.parametrize(
    "where", [{"lat_deg": PLACE_DEG[0] + 0.0019}, {"lat_deg": None, "lon_deg": None}, {"lon_deg": 2.0}]
)
def test_nothing_is_opened_where_no_site_is_near(
    tmp_path: Path, witness: SiteWitness, where: dict[str, float | None]
) -> None:
    away: NewReport = claim(StandingClock(), violation_id="V01", **where)  # 0.0019 degrees: 211 m
    assert witness(tmp_path / "missing.mp4", "mp4", 2.0, away) == Sighting(why=NOT_NEAR)


def test_pictures_come_evenly_and_no_moment_twice(tmp_path: Path) -> None:
    """Fifteen pictures a second, then none for a second, then two a hundredth of a second apart."""
    times = [*(n / 15 for n in range(15)), 2.0, 2.01, 2.2]
    small = np.zeros((64, 64, 3), np.uint8)
    clip = write_clip(tmp_path / "clip.mp4", ((at_s, small) for at_s in times))
    seen = [pts_ns / 1e9 for pts_ns, _ in frames(clip, "mp4", detect_hz=8.0)]
    assert len([at_s for at_s in seen if at_s < 1]) == 8
    assert [round(at_s, 2) for at_s in seen if at_s > 1] == [2.0, 2.2]


@pytest.mark.timeout(120)
def test_file_that_breaks_the_look_says_nothing(tmp_path: Path, witness: SiteWitness) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(4000))
    assert witness(tmp_path / "broken.mp4", "mp4", 2.0, HERE) == Sighting(why=NOT_SEEN)


def test_look_that_takes_too_long_is_ended(
    tmp_path: Path, witness: SiteWitness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.witness.ANSWER_MAX_S", 0.05)
    began = time.monotonic()
    assert witness(tmp_path / "clip.mp4", "mp4", 2.0, HERE) == Sighting(why=NOT_SEEN)
    assert time.monotonic() - began < 20


def test_position_changes_no_package(sites: Path) -> None:
    assert load_site(sites / "demo.yaml").sha256() == load_site(DEMO / "junction.site.yaml").sha256()


FINDING = {
    "violation_id": "V01",
    "from_s": 1.0,
    "to_s": 1.9,
    "subject": "CAR",
    "facts": {"speed_kmh": 34.1, "red_elapsed_s": 3.2},
    "cues": ["police_hand_signal"],
    "boxes": [[1_000_000_000, 10.0, 20.0, 30.0, 40.0]],
}
MATCH = Sighting(
    site_id="demo-junction", place="示范路", findings=(FINDING,), undecided={"V02": {"no lamp configured": 2}}
)


@pytest.mark.parametrize(
    ("sighting", "words"), [(MATCH, "机动车闯红灯"), (Sighting(why=OTHER_VIEW), "没有点位的画面与该视频一致")]
)
def test_officer_sees_it_beside_the_report_and_it_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sighting: Sighting, words: str
) -> None:
    monkeypatch.setattr("cases.desk.inspect", inspect_here)
    office = Office(tmp_path)
    media = office.app.state.console.media
    video = write_clip(tmp_path / "clip.mp4", other_place()).read_bytes()
    store = office.store
    handle = store.reports.register("long enough")
    made = claim(office.clock, violation_id="V01")
    report_id = store.reports.submit(handle, "t", made, [media.add(io.BytesIO(video))]).report_id
    asked: list[tuple[str, float]] = []

    def witness(_video: Path, ending: str, duration_s: float, _claim: NewReport) -> Sighting:
        asked.append((ending, duration_s))
        return sighting

    ReportDesk(store, office.vault, media, witness=witness).work_off()
    assert asked == [("mp4", pytest.approx(2.0, abs=0.1))]
    assert store.reports.get(report_id).state is ReportState.ACCEPTED
    assert store.get(report_id).cues == ()
    assert office.vault.manifest(report_id).rule["facts"]["sighting"] == sighting.as_fact()
    track = json.loads(office.vault.read(report_id, "TRACK.json"))
    assert track["boxes"] == (FINDING["boxes"] if sighting.findings else [])
    html = office.login("li").get(f"/cases/{report_id}").text
    assert words in html
    assert ("34.1 km/h" in html) is bool(sighting.findings)
    assert not re.search(r"<dt>sighting</dt>", html)
