"""The machine's look at citizens' photos: cues where it sees otherwise than claimed, and never anything more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cases.report import NewReport, ReportState
from core.errors import ModelError
from core.observations import ActorClass, Detections, Picture
from core.plate import UNREADABLE
from evidence.draft import StillImage
from pipeline.plates import PlateSight, SubjectPlate
from pipeline.prescreen import NOTHING_SEEN, OTHER_PLATE, Prescreen, load_prescreen
from tests.support.citizens import Desk, claim, inspect_here, photos
from tests.support.people import StandingClock
from vision.plates import PlateRead

CAR_BOX = (200.0, 300.0, 400.0, 400.0)
STREET = Path(__file__).parents[1] / "unit" / "vision" / "street"


class Seeing:
    """A detector that sees the same in every picture."""

    def __init__(self, *kinds: ActorClass) -> None:
        self.kinds = kinds

    model = cast("Any", None)

    def picture_size(self, _width_px: int, _height_px: int) -> tuple[int, int]:
        return (320, 256)

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        count = len(self.kinds)
        boxes = np.tile(np.array(CAR_BOX, np.float32), (count, 1))
        ids = np.array(self.kinds, np.int64)
        return [
            Detections(pts_ns=0, xyxy=boxes, confidence=np.full(count, 0.9, np.float32), class_id=ids) for _ in pictures
        ]


class Reading:
    """Reads the texts it was given, one after the other, then nothing."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def look(self, _subject: ActorClass, _stills: Sequence[StillImage]) -> SubjectPlate:
        text = self.texts.pop(0) if self.texts else UNREADABLE
        return SubjectPlate(read=PlateRead(text=text, confidence=1.0), looks=(), facts={})


def screen(kinds: Sequence[ActorClass], *texts: str) -> Prescreen:
    return Prescreen(Seeing(*kinds), cast("PlateSight", Reading(*texts)))


@pytest.fixture
def stills(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    for path in paths:
        Image.fromarray(blank()).save(path)
    return paths


def blank() -> NDArray[np.uint8]:
    return np.full((600, 800, 3), 90, np.uint8)


def about(violation_id: str = "V06", plate: str = "苏C12345") -> NewReport:
    return claim(StandingClock(), violation_id=violation_id, plate=plate)


@pytest.mark.parametrize(
    ("kinds", "violation_id", "is_seen"),
    [
        ([ActorClass.CAR], "V06", True),
        ([ActorClass.TRUCK, ActorClass.PERSON], "V06", True),
        ([ActorClass.PERSON], "V06", False),
        ([], "V06", False),
        ([ActorClass.MOTORCYCLE], "V03", True),
        ([ActorClass.CAR], "V03", False),
        ([ActorClass.PERSON], "V04", True),
    ],
)
def test_road_user_of_the_reported_kind(
    stills: list[Path], kinds: list[ActorClass], violation_id: str, is_seen: bool
) -> None:
    assert (NOTHING_SEEN in screen(kinds)(stills, about(violation_id, ""))) is not is_seen


@pytest.mark.parametrize(
    ("texts", "plate", "differs"),
    [
        ((), "苏C12345", False),  # nothing read says nothing
        (("苏C12345",), "苏C12345", False),
        (("苏C54321",), "苏C12345", True),
        (("苏C54321", "苏C12345"), "苏C12345", False),  # two cars in the photos, one is it
        (("苏C54321",), "", False),  # no plate was claimed
    ],
)
def test_plate_in_the_photo_and_plate_in_the_claim(
    stills: list[Path], texts: tuple[str, ...], plate: str, differs: bool
) -> None:
    assert (OTHER_PLATE in screen([ActorClass.CAR], *texts)(stills, about(plate=plate))) is differs


def test_cues_reach_the_reviewer_and_reject_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.desk.inspect", inspect_here)
    desk = Desk(tmp_path, prescreen=screen([ActorClass.CAR], "苏C54321"))
    report_id = desk.submit(photos(1))
    desk.desk.work_off()
    assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED
    assert OTHER_PLATE in desk.store.get(report_id).cues


def test_network_that_fails_stops_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_stills: Sequence[Path], _claim: NewReport) -> frozenset[str]:
        raise ModelError("the network answers NaN")

    monkeypatch.setattr("cases.desk.inspect", inspect_here)
    desk = Desk(tmp_path, prescreen=fails)
    report_id = desk.submit(photos(1))
    desk.desk.work_off()
    assert desk.store.reports.get(report_id).state is ReportState.ACCEPTED
    assert desk.store.get(report_id).cues == ()


def test_shipped_networks_see_the_cars_of_a_real_street(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    Image.fromarray(blank()).save(empty)
    prescreen = load_prescreen()
    assert NOTHING_SEEN in prescreen([empty], about())
    assert NOTHING_SEEN not in prescreen(sorted(STREET.glob("*.jpg")), about())
