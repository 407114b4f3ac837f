"""The plate of a subject, from stills to facts; finder and network are scripted, the vote is the real one."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.observations import ActorClass, Role, SignalState
from core.plate import UNREADABLE, Colour
from evidence.draft import StillImage
from models.lattice import Reading
from pipeline.plates import MISUSE_CUE, PlateSight, cut_out
from vision.parts import Part, PartKind
from vision.plates import NOTHING, Calibration, PlateRead

PIN = SimpleNamespace(name="scripted", version="1", sha256="a" * 64)
CAR = (100.0, 100.0, 300.0, 260.0)
PLATE = (180.0, 220.0, 220.0, 234.0)


class ScriptedParts:
    """Finds what each still's first pixel says."""

    model = PIN

    def __init__(self, found: dict[int, list[Part]]) -> None:
        self.found = found

    def find(self, rgb: np.ndarray, actors: Any) -> list[Part]:
        assert np.asarray(actors, dtype=float).tolist() == [list(CAR)]
        return self.found.get(int(rgb[0, 0, 0]), [])


class ScriptedReader:
    """Reads the given answers in order and keeps the crops it was shown."""

    model = PIN
    calibration = Calibration(slope=1.0, offset=0.0, answer_from=0.9)

    def __init__(self, *reads: PlateRead) -> None:
        self.reads, self.crops = list(reads), list[np.ndarray]()

    def read(self, crops: list[np.ndarray]) -> list[PlateRead]:
        self.crops += crops
        return self.reads[: len(crops)]


def still(number: int, role: Role = Role.P1_BEFORE) -> StillImage:
    rgb = np.zeros((400, 600, 3), np.uint8)
    rgb[0, 0, 0] = number
    return StillImage(role=role, pts_ns=number, rgb=rgb, xyxy=CAR, signal=SignalState.RED, stream_pts=number)


def plate(confidence: float = 0.9, xyxy: tuple[float, float, float, float] = PLATE) -> Part:
    return Part(kind=PartKind.PLATE, xyxy=xyxy, confidence=confidence, actor_index=0)


def says(text: str, probability: float, colour: Colour | None = Colour.BLUE) -> PlateRead:
    answers = probability >= ScriptedReader.calibration.answer_from
    return PlateRead(
        text=text if answers else UNREADABLE,
        confidence=probability,
        colour=colour,
        readings=(Reading(text=text, probability=probability),),
    )


STILLS = (still(1, Role.P1_BEFORE), still(2, Role.P2_DURING), still(3, Role.P3_AFTER))


def test_all_moments_vote() -> None:
    reader = ScriptedReader(says("苏C12345", 0.99), NOTHING, says("苏C12345", 0.97))
    sight = PlateSight(ScriptedParts({1: [plate()], 2: [plate()], 3: [plate()]}), reader)  # type: ignore[arg-type]
    found = sight.look(ActorClass.CAR, STILLS)
    assert found is not None
    assert found.read.text == "苏C12345"
    assert found.facts["looks"] == 3
    assert found.facts["agreeing_looks"] == 2
    assert found.facts["layout"] == "standard"
    assert found.facts["colour"] == "blue"
    assert found.facts["colour_agrees"] is True
    assert found.cues == ()


def test_the_likeliest_plate_of_a_still_is_read_with_a_little_around_it() -> None:
    head = Part(kind=PartKind.HEAD, xyxy=(110, 105, 130, 125), confidence=0.99, actor_index=0)
    far = plate(0.4, (0.0, 0.0, 20.0, 8.0))
    reader = ScriptedReader(says("苏C12345", 0.99))
    PlateSight(ScriptedParts({1: [head, far, plate(0.8)]}), reader).look(ActorClass.CAR, STILLS)  # type: ignore[arg-type]
    assert [crop.shape for crop in reader.crops] == [(16, 44, 3)]  # 40 x 14 px and about 4 % of it on every side


def test_the_sharpest_look_is_kept_at_its_own_resolution() -> None:
    reader = ScriptedReader(says("苏C12345", 0.91), says("苏C12345", 0.99))
    sight = PlateSight(ScriptedParts({1: [plate()], 3: [plate()]}), reader)  # type: ignore[arg-type]
    found = sight.look(ActorClass.CAR, STILLS)
    assert found is not None
    closeup = found.closeup
    assert closeup is not None
    assert (closeup.role, closeup.pts_ns, closeup.stream_pts) == (Role.PLATE_CLOSEUP, 3, 3)
    x1, y1, x2, y2 = closeup.xyxy
    assert (x2 - x1, y2 - y1) == (40, 14)  # nothing enlarged
    assert 0 <= x1 < x2 <= closeup.size_px[0] < 600
    assert 0 <= y1 < y2 <= closeup.size_px[1] < 400


def test_a_text_never_issued_in_its_colour_asks_the_reviewer() -> None:
    reader = ScriptedReader(says("苏C12345", 0.99, Colour.GREEN))
    found = PlateSight(ScriptedParts({1: [plate()]}), reader).look(ActorClass.CAR, STILLS)  # type: ignore[arg-type]
    assert found is not None
    assert found.cues == (MISUSE_CUE,)
    assert found.facts["colour_agrees"] is False


def test_no_plate_found_is_unreadable_without_a_closeup() -> None:
    found = PlateSight(ScriptedParts({}), ScriptedReader()).look(ActorClass.CAR, STILLS)  # type: ignore[arg-type]
    assert found is not None
    assert (found.read.text, found.closeup, found.facts["confidence"], found.facts["looks"]) == (
        UNREADABLE,
        None,
        None,
        0,
    )


@pytest.mark.parametrize("subject", [ActorClass.PERSON, ActorClass.BICYCLE])
def test_who_carries_no_plate_is_not_looked_at(subject: ActorClass) -> None:
    assert PlateSight(ScriptedParts({1: [plate()]}), ScriptedReader()).look(subject, STILLS) is None  # type: ignore[arg-type]


def test_a_plate_at_the_pictures_edge_is_cut_inside_it() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    assert cut_out(picture, (-5.0, -5.0, 12.0, 9.0)).shape == (10, 13, 3)
    assert cut_out(picture, (29.9, 19.9, 30.0, 20.0)).size > 0
