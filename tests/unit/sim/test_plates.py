"""Plates follow GA 36: who carries which, how many characters, sizes and colours."""

import re

import numpy as np
import pytest

from core.plate import Layout, layout_of
from sim.plates import draw_plate, plate_face, plate_of, plate_texture

SERIAL = {5: r"[A-HJ-NP-Z0-9]{5}", 6: r"[A-HJ-NP-Z0-9]{6}"}


@pytest.mark.parametrize(
    ("kind", "front", "rear", "count"),
    [
        ("bus", "yellow", "yellow_double", 5),
        ("truck", "yellow", "yellow_double", 5),
        ("ebike", None, "ebike", 6),
        ("motorcycle", None, "motorcycle", 5),
    ],
)
def test_each_kind_carries_its_plates(kind: str, front: str | None, rear: str, count: int) -> None:
    plate = plate_of("somebody", kind)
    assert plate is not None
    assert (plate.front, plate.rear) == (front, rear)
    assert re.fullmatch("[\u4e00-\u9fff][A-HJ-NP-Z]" + SERIAL[count], plate.text)


def test_cars_are_blue_or_green_and_green_is_one_longer() -> None:
    seen = {p.rear: len(p.text) for i in range(60) if (p := plate_of(f"car{i}", "sedan")) is not None}
    assert seen == {"blue": 7, "green": 8}


def test_every_car_plate_is_one_the_standard_knows() -> None:
    plates = [p for i in range(300) if (p := plate_of(f"car{i}", "sedan")) is not None]
    assert {layout_of(p.text) for p in plates if p.rear == "blue"} == {Layout.STANDARD}
    assert {layout_of(p.text) for p in plates if p.rear == "green"} == {Layout.NEW_ENERGY_SMALL}


def test_who_has_no_engine_and_no_pedal_assist_has_no_plate() -> None:
    assert [plate_of("it", kind) for kind in ("walker", "bicycle", "bike_pusher")] == [None] * 3


def test_the_same_actor_keeps_its_plate() -> None:
    assert plate_of("it", "suv") == plate_of("it", "suv")
    assert plate_of("it", "suv") != plate_of("other", "suv")


@pytest.mark.parametrize(
    ("style", "ratio", "ground"),
    [("blue", 440 / 140, (8, 52, 160)), ("yellow_double", 440 / 220, (238, 176, 20)), ("green", 480 / 140, None)],
)
def test_sizes_and_colours(style: str, ratio: float, ground: tuple[int, int, int] | None) -> None:
    image = draw_plate("苏C12345" if style != "green" else "苏CD12345", style)
    assert image.shape[1] / image.shape[0] == pytest.approx(ratio, rel=0.01)
    if ground is not None:
        assert tuple(np.median(image.reshape(-1, 3), axis=0)) == pytest.approx(ground)
    assert plate_texture("苏C12345", "blue").shape == (70, 220, 4)


def test_different_texts_look_different() -> None:
    one, two = (draw_plate(text, "blue").astype(int) for text in ("苏C12345", "苏C12349"))
    changed = np.flatnonzero(np.abs(one - two).sum((0, 2)))
    assert changed.min() > 180, "only the last character differs"


def test_a_plate_faces_ahead_or_back() -> None:
    for ahead in (1, -1):
        ((_, corners),) = plate_face("blue", (2.0, 0.0, 0.5), ahead).marks
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[1])
        assert normal / np.linalg.norm(normal) == pytest.approx([ahead, 0, 0])
